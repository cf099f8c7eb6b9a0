package github

import "maps"

// envelope returns the fields that every webhook payload of an App has.
func (s *Server) envelope(r *repository, action string, p principal) obj {
	org := s.object("organization", "$name", r.Owner)
	org["login"], org["id"], org["node_id"] = r.Owner, ownerID(r.Owner), nodeID("Organization", ownerID(r.Owner))
	return obj{
		"action": action, "repository": s.repoJSON(r), "sender": s.userJSON(p.login),
		"organization": org,
		"installation": obj{"id": s.cfg.App.InstallationID, "node_id": nodeID("Integration", s.cfg.App.InstallationID)},
	}
}

func (s *Server) emitPull(r *repository, pr *pull, p principal, action string, extra obj) {
	payload := s.envelope(r, action, p)
	payload["number"], payload["pull_request"] = pr.Number, s.pullJSON(r, pr)
	maps.Copy(payload, extra)
	s.emit(r, "pull_request", action, payload)
}

// Events write a review's state in lower case where REST writes it in upper case.
var eventStates = map[string]string{
	"APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "COMMENTED": "commented", "DISMISSED": "dismissed",
}

func (s *Server) emitReview(r *repository, pr *pull, rv *review, p principal, action string) {
	payload := s.envelope(r, action, p)
	body := s.reviewJSON(r, pr, rv)
	body["state"] = eventStates[rv.State]
	payload["review"], payload["pull_request"] = body, s.simplePullJSON(r, pr)
	s.emit(r, "pull_request_review", action, payload)
}

func (s *Server) emitRun(r *repository, v *run, action string) {
	payload := s.envelope(r, action, principal{login: v.last().Actor})
	payload["workflow"] = s.workflowJSON(r, &workflowRef{ID: v.WorkflowID, Path: v.Path, CreatedAt: r.CreatedAt})
	payload["workflow_run"] = s.runJSON(r, v, v.last())
	s.emit(r, "workflow_run", action, payload)
}

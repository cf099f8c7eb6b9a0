package github

import (
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
)

const runsPath = "/repos/{owner}/{repo}/actions/runs"

var runRoutes = []route{
	{pattern: "GET " + runsPath, scope: "actions", handle: (*Server).listRuns},
	{pattern: "GET " + runsPath + "/{run}", scope: "actions", handle: (*Server).getRun},
	{pattern: "GET " + runsPath + "/{run}/jobs", scope: "actions", handle: (*Server).listJobs},
	{pattern: "POST " + runsPath + "/{run}/cancel", scope: "actions", handle: (*Server).postCancel},
	{pattern: "POST " + runsPath + "/{run}/rerun", scope: "actions", handle: (*Server).rerun},
	{pattern: "GET " + runsPath + "/{run}/attempts/{attempt}", scope: "actions", handle: (*Server).getRun},
}

// maxListed is how many runs a filtered list returns.
const maxListed = 1000

func (s *Server) listRuns(c *call) (reply, error) {
	var only int64
	if c.path("workflow") != "" {
		w, err := s.findWorkflow(c)
		if err != nil {
			return reply{}, err
		}
		only = w.ID
	}
	var out []*run
	now := time.Now()
	for _, v := range c.repo.runsNewestFirst() {
		if len(out) == maxListed || only != 0 && v.WorkflowID != only || now.Sub(v.CreatedAt) < s.cfg.ListLag {
			continue
		}
		if matchRun(c, v) {
			out = append(out, v)
		}
	}
	return counted(s, c, "workflow_runs", out, func(v *run) obj { return s.runJSON(c.repo, v, v.last()) })
}

func matchRun(c *call, v *run) bool {
	a := v.last()
	for name, have := range map[string]string{
		"event": "workflow_dispatch", "branch": v.Branch, "actor": v.Actor, "head_sha": v.SHA,
	} {
		if want := c.query(name); want != "" && !strings.EqualFold(want, have) {
			return false
		}
	}
	want := c.query("status")
	return want == "" || want == a.Status || want == a.Conclusion
}

func (s *Server) findRun(c *call) (*run, *attempt, error) {
	v := c.repo.Runs[c.number("run")]
	if v == nil {
		return nil, nil, errNotFound
	}
	if c.path("attempt") == "" {
		return v, v.last(), nil
	}
	n := int(c.number("attempt"))
	if n < 1 || n > len(v.Attempts) {
		return nil, nil, errNotFound
	}
	return v, v.Attempts[n-1], nil
}

func (s *Server) getRun(c *call) (reply, error) {
	v, a, err := s.findRun(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.runJSON(c.repo, v, a))
}

func (s *Server) postCancel(c *call) (reply, error) {
	v, a, err := s.findRun(c)
	if err != nil {
		return reply{}, err
	}
	if a.Status == statusCompleted {
		return reply{}, fail(http.StatusConflict, "Cannot cancel a workflow run that is completed.")
	}
	s.cancelRun(c.repo, v)
	return accepted()
}

func (s *Server) rerun(c *call) (reply, error) {
	v, a, err := s.findRun(c)
	if err != nil {
		return reply{}, err
	}
	if a.Status != statusCompleted {
		return reply{}, fail(http.StatusForbidden, "This workflow is already running")
	}
	f, _, err := readWorkflow(c.repo, &workflowRef{Path: v.Path}, v.SHA)
	if err != nil {
		return reply{}, err
	}
	groups, err := f.Groups(runEnv(c.repo, v, c.p.login))
	if err != nil {
		return reply{}, err
	}
	s.addAttempt(c.repo, v, c.p.login, groups)
	return created(obj{})
}

func (s *Server) listJobs(c *call) (reply, error) {
	v, a, err := s.findRun(c)
	if err != nil {
		return reply{}, err
	}
	var jobs []*attempt
	if !a.BeganAt.IsZero() { // a run that never got a runner has no job
		jobs = append(jobs, a)
	}
	return counted(s, c, "jobs", jobs, func(a *attempt) obj { return s.jobJSON(c.repo, v, a) })
}

func (r *run) jobID(a *attempt) int64 { return r.JobID + int64(a.Number-1)*1_000_000_000 }

func (s *Server) jobJSON(r *repository, v *run, a *attempt) obj {
	steps := make([]obj, 0, len(a.Steps))
	for _, st := range a.Steps {
		steps = append(steps, stepJSON(a, st))
	}
	id := itoa(v.jobID(a))
	return obj{
		"id": v.jobID(a), "run_id": v.ID, "run_attempt": a.Number, "node_id": nodeID("Job", v.jobID(a)), "head_sha": v.SHA,
		"head_branch":   v.Branch,
		"workflow_name": v.Name, "name": v.JobName, "status": a.Status, "conclusion": orNil(a.Conclusion),
		"labels":        []string{"ubuntu-24.04"},
		"run_url":       s.apiURL(repoPath(r) + "/actions/runs/" + itoa(v.ID)),
		"url":           s.apiURL(repoPath(r) + "/actions/jobs/" + id),
		"html_url":      s.htmlURL("/" + r.full() + "/actions/runs/" + itoa(v.ID) + "/job/" + id),
		"check_run_url": s.apiURL(repoPath(r) + "/check-runs/" + id),
		"created_at":    stamp(a.StartedAt), "started_at": stamp(a.BeganAt), "completed_at": a.completedAt(),
		"steps": steps, "runner_id": 1, "runner_name": "sandbox", "runner_group_id": 1, "runner_group_name": "Default",
	}
}

func (a *attempt) completedAt() any {
	if a.Status != statusCompleted {
		return nil
	}
	return stamp(a.UpdatedAt)
}

func stepJSON(a *attempt, st actions.Step) obj {
	out := obj{
		"name": st.Name, "number": st.Number, "status": st.Status, "conclusion": orNil(st.Conclusion),
		"started_at": stamp(a.BeganAt), "completed_at": nil,
	}
	if st.Status == statusCompleted {
		out["completed_at"] = stamp(a.UpdatedAt)
	}
	return out
}

// runJSON renders a run at one attempt. Like GitHub, it has no inputs and no completed_at.
func (s *Server) runJSON(r *repository, v *run, a *attempt) obj {
	out := s.object("workflow run", "$name", r.full(), "$run", itoa(v.ID), "$workflow", itoa(v.WorkflowID),
		"$suite", itoa(v.JobID+1))
	maps.Copy(out, obj{
		"id": v.ID, "name": v.Name, "node_id": nodeID("WorkflowRun", v.ID), "head_branch": v.Branch, "head_sha": v.SHA,
		"path": v.Path, "display_title": v.Title, "run_number": v.Number, "run_attempt": a.Number,
		"status": a.Status, "conclusion": orNil(a.Conclusion), "workflow_id": v.WorkflowID, "check_suite_id": v.JobID + 1,
		"check_suite_node_id": nodeID("CheckSuite", v.JobID+1),
		"created_at":          stamp(v.CreatedAt), "updated_at": stamp(a.UpdatedAt), "run_started_at": stamp(a.StartedAt),
		"actor": s.userJSON(v.Actor), "triggering_actor": s.userJSON(a.Actor),
		"repository": s.minimalRepoJSON(r), "head_repository": s.minimalRepoJSON(r),
	})
	if a.Number > 1 {
		out["previous_attempt_url"] = s.apiURL(repoPath(r) + "/actions/runs/" + itoa(v.ID) + "/attempts/" + itoa(int64(a.Number-1)))
	}
	if g, err := r.git.Commit(v.SHA); err == nil {
		out["head_commit"] = obj{
			"id": g.Hash, "tree_id": g.Tree, "message": g.Message, "timestamp": stamp(g.Author.When),
			"author":    obj{"name": g.Author.Name, "email": g.Author.Email},
			"committer": obj{"name": g.Committer.Name, "email": g.Committer.Email},
		}
	}
	return out
}

package github

import (
	"maps"
	"strings"
)

func (s *Server) branchJSON(r *repository, branch, sha string) obj {
	return obj{
		"label": r.Owner + ":" + branch, "ref": branch, "sha": sha,
		"user": s.userJSON(r.Owner), "repo": s.repoJSON(r),
	}
}

// simplePullJSON renders a pull request for lists and review events.
func (s *Server) simplePullJSON(r *repository, pr *pull) obj {
	out := s.object("pull request", "$name", r.full(), "$number", itoa(int64(pr.Number)), "$sha", pr.HeadSHA)
	maps.Copy(out, obj{
		"id": pr.ID, "node_id": nodeID("PullRequest", pr.ID), "number": pr.Number, "state": pr.state(),
		"title": pr.Title, "body": orNil(pr.Body), "user": s.userJSON(pr.Author), "draft": pr.Draft,
		"created_at": stamp(pr.CreatedAt), "updated_at": stamp(pr.UpdatedAt), "closed_at": stamp(pr.ClosedAt),
		"merged_at":        s.mergedAt(pr),
		"merge_commit_sha": orNil(pr.MergeCommitSHA), "head": s.branchJSON(r, pr.Head, pr.HeadSHA),
		"base":               s.branchJSON(r, pr.Base, s.baseTip(r, pr)),
		"author_association": s.association(r, pr.Author),
	})
	return out
}

func link(href string) obj { return obj{"href": href} }

func (s *Server) mergedAt(pr *pull) any {
	if !pr.Merged {
		return nil
	}
	return stamp(pr.ClosedAt)
}

// pullJSON adds the fields of GET on one pull request and of its events.
func (s *Server) pullJSON(r *repository, pr *pull) obj {
	out := s.simplePullJSON(r, pr)
	files, _ := s.changes(r, pr) // unrelated histories change nothing here
	commits, _ := s.commits(r, pr)
	add, del := 0, 0
	for _, f := range files {
		add, del = add+f.Additions, del+f.Deletions
	}
	out["additions"], out["deletions"], out["changed_files"], out["commits"] = add, del, len(files), len(commits)
	out["comments"], out["review_comments"] = len(s.commentsOf(r, pr.Number)), 0
	out["merged"], out["merged_by"], out["maintainer_can_modify"] = pr.Merged, s.userJSON(pr.MergedBy), false
	out["mergeable"], out["rebaseable"] = nil, nil
	if !pr.Closed {
		out["mergeable"] = s.mergeable(r, pr)
		out["rebaseable"] = false
	}
	out["mergeable_state"] = s.mergeableState(r, pr)
	return out
}

func (s *Server) association(r *repository, login string) string {
	switch {
	case strings.HasSuffix(login, "[bot]"):
		return "NONE"
	case s.role(r, login) != "read":
		return "MEMBER"
	}
	return "CONTRIBUTOR"
}

func (s *Server) reviewJSON(r *repository, pr *pull, rv *review) obj {
	n := itoa(int64(pr.Number))
	html := s.htmlURL("/" + r.full() + "/pull/" + n + "#pullrequestreview-" + itoa(rv.ID))
	api := s.apiURL(repoPath(r) + "/pulls/" + n)
	out := obj{
		"id": rv.ID, "node_id": nodeID("PullRequestReview", rv.ID), "user": s.userJSON(rv.Author), "body": rv.Body,
		"state": rv.State, "html_url": html, "pull_request_url": api, "commit_id": rv.CommitID,
		"author_association": s.association(r, rv.Author), "_links": obj{"html": link(html), "pull_request": link(api)},
	}
	if at := stamp(rv.SubmittedAt); at != nil {
		out["submitted_at"] = at
	}
	return out
}

func (s *Server) commentJSON(r *repository, cm *comment) obj {
	n := itoa(int64(cm.Number))
	return obj{
		"id": cm.ID, "node_id": nodeID("IssueComment", cm.ID), "user": s.userJSON(cm.Author), "body": cm.Body,
		"url":       s.apiURL(repoPath(r) + "/issues/comments/" + itoa(cm.ID)),
		"html_url":  s.htmlURL("/" + r.full() + "/pull/" + n + "#issuecomment-" + itoa(cm.ID)),
		"issue_url": s.apiURL(repoPath(r) + "/issues/" + n), "author_association": s.association(r, cm.Author),
		"created_at": stamp(cm.CreatedAt), "updated_at": stamp(cm.UpdatedAt), "performed_via_github_app": nil,
	}
}

package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

var pullRoutes = []route{
	{pattern: "GET /repos/{owner}/{repo}/pulls", scope: "pull_requests", handle: (*Server).listPulls},
	{pattern: "POST /repos/{owner}/{repo}/pulls", scope: "pull_requests", handle: (*Server).createPull, content: true},
	{pattern: "GET /repos/{owner}/{repo}/pulls/{number}", scope: "pull_requests", handle: (*Server).getPull},
	{pattern: "PATCH /repos/{owner}/{repo}/pulls/{number}", scope: "pull_requests", handle: (*Server).updatePull},
	{pattern: "GET /repos/{owner}/{repo}/pulls/{number}/files", scope: "pull_requests", handle: (*Server).listPullFiles},
	{pattern: "PUT /repos/{owner}/{repo}/pulls/{number}/merge", scope: "contents", handle: (*Server).mergePull},
	{pattern: "PUT /repos/{owner}/{repo}/pulls/{number}/update-branch", scope: "pull_requests",
		handle: (*Server).updateBranch},
}

func (s *Server) listPulls(c *call) (reply, error) {
	state := c.query("state")
	if state == "" {
		state = "open"
	}
	head := c.query("head")
	_, branch, owned := strings.Cut(head, ":")
	var out []*pull
	for _, pr := range c.repo.pullsNewestFirst() {
		switch {
		case state != "all" && state != pr.state():
		case owned && (branch != pr.Head || !strings.EqualFold(head, c.repo.Owner+":"+pr.Head)):
		case c.query("base") != "" && c.query("base") != pr.Base:
		default:
			out = append(out, pr)
		}
	}
	sortPulls(out, c.query("sort"), c.query("direction"))
	return paginate(s, c, out, func(pr *pull) obj { return s.simplePullJSON(c.repo, pr) })
}

// sortPulls sorts a list that is already ordered newest first.
func sortPulls(list []*pull, by, direction string) {
	if by == "updated" {
		slices.SortStableFunc(list, func(a, b *pull) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	}
	if direction == "asc" || direction == "" && by != "" && by != "created" {
		slices.Reverse(list)
	}
}

type pullBody struct {
	Title, Head, Base, Body string
	Draft                   bool
}

func (s *Server) createPull(c *call) (reply, error) {
	var in pullBody
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if owner, branch, found := strings.Cut(in.Head, ":"); found && strings.EqualFold(owner, c.repo.Owner) {
		in.Head = branch
	}
	head, base, err := s.checkPull(c.repo, in)
	if err != nil {
		return reply{}, err
	}
	c.repo.Number++
	now := time.Now()
	pr := &pull{
		ID: s.newID(), Number: c.repo.Number, Title: in.Title, Body: in.Body, Author: c.p.login, Draft: in.Draft,
		Head: in.Head, HeadSHA: head, Base: in.Base, BaseSHA: base, CreatedAt: now, UpdatedAt: now,
	}
	c.repo.Pulls[pr.Number] = pr
	if err := c.repo.git.SetRef(pullRef(pr), head); err != nil {
		return reply{}, err
	}
	s.state.Counts.PullRequests[c.repo.full()+" "+pr.Head]++
	s.emitPull(c.repo, pr, c.p, "opened", nil)
	return created(s.pullJSON(c.repo, pr))
}

// checkPull applies the rules for a new pull request and returns both branch heads.
func (s *Server) checkPull(r *repository, in pullBody) (head, base string, err error) {
	if in.Title == "" {
		return "", "", invalid("PullRequest", "title", "missing_field", "")
	}
	if err := checkText("PullRequest", in.Title, in.Body); err != nil {
		return "", "", err
	}
	if base, err = r.git.Resolve("refs/heads/" + in.Base); err != nil {
		return "", "", invalid("PullRequest", "base", "invalid", "")
	}
	if head, err = r.git.Resolve("refs/heads/" + in.Head); err != nil {
		return "", "", invalid("PullRequest", "head", "invalid", "")
	}
	if err := checkOnlyPull(r, in.Head, in.Base, 0); err != nil {
		return "", "", err
	}
	if r.git.IsAncestor(head, base) {
		return "", "", invalid("PullRequest", "", "custom", fmt.Sprintf("No commits between %s and %s", in.Base, in.Head))
	}
	return head, base, nil
}

func checkOnlyPull(r *repository, head, base string, except int) error {
	for _, pr := range r.Pulls {
		if !pr.Closed && pr.Head == head && pr.Base == base && pr.Number != except {
			return invalid("PullRequest", "", "custom", fmt.Sprintf("A pull request already exists for %s:%s.", r.Owner, head))
		}
	}
	return nil
}

func (s *Server) getPull(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	return ok(s.pullJSON(c.repo, pr))
}

type pullPatch struct{ Title, Body, State, Base *string }

func (s *Server) updatePull(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	var in pullPatch
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	changes, err := s.editPull(c.repo, pr, in)
	if err != nil {
		return reply{}, err
	}
	if len(changes) > 0 {
		pr.UpdatedAt = time.Now()
		s.emitPull(c.repo, pr, c.p, "edited", obj{"changes": changes})
	}
	if in.State != nil && *in.State != pr.state() {
		if err := s.setPullState(c, pr, *in.State); err != nil {
			return reply{}, err
		}
	}
	return ok(s.pullJSON(c.repo, pr))
}

// editPull changes title, body and base. It returns the old values in the form of the edited event.
func (s *Server) editPull(r *repository, pr *pull, in pullPatch) (obj, error) {
	title, body := or(in.Title, pr.Title), or(in.Body, pr.Body)
	if err := checkText("PullRequest", title, body); err != nil {
		return nil, err
	}
	if title == "" {
		return nil, invalid("PullRequest", "title", "missing_field", "")
	}
	changes := obj{}
	if base := or(in.Base, pr.Base); base != pr.Base {
		old := obj{"ref": obj{"from": pr.Base}, "sha": obj{"from": s.baseTip(r, pr)}}
		if err := s.retarget(r, pr, base); err != nil {
			return nil, err
		}
		changes["base"] = old
	}
	if title != pr.Title {
		changes["title"] = obj{"from": pr.Title}
	}
	if body != pr.Body {
		changes["body"] = obj{"from": pr.Body}
	}
	pr.Title, pr.Body = title, body
	return changes, nil
}

func or(p *string, def string) string {
	if p == nil {
		return def
	}
	return *p
}

func (s *Server) retarget(r *repository, pr *pull, base string) error {
	tip, err := r.git.Resolve("refs/heads/" + base)
	switch {
	case pr.Closed:
		return invalid("PullRequest", "base", "custom", "Cannot change the base branch of a closed pull request.")
	case err != nil:
		return invalid("PullRequest", "base", "invalid", "")
	case r.git.IsAncestor(pr.HeadSHA, tip):
		return invalid("PullRequest", "base", "custom",
			fmt.Sprintf("There are no new commits between base branch '%s' and head branch '%s'", base, pr.Head))
	}
	if err := checkOnlyPull(r, pr.Head, base, pr.Number); err != nil {
		return err
	}
	pr.Base, pr.BaseSHA = base, tip
	return nil
}

func (s *Server) setPullState(c *call, pr *pull, state string) error {
	refused := func(why string) error {
		return invalid("PullRequest", "state", "invalid", "state cannot be changed. "+why)
	}
	switch {
	case state == "closed":
		s.closePull(c.repo, pr, c.p)
		return nil
	case state != "open":
		return invalid("PullRequest", "state", "invalid", "")
	case pr.Merged:
		return refused("The pull request is merged.")
	}
	head, err := c.repo.git.Resolve("refs/heads/" + pr.Head)
	if err != nil {
		return refused(fmt.Sprintf("The %s branch has been deleted.", pr.Head))
	}
	if err := checkOnlyPull(c.repo, pr.Head, pr.Base, pr.Number); err != nil {
		return err
	}
	if head != pr.HeadSHA && !c.repo.git.IsAncestor(pr.HeadSHA, head) {
		return refused(fmt.Sprintf("The %s branch was force-pushed or recreated.", pr.Head))
	}
	pr.HeadSHA, pr.Closed, pr.ClosedAt, pr.UpdatedAt = head, false, time.Time{}, time.Now()
	s.emitPull(c.repo, pr, c.p, "reopened", nil)
	return nil
}

func (s *Server) listPullFiles(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	files, err := s.changes(c.repo, pr)
	if err != nil {
		return reply{}, err
	}
	return paginate(s, c, files, func(d gitrepo.FileDiff) obj { return s.fileJSON(c.repo, pr.HeadSHA, d) })
}

type mergeBody struct {
	SHA           string
	MergeMethod   string `json:"merge_method"`
	CommitTitle   string `json:"commit_title"`
	CommitMessage string `json:"commit_message"`
}

func (s *Server) mergePull(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	in := mergeBody{MergeMethod: "merge"}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	if err := s.checkMerge(c, pr, in); err != nil {
		return reply{}, err
	}
	base := s.baseTip(c.repo, pr)
	commit, err := s.mergeCommit(c, pr, in, base)
	if err != nil {
		return reply{}, err
	}
	ref := "refs/heads/" + pr.Base
	if err := c.repo.git.SetRef(ref, commit); err != nil {
		return reply{}, err
	}
	s.markMerged(c.repo, pr, c.p, commit)
	s.refMoved(c.repo, c.p, ref, base, commit)
	return ok(obj{"sha": commit, "merged": true, "message": "Pull Request successfully merged"})
}

func (s *Server) checkMerge(c *call, pr *pull, in mergeBody) error {
	notAllowed := func(why string) error { return fail(http.StatusMethodNotAllowed, "%s", why) }
	switch {
	case pr.Closed:
		return notAllowed("Pull Request is not mergeable")
	case pr.Draft:
		return notAllowed("Pull Request is still a draft")
	case in.SHA != "" && in.SHA != pr.HeadSHA:
		return fail(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	case in.MergeMethod == "rebase":
		return notAllowed("Rebase merges are not allowed on this repository.")
	case in.MergeMethod != "merge" && in.MergeMethod != "squash":
		return fail(http.StatusUnprocessableEntity, "Invalid request.\n\nmerge_method is not valid.")
	case !s.mergeable(c.repo, pr):
		return notAllowed("Pull Request is not mergeable")
	}
	if why := s.protection(c.repo, pr); why != "" {
		return notAllowed("Repository rule violations found\n\n" + why + "\n\n")
	}
	if c.p.bot() {
		if path := s.workflowAgainst(c.repo, pr); path != "" {
			return fail(http.StatusForbidden,
				"refusing to allow a GitHub App to create or update workflow `%s` without `workflows` permission", path)
		}
	}
	return nil
}

func (s *Server) workflowAgainst(r *repository, pr *pull) string {
	files, _ := s.changes(r, pr)
	for _, f := range files {
		if strings.HasPrefix(f.Path, ".github/workflows/") {
			return f.Path
		}
	}
	return ""
}

func (s *Server) mergeCommit(c *call, pr *pull, in mergeBody, base string) (string, error) {
	tree := c.repo.merge[base+" "+pr.HeadSHA]
	author, committer := s.signature(c.p.login), webFlow
	author.When, committer.When = time.Now(), time.Now()
	title, body, parents := in.CommitTitle, in.CommitMessage, []string{base, pr.HeadSHA}
	if in.MergeMethod == "squash" {
		parents = parents[:1]
		title = firstOf(title, fmt.Sprintf("%s (#%d)", pr.Title, pr.Number))
	}
	title = firstOf(title, fmt.Sprintf("Merge pull request #%d from %s/%s", pr.Number, c.repo.Owner, pr.Head))
	message := title + "\n\n" + firstOf(body, pr.Title)
	return c.repo.writeSigned(gitrepo.Commit{Tree: tree, Parents: parents, Message: message, Author: author,
		Committer: committer})
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// updateBranch merges the base into the head.
func (s *Server) updateBranch(c *call) (reply, error) {
	pr, err := s.findPull(c)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Expected string `json:"expected_head_sha"`
	}
	if err := decode(c.body, &in); err != nil {
		return reply{}, err
	}
	base := s.baseTip(c.repo, pr)
	switch {
	case in.Expected != "" && in.Expected != pr.HeadSHA:
		return reply{}, fail(http.StatusUnprocessableEntity, "expected head sha didn’t match current head ref.")
	case c.repo.git.IsAncestor(base, pr.HeadSHA):
		return reply{}, fail(http.StatusUnprocessableEntity, "There are no new commits on the base branch.")
	case pr.Closed || !s.mergeable(c.repo, pr):
		return reply{}, fail(http.StatusUnprocessableEntity, "merge conflict between base and head")
	}
	author, committer := s.signature(c.p.login), webFlow
	author.When, committer.When = time.Now(), time.Now()
	commit, err := c.repo.writeSigned(gitrepo.Commit{
		Tree: c.repo.merge[base+" "+pr.HeadSHA], Parents: []string{pr.HeadSHA, base}, Author: author, Committer: committer,
		Message: fmt.Sprintf("Merge branch '%s' into %s", pr.Base, pr.Head),
	})
	if err != nil {
		return reply{}, err
	}
	if err := s.moveRef(c.repo, c.p, "refs/heads/"+pr.Head, commit); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusAccepted, body: obj{
		"message": "Updating pull request branch.", "url": s.htmlURL("/" + c.repo.full() + "/pull/" + itoa(int64(pr.Number))),
	}}, nil
}

package github

import (
	"net/http"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// refMoved updates everything that depends on a branch: pull requests from it, pull requests into it,
// and the counters.
func (s *Server) refMoved(r *repository, p principal, name, old, hash string) {
	s.state.Counts.Pushes[r.full()+" "+name]++
	s.saver.mark()
	r.PushedAt = time.Now()
	branch, isBranch := cutHeads(name)
	if !isBranch || old == hash {
		return
	}
	for _, pr := range r.pullsNewestFirst() {
		switch {
		case pr.Closed:
		case pr.Head == branch:
			s.headMoved(r, pr, p, hash)
		case pr.Base == branch:
			s.baseMoved(r, pr, p, hash)
		}
	}
}

func cutHeads(ref string) (string, bool) {
	const heads = "refs/heads/"
	if len(ref) > len(heads) && ref[:len(heads)] == heads {
		return ref[len(heads):], true
	}
	return "", false
}

// headMoved records new commits of an open pull request. GitHub closes it if its branch is deleted or
// has nothing to merge.
func (s *Server) headMoved(r *repository, pr *pull, p principal, hash string) {
	before := pr.HeadSHA
	if hash == "" {
		s.closePull(r, pr, p)
		return
	}
	pr.HeadSHA, pr.UpdatedAt = hash, time.Now()
	_ = r.git.SetRef(pullRef(pr), hash) // a copy for git fetch; the branch itself already points there
	s.emitPull(r, pr, p, "synchronize", obj{"before": before, "after": hash})
	if r.git.IsAncestor(hash, s.baseTip(r, pr)) {
		s.closePull(r, pr, p)
	}
}

// baseMoved detects that a push brought the head into the base: a merge by hand.
func (s *Server) baseMoved(r *repository, pr *pull, p principal, hash string) {
	if hash == "" || !r.git.IsAncestor(pr.HeadSHA, hash) {
		return
	}
	s.markMerged(r, pr, p, hash)
}

func (s *Server) markMerged(r *repository, pr *pull, p principal, commit string) {
	s.state.Counts.Merges[pullKey(r, pr)]++
	pr.Merged, pr.MergedBy, pr.MergeCommitSHA = true, p.login, commit
	s.closePull(r, pr, p)
}

func (s *Server) closePull(r *repository, pr *pull, p principal) {
	pr.Closed, pr.ClosedAt, pr.UpdatedAt = true, time.Now(), time.Now()
	s.emitPull(r, pr, p, "closed", nil)
}

func pullRef(pr *pull) string { return "refs/pull/" + itoa(int64(pr.Number)) + "/head" }

func pullKey(r *repository, pr *pull) string { return r.full() + "#" + itoa(int64(pr.Number)) }

// baseTip returns the head of the base branch, or the recorded commit of a closed pull request.
func (s *Server) baseTip(r *repository, pr *pull) string {
	if !pr.Closed {
		if tip, err := r.git.Resolve("refs/heads/" + pr.Base); err == nil {
			pr.BaseSHA = tip
		}
	}
	return pr.BaseSHA
}

// changes returns the files of a pull request, compared with its merge base.
func (s *Server) changes(r *repository, pr *pull) ([]gitrepo.FileDiff, error) {
	base, err := r.git.MergeBase(s.forkBase(r, pr), pr.HeadSHA)
	if err != nil {
		return nil, err
	}
	return r.git.Diff(base, pr.HeadSHA)
}

// forkBase returns the base commit to compare a merged pull request with: the side of the first
// parent, since the base now contains the head itself.
func (s *Server) forkBase(r *repository, pr *pull) string {
	if pr.Merged {
		if c, err := r.git.Commit(pr.MergeCommitSHA); err == nil && len(c.Parents) == 2 {
			return c.Parents[0]
		}
	}
	return s.baseTip(r, pr)
}

func (s *Server) commits(r *repository, pr *pull) ([]gitrepo.Commit, error) {
	list, err := r.git.Log(pr.HeadSHA, s.forkBase(r, pr), maxCommits)
	return oldestFirst(list), err
}

// mergeable reports whether the head merges into the base without conflict. It caches the answer for
// each pair of commits.
func (s *Server) mergeable(r *repository, pr *pull) bool {
	base := s.baseTip(r, pr)
	key := base + " " + pr.HeadSHA
	tree, known := r.merge[key]
	if !known {
		var err error
		if tree, _, err = r.git.Merge(base, pr.HeadSHA); err != nil {
			return false
		}
		if len(r.merge) > 1000 { // old pairs are not needed again
			clear(r.merge)
		}
		r.merge[key] = tree
	}
	return tree != ""
}

// approvals counts the people with write access whose latest decisive review approves.
func (s *Server) approvals(r *repository, pr *pull) (approved int, isBlocked bool) {
	latest := map[string]string{}
	for _, rv := range pr.Reviews {
		if rv.State != "COMMENTED" && rv.State != "PENDING" && s.role(r, rv.Author) != "read" {
			latest[rv.Author] = rv.State
		}
	}
	for _, state := range latest {
		switch state {
		case "APPROVED":
			approved++
		case "CHANGES_REQUESTED":
			isBlocked = true
		}
	}
	return approved, isBlocked
}

// mergeableState is GitHub's one word for why a merge would or would not work.
func (s *Server) mergeableState(r *repository, pr *pull) string {
	switch {
	case pr.Closed:
		return "unknown"
	case !s.mergeable(r, pr):
		return "dirty"
	case pr.Draft:
		return "draft"
	case s.protection(r, pr) != "":
		return "blocked"
	}
	return "clean"
}

// protection returns GitHub's message when a protected base refuses the merge.
func (s *Server) protection(r *repository, pr *pull) string {
	need := r.Config.RequiredReviews
	if pr.Base != "main" || need == 0 {
		return ""
	}
	approved, isBlocked := s.approvals(r, pr)
	switch {
	case isBlocked:
		return "Changes have been requested by reviewers with write access."
	case approved < need:
		return "At least " + itoa(int64(need)) + " approving review is required by reviewers with write access."
	}
	return ""
}

// SetRequiredReviews protects the default branch of a repository; 0 ends the protection.
func (s *Server) SetRequiredReviews(repo string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return errNotFound
	}
	r.Config.RequiredReviews = n
	return nil
}

func (s *Server) findPull(c *call) (*pull, error) {
	pr := c.repo.Pulls[int(c.number("number"))]
	if pr == nil {
		return nil, errNotFound
	}
	return pr, nil
}

// Limits of texts.
const (
	maxTitle = 256
	maxText  = 65536
)

func checkText(resource, title, body string) error {
	if len([]rune(title)) > maxTitle {
		return invalid(resource, "title", "custom", "title is too long (maximum is 256 characters)")
	}
	if len([]rune(body)) > maxText {
		return &apiError{status: http.StatusUnprocessableEntity, message: "Validation Failed", errors: []any{
			obj{"resource": resource, "field": "body", "code": "custom",
				"message": "body is too long (maximum is 65536 characters)"},
		}}
	}
	return nil
}

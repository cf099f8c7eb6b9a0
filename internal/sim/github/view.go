package github

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// PullView is a pull request as a page shows it.
type PullView struct {
	Repo           string       `json:"repo"`
	Number         int          `json:"number"`
	Title          string       `json:"title"`
	Body           string       `json:"body"`
	Author         string       `json:"author"`
	State          string       `json:"state"` // open, closed, merged
	Head           string       `json:"head"`
	HeadSHA        string       `json:"headSha"`
	Base           string       `json:"base"`
	MergedBy       string       `json:"mergedBy,omitempty"`
	MergeCommitSHA string       `json:"mergeCommitSha,omitempty"`
	MergeableState string       `json:"mergeableState"`
	URL            string       `json:"url"`
	CreatedAt      time.Time    `json:"createdAt"`
	UpdatedAt      time.Time    `json:"updatedAt"`
	Files          []FileView   `json:"files"`
	Talk           []TalkView   `json:"talk"`
	Commits        []CommitView `json:"commits"`
}

// FileView is one changed file with its patch.
type FileView struct {
	Path      string `json:"path"`
	Status    string `json:"status"`
	Additions int    `json:"additions"`
	Deletions int    `json:"deletions"`
	Patch     string `json:"patch"`
}

// TalkView is a comment or a review, in the order of creation.
type TalkView struct {
	Author string    `json:"author"`
	State  string    `json:"state"` // empty for a comment, else the review's state
	Body   string    `json:"body"`
	At     time.Time `json:"at"`
}

// CommitView is one commit in a list.
type CommitView struct {
	SHA    string    `json:"sha"`
	Title  string    `json:"title"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// RunView is one attempt of a workflow run.
type RunView struct {
	Repo       string            `json:"repo"`
	ID         int64             `json:"id"`
	Attempt    int               `json:"attempt"`
	Attempts   int               `json:"attempts"`
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Path       string            `json:"path"`
	Branch     string            `json:"branch"`
	SHA        string            `json:"sha"`
	Actor      string            `json:"actor"`
	Status     string            `json:"status"`
	Conclusion string            `json:"conclusion"`
	Problem    string            `json:"problem,omitempty"`
	Inputs     map[string]string `json:"inputs"`
	Groups     []string          `json:"groups"`
	Steps      []actions.Step    `json:"steps"`
	URL        string            `json:"url"`
	CreatedAt  time.Time         `json:"createdAt"`
	StartedAt  time.Time         `json:"startedAt,omitzero"`
	UpdatedAt  time.Time         `json:"updatedAt"`
	Log        string            `json:"log,omitempty"`
}

// DeliveryView is one line of the webhook log.
type DeliveryView struct {
	ID         int64     `json:"id"`
	GUID       string    `json:"guid"`
	Event      string    `json:"event"`
	Action     string    `json:"action"`
	At         time.Time `json:"at"`
	Redelivery bool      `json:"redelivery"`
	Code       int       `json:"code"`
	Status     string    `json:"status"`
}

func (s *Server) repoByFull(name string) *repository { return s.state.Repos[strings.ToLower(name)] }

// Repos lists "owner/name" of all repositories, sorted.
func (s *Server) Repos() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, key := range slices.Sorted(maps.Keys(s.state.Repos)) {
		out = append(out, s.state.Repos[key].full())
	}
	return out
}

// Pulls lists the pull requests of a repository, newest first, without files, conversation and
// commits.
func (s *Server) Pulls(repo string) []PullView {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return nil
	}
	var out []PullView
	for _, pr := range r.pullsNewestFirst() {
		out = append(out, s.pullHead(r, pr))
	}
	return out
}

// Pull returns one pull request with its diff and conversation.
func (s *Server) Pull(repo string, number int) (PullView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil || r.Pulls[number] == nil {
		return PullView{}, false
	}
	pr := r.Pulls[number]
	v := s.pullHead(r, pr)
	files, _ := s.changes(r, pr) // unrelated histories have no diff
	v.Files = fileViews(files)
	commits, _ := s.commits(r, pr)
	v.Commits = commitViews(commits)
	v.Talk = s.talk(r, pr)
	return v, true
}

func (s *Server) pullHead(r *repository, pr *pull) PullView {
	state := pr.state()
	if pr.Merged {
		state = "merged"
	}
	return PullView{
		Repo: r.full(), Number: pr.Number, Title: pr.Title, Body: pr.Body, Author: pr.Author, State: state,
		Head: pr.Head, HeadSHA: pr.HeadSHA, Base: pr.Base, MergedBy: pr.MergedBy, MergeCommitSHA: pr.MergeCommitSHA,
		MergeableState: s.mergeableState(r, pr), URL: s.htmlURL("/" + r.full() + "/pull/" + itoa(int64(pr.Number))),
		CreatedAt: pr.CreatedAt, UpdatedAt: pr.UpdatedAt,
	}
}

func fileViews(files []gitrepo.FileDiff) []FileView {
	out := make([]FileView, 0, len(files))
	for _, f := range files {
		out = append(out, FileView{f.Path, f.Status, f.Additions, f.Deletions, f.Patch})
	}
	return out
}

func commitViews(commits []gitrepo.Commit) []CommitView {
	out := make([]CommitView, 0, len(commits))
	for _, g := range commits {
		title, _, _ := strings.Cut(g.Message, "\n")
		out = append(out, CommitView{g.Hash, title, g.Author.Name, g.Author.When})
	}
	return out
}

func (s *Server) talk(r *repository, pr *pull) []TalkView {
	var out []TalkView
	for _, cm := range s.commentsOf(r, pr.Number) {
		out = append(out, TalkView{Author: cm.Author, Body: cm.Body, At: cm.CreatedAt})
	}
	for _, rv := range pr.Reviews {
		if rv.State != "PENDING" {
			out = append(out, TalkView{Author: rv.Author, State: rv.State, Body: rv.Body, At: rv.SubmittedAt})
		}
	}
	slices.SortStableFunc(out, func(a, b TalkView) int { return a.At.Compare(b.At) })
	return out
}

// Runs lists the workflow runs of a repository, newest first, without logs.
func (s *Server) Runs(repo string) []RunView {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return nil
	}
	var out []RunView
	for _, v := range r.runsNewestFirst() {
		out = append(out, s.runView(r, v, v.last()))
	}
	return out
}

// Run returns one attempt of a run with its log; attempt 0 is the last one.
func (s *Server) Run(repo string, id int64, number int) (RunView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil || r.Runs[id] == nil || number > len(r.Runs[id].Attempts) {
		return RunView{}, false
	}
	v := r.Runs[id]
	a := v.last()
	if number > 0 {
		a = v.Attempts[number-1]
	}
	out := s.runView(r, v, a)
	out.Log = string(s.saver.readLog(v, a))
	return out, true
}

func (s *Server) runView(r *repository, v *run, a *attempt) RunView {
	return RunView{
		Repo: r.full(), ID: v.ID, Attempt: a.Number, Attempts: len(v.Attempts), Name: v.Name, Title: v.Title, Path: v.Path,
		Branch: v.Branch, SHA: v.SHA, Actor: a.Actor, Status: a.Status, Conclusion: a.Conclusion, Problem: a.Problem,
		Inputs: maps.Clone(v.Inputs), Groups: slices.Clone(v.Groups), Steps: slices.Clone(a.Steps),
		URL: s.htmlURL("/" + r.full() + "/actions/runs/" + itoa(v.ID)), CreatedAt: v.CreatedAt, StartedAt: a.BeganAt,
		UpdatedAt: a.UpdatedAt,
	}
}

// Deliveries lists the webhook log, newest first.
func (s *Server) Deliveries() []DeliveryView {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]DeliveryView, 0, len(s.hooks.log))
	for _, d := range slices.Backward(s.hooks.log) {
		out = append(out, DeliveryView{d.ID, d.GUID, d.Event, d.Action, d.At, d.Redelivery, d.Code, d.Status})
	}
	return out
}

// Redeliver sends a logged webhook again under the same GUID.
func (s *Server) Redeliver(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redeliverID(id)
}

// File reads one file of a repository at a branch or commit.
func (s *Server) File(repo, ref, path string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return nil, errNotFound
	}
	tip, err := r.git.Find(ref)
	if err != nil {
		return nil, err
	}
	e, err := r.git.Lookup(tip, path)
	if err != nil {
		return nil, err
	}
	return r.git.Blob(e.Hash)
}

// Files lists the paths of a repository at a branch or commit, sorted.
func (s *Server) Files(repo, ref string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return nil, errNotFound
	}
	tip, err := r.git.Find(ref)
	if err != nil {
		return nil, err
	}
	files, err := r.git.Files(tip)
	return slices.Sorted(maps.Keys(files)), err
}

// Commit returns one commit and its diff from its first parent.
func (s *Server) Commit(repo, sha string) (CommitView, []FileView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoByFull(repo)
	if r == nil {
		return CommitView{}, nil, errNotFound
	}
	g, err := r.git.Commit(sha)
	if err != nil {
		return CommitView{}, nil, err
	}
	parent := ""
	if len(g.Parents) > 0 {
		parent = g.Parents[0]
	}
	files, err := r.git.Diff(parent, sha)
	return commitViews([]gitrepo.Commit{g})[0], fileViews(files), err
}

package github

import (
	"sort"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github/gitrepo"
)

// storedState survives a restart. Repositories, logs and deliveries have files of their own.
type storedState struct {
	NextID     int64                   `json:"nextId"`
	Repos      map[string]*repository  `json:"repos"` // by lower-case owner/name
	Tokens     map[string]*accessToken `json:"tokens"`
	Counts     Counts                  `json:"counts"`
	DeliveryID int64                   `json:"deliveryId"`
}

// accessToken is an installation's or a run's token.
type accessToken struct {
	Kind        string            `json:"kind"` // installation, run
	Permissions map[string]string `json:"permissions"`
	Repos       []string          `json:"repos,omitempty"` // empty: all
	RunID       int64             `json:"runId,omitempty"`
	ExpiresAt   time.Time         `json:"expiresAt"`
}

type repository struct {
	ID        int64               `json:"id"`
	Owner     string              `json:"owner"`
	Name      string              `json:"name"`
	CreatedAt time.Time           `json:"createdAt"`
	PushedAt  time.Time           `json:"pushedAt"`
	Number    int                 `json:"number"` // of the last pull request
	Pulls     map[int]*pull       `json:"pulls"`
	Comments  []*comment          `json:"comments"`
	Workflows []*workflowRef      `json:"workflows"`
	Runs      map[int64]*run      `json:"runs"`
	Signed    map[string]bool     `json:"signed,omitempty"` // commits that GitHub signed itself
	Variables map[string]variable `json:"variables"`        // by name; missing in the state of an older version
	Config    Repo                `json:"-"`
	git       *gitrepo.Repo       // opened at start
	merge     map[string]string   // result of a test merge by "base head"
}

func (r *repository) full() string { return r.Owner + "/" + r.Name }

// runsNewestFirst lists the runs in the order of GitHub's lists.
func (r *repository) runsNewestFirst() []*run {
	out := make([]*run, 0, len(r.Runs))
	for _, v := range r.Runs {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID > out[j].ID })
	return out
}

func (r *repository) pullsNewestFirst() []*pull {
	out := make([]*pull, 0, len(r.Pulls))
	for _, v := range r.Pulls {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Number > out[j].Number })
	return out
}

type pull struct {
	ID             int64     `json:"id"`
	Number         int       `json:"number"`
	Title          string    `json:"title"`
	Body           string    `json:"body"`
	Author         string    `json:"author"`
	Head           string    `json:"head"` // branch
	HeadSHA        string    `json:"headSha"`
	Base           string    `json:"base"`
	BaseSHA        string    `json:"baseSha"` // head of the base; fixed once closed
	Draft          bool      `json:"draft"`
	Closed         bool      `json:"closed"`
	Merged         bool      `json:"merged"`
	MergedBy       string    `json:"mergedBy,omitempty"`
	MergeCommitSHA string    `json:"mergeCommitSha,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
	UpdatedAt      time.Time `json:"updatedAt"`
	ClosedAt       time.Time `json:"closedAt,omitzero"`
	Reviews        []*review `json:"reviews"`
}

func (p *pull) state() string {
	if p.Closed {
		return "closed"
	}
	return "open"
}

type review struct {
	ID          int64     `json:"id"`
	Author      string    `json:"author"`
	Body        string    `json:"body"`
	State       string    `json:"state"` // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING
	CommitID    string    `json:"commitId"`
	SubmittedAt time.Time `json:"submittedAt,omitzero"`
}

type comment struct {
	ID        int64     `json:"id"`
	Number    int       `json:"number"` // of the pull request
	Author    string    `json:"author"`
	Body      string    `json:"body"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

type workflowRef struct {
	ID        int64     `json:"id"`
	Path      string    `json:"path"`
	Runs      int       `json:"runs"` // run_number of the last one
	CreatedAt time.Time `json:"createdAt"`
}

// Statuses of a run, in their order.
const (
	statusPending    = "pending" // waits for its concurrency group
	statusQueued     = "queued"  // waits for a runner
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
)

type run struct {
	ID         int64             `json:"id"`
	Number     int               `json:"number"`
	WorkflowID int64             `json:"workflowId"`
	Path       string            `json:"path"`
	Name       string            `json:"name"`
	Title      string            `json:"title"`
	Branch     string            `json:"branch"`
	SHA        string            `json:"sha"`
	Actor      string            `json:"actor"`
	Inputs     map[string]string `json:"inputs"`
	Groups     []string          `json:"groups"`
	JobID      int64             `json:"jobId"`
	JobName    string            `json:"jobName"`
	CreatedAt  time.Time         `json:"createdAt"`
	Attempts   []*attempt        `json:"attempts"`

	task *task // the goroutine of the attempt in progress
}

// attempt is one execution of a run: the first, or a re-run.
type attempt struct {
	Number     int            `json:"number"`
	Actor      string         `json:"actor"`
	Status     string         `json:"status"`
	Conclusion string         `json:"conclusion"`
	StartedAt  time.Time      `json:"startedAt"` // run_started_at: when it was requested
	BeganAt    time.Time      `json:"beganAt,omitzero"`
	UpdatedAt  time.Time      `json:"updatedAt"`
	Steps      []actions.Step `json:"steps"`
	Problem    string         `json:"problem,omitempty"`

	log *logBuffer
}

func (r *run) last() *attempt { return r.Attempts[len(r.Attempts)-1] }

func (r *run) active() bool {
	s := r.last().Status
	return s == statusQueued || s == statusInProgress
}

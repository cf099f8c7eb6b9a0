package lifecycle

import "time"

// Schema is the version of the document that this code writes.
const Schema = 1

// Request is one requested piece of infrastructure: the document
// requests/<id>.json. It holds facts only; its status is derived
// (DeriveLifecycleStatus). Fields that this version does not know survive a round
// trip in Extra. Absent means not known.
type Request struct {
	Schema     int       `json:"schema"`
	ID         string    `json:"id"`
	Version    int64     `json:"version"`
	WriteNonce string    `json:"writeNonce,omitempty"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`

	Title     string   `json:"title"`
	Reason    string   `json:"reason,omitempty"`
	Requester Person   `json:"requester"`
	Authors   []string `json:"authors"`             // GitHub logins of everyone who submitted or edited the config
	AuthorIDs []int64  `json:"authorIds,omitempty"` // the same people by GitHub id, which survives a renamed login

	Project       string         `json:"project"`
	Environment   Environment    `json:"environment"`
	Module        string         `json:"module"`
	CatalogDigest string         `json:"catalogDigest,omitempty"`
	Config        map[string]any `json:"config"` // string, bool, json.Number, []any, map[string]any
	Target        Target         `json:"target"`

	PR        *PullRequest `json:"pr,omitempty"`
	Plan      *Plan        `json:"plan,omitempty"`
	Approval  Approval     `json:"approval"`
	Rejection *Rejection   `json:"rejection,omitempty"`
	Wanted    []Intent     `json:"wanted,omitempty"`
	// correlation ids whose intent is gone and that have to leave the lease queue
	Leaving   []string        `json:"leaving,omitempty"`
	Refused   []RefusedIntent `json:"refused,omitempty"` // the last intents that could not be carried out
	Problem   *Problem        `json:"problem,omitempty"`
	MergedSHA string          `json:"mergedSha,omitempty"`
	Runs      Runs            `json:"runs"`
	Cleanup   *Cleanup        `json:"cleanup,omitempty"`

	// the newest that bear its name and are not TfPilot's, by run id
	ForeignRuns     []ForeignRun `json:"foreignRuns,omitempty"`
	ForeignRunCount int          `json:"foreignRunCount,omitempty"` // how many were ever recorded

	Outputs  map[string]any `json:"outputs,omitempty"`
	Drift    *Drift         `json:"drift,omitempty"`
	Lock     *Lock          `json:"lock,omitempty"`
	Slack    Slack          `json:"slack"`
	Audit    Audit          `json:"audit"`
	ClosedAt *time.Time     `json:"closedAt,omitempty"`
	// who asked TfPilot to; empty after a rejection and when it was closed on GitHub
	ClosedBy  string     `json:"closedBy,omitempty"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`

	ArchivedAt *time.Time `json:"archivedAt,omitempty"` // only in history/; nothing is due there and nothing may be done

	Extra Extra `json:"-"`
}

// Person identifies a person in both systems.
type Person struct {
	Login     string `json:"login,omitempty"` // GitHub
	GithubID  int64  `json:"githubId,omitempty"`
	SlackTeam string `json:"slackTeam,omitempty"`
	SlackUser string `json:"slackUser,omitempty"`
	Name      string `json:"name,omitempty"` // for display only, never a key
	Extra     Extra  `json:"-"`
}

// Environment names one Terraform root: envs/<key>/<slug>/ of the project's
// infra repository, with one state.
type Environment struct {
	Key   string `json:"key"`
	Slug  string `json:"slug"`
	Extra Extra  `json:"-"`
}

func (e Environment) String() string { return e.Key + "/" + e.Slug }

// Target is where the one generated file of a request goes.
type Target struct {
	Owner  string `json:"owner"`
	Repo   string `json:"repo"`
	RepoID int64  `json:"repoId,omitempty"`
	Base   string `json:"base"`           // branch that is merged into
	Branch string `json:"branch"`         // request/<id>
	Path   string `json:"path"`           // envs/<key>/<slug>/tfpilot_<id>.tf
	Blob   string `json:"blob,omitempty"` // git blob id of the generated file
	Extra  Extra  `json:"-"`
}

// PullRequest is the request's pull request as GitHub last reported it.
type PullRequest struct {
	Number   int        `json:"number"`
	URL      string     `json:"url"`
	Open     *bool      `json:"open,omitempty"` // nil: not known
	Merged   bool       `json:"merged"`
	HeadSHA  string     `json:"headSha,omitempty"`
	BaseRef  string     `json:"baseRef,omitempty"`
	MergedAt *time.Time `json:"mergedAt,omitempty"`
	Foreign  bool       `json:"foreign,omitempty"` // the head holds content that TfPilot did not make
	SeenAt   *time.Time `json:"seenAt,omitempty"`  // GitHub's updated_at of the newest answer taken in
	// GitHub's updated_at of the pull request when its reviews were last read
	ReviewsSeenAt *time.Time  `json:"reviewsSeenAt,omitempty"`
	Answered      []int64     `json:"answered,omitempty"`   // reviews that do not count and got an answer
	Objections    []Objection `json:"objections,omitempty"` // reviews that request changes, by people who may reject
	BranchEnd     BranchEnd   `json:"branchEnd,omitempty"`  // how the branch ended after the merge
	Extra         Extra       `json:"-"`
}

// BranchEnd is how a request's branch ended after the merge; empty while it is not known.
type BranchEnd string

const (
	BranchDeleted BranchEnd = "deleted"
	BranchKept    BranchEnd = "kept" // it moved after the merge, or GitHub refused
)

// Purpose is what a plan is for; with the approval bound to it, it is a round.
type Purpose string

const (
	PurposeOpen    Purpose = "open"
	PurposeEdit    Purpose = "edit"
	PurposeReapply Purpose = "reapply"
	PurposeDestroy Purpose = "destroy"
)

// Known reports whether it is a purpose of this version.
func (p Purpose) Known() bool {
	return p == PurposeOpen || p == PurposeEdit || p == PurposeReapply || p == PurposeDestroy
}

// Plan is the result of the last plan run that succeeded and was read.
type Plan struct {
	Attempt     int        `json:"attempt"`
	Purpose     Purpose    `json:"purpose"`
	SHA         string     `json:"sha"`
	Blob        string     `json:"blob"`
	Digest      string     `json:"digest"` // "sha256:<hex>" of the bytes of summary.json
	Add         int        `json:"add"`
	Change      int        `json:"change"`
	Destroy     int        `json:"destroy"`
	Replace     int        `json:"replace"`
	Risk        string     `json:"risk,omitempty"`    // none, replace, destroy
	Removed     []string   `json:"removed,omitempty"` // addresses destroyed or replaced, bounded
	Truncated   bool       `json:"truncated,omitempty"`
	CompletedAt *time.Time `json:"completedAt,omitempty"`
	Nothing     bool       `json:"nothing,omitempty"`   // it changes nothing
	ExpiredAt   *time.Time `json:"expiredAt,omitempty"` // when it had waited too long for an approval
	PostedAt    *time.Time `json:"postedAt,omitempty"`  // when its redacted summary was in the pull request
	Posted      []Posting  `json:"posted,omitempty"`    // the comments that show it there
	Partial     bool       `json:"partial,omitempty"`   // the comments had no room for the whole plan
	Extra       Extra      `json:"-"`
}

// Posting is one comment of the pull request that shows the plan.
type Posting struct {
	ID     int64     `json:"id"`
	SHA256 string    `json:"sha256"` // of the text that was posted, in hex
	At     time.Time `json:"at"`     // GitHub's updated_at when it was posted; a later one means that it was edited
	Extra  Extra     `json:"-"`
}

// Approval holds every approval ever given, those that no longer count marked
// void. Approved is written only by settle, in every patch.
type Approval struct {
	Approved  bool       `json:"approved"`
	Approvers []Approver `json:"approvers,omitempty"`
	Extra     Extra      `json:"-"`
}

// Approver is one approval: by whom, when, on which surface, of exactly what.
type Approver struct {
	Login      string     `json:"login"`
	GithubID   int64      `json:"githubId,omitempty"`
	SlackTeam  string     `json:"slackTeam,omitempty"`
	SlackUser  string     `json:"slackUser,omitempty"`
	Typed      bool       `json:"typed,omitempty"` // confirmed by typing, as protected environments need
	At         time.Time  `json:"at"`
	Purpose    Purpose    `json:"purpose"`
	HeadSHA    string     `json:"headSha"`
	Blob       string     `json:"blob"`
	PlanDigest string     `json:"planDigest"`
	Source     string     `json:"source"`
	VoidedAt   *time.Time `json:"voidedAt,omitempty"`
	VoidReason string     `json:"voidReason,omitempty"`
	Extra      Extra      `json:"-"`
}

// Rejection is a refusal by a person.
type Rejection struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Purpose Purpose   `json:"purpose,omitempty"` // of the round, when it was not the first
	Extra   Extra     `json:"-"`
}

// Intent is what a person requested and has not got yet. It leaves the document with
// the patch that records the outcome or the refusal.
type Intent struct {
	What       Action    `json:"what"`
	By         string    `json:"by"` // GitHub login
	ByID       int64     `json:"byId,omitempty"`
	SlackTeam  string    `json:"slackTeam,omitempty"`
	SlackUser  string    `json:"slackUser,omitempty"`
	At         time.Time `json:"at"`
	Source     string    `json:"source"`
	HeadSHA    string    `json:"headSha,omitempty"`
	PlanDigest string    `json:"planDigest,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Typed      bool      `json:"typed,omitempty"`   // confirmed by typing
	Purpose    Purpose   `json:"purpose,omitempty"` // of a wanted plan
	// the last plan attempt when a destroy was requested; its own is a later one
	AfterPlan     int    `json:"afterPlan,omitempty"`
	CorrelationID string `json:"correlationId,omitempty"` // of the attempt that will serve it; its key in the lease queue
	Extra         Extra  `json:"-"`
}

// Problem is the last thing that does not work. It is on the card.
type Problem struct {
	Step  string     `json:"step"`
	Code  ReasonCode `json:"code"`
	Text  string     `json:"text"`
	Since time.Time  `json:"since"`
	Extra Extra      `json:"-"`
}

// Runs is the only home of run state.
type Runs struct {
	Plan    RunSet `json:"plan"`
	Apply   RunSet `json:"apply"`
	Destroy RunSet `json:"destroy"`
	Extra   Extra  `json:"-"`
}

// Cleanup takes the block out of the code after a destroy: one current run, then
// a pull request.
type Cleanup struct {
	Attempt
	Nothing  bool       `json:"nothing,omitempty"` // the block had gone already
	Blocked  bool       `json:"blocked,omitempty"` // a person changed or closed its pull request
	PRNumber int        `json:"prNumber,omitempty"`
	PRURL    string     `json:"prUrl,omitempty"`
	MergedAt *time.Time `json:"mergedAt,omitempty"`
	Earlier  []string   `json:"earlier,omitempty"` // correlation ids of the last runs that this one replaced
}

// CleanupMessage is the message of the commit that takes a request's block out of the code.
func CleanupMessage(id string) string { return "Remove " + id + " after its destroy" }

// Drift is what the last drift plan of the environment said about this request.
type Drift struct {
	CheckedAt time.Time `json:"checkedAt"`
	RunID     int64     `json:"runId,omitempty"`
	Drifted   bool      `json:"drifted"`
	Summary   string    `json:"summary,omitempty"`
	Extra     Extra     `json:"-"`
}

// Lock guards against double clicks. It is active only while now < ExpiresAt and
// never protects state.
type Lock struct {
	Holder     string    `json:"holder"`
	Operation  string    `json:"operation"`
	AcquiredAt time.Time `json:"acquiredAt"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Extra      Extra     `json:"-"`
}

// Slack is the request's messages.
type Slack struct {
	Messages []Message `json:"messages,omitempty"`
	Extra    Extra     `json:"-"`
}

// Message roles.
const (
	RoleCard   = "card"   // in the environment's channel
	RoleDM     = "dm"     // the card in the requester's direct messages
	RoleFile   = "file"   // the plan as a file in the card's thread
	RoleThread = "thread" // a reply in the card's thread that asks for attention
	RoleAsk    = "ask"    // a plan in an approver's direct messages
	RoleNotice = "notice" // a message that is sent once and never edited
)

// Message is one Slack message of a request. State is a fingerprint of what was
// last rendered there, or "posting:<nonce>" between intent and outcome.
type Message struct {
	Role    string `json:"role"`
	Channel string `json:"channel"`
	TS      string `json:"ts,omitempty"`
	Thread  string `json:"thread,omitempty"`
	State   string `json:"state,omitempty"`
	URL     string `json:"url,omitempty"`   // where people open it, once it is posted
	Topic   string `json:"topic,omitempty"` // what a thread reply is about, e.g. "plan_ready:2"
	Extra   Extra  `json:"-"`
}

// Audit is the tail of the hash-chained log: events that are not yet in
// logs/<id>/ wait in Pending, so that none is lost.
type Audit struct {
	Seq     int64   `json:"seq"`
	Hash    string  `json:"hash,omitempty"`
	Pending []Event `json:"pending,omitempty"`
	Extra   Extra   `json:"-"`
}

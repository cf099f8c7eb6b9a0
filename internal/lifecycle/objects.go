package lifecycle

import (
	"encoding/json"
	"time"
)

// RunIndex is webhooks/github/run-index/<kind>/run-<runId>.json: which request a
// run belongs to. It lives for 90 days.
type RunIndex struct {
	Kind        Kind      `json:"kind"`
	RunID       int64     `json:"runId"`
	RequestID   string    `json:"requestId,omitempty"`
	Environment string    `json:"environment,omitempty"`
	CreatedAt   time.Time `json:"createdAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

// PRIndex is webhooks/github/pr-index/<repoId>/<number>.json.
type PRIndex struct {
	RequestID string `json:"requestId"`
}

// Grant is grants/<project>/<correlationId>.json: it lets one run do one thing. Only the app
// and the worker write it, runs only read it; every field must equal the run's
// input of the same name.
type Grant struct {
	Kind        Kind        `json:"kind"`
	RequestID   string      `json:"requestId"`
	Environment Environment `json:"environment"`
	Project     string      `json:"project,omitempty"`
	Purpose     Purpose     `json:"purpose,omitempty"`
	SHA         string      `json:"sha"`
	Path        string      `json:"path"`
	Blob        string      `json:"blob"`
	Digest      string      `json:"digest,omitempty"`
	// correlation id of the approved plan, whose summary has that digest
	Plan       string    `json:"plan,omitempty"`
	MayBeGone  bool      `json:"mayBeGone,omitempty"` // a destroy may find nothing in the state
	LeaseToken int64     `json:"leaseToken,omitempty"`
	DryRun     bool      `json:"dryRun,omitempty"`
	Backend    Backend   `json:"backend,omitzero"`
	ExpiresAt  time.Time `json:"expiresAt"`

	// FingerprintKey is the request's key for fingerprints of hidden values, in hexadecimal. It is stored in grants only.
	FingerprintKey string `json:"fingerprintKey,omitempty"`
}

// Backend is where an environment keeps its state, and how that is locked.
type Backend struct {
	Bucket        string `json:"bucket"`
	Key           string `json:"key"`
	Region        string `json:"region,omitempty"`
	DynamoDBTable string `json:"dynamodbTable,omitempty"`
	UseLockfile   bool   `json:"useLockfile,omitempty"`
}

// Claim is claims/<project>/<correlationId>.json: by creating it a run takes its correlation
// id. The run named there is the attempt's run.
type Claim struct {
	Kind       Kind      `json:"kind"`
	RequestID  string    `json:"requestId"`
	RunID      int64     `json:"runId"`
	RunAttempt int       `json:"runAttempt"`
	SHA        string    `json:"sha"`
	StartedAt  time.Time `json:"startedAt"`
	ProofHash  string    `json:"proofHash,omitempty"` // SHA-256 of what only this run can put into its result
}

// Result is results/<project>/<correlationId>/result.json: how a run ended, in its own
// words, redacted before it left the runner. The conclusion that counts is
// GitHub's; a success counts only together with a result that is this run's own.
type Result struct {
	CorrelationID string `json:"correlationId,omitempty"`
	RunID         int64  `json:"runId,omitempty"`
	Proof         string `json:"proof,omitempty"` // its hash is in the run's claim

	Conclusion Conclusion `json:"conclusion"`
	// a code: nothing_planned, environment_broken, terraform_failed, digest_changed …
	Reason    ReasonCode                 `json:"reason,omitempty"`
	Tail      string                     `json:"tail,omitempty"` // Terraform's last words, redacted, at most 4 KiB
	Outputs   map[string]json.RawMessage `json:"outputs,omitempty"`
	Sensitive []string                   `json:"sensitive,omitempty"` // names of outputs that are not shown
	Digest    string                     `json:"digest,omitempty"`
	Counts    Counts                     `json:"counts"`
	Addresses []string                   `json:"addresses,omitempty"` // destroyed or replaced first
	Nothing   bool                       `json:"nothing,omitempty"`   // there was nothing left to do
	StateLock *StateLock                 `json:"stateLock,omitempty"` // what kept the run from the state
}

// Counts of a plan. A replaced resource counts once, as Replace.
type Counts struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
	Replace int `json:"replace"`
}

// EnvironmentState is environments/<project>/<key>/<slug>.json: the lease of one
// Terraform root and its drift facts.
type EnvironmentState struct {
	Schema     int          `json:"schema"`
	Version    int64        `json:"version"`
	WriteNonce string       `json:"writeNonce,omitempty"`
	Project    string       `json:"project"`
	Key        string       `json:"key"`
	Slug       string       `json:"slug"`
	Token      int64        `json:"token"` // of the holder; rises by one with each
	Holder     *LeaseEntry  `json:"holder,omitempty"`
	Queue      []LeaseEntry `json:"queue,omitempty"`     // first in, first out
	StateLock  *StateLock   `json:"stateLock,omitempty"` // Terraform's own lock, as the last run saw it that met one
	Unlock     *StateUnlock `json:"unlock,omitempty"`    // the last time that an admin removed it
	// when a lease was last taken by force; its run may have continued
	ForcedAt  *time.Time `json:"forcedAt,omitempty"`
	UpdatedAt time.Time  `json:"updatedAt"`
	Extra     Extra      `json:"-"`
}

// LeaseEntry is one apply or destroy that holds or waits for the lease.
type LeaseEntry struct {
	CorrelationID string    `json:"correlationId"`
	RequestID     string    `json:"requestId"`
	Title         string    `json:"title"`
	Kind          Kind      `json:"kind"`
	By            string    `json:"by"`
	Since         time.Time `json:"since"`
	Extra         Extra     `json:"-"`
}

// Identity is identities/<team>/<user>.json: which GitHub account a Slack user has
// proved to own.
type Identity struct {
	SlackTeam string    `json:"slackTeam"`
	SlackUser string    `json:"slackUser"`
	Login     string    `json:"login"`
	GithubID  int64     `json:"githubId"`
	LinkedAt  time.Time `json:"linkedAt"`
	LinkedBy  string    `json:"linkedBy,omitempty"`
}

// Event is one line of the lifecycle log. An object logs/<id>/<time>-<seq>.json holds one
// event or a list. Hash covers the event and the hash before it.
type Event struct {
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
	Type    EventType         `json:"type"`
	Actor   string            `json:"actor,omitempty"`
	Source  string            `json:"source,omitempty"`
	Text    string            `json:"text"`
	Details map[string]string `json:"details,omitempty"`
	Prev    string            `json:"prev,omitempty"`
	Hash    string            `json:"hash,omitempty"`
}

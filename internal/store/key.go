package store

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Prefixes of the bucket. Every key below one of them is made by a function of
// this file, which refuses a part that does not look like what it is.
const (
	PrefixRequests     = "requests/"
	PrefixHistory      = "history/"
	PrefixRunIndex     = "webhooks/github/run-index/"
	PrefixPRIndex      = "webhooks/github/pr-index/"
	PrefixLogs         = "logs/"
	PrefixEnvironments = "environments/"
	PrefixGrants       = "grants/"
	PrefixClaims       = "claims/"
	PrefixResults      = "results/"
	PrefixIdentities   = "identities/"
	PrefixDrafts       = "drafts/"
	PrefixPreferences  = "preferences/"
	PrefixProbe        = "probe/" // written and deleted by Probe alone
)

var slackID = regexp.MustCompile(`^[A-Z0-9]{2,32}$`)

// RequestKey is requests/<id>.json.
func RequestKey(id string) (string, error) {
	return join(PrefixRequests, ".json", named(lifecycle.NameRequest, id))
}

// HistoryKey is history/<id>.json.
func HistoryKey(id string) (string, error) {
	return join(PrefixHistory, ".json", named(lifecycle.NameRequest, id))
}

// RunIndexKey is webhooks/github/run-index/<kind>/run-<runId>.json.
func RunIndexKey(kind lifecycle.Kind, runID int64) (string, error) {
	if runID <= 0 {
		return "", fmt.Errorf("run id %d: %w", runID, ErrKey)
	}
	return join(PrefixRunIndex, "/run-"+strconv.FormatInt(runID, 10)+".json", named(lifecycle.NameKind, string(kind)))
}

// PRIndexKey is webhooks/github/pr-index/<repoId>/<number>.json.
func PRIndexKey(repoID int64, number int) (string, error) {
	if repoID <= 0 || number <= 0 {
		return "", fmt.Errorf("pull request %d/%d: %w", repoID, number, ErrKey)
	}
	return fmt.Sprintf("%s%d/%d.json", PrefixPRIndex, repoID, number), nil
}

// LogPrefix is logs/<id>/.
func LogPrefix(id string) (string, error) {
	return join(PrefixLogs, "/", named(lifecycle.NameRequest, id))
}

// LogKey is logs/<id>/<time>-<seq>.json; keys sort by time, then by number.
func LogKey(id string, at time.Time, seq int64) (string, error) {
	prefix, err := LogPrefix(id)
	if err != nil || seq <= 0 {
		return "", fmt.Errorf("log event %s/%d: %w", id, seq, ErrKey)
	}
	return fmt.Sprintf("%s%s-%06d.json", prefix, at.UTC().Format("20060102T150405Z"), seq), nil
}

// EnvironmentKey is environments/<project>/<key>/<slug>.json.
func EnvironmentKey(project string, env lifecycle.Environment) (string, error) {
	return join(PrefixEnvironments, ".json", named(lifecycle.NameProject, project),
		named(lifecycle.NameEnvironment, env.Key), named(lifecycle.NameSlug, env.Slug))
}

// GrantKey is grants/<project>/<correlationId>.json. What runs read and write is kept
// by project, so that the roles of one project reach nothing of another.
func GrantKey(project, cid string) (string, error) {
	return join(PrefixGrants, ".json", named(lifecycle.NameProject, project), named(lifecycle.NameCorrelation, cid))
}

// ClaimKey is claims/<project>/<correlationId>.json.
func ClaimKey(project, cid string) (string, error) {
	return join(PrefixClaims, ".json", named(lifecycle.NameProject, project), named(lifecycle.NameCorrelation, cid))
}

// ResultKey is results/<project>/<correlationId>/<name>. The correlation id begins with
// the kind of the run, by which the roles may write or not.
func ResultKey(project, cid, name string) (string, error) {
	switch name {
	case resultName, summaryName, planName:
		return join(PrefixResults, "/"+name, named(lifecycle.NameProject, project), named(lifecycle.NameCorrelation, cid))
	}
	return "", fmt.Errorf("result %q: %w", name, ErrKey)
}

// IdentityKey is identities/<team>/<user>.json.
func IdentityKey(team, user string) (string, error) {
	return join(PrefixIdentities, ".json", keyPart{"Slack team", team, slackID.MatchString},
		keyPart{"Slack user", user, slackID.MatchString})
}

// keyPart is one piece of a key and what it must look like.
type keyPart struct {
	what, value string
	valid       func(string) bool
}

func named(n lifecycle.Name, value string) keyPart { return keyPart{n.What, value, n.Valid} }

func join(prefix, suffix string, parts ...keyPart) (string, error) {
	key := prefix
	for i, p := range parts {
		if !p.valid(p.value) {
			return "", fmt.Errorf("%s %q: %w", p.what, p.value, ErrKey)
		}
		if i > 0 {
			key += "/"
		}
		key += p.value
	}
	return key + suffix, nil
}

// idOf is the request id in a key of requests/ or history/.
func idOf(key, prefix string) (string, bool) {
	if len(key) < len(prefix)+len(".json") {
		return "", false
	}
	id := key[len(prefix) : len(key)-len(".json")]
	return id, lifecycle.NameRequest.Valid(id) && key == prefix+id+".json"
}

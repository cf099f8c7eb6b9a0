// Package story owns requests for tests: builders that bring a request into any state by the
// patches that the product commits, and one request in every state that people can see. It is
// only for tests.
package story

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// The parts of the requests that tests name.
const (
	Team  = "T0ACME0001"
	ID    = "req_abcdefghij012"
	Head1 = "1111111111111111111111111111111111111111"
	Head2 = "3333333333333333333333333333333333333333"
	Blob1 = "2222222222222222222222222222222222222222"
)

// Start is when each story begins.
var Start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// SlackUsers and GitHubIDs are the people of the tests, by login.
var (
	SlackUsers = map[string]string{"dana": "U0DANA0001", "ana": "U0ANA00002", "omar": "U0OMAR0003", "adam": "U0ADAM0004",
		"vic": "U0VIC00005"}
	GitHubIDs = map[string]int64{"dana": 1001, "ana": 1002, "omar": 1003, "adam": 1004, "vic": 1005}
)

// Story is one request. Its methods commit patches one second apart.
type Story struct {
	t   testing.TB
	R   lifecycle.Request
	Now time.Time
	ids int64
}

// New is a request of dana, just saved.
func New(t testing.TB, env lifecycle.Environment) *Story {
	return &Story{t: t, Now: Start, R: lifecycle.New(lifecycle.NewRequest{
		ID: ID, Title: "S3 bucket acme-artifacts", Reason: "The deploy job needs a place.",
		Requester: lifecycle.Person{Login: "dana", GithubID: 1001, SlackTeam: Team, SlackUser: SlackUsers["dana"],
			Name: "dana"},
		Project: "core", Environment: env, Module: "s3-bucket", Config: map[string]any{"name": "acme-artifacts"},
		Target: lifecycle.Target{
			Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/" + ID,
			Path: "envs/" + env.Key + "/" + env.Slug + "/tfpilot_" + ID + ".tf",
		},
	}, lifecycle.Actor{Login: "dana", Source: "slack"}, Start)}
}

// Do commits a patch, which must not be refused.
func (s *Story) Do(p lifecycle.Patch) *Story {
	s.t.Helper()
	s.Now = s.Now.Add(time.Second)
	after, _, err := lifecycle.Commit(s.R, p, lifecycle.Actor{Login: "dana", Source: "slack"}, s.Now)
	if err != nil {
		s.t.Fatalf("patch refused: %v", err)
	}
	s.R = after
	return s
}

// Opened opens the pull request.
func (s *Story) Opened() *Story {
	open := true
	return s.Do(lifecycle.Opened(5, Blob1, lifecycle.PullRequest{
		Number: 7, URL: "https://github.test/acme/infra-core/pull/7", Open: &open, HeadSHA: Head1, BaseRef: "main",
	}))
}

// Correlation is the name of a run of the tests.
func Correlation(kind lifecycle.Kind, n int64) string {
	return string(kind) + "-" + time.Unix(n, 0).UTC().Format("20060102150405") + "000000000000000000"
}

// RunTitle is the title of a run of ours; the workflow files set the same.
func RunTitle(kind lifecycle.Kind, requestID, correlationID string) string {
	if requestID == "" {
		requestID = "-"
	}
	return fmt.Sprintf("tfpilot %s %s [%s]", kind, requestID, correlationID)
}

// Begin begins a run and returns its correlation id.
func (s *Story) Begin(kind lifecycle.Kind, a lifecycle.Attempt) string {
	s.ids++
	a.CorrelationID, a.Actor = Correlation(kind, s.ids), "omar"
	at := s.Now
	a.DispatchedAt = &at
	if s.R.Plan != nil && (kind == lifecycle.KindApply || kind == lifecycle.KindDestroy) {
		a.Digest, a.PlanAttempt, a.LeaseToken = s.R.Plan.Digest, s.R.Plan.Attempt, 1
	}
	if kind == lifecycle.KindApply && s.R.Intent(lifecycle.ActionApply) == nil {
		s.R.Wanted = append(s.R.Wanted, s.Intent(lifecycle.ActionApply, a.Actor))
	}
	s.Do(lifecycle.Started(kind, a))
	s.Do(lifecycle.Sending(kind, a.CorrelationID, s.Now))
	s.Do(lifecycle.RunStarted(kind, a.CorrelationID, 100+s.ids, "https://github.test/acme/infra-core/actions/runs/1"))
	return a.CorrelationID
}

// End concludes a run, with the evidence that a success needs.
func (s *Story) End(kind lifecycle.Kind, cid string, conclusion lifecycle.Conclusion) *Story {
	a := s.R.Attempt(kind, cid)
	left := lifecycle.Evidence{
		CorrelationID: cid, SummaryDigest: a.Digest,
		Claim: &lifecycle.Claim{Kind: kind, RequestID: s.R.ID, RunID: a.RunID, RunAttempt: 1, SHA: a.HeadSHA,
			ProofHash: lifecycle.ProofHash("p")},
		Result: &lifecycle.Result{CorrelationID: cid, RunID: a.RunID, Proof: "p", Conclusion: lifecycle.ConclusionSuccess,
			Digest: a.Digest},
	}
	return s.Do(lifecycle.SeeRun(lifecycle.RunFacts{
		Kind: kind, RunID: a.RunID, RunAttempt: 1, Status: "completed", Conclusion: conclusion, CompletedAt: s.Now,
		Evidence: &left,
	}))
}

// Planned runs a plan and reads its result.
func (s *Story) Planned(purpose lifecycle.Purpose, sha string, summary terraform.Summary) *Story {
	cid := s.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: purpose, HeadSHA: sha})
	s.End(lifecycle.KindPlan, cid, "success")
	n := summary.Counts()
	return s.Do(lifecycle.ReadPlan(cid, lifecycle.Plan{
		Blob: Blob1, Digest: summary.Digest(), Add: n.Add, Change: n.Change, Destroy: n.Destroy, Replace: n.Replace,
		Removed: summary.Destroyed(), Risk: summary.Risk(),
	}))
}

// Intent is what a click of a person records.
func (s *Story) Intent(what lifecycle.Action, by string) lifecycle.Intent {
	w := lifecycle.Intent{What: what, By: by, ByID: GitHubIDs[by], SlackTeam: Team, SlackUser: SlackUsers[by], At: s.Now,
		Source: "slack", Reason: "It belongs in the other account."}
	if s.R.Plan != nil {
		w.HeadSHA, w.PlanDigest = s.R.Plan.SHA, s.R.Plan.Digest
	}
	return w
}

// Requested records the intent of a person.
func (s *Story) Requested(what lifecycle.Action, by string) *Story {
	return s.Do(lifecycle.RecordIntent(s.Intent(what, by)))
}

// Approved records an approval of the current plan.
func (s *Story) Approved(by string) *Story {
	return s.Do(lifecycle.Approve(lifecycle.Approver{
		Login: by, SlackUser: SlackUsers[by], At: s.Now, HeadSHA: s.R.Plan.SHA, PlanDigest: s.R.Plan.Digest, Source: "slack",
	}))
}

// Merged merges the pull request.
func (s *Story) Merged() *Story {
	return s.Do(lifecycle.SeePull(lifecycle.PullFacts{Merged: true, MergedSHA: Head2, HeadSHA: Head1, BaseRef: "main",
		UpdatedAt: s.Now}))
}

// Applied runs an apply and reads its outputs.
func (s *Story) Applied() *Story {
	cid := s.Begin(lifecycle.KindApply, lifecycle.Attempt{Purpose: s.R.Plan.Purpose})
	s.End(lifecycle.KindApply, cid, "success")
	s.Do(lifecycle.ReadOutputs(cid, map[string]any{
		"arn": "arn:aws:s3:::acme-artifacts", "bucket": "acme-artifacts", "ports": []any{json.Number("443")},
	}))
	s.Do(lifecycle.ReadEnd(lifecycle.KindApply, cid, false))
	return s.Do(lifecycle.Released(lifecycle.KindApply, cid))
}

// Dev and Prod are environments.
func Dev() lifecycle.Environment  { return lifecycle.Environment{Key: "dev", Slug: "app"} }
func Prod() lifecycle.Environment { return lifecycle.Environment{Key: "prod", Slug: "app"} }

// Ready is a request whose first plan needs an approval.
func Ready(t testing.TB) *Story {
	return New(t, Dev()).Opened().Planned(lifecycle.PurposeOpen, Head1, Creating())
}

// Live is a request that is applied.
func Live(t testing.TB) *Story { return Ready(t).Approved("omar").Merged().Applied() }

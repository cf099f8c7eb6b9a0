package lifecycle

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

// builder builds a story: it commits patches and keeps every event.
type builder struct {
	t   testing.TB
	r   Request
	now time.Time
	log []Event
}

func (s *builder) do(p Patch) {
	s.t.Helper()
	if err := s.try(p); err != nil {
		s.t.Fatalf("patch refused: %v", err)
	}
}

func (s *builder) try(p Patch) error {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	after, _, err := Commit(s.r, p, Actor{Login: "dana", Source: "slack"}, s.now)
	if err != nil {
		return err
	}
	s.log = append(s.log, after.Audit.Pending[len(s.r.Audit.Pending):]...)
	s.r = after
	return nil
}

func (s *builder) refused(p Patch, code ReasonCode) {
	s.t.Helper()
	err := s.try(p)
	refusal, ok := err.(*Refusal)
	if !ok || refusal.Code != code {
		s.t.Fatalf("got %v, want a refusal with code %s", err, code)
	}
}

func (s *builder) is(want Status) {
	s.t.Helper()
	if got := DeriveLifecycleStatus(s.r, s.now); got != want {
		s.t.Fatalf("status %s, want %s", got, want)
	}
}

func (s *builder) due(want ...StepName) {
	s.t.Helper()
	var got []StepName
	for _, st := range Next(s.r, EnvironmentState{}, s.now) {
		if st.Name != StepLog {
			got = append(got, st.Name)
		}
	}
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		s.t.Fatalf("due %v, want %v", got, want)
	}
}

// run plays a run of the kind to its end.
func (s *builder) run(kind Kind, cid string, id int64, conclusion Conclusion) {
	s.t.Helper()
	s.do(Sending(kind, cid, s.now))
	s.do(RunStarted(kind, cid, id, "https://example.test/run"))
	s.do(SeeRun(RunFacts{Kind: kind, RunID: id, RunAttempt: 1, Status: "in_progress"}))
	s.do(SeeRun(RunFacts{Kind: kind, RunID: id, RunAttempt: 1, Status: "completed", Conclusion: conclusion,
		CompletedAt: s.now, Evidence: leftBy(s.r, kind, cid, id)}))
}

func newBuilder(t testing.TB) *builder {
	r := New(NewRequest{
		ID: "req_abcdefghij012", Title: "s3-bucket logs in dev", Requester: Person{Login: "dana", GithubID: 1001},
		Project:     "core",
		Environment: Environment{Key: "dev", Slug: "app"}, Module: "s3-bucket",
		Config: map[string]any{"name": "logs", "days": json.Number("9007199254740993")},
		Target: Target{Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/req_abcdefghij012",
			Path: "envs/dev/app/tfpilot_req_abcdefghij012.tf"},
	}, Actor{Login: "dana", Source: "slack"}, t0)
	return &builder{t: t, r: r, now: t0, log: r.Audit.Pending}
}

const head, blob, digest = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222", "sha256:aaa"

func (s *builder) planned(purpose Purpose, cid, sha, planDigest string, id int64) {
	s.t.Helper()
	now := s.now
	s.do(Started(KindPlan, Attempt{Purpose: purpose, CorrelationID: cid, HeadSHA: sha, DispatchedAt: &now, Actor: "dana"}))
	s.run(KindPlan, cid, id, "success")
	s.do(ReadPlan(cid, Plan{Blob: blob, Digest: planDigest, Add: 1}))
}

// story is a request with a plan that waits for its approval.
func story(t testing.TB) *builder {
	s := newBuilder(t)
	s.is(StatusRequestCreated)
	s.due(StepOpen)
	s.do(Opened(5, blob, PullRequest{Number: 1, Open: yes(), HeadSHA: head, BaseRef: "main"}))
	s.is(StatusPlanning)
	s.due(StepPlan)
	s.planned(PurposeOpen, "plan-1", head, digest, 11)
	s.is(StatusPlanReady)
	s.due(StepPost)
	s.do(PlanPosted(digest, []Posting{{ID: 1, At: s.now}}, false))
	s.due()
	return s
}

func intentOf(what Action, by string) Intent {
	return Intent{What: what, By: by, At: t0, HeadSHA: head, PlanDigest: digest}
}

func (s *builder) approved(by string) {
	s.t.Helper()
	s.do(RecordIntent(intentOf(ActionApprove, by)))
	s.do(Approve(Approver{Login: by, At: s.now, HeadSHA: s.r.Plan.SHA, PlanDigest: s.r.Plan.Digest}))
}

func (s *builder) merged() {
	s.t.Helper()
	s.do(RecordIntent(intentOf(ActionMerge, "omar")))
	s.due(StepMerge)
	s.do(SeePull(PullFacts{Merged: true, MergedSHA: "m1", HeadSHA: head, BaseRef: "main", UpdatedAt: s.now}))
	s.is(StatusMerged)
	s.due(StepBranch)
	s.do(BranchEnded(BranchDeleted))
}

func (s *builder) ran(kind Kind, cid, planDigest string, id int64, conclusion Conclusion) {
	s.t.Helper()
	now := s.now
	s.do(Started(kind, Attempt{CorrelationID: cid, Digest: planDigest, PlanAttempt: s.r.Plan.Attempt, DispatchedAt: &now,
		LeaseToken: 1, Actor: "adam"}))
	s.run(kind, cid, id, conclusion)
}

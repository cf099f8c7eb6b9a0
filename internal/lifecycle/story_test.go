package lifecycle

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestJourneyToAppliedAndDestroyed(t *testing.T) {
	s := story(t)
	s.refused(RecordIntent(intentOf(ActionMerge, "omar")), CodeUnapproved)
	s.approved("omar")
	s.is(StatusApproved)
	s.refused(RecordIntent(intentOf(ActionApply, "omar")), CodeNotMerged)
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.due(StepApply)
	s.ran(KindApply, "apply-1", digest, 21, "success")
	s.is(StatusApplied)
	s.due(StepResult, StepRelease) // the lease does not wait for the result
	s.do(ReadOutputs("apply-1", map[string]any{"arn": "x"}))
	s.due(StepRelease)
	s.do(Released(KindApply, "apply-1"))
	s.due()
	s.refused(RecordIntent(intentOf(ActionApply, "omar")), CodeApplied)

	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.due(StepPlan)
	s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
	s.is(StatusApplied)
	s.due()
	if s.r.Approval.Approved {
		t.Fatal("the approval of the first round still counts for the destroy")
	}
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	s.due(StepDestroy)
	s.ran(KindDestroy, "destroy-1", "sha256:bbb", 31, "success")
	s.is(StatusDestroyed)
	s.do(ReadEnd(KindDestroy, "destroy-1", false))
	s.do(Released(KindDestroy, "destroy-1"))
	s.due(StepCleanup)
	now := s.now
	s.do(Started(KindCleanup, Attempt{CorrelationID: "cleanup-1", DispatchedAt: &now}))
	s.run(KindCleanup, "cleanup-1", 41, "success")
	s.do(ReadEnd(KindCleanup, "cleanup-1", false))
	s.due(StepCleanupPull)
	s.do(CleanupOpened(2, "u"))
	s.due(StepCleanupMerge)
	s.do(CleanupMerged(s.now))
	s.due(StepArchive)
	s.refused(RecordIntent(Intent{What: ActionDestroy, By: "adam"}), CodeDestroyed)
	if err := VerifyLog(s.log); err != nil {
		t.Fatal(err)
	}
}

func TestWhatVoidsAnApproval(t *testing.T) {
	foreign := true
	now := t0
	tests := map[string]Patch{
		"a new head":      SeePull(PullFacts{Open: true, HeadSHA: "other", BaseRef: "main"}),
		"foreign content": SeePull(PullFacts{Open: true, HeadSHA: head, BaseRef: "main", Foreign: &foreign}),
		"another base":    SeePull(PullFacts{Open: true, HeadSHA: head, BaseRef: "prod"}),
		"a new plan attempt": Started(KindPlan, Attempt{CorrelationID: "plan-9", Purpose: PurposeOpen, HeadSHA: head,
			DispatchedAt: &now}),
		"a lost right": Unapprove("omar", "is no longer an approver", t0),
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			s := story(t)
			s.approved("omar")
			s.do(p)
			if s.r.Approval.Approved || len(s.r.Approval.Approvers) != 1 || s.r.Approval.Approvers[0].VoidReason == "" {
				t.Fatalf("approval still counts or was lost: %+v", s.r.Approval)
			}
			if err := s.try(RecordIntent(intentOf(ActionMerge, "omar"))); err == nil {
				t.Fatal("merge is allowed")
			}
		})
	}
}

func TestClosingBarsEverythingAtOnce(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.do(RecordIntent(Intent{What: ActionClose, By: "dana", At: s.now}))
	for _, a := range []Action{ActionApprove, ActionMerge, ActionApply, ActionPlan} {
		if Can(s.r, a) == nil {
			t.Errorf("%s is allowed while an intent to close waits", a)
		}
	}
	s.due(StepClose)
	s.do(Closed(s.now))
	s.is(StatusClosed)
	s.due()
}

func TestRejectClosesAndKeepsTheReason(t *testing.T) {
	s := story(t)
	w := intentOf(ActionReject, "omar")
	w.Reason = "too big"
	s.do(RecordIntent(w))
	s.due(StepReject)
	s.do(Reject(w))
	s.due(StepClose)
	if s.r.Rejection.Reason != "too big" {
		t.Fatal("reason lost")
	}
}

func TestFailedApplyNeedsAFreshRound(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.ran(KindApply, "apply-1", digest, 21, "failure")
	s.is(StatusFailed)
	s.do(ReadFailure(KindApply, "apply-1", "terraform_failed", "Error: no", "Apply", s.now))
	s.do(Released(KindApply, "apply-1"))
	s.refused(RecordIntent(intentOf(ActionApply, "omar")), CodeNewRound)
	s.do(RecordIntent(Intent{What: ActionPlan, By: "omar", At: s.now}))
	s.due(StepPlan)
	if p := Next(s.r, EnvironmentState{}, s.now)[1].Purpose; p != PurposeReapply {
		t.Fatalf("purpose %s", p)
	}
	s.planned(PurposeReapply, "plan-2", "tip", "sha256:ccc", 13)
	s.refused(RecordIntent(Intent{What: ActionApply, By: "omar", HeadSHA: "tip", PlanDigest: "sha256:ccc"}),
		CodeUnapproved)
	s.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:ccc"}))
	s.do(RecordIntent(Intent{What: ActionApply, By: "omar", HeadSHA: "tip", PlanDigest: "sha256:ccc"}))
	s.ran(KindApply, "apply-2", "sha256:ccc", 22, "success")
	s.is(StatusApplied)
}

func TestStaleButtonsAreRefused(t *testing.T) {
	s := story(t)
	w := intentOf(ActionApprove, "omar")
	w.PlanDigest = "sha256:old"
	s.refused(RecordIntent(w), CodeStale)
}

func TestSecondClickChangesNothing(t *testing.T) {
	s := story(t)
	s.do(RecordIntent(intentOf(ActionApprove, "omar")))
	v := s.r.Version
	s.do(RecordIntent(intentOf(ActionApprove, "omar")))
	if s.r.Version != v {
		t.Fatal("a second click wrote the document")
	}
	s.do(Approve(Approver{Login: "omar", HeadSHA: head, PlanDigest: digest}))
	s.refused(RecordIntent(intentOf(ActionApprove, "ana")), CodeApproved)
}

func TestLostDispatch(t *testing.T) {
	s := story(t)
	now := s.now
	s.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &now}))
	s.due(StepDispatch)
	s.do(Sending(KindPlan, "plan-2", s.now))
	s.due(StepFind)
	s.now = s.now.Add(ResendAfter)
	s.due(StepDispatch)
	s.do(Sending(KindPlan, "plan-2", s.now))
	s.do(RunStarted(KindPlan, "plan-2", 77, ""))
	if s.r.Attempt(KindPlan, "plan-2").RunID != 0 {
		t.Fatal("an attempt sent twice took a run that may not hold the claim")
	}
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 78, CorrelationID: "plan-2", ClaimRunID: 79, Status: "in_progress",
		RunAttempt: 1}))
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 78, CorrelationID: "plan-2", Status: "in_progress", RunAttempt: 1}))
	if s.r.Attempt(KindPlan, "plan-2").RunID != 0 {
		t.Fatal("a run without the claim was taken")
	}
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 79, CorrelationID: "plan-2", ClaimRunID: 79, Status: "in_progress",
		RunAttempt: 1}))
	if s.r.Attempt(KindPlan, "plan-2").RunID != 79 {
		t.Fatal("the run that holds the claim was not taken")
	}
}

func TestUnfoundRunIsGivenUpInOrder(t *testing.T) {
	s := story(t)
	now := s.now
	s.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &now}))
	for range MaxSends {
		s.due(StepDispatch)
		s.do(Sending(KindPlan, "plan-2", s.now))
		s.now = s.now.Add(ResendAfter)
	}
	s.due(StepRevoke)
	s.do(Revoked(KindPlan, "plan-2", s.now))
	s.due(StepFind)
	s.now = s.now.Add(MissingGrace)
	s.due(StepGiveUp)
	s.do(GiveUp(KindPlan, "plan-2", "stale", "no run was found", s.now))
	s.is(StatusFailed)
}

func TestRerunChangesNoFact(t *testing.T) {
	s := story(t)
	before := *s.r.Attempt(KindPlan, "plan-1")
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 11, RunAttempt: 2, Status: "completed", Conclusion: "failure",
		CompletedAt: t0.Add(time.Hour)}))
	after := *s.r.Attempt(KindPlan, "plan-1")
	if after.RerunSeen != 2 {
		t.Fatal("not noted")
	}
	after.RerunSeen = 0
	if !reflect.DeepEqual(before, after) {
		t.Fatalf("a re-run changed the attempt: %+v", after)
	}
	if e := s.log[len(s.log)-1]; e.Type != "run_rerun" {
		t.Fatalf("last event %s", e.Type)
	}
}

func TestVanishedRun(t *testing.T) {
	s := story(t)
	now := s.now
	s.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &now}))
	s.do(Sending(KindPlan, "plan-2", s.now))
	s.do(RunStarted(KindPlan, "plan-2", 99, ""))
	s.do(RunMissing(KindPlan, "plan-2", s.now))
	s.do(RunMissing(KindPlan, "plan-2", s.now.Add(time.Minute)))
	s.is(StatusPlanning)
	s.do(RunMissing(KindPlan, "plan-2", s.now.Add(MissingGrace)))
	s.is(StatusFailed)
}

func TestLease(t *testing.T) {
	var e EnvironmentState
	a, b, c := LeaseEntry{CorrelationID: "a"}, LeaseEntry{CorrelationID: "b"}, LeaseEntry{CorrelationID: "c"}
	e = e.Enqueue(a, t0).Enqueue(b, t0).Enqueue(c, t0).Enqueue(a, t0).Enqueue(b, t0)
	if e.Token != 1 || e.Position("a") != 0 || e.Position("b") != 1 || e.Position("c") != 2 || e.Position("d") != -1 ||
		e.Position("") != -1 {
		t.Fatalf("%+v", e)
	}
	e = e.Release("b", t0)
	if e.Token != 1 || e.Position("c") != 1 {
		t.Fatalf("leaving the queue moved the lease: %+v", e)
	}
	e = e.Release("a", t0)
	if e.Token != 2 || e.Position("c") != 0 {
		t.Fatalf("%+v", e)
	}
	e = e.Release("a", t0)
	if e.Token != 2 || e.Position("c") != 0 {
		t.Fatal("leaving twice moved the lease")
	}
	if e = e.Release("c", t0); e.Holder != nil || e.Token != 2 {
		t.Fatalf("%+v", e)
	}
}

func TestUnknownFieldsSurvive(t *testing.T) {
	in := `{"schema":1,"id":"req_abcdefghij012","newTop":{"a":[1]},"pr":{"number":3,"newPR":"x"},"config":{"n":9007199254740993},
	 "requester":{"login":"d","newPerson":3},"rejection":{"by":"o","newRejection":4},"drift":{"drifted":true,"newDrift":5},"lock":{"holder":"h","newLock":6},
	 "runs":{"newRuns":7,"plan":{"newSet":8,"currentAttempt":1,"attempts":[{"attempt":1,"correlationId":"c","newAttempt":true}]},"apply":{"currentAttempt":0},"destroy":{"currentAttempt":0}},
	 "cleanup":{"attempt":1,"correlationId":"k","newCleanup":1},"approval":{"approved":false,"approvers":[{"login":"o","newApprover":2}]}}`
	var r Request
	if err := Decode([]byte(in), &r); err != nil {
		t.Fatal(err)
	}
	r.Title = "changed"
	out, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"newTop":{"a":[1]}`, `"newPR":"x"`, `"newAttempt":true`, `"newCleanup":1`,
		`"newApprover":2`,
		`"newPerson":3`, `"newRejection":4`, `"newDrift":5`, `"newLock":6`, `"newRuns":7`, `"newSet":8`, `9007199254740993`,
		`"title":"changed"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is gone: %s", want, out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"id":"req_abcdefghij012","config":{"a":1e400}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r Request
		if Decode(data, &r) != nil {
			return
		}
		DeriveLifecycleStatus(r, t0)
		Actions(r, t0)
		Next(r, EnvironmentState{}, t0)
		out, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Request
		if err := Decode(out, &again); err != nil {
			t.Fatal(err)
		}
	})
}

// A new round takes the approval from under what waits or runs, so it has to wait.
func TestNoPlanBesideAnApply(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.refused(RecordIntent(intentOf(ActionPlan, "ana")), CodeAsked)
	s.do(CancelIntent())
	s.do(RecordIntent(intentOf(ActionPlan, "ana")))
	s.do(RecordIntent(intentOf(ActionApply, "omar"))) // before the plan began
	s.do(Started(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1}))
	s.refused(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeReapply}), CodeRunning)
	if !s.r.Approval.Approved {
		t.Error("the approval is gone")
	}
}

// An intent that waited starts nothing but the plan that was under its button.
func TestAStaleIntentStartsNothing(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.do(func(r Request) (Request, error) { r.Intent(ActionApply).PlanDigest = "sha256:old"; return r, nil })
	s.refused(Started(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1}), CodeStale)
}

// After a destroy that did not end well a plan to make everything again is
// refused: the destroy is repeated or canceled first.
func TestAfterAFailedDestroy(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionDestroy, "adam")))
	s.planned(PurposeDestroy, "plan-2", head, "sha256:bbb", 12)
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: head, PlanDigest: "sha256:bbb"}))
	s.ran(KindDestroy, "destroy-1", "sha256:bbb", 31, "failure")
	s.is(StatusFailed)
	s.refused(RecordIntent(intentOf(ActionPlan, "omar")), CodeDestroying)
	s.do(CancelDestroy(s.now))
	s.do(RecordIntent(intentOf(ActionPlan, "omar")))
}

// An attempt serves the intent that named it, not a later one after a cancel:
// its position in the queue is gone.
func TestAttemptOfACanceledIntent(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.ran(KindApply, "apply-1", digest, 21, "success")
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	s.do(Named(ActionDestroy, "destroy-2"))
	s.refused(Started(KindDestroy, Attempt{CorrelationID: "destroy-1", Digest: "sha256:bbb", PlanAttempt: 2}), CodeNothing)
	s.do(Started(KindDestroy, Attempt{CorrelationID: "destroy-2", Digest: "sha256:bbb", PlanAttempt: 2}))
}

// Whose clock is ahead, the app's or the worker's, changes nothing of a destroy: it has
// one plan, and one that was kept from is not used again.
func TestDestroyIsPlannedOnceWhateverTheClocksSay(t *testing.T) {
	for _, ahead := range []time.Duration{-time.Hour, time.Hour} {
		s := story(t)
		s.approved("omar")
		s.merged()
		s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now.Add(ahead)}))
		s.due(StepPlan)
		s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
		s.due()
		s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
		s.due(StepDestroy)
		s.do(CancelDestroy(s.now))
		s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now.Add(ahead)}))
		s.due(StepPlan)
	}
}

package lifecycle

import (
	"reflect"
	"slices"
	"testing"
)

// live is a request that was applied.
func live(t testing.TB) *builder {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.ran(KindApply, "apply-1", digest, 21, "success")
	s.do(ReadOutputs("apply-1", nil))
	s.do(Released(KindApply, "apply-1"))
	s.is(StatusApplied)
	return s
}

// replanned is a new plan of what was applied, requested by ana.
func replanned(t testing.TB, p Plan) *builder {
	s := live(t)
	s.do(RecordIntent(Intent{What: ActionPlan, By: "ana", ByID: 1002, At: s.now}))
	s.do(Started(KindPlan, Attempt{
		Purpose: PurposeReapply, CorrelationID: "plan-2", HeadSHA: "tip", DispatchedAt: &s.now, Actor: "ana",
		RequestedBy: &Person{Login: "ana", GithubID: 1002},
	}))
	s.run(KindPlan, "plan-2", 12, "success")
	s.do(ReadPlan("plan-2", p))
	return s
}

func newIntent(what Action, by string) Intent {
	return Intent{What: what, By: by, At: t0, HeadSHA: "tip", PlanDigest: "sha256:ccc", Reason: "not now"}
}

var onePlan = Plan{Blob: blob, Digest: "sha256:ccc", Change: 1}

func TestWithdrawnApprovalCountsNoMore(t *testing.T) {
	s := story(t)
	s.refused(WithdrawApproval(Person{Login: "omar"}, s.now), CodeUnapproved)
	s.do(Approve(Approver{Login: "omar", GithubID: 1003, At: s.now, HeadSHA: head, PlanDigest: digest}))
	s.do(Approve(Approver{Login: "ana", GithubID: 1002, At: s.now, HeadSHA: head, PlanDigest: digest}))
	s.refused(WithdrawApproval(Person{Login: "adam", GithubID: 1004}, s.now), CodeNotYours)
	s.do(WithdrawApproval(Person{Login: "omar2", GithubID: 1003}, s.now))
	if !s.r.Approval.Approved || s.r.Approver("omar", 0) != nil || s.r.Approver("ana", 0) == nil {
		t.Fatalf("one withdrawal took another approval with it, or did nothing: %+v", s.r.Approval)
	}
	s.do(WithdrawApproval(Person{Login: "ANA"}, s.now))
	if s.r.Approval.Approved {
		t.Fatal("it still counts")
	}
	s.refused(RecordIntent(intentOf(ActionMerge, "omar")), CodeUnapproved)
	if e := s.log[len(s.log)-1]; e.Type != "approval_voided" || e.Details["by"] != "ana" {
		t.Errorf("last event %+v", e)
	}
}

// Until the run has ended an approval can be withdrawn: the run loses its grant.
func TestWithdrawUntilTheEffect(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.do(Started(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1, DispatchedAt: &s.now}))
	s.do(WithdrawApproval(Person{Login: "omar"}, s.now))
	s.due(StepRevoke)

	s = live(t)
	s.refused(WithdrawApproval(Person{Login: "omar"}, s.now), CodeApplied)
	if s.r.AwaitsEffect() {
		t.Error("an approval that was used still waits for its effect")
	}
}

func TestObjectionBlocksApproveMergeAndApply(t *testing.T) {
	none := func(Approver) bool { return false }
	open := []Objection{{Review: 7, Login: "ana", GithubID: 1002, At: t0}}

	s := story(t)
	s.do(Objected(open, none, s.now))
	s.refused(RecordIntent(intentOf(ActionApprove, "omar")), CodeObjected)
	s.do(Objected(nil, none, s.now))
	s.approved("omar")
	s.do(Objected(open, none, s.now))
	if !s.r.Approval.Approved {
		t.Error("an objection voided the approval of another person")
	}
	s.refused(RecordIntent(intentOf(ActionMerge, "omar")), CodeObjected)
	s.mergedByHand()
	s.refused(RecordIntent(intentOf(ActionApply, "omar")), CodeObjected)
	s.do(Objected(nil, none, s.now))
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.do(Objected(open, none, s.now))
	s.refused(Started(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1}), CodeObjected)
	var types []EventType
	for _, e := range s.log {
		if e.Type == "changes_requested" || e.Type == "changes_settled" {
			types = append(types, e.Type)
		}
	}
	if want := []EventType{"changes_requested", "changes_settled", "changes_requested", "changes_settled",
		"changes_requested"}; !reflect.DeepEqual(types, want) {
		t.Errorf("events %v", types)
	}
}

// A run that was not seen yet loses its grant when a person objects; one that runs continues.
func TestObjectionStopsWhatHasNotBegun(t *testing.T) {
	open := []Objection{{Review: 7, Login: "ana"}}
	for _, seen := range []bool{false, true} {
		s := story(t)
		s.approved("omar")
		s.merged()
		s.do(RecordIntent(intentOf(ActionApply, "omar")))
		s.do(Started(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1, DispatchedAt: &s.now}))
		s.do(Sending(KindApply, "apply-1", s.now))
		if seen {
			s.do(RunStarted(KindApply, "apply-1", 21, "u"))
		}
		s.do(Objected(open, func(Approver) bool { return false }, s.now))
		if got := MayBegin(s.r, KindApply, "apply-1"); got {
			t.Errorf("seen %v: it may begin", seen)
		}
		if seen {
			s.due(StepReconcile)
		} else {
			s.due(StepRevoke)
		}
	}
}

// Reviews are about the pull request: they do not block a destroy or a new plan later.
func TestObjectionIsAboutThePullRequest(t *testing.T) {
	s := replanned(t, onePlan)
	s.do(Objected([]Objection{{Review: 7, Login: "ana"}}, func(Approver) bool { return false }, s.now))
	s.do(RecordIntent(newIntent(ActionApprove, "omar")))
}

func TestObjectionWithdrawsWhatTheSamePersonApproved(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.approved2("ana")
	s.do(Objected(nil, func(a Approver) bool { return a.Login == "omar" }, s.now))
	if s.r.Approver("omar", 0) != nil || s.r.Approver("ana", 0) == nil {
		t.Errorf("%+v", s.r.Approval)
	}
}

func (s *builder) approved2(by string) {
	s.t.Helper()
	s.do(Approve(Approver{Login: by, At: s.now, HeadSHA: s.r.Plan.SHA, PlanDigest: s.r.Plan.Digest}))
}

func TestRoundWithoutChangesEndsByItself(t *testing.T) {
	s := replanned(t, Plan{Blob: blob, Digest: "sha256:ccc", Nothing: true})
	s.is(StatusApplied)
	s.due()
	s.refused(RecordIntent(newIntent(ActionApprove, "omar")), CodeDismissed)
	s.do(RecordIntent(newIntent(ActionPlan, "omar"))) // the next one may begin
}

// After an apply that failed only another apply ends that, also when nothing is left.
func TestRoundWithoutChangesAfterAFailedApplyContinues(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.ran(KindApply, "apply-1", digest, 21, "failure")
	s.do(ReadFailure(KindApply, "apply-1", "terraform_failed", "Error", "Apply", s.now))
	s.do(Released(KindApply, "apply-1"))
	s.do(RecordIntent(Intent{What: ActionPlan, By: "omar", At: s.now}))
	s.do(Started(KindPlan, Attempt{Purpose: PurposeReapply, CorrelationID: "plan-2", HeadSHA: "tip",
		DispatchedAt: &s.now}))
	s.run(KindPlan, "plan-2", 12, "success")
	s.do(ReadPlan("plan-2", Plan{Blob: blob, Digest: "sha256:ccc", Nothing: true}))
	s.do(RecordIntent(newIntent(ActionApprove, "ana")))
}

func TestAnyNewRoundCanBeDismissed(t *testing.T) {
	reject := func(s *builder) {
		s.do(RecordIntent(newIntent(ActionReject, "omar")))
		s.due(StepReject)
		s.do(Reject(newIntent(ActionReject, "omar")))
	}
	keep := func(s *builder) { s.do(CancelDestroy(s.now)) }
	for name, dismiss := range map[string]func(*builder){"reject": reject, "keep": keep} {
		t.Run(name, func(t *testing.T) {
			s := replanned(t, onePlan)
			s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:ccc"}))
			s.do(RecordIntent(newIntent(ActionApply, "omar")))
			s.do(Named(ActionApply, "apply-2"))
			dismiss(s)
			s.is(StatusApplied)
			s.due(StepLeave)
			s.do(Left("apply-2"))
			s.due()
			if s.r.Approval.Approved || s.r.Intent(ActionApply) != nil || s.r.ClosedAt != nil {
				t.Errorf("approved %v, wanted %v, closed %v", s.r.Approval.Approved, s.r.Wanted, s.r.ClosedAt)
			}
			s.refused(RecordIntent(newIntent(ActionApply, "omar")), CodeDismissed)
			s.refused(Started(KindApply, Attempt{CorrelationID: "apply-2", Digest: "sha256:ccc", PlanAttempt: 2}), CodeNothing)
			if !slices.ContainsFunc(s.log, func(e Event) bool { return e.Type == "round_dismissed" }) {
				t.Error("no audit event")
			}
			s.refused(CancelDestroy(s.now), CodeNothing)
			s.refused(RecordIntent(newIntent(ActionReject, "omar")), CodeMerged)
			s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
		})
	}
}

// A plan that failed is dismissed like one that is ready; one that runs is not, and
// neither is one that is being applied.
func TestWhatCannotBeDismissed(t *testing.T) {
	s := live(t)
	s.do(Started(KindPlan, Attempt{Purpose: PurposeReapply, CorrelationID: "plan-2", HeadSHA: "tip",
		DispatchedAt: &s.now}))
	s.refused(CancelDestroy(s.now), CodeNothing)
	s.run(KindPlan, "plan-2", 12, "failure")
	s.do(ReadFailure(KindPlan, "plan-2", "terraform_failed", "Error", "Plan", s.now))
	s.do(CancelDestroy(s.now))
	if s.r.Problem != nil || !s.r.Attempt(KindPlan, "plan-2").SetAside {
		t.Errorf("the failed plan stays: %+v", s.r.Problem)
	}

	s = replanned(t, onePlan)
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:ccc"}))
	s.do(RecordIntent(newIntent(ActionApply, "omar")))
	s.ran(KindApply, "apply-2", "sha256:ccc", 22, "")
	s.refused(CancelDestroy(s.now), CodeNothing)
	s.refused(RecordIntent(newIntent(ActionReject, "omar")), CodeMerged)

	s = story(t)
	s.approved("omar")
	s.merged()
	s.refused(CancelDestroy(s.now), CodeNothing) // the first round is not a new plan
}

// An intent that ends while it waits leaves the queue at once, however it ends.
func TestCanceledIntentLeavesTheQueue(t *testing.T) {
	waiting := func(t *testing.T) *builder {
		s := story(t)
		s.approved("omar")
		s.merged()
		s.do(RecordIntent(intentOf(ActionApply, "omar")))
		s.do(Named(ActionApply, "apply-1"))
		return s
	}
	for name, gone := range map[string]func(*builder) Patch{
		"canceled": func(*builder) Patch { return CancelIntent() },
		"refused":  func(s *builder) Patch { return Refused(ActionApply, "omar", CodeStale, "no", s.now) },
		"forced":   func(s *builder) Patch { return ForceReleased(KindApply, "apply-1", "adam", "it hangs", s.now) },
	} {
		t.Run(name, func(t *testing.T) {
			s := waiting(t)
			s.do(gone(s))
			s.due(StepLeave)
			if step := Next(s.r, EnvironmentState{}, s.now)[1]; step.CorrelationID != "apply-1" {
				t.Errorf("%+v", step)
			}
			s.do(Left("apply-1"))
			s.due()
		})
	}
	s := waiting(t)
	s.ran(KindApply, "apply-1", digest, 21, "success")
	if s.r.Leaving != nil {
		t.Error("the intent was served, and its entry is to leave")
	}
}

// Who is refused later is remembered until the newer ones take the place, also when the
// problem on the card is another one by then.
func TestRefusedIntentsAreKept(t *testing.T) {
	s := story(t)
	for range maxRefused + 2 {
		w := intentOf(ActionApprove, "omar")
		w.SlackUser, w.At = "U3", s.now
		s.do(RecordIntent(w))
		s.do(RefuseIntent(w, "role", "Only approvers may.", s.now))
	}
	s.do(SetProblem("open", "x", "y", s.now))
	if n := len(s.r.Refused); n != maxRefused {
		t.Fatalf("%d are kept", n)
	}
	last := s.r.Refused[maxRefused-1]
	if last.By != "omar" || last.SlackUser != "U3" || last.What != ActionApprove || last.Code != "role" ||
		!last.At.After(s.r.Refused[0].At) {
		t.Errorf("%+v", last)
	}
}

// An approval settles on all that it was given for: whatever differs voids it.
func TestApprovalSettlesOnTheWholeRound(t *testing.T) {
	for name, change := range map[string]func(*Approver){
		"digest":  func(a *Approver) { a.PlanDigest = "sha256:other" },
		"head":    func(a *Approver) { a.HeadSHA = "other" },
		"blob":    func(a *Approver) { a.Blob = "other" },
		"purpose": func(a *Approver) { a.Purpose = PurposeReapply },
	} {
		t.Run(name, func(t *testing.T) {
			s := story(t)
			s.approved("omar")
			s.do(func(r Request) (Request, error) { change(&r.Approval.Approvers[0]); return r, nil })
			if a := s.r.Approval; a.Approved || a.Approvers[0].VoidedAt == nil {
				t.Errorf("%+v", a)
			}
		})
	}
	for _, a := range []Approver{
		{Login: "omar", HeadSHA: head, PlanDigest: "sha256:other"},
		{Login: "omar", HeadSHA: "other", PlanDigest: digest},
	} {
		story(t).refused(Approve(a), CodeStale)
	}
}

// A conclusion stays what it was, whatever else arrives, and so does its time.
func TestConclusionIsNeverReplaced(t *testing.T) {
	for _, first := range []Conclusion{"success", "failure"} {
		for _, later := range []Conclusion{"success", "failure", "cancelled"} {
			s := story(t)
			s.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &s.now}))
			s.run(KindPlan, "plan-2", 99, first)
			before := *s.r.Attempt(KindPlan, "plan-2")
			s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 99, RunAttempt: 1, Status: "completed", Conclusion: later,
				CompletedAt: s.now.Add(1)}))
			s.do(GiveUp(KindPlan, "plan-2", "stale", "lost", s.now))
			s.do(RunMissing(KindPlan, "plan-2", s.now))
			s.do(RunMissing(KindPlan, "plan-2", s.now.Add(MissingGrace)))
			if after := *s.r.Attempt(KindPlan, "plan-2"); !reflect.DeepEqual(before, after) {
				t.Errorf("%s then %s: %+v", first, later, after)
			}
		}
	}
}

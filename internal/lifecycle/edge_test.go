package lifecycle

import (
	"reflect"
	"testing"
	"time"
)

// The edges of the rules of a round, one by one: what a condition leaves out must show.

func TestRoundRequesters(t *testing.T) {
	ana, adam := Person{Login: "ana", GithubID: 1002}, Person{Login: "adam", GithubID: 1004}
	destroy := []Intent{{What: ActionDestroy, By: "adam", ByID: 1004}}
	attempts := func(by *Person) Runs {
		return Runs{Plan: RunSet{Attempts: []Attempt{{Number: 1, Actor: "dana"},
			{Number: 2, Actor: "actor", RequestedBy: by}}}}
	}
	for _, c := range []struct {
		name string
		r    Request
		want []Person
	}{
		{"no plan", Request{Wanted: destroy}, nil},
		{"first round", Request{Plan: &Plan{Attempt: 2, Purpose: PurposeOpen}, Runs: attempts(&ana), Wanted: destroy}, nil},
		{"new plan", Request{Plan: &Plan{Attempt: 2, Purpose: PurposeReapply}, Runs: attempts(&ana)}, []Person{ana}},
		{"new plan beside an intent to destroy", Request{Plan: &Plan{Attempt: 2, Purpose: PurposeReapply},
			Runs: attempts(&ana), Wanted: destroy}, []Person{ana}},
		{"destroy", Request{Plan: &Plan{Attempt: 2, Purpose: PurposeDestroy}, Runs: attempts(&ana), Wanted: destroy},
			[]Person{ana, adam}},
		{"older document", Request{Plan: &Plan{Attempt: 2, Purpose: PurposeDestroy}, Runs: attempts(nil)},
			[]Person{{Login: "actor"}}},
		{"its attempt is not there", Request{Plan: &Plan{Attempt: 3, Purpose: PurposeDestroy}, Runs: attempts(&ana),
			Wanted: destroy}, []Person{adam}},
	} {
		if got := c.r.RoundRequesters(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestWhereReviewsCount(t *testing.T) {
	pr, open, later := &PullRequest{Objections: []Objection{{Review: 7}}}, &Plan{Purpose: PurposeOpen}, &Plan{Purpose: PurposeDestroy}
	for _, c := range []struct {
		r    Request
		want bool
	}{{Request{PR: pr, Plan: open}, true}, {Request{PR: pr, Plan: later}, false}, {Request{PR: pr}, false},
		{Request{Plan: open}, false}} {
		if c.r.OnPullRequest() != c.want || (len(c.r.Objections()) > 0) != c.want {
			t.Errorf("%+v", c.r)
		}
	}
}

// An approval that was recorded as an intent and not checked yet can be withdrawn too, by
// the person whose intent it is; other intents stay.
func TestWithdrawBeforeItWasChecked(t *testing.T) {
	s := story(t)
	s.do(RecordIntent(intentOf(ActionApprove, "omar")))
	s.do(RecordIntent(Intent{What: ActionPlan, By: "ana", At: s.now}))
	s.refused(WithdrawApproval(Person{Login: "ana", GithubID: 1002}, s.now), CodeNotYours)
	s.do(WithdrawApproval(Person{Login: "omar", GithubID: 1003}, s.now))
	if s.r.Intent(ActionApprove) != nil || s.r.Intent(ActionPlan) == nil {
		t.Errorf("%+v", s.r.Wanted)
	}
}

// A void approval keeps its first reason.
func TestVoidStaysVoid(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.do(WithdrawApproval(Person{Login: "omar"}, s.now))
	first := s.r.Approval.Approvers[0]
	s.approved2("omar")
	s.do(Objected(nil, func(Approver) bool { return true }, s.now.Add(time.Hour)))
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: head, PlanDigest: digest}))
	s.do(WithdrawApproval(Person{Login: "omar"}, s.now.Add(2*time.Hour)))
	if got := s.r.Approval.Approvers[0]; !reflect.DeepEqual(got, first) {
		t.Errorf("%+v\n%+v", got, first)
	}
}

// The approval of a destroy awaits its effect as long as the destroy is wanted or runs.
func TestKeptDestroyAwaitsNothing(t *testing.T) {
	s := live(t)
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	if !s.r.AwaitsEffect() {
		t.Error("while it is wanted")
	}
	kept := *s
	kept.do(CancelDestroy(s.now))
	if kept.r.AwaitsEffect() {
		t.Error("after it was kept")
	}
	s.do(Started(KindDestroy, Attempt{CorrelationID: "destroy-1", Digest: "sha256:bbb", PlanAttempt: 2,
		DispatchedAt: &s.now}))
	if !s.r.AwaitsEffect() {
		t.Error("while it runs")
	}
	s.run(KindDestroy, "destroy-1", 31, "success")
	if s.r.AwaitsEffect() {
		t.Error("after it ran")
	}
}

// A destroy that has nothing to destroy is still decided on: it takes the code out.
func TestEmptyDestroyIsDecidedOn(t *testing.T) {
	s := live(t)
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.do(Started(KindPlan, Attempt{Purpose: PurposeDestroy, CorrelationID: "plan-2", HeadSHA: "tip",
		DispatchedAt: &s.now}))
	s.run(KindPlan, "plan-2", 12, "success")
	s.do(ReadPlan("plan-2", Plan{Blob: blob, Digest: "sha256:bbb", Nothing: true}))
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	s.due(StepDestroy)
}

func TestRejectingARunningPlanDismissesNothing(t *testing.T) {
	s := live(t)
	s.do(Started(KindPlan, Attempt{Purpose: PurposeReapply, CorrelationID: "plan-2", HeadSHA: "tip",
		DispatchedAt: &s.now}))
	s.do(func(r Request) (Request, error) { r.dismiss(s.now, "no"); return r, nil })
	if s.r.Attempt(KindPlan, "plan-2").SetAside {
		t.Error("it was dismissed")
	}
}

func TestDismissVoidsByItself(t *testing.T) {
	s := replanned(t, onePlan)
	s.do(Approve(Approver{Login: "omar", At: s.now, HeadSHA: "tip", PlanDigest: "sha256:ccc"}))
	s.do(CancelDestroy(s.now))
	if n := len(s.r.Approval.Approvers); s.r.Approval.Approvers[n-1].VoidReason != "the plan was dismissed" {
		t.Errorf("%+v", s.r.Approval)
	}
}

// One of two entries leaves; the other keeps its place.
func TestOnlyTheCanceledEntryLeaves(t *testing.T) {
	before := Request{Wanted: []Intent{{What: ActionApply, CorrelationID: "a"},
		{What: ActionDestroy, CorrelationID: "b"}, {What: ActionMerge}}}
	after := Request{Wanted: []Intent{{What: ActionDestroy, CorrelationID: "b"}}}
	if got := leftQueue(before, after); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("%v", got)
	}
	after.Leaving = []string{"a"}
	if got := leftQueue(before, after); got != nil {
		t.Errorf("twice: %v", got)
	}
	after.Leaving = []string{"a", "c"}
	after, _ = Left("a")(after)
	if !reflect.DeepEqual(after.Leaving, []string{"c"}) {
		t.Errorf("%v", after.Leaving)
	}
}

func TestEveryCommitCounts(t *testing.T) {
	s := story(t)
	version, events := s.r.Version, len(s.log)
	s.do(RecordIntent(intentOf(ActionApprove, "omar")))
	if s.r.Version != version+1 || !s.r.UpdatedAt.Equal(s.now) || len(s.log) != events+1 {
		t.Errorf("version %d after %d, %s, %d events", s.r.Version, version, s.r.UpdatedAt, len(s.log)-events)
	}
	if !reflect.DeepEqual(s.r.AuthorIDs, []int64{1001}) {
		t.Errorf("authors %v", s.r.AuthorIDs)
	}
	ran := false
	s.refused(All(RecordIntent(intentOf(ActionApply, "omar")), func(r Request) (Request, error) {
		ran = true
		return r, nil
	}), CodeNotMerged)
	if ran {
		t.Error("a patch ran after a refusal")
	}
	s.refused(RecordIntent(Intent{What: "sudo", By: "omar"}), CodeNothing)
}

func TestWhatIsOverGetsNothing(t *testing.T) {
	s := story(t)
	s.do(Closed(s.now))
	for _, a := range []Action{ActionApprove, ActionReject, ActionMerge, ActionPlan, ActionRestore, ActionClose} {
		if refusal := Can(s.r, a); refusal == nil || refusal.Code != CodeClosed {
			t.Errorf("closed: %s: %v", a, refusal)
		}
	}
	s = live(t)
	s.do(func(r Request) (Request, error) {
		r.Runs.Destroy = RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, Conclusion: ConclusionSuccess}}}
		return r, nil
	})
	for _, a := range []Action{ActionApprove, ActionReject, ActionMerge, ActionPlan, ActionApply, ActionDestroy} {
		if refusal := Can(s.r, a); refusal == nil || refusal.Code != CodeDestroyed {
			t.Errorf("destroyed: %s: %v", a, refusal)
		}
	}
}

// A request concerns the lease from the intent that queued until its run released it.
func TestConcernsLease(t *testing.T) {
	queued := Request{Wanted: []Intent{{What: ActionApply, CorrelationID: "apply-1"}}}
	ran := Request{Runs: Runs{Apply: RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, Conclusion: ConclusionSuccess}}}}}
	released := Request{Runs: Runs{Apply: RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, Released: true}}}}}
	for name, c := range map[string]struct {
		r    Request
		want bool
	}{
		"plans":         {Request{Runs: Runs{Plan: RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1}}}}}, false},
		"wants, no id":  {Request{Wanted: []Intent{{What: ActionApply}}}, false},
		"queued":        {queued, true},
		"leaves":        {Request{Leaving: []string{"apply-1"}}, true},
		"ran":           {ran, true},
		"gave it back":  {released, false},
		"nothing to do": {Request{}, false},
	} {
		if got := c.r.ConcernsLease(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

package lifecycle

import (
	"slices"
	"testing"
	"time"
)

// An intent that needs the environment is due for the holder and for one that is not
// queued yet, and not for one that waits in the queue.
func TestOnlyTheHolderIsDue(t *testing.T) {
	holds := EnvironmentState{}.Enqueue(LeaseEntry{CorrelationID: "mine"},
		t0).Enqueue(LeaseEntry{CorrelationID: "other"}, t0)
	waits := EnvironmentState{}.Enqueue(LeaseEntry{CorrelationID: "other"},
		t0).Enqueue(LeaseEntry{CorrelationID: "mine"}, t0)
	apply := story(t)
	apply.approved("omar")
	apply.merged()
	apply.do(RecordIntent(intentOf(ActionApply, "omar")))
	destroy := live(t)
	destroy.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: t0}))
	destroy.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
	destroy.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	for step, r := range map[StepName]Request{StepApply: apply.r, StepDestroy: destroy.r} {
		for i := range r.Wanted {
			r.Wanted[i].CorrelationID = "mine"
		}
		for name, c := range map[string]struct {
			env  EnvironmentState
			want bool
		}{"holds it": {holds, true}, "waits": {waits, false}, "has not asked": {EnvironmentState{}, true}} {
			got := slices.ContainsFunc(intentSteps(r, c.env), func(s Step) bool {
				return s.Name == step && s.CorrelationID == "mine"
			})
			if got != c.want {
				t.Errorf("%s, which %s: %v", step, name, got)
			}
		}
	}
}

// A worker is woken for what is due now and comes by no other way: not for the log, nor for the end of a run.
func TestIsDue(t *testing.T) {
	long := t0.Add(-time.Hour)
	running := Attempt{Number: 1, CorrelationID: "plan-2", RunID: 12, DispatchedAt: &long}
	for name, c := range map[string]struct {
		change func(*Request)
		want   bool
	}{
		"nothing":     {func(*Request) {}, false},
		"an intent":   {func(r *Request) { r.Wanted = []Intent{{What: ActionMerge, By: "omar"}} }, true},
		"the log":     {func(r *Request) { r.Audit.Pending = []Event{{Seq: 2, At: t0.Add(-time.Hour)}} }, false},
		"a run":       {func(r *Request) { r.Runs.Plan.Attempts = []Attempt{running} }, false},
		"a retry":     {func(r *Request) { r.PR, r.Problem = nil, &Problem{Step: "open", Since: t0.Add(-RetryOpen)} }, true},
		"not yet":     {func(r *Request) { r.PR, r.Problem = nil, &Problem{Step: "open", Since: t0} }, false},
		"run and log": {func(r *Request) { r.Runs.Plan.Attempts, r.Audit.Pending = []Attempt{running}, []Event{{Seq: 2}} }, false},
	} {
		r := story(t).r
		r.Audit.Pending = nil
		c.change(&r)
		if got := IsDue(r, t0.Add(RetryOpen-1)); got != c.want {
			t.Errorf("%s: %v, steps %+v", name, got, Next(r, EnvironmentState{}, t0))
		}
	}
}

// Each recorded intent is a step of its own, with whose rights count.
func TestEachIntentIsDue(t *testing.T) {
	for what, step := range map[Action]StepName{
		ActionApprove: StepApprove, ActionMerge: StepMerge, ActionRestore: StepRestore, ActionRepair: StepRepair,
		ActionApply:  StepApply,
		ActionReject: StepReject, ActionClose: StepClose,
	} {
		r := story(t).r
		r.Wanted = []Intent{{What: what, By: "omar"}}
		steps := intentSteps(r, EnvironmentState{})
		if len(steps) != 1 || steps[0].Name != step || steps[0].By != "omar" {
			t.Errorf("%s: %+v", what, steps)
		}
	}
}

// A destroy is planned once for the intent, and does not begin before that plan is there.
func TestDestroyNeedsItsOwnPlan(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   StepName
		own    bool // the last plan is the destroy's
	}{
		"planned and approved": {func(*Request) {}, StepDestroy, true},
		"the plan runs":        {func(r *Request) { r.Runs.Plan.Current().Conclusion = "" }, "", true},
		"another plan runs": {func(r *Request) {
			r.Runs.Plan.Current().Conclusion, r.Runs.Plan.Current().Purpose = "", PurposeReapply
		}, "", false},
		"the plan failed":    {func(r *Request) { r.Runs.Plan.Current().Conclusion = "failure" }, "", true},
		"of another purpose": {func(r *Request) { r.Runs.Plan.Current().Purpose = PurposeReapply }, StepPlan, false},
		"of a time before":   {func(r *Request) { r.Intent(ActionDestroy).AfterPlan = 2 }, StepPlan, false},
		"no plan at all":     {func(r *Request) { r.Runs.Plan = RunSet{} }, StepPlan, false},
		"not approved":       {func(r *Request) { r.Approval.Approved = false }, "", true},
		"not wanted":         {func(r *Request) { r.Wanted = nil }, "", false},
	} {
		s := live(t)
		s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: t0}))
		s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
		s.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
		r := s.r
		c.change(&r)
		var got StepName
		for _, step := range intentSteps(r, EnvironmentState{}) {
			got = step.Name
		}
		if own := r.DestroyPlan() != nil; got != c.want || own != c.own {
			t.Errorf("%s: %q, its own plan: %v", name, got, own)
		}
	}
}

// A dispatch without a run is searched for, sent again, and in the end withdrawn and given
// up, each at its time and not before.
func TestLostStepsAtTheirTimes(t *testing.T) {
	before := func(d time.Duration) *time.Time { at := t0.Add(-d); return &at }
	for name, c := range map[string]struct {
		a    Attempt
		want StepName
	}{
		"never sent":               {Attempt{}, StepDispatch},
		"sent at an unknown time":  {Attempt{Sends: 1}, StepDispatch},
		"counted as not sent":      {Attempt{SentAt: before(time.Second)}, StepDispatch},
		"sent just now":            {Attempt{Sends: 1, SentAt: before(0)}, StepFind},
		"a moment before its time": {Attempt{Sends: 1, SentAt: before(ResendAfter - 1)}, StepFind},
		"at its time":              {Attempt{Sends: 1, SentAt: before(ResendAfter)}, StepDispatch},
		"for the last time":        {Attempt{Sends: MaxSends - 1, SentAt: before(ResendAfter)}, StepDispatch},
		"too often":                {Attempt{Sends: MaxSends, SentAt: before(ResendAfter)}, StepRevoke},
		"withdrawn":                {Attempt{Sends: 1, RevokedAt: before(MissingGrace - 1)}, StepFind},
		"withdrawn long ago":       {Attempt{Sends: 1, RevokedAt: before(MissingGrace)}, StepGiveUp},
	} {
		if got := c.a.lostStep(t0).Name; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// An attempt starts for the round that there is: its digest, its plan, and nothing beside it.
func TestAttemptIsOfTheRound(t *testing.T) {
	apply := func(planDigest string, plan int) Patch {
		return Started(KindApply, Attempt{CorrelationID: "apply-9", Digest: planDigest, PlanAttempt: plan, DispatchedAt: &t0})
	}
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(intentOf(ActionApply, "omar")))
	s.refused(apply("sha256:other", 1), CodeStale)
	s.refused(apply(digest, 2), CodeStale)
	s.do(apply(digest, 1))
	s.refused(Started(KindApply, Attempt{CorrelationID: "apply-10", Digest: digest, PlanAttempt: 1}), CodeRunning)
	s = live(t)
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: t0}))
	s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
	destroy := func(planDigest string, plan int) Patch {
		return Started(KindDestroy, Attempt{CorrelationID: "destroy-9", Digest: planDigest, PlanAttempt: plan, DispatchedAt: &t0})
	}
	s.refused(destroy("sha256:bbb", 2), CodeUnapproved)
	s.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
	s.refused(destroy("sha256:other", 2), CodeStale)
	s.refused(destroy("sha256:bbb", 1), CodeStale)
	s.do(destroy("sha256:bbb", 2))
	s = story(t)
	s.do(Started(KindPlan, Attempt{Purpose: PurposeOpen, CorrelationID: "plan-2", HeadSHA: head, DispatchedAt: &t0}))
	s.refused(Started(KindPlan, Attempt{Purpose: PurposeOpen, CorrelationID: "plan-3", HeadSHA: head}), CodeRunning)
}

// Audit events go to the log together: when none followed for a while, or when many wait. The
// creation waits for what follows it.
func TestEventsGoToTheLogTogether(t *testing.T) {
	events := func(seq int64, seconds ...int) (all []Event) {
		for i, s := range seconds {
			all = append(all, Event{Seq: seq + int64(i), At: t0.Add(time.Duration(s) * time.Second)})
		}
		return all
	}
	last := t0.Add(25 * time.Second)
	for name, c := range map[string]struct {
		pending []Event
		want    []Step
	}{
		"none":          {nil, nil},
		"the creation":  {events(1, 0), nil},
		"what follows":  {events(1, 0, 25), []Step{{Name: StepLog, After: last.Add(LogAfter)}}},
		"another alone": {events(2, 25), []Step{{Name: StepLog, After: last.Add(LogAfter)}}},
		"some":          {events(7, 0, 5, 25), []Step{{Name: StepLog, After: last.Add(LogAfter)}}},
		"almost too many": {events(2, append(make([]int, LogMost-2), 25)...),
			[]Step{{Name: StepLog, After: last.Add(LogAfter)}}},
		"too many": {events(2, append(make([]int, LogMost-1), 25)...), []Step{{Name: StepLog}}},
	} {
		if got := logSteps(Request{Audit: Audit{Pending: c.pending}}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

package lifecycle

import (
	"reflect"
	"testing"
	"time"
)

// A document is written when a patch changed it, and only then.
func TestCommitTellsWhetherToWrite(t *testing.T) {
	s := story(t)
	keep := func(r Request) (Request, error) { return r, nil }
	if after, changed, err := Commit(s.r, keep, Actor{}, s.now.Add(time.Hour)); changed || err != nil ||
		after.Version != s.r.Version {
		t.Errorf("nothing changed: %v %v", changed, err)
	}
	if after, changed, err := Commit(s.r, RecordIntent(intentOf(ActionApprove, "omar")), Actor{}, s.now); !changed ||
		err != nil || after.Version != s.r.Version+1 {
		t.Errorf("an intent: %v %v", changed, err)
	}
	if after, changed, err := Commit(s.r, RecordIntent(Intent{What: "sudo"}), Actor{}, s.now); changed || err == nil ||
		after.Version != s.r.Version {
		t.Errorf("a refusal: %v %v", changed, err)
	}
	odd := func(r Request) (Request, error) { r.Config = map[string]any{"x": func() {}}; return r, nil }
	if after, changed, err := Commit(s.r, odd, Actor{}, s.now); changed || err == nil || after.Version != s.r.Version {
		t.Errorf("what cannot be written: %v %v", changed, err)
	}
	before, _ := odd(s.r)
	if _, changed, err := Commit(before, keep, Actor{}, s.now); changed || err == nil {
		t.Errorf("what could not be written before: %v %v", changed, err)
	}
	if first := newBuilder(t).r.Audit.Pending; len(first) == 0 || first[0].Actor != "dana" {
		t.Errorf("audit of a new request: %+v", first)
	}
}

// The holder keeps the lease and its token when it asks again, and an entry that waited
// holds it since it got it.
func TestLeaseIsTakenOnce(t *testing.T) {
	later := t0.Add(time.Hour)
	a, b := LeaseEntry{CorrelationID: "a", Since: t0}, LeaseEntry{CorrelationID: "b", Since: t0}
	e := EnvironmentState{}.Enqueue(a, t0).Enqueue(b, t0)
	for _, again := range []LeaseEntry{a, b} {
		if got := e.Enqueue(again, later); !reflect.DeepEqual(got, e) {
			t.Errorf("%s asks again: %+v", again.CorrelationID, got)
		}
	}
	e = e.Release("a", later)
	if e.Holder == nil || e.Holder.CorrelationID != "b" || !e.Holder.Since.Equal(later) || e.Queue != nil {
		t.Errorf("%+v", e)
	}
	if got := (EnvironmentState{}).Release("a", later); !reflect.DeepEqual(got, EnvironmentState{}) {
		t.Errorf("leaving what is free: %+v", got)
	}
}

func TestPlanRun(t *testing.T) {
	runs := Runs{Plan: RunSet{CurrentAttempt: 2, Attempts: []Attempt{{Number: 1}, {Number: 2}}}}
	for _, c := range []struct {
		plan *Plan
		want int
	}{{nil, 0}, {&Plan{Attempt: 1}, 1}, {&Plan{Attempt: 2}, 2}, {&Plan{Attempt: 3}, 0}} {
		r := Request{Runs: runs, Plan: c.plan}
		got := 0
		if a := r.PlanRun(); a != nil {
			got = a.Number
		}
		if got != c.want {
			t.Errorf("%+v: attempt %d, want %d", c.plan, got, c.want)
		}
	}
}

// Only an attempt that ended without success stopped before its effect.
func TestBeforeEffect(t *testing.T) {
	for _, c := range []struct {
		a    Attempt
		want bool
	}{
		{Attempt{Conclusion: "startup_failure"}, true},
		{Attempt{Conclusion: "failure", FailedStep: "Set up job"}, true},
		{Attempt{Conclusion: ConclusionSuccess, FailedStep: "Set up job"}, false},
		{Attempt{FailedStep: "Set up job"}, false},
		{Attempt{Conclusion: "failure"}, false},
	} {
		if got := c.a.BeforeEffect(); got != c.want {
			t.Errorf("%+v: %v", c.a, got)
		}
	}
}

// Another review of the same person is another objection; the same one again is no change.
func TestObjectionsAreReplacedByReview(t *testing.T) {
	s, never := story(t), func(Approver) bool { return false }
	first, second := Objection{Review: 7, Login: "ana", At: t0}, Objection{Review: 8, Login: "ana", At: t0}
	s.do(Objected([]Objection{first}, never, s.now))
	version := s.r.Version
	s.do(Objected([]Objection{{Review: 7, Login: "ana", At: t0.Add(time.Hour)}}, never, s.now))
	if s.r.Version != version {
		t.Errorf("the same review is a change: %+v", s.r.PR.Objections)
	}
	s.do(Objected([]Objection{second}, never, s.now))
	if !reflect.DeepEqual(s.r.PR.Objections, []Objection{second}) {
		t.Errorf("%+v", s.r.PR.Objections)
	}
}

// A plan of what was merged and never applied can be dismissed too.
func TestDismissBeforeAnyApply(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.merged()
	s.do(RecordIntent(Intent{What: ActionPlan, By: "ana", ByID: 1002, At: s.now}))
	s.planned(PurposeReapply, "plan-2", "tip", "sha256:ccc", 12)
	if refusal := Can(s.r, ActionCancelDestroy); refusal != nil {
		t.Fatal(refusal)
	}
	s.do(CancelDestroy(s.now))
	if !s.r.Runs.Plan.Current().SetAside {
		t.Errorf("%+v", s.r.Runs.Plan.Current())
	}
}

// A rejection that is recorded closes the request to all else, and a destroy that was
// set aside has destroyed nothing.
func TestWhatEndsARequest(t *testing.T) {
	s := story(t)
	s.do(RecordIntent(Intent{What: ActionReject, By: "omar", At: s.now, HeadSHA: head, PlanDigest: digest, Reason: "no"}))
	for _, a := range []Action{ActionApprove, ActionMerge, ActionPlan, ActionClose} {
		if refusal := Can(s.r, a); refusal == nil || refusal.Code != CodeClosing {
			t.Errorf("while it is rejected: %s: %v", a, refusal)
		}
	}
	r := live(t).r
	r.Runs.Destroy = RunSet{CurrentAttempt: 1,
		Attempts: []Attempt{{Number: 1, Conclusion: ConclusionSuccess, SetAside: true}}}
	if refusal := Can(r, ActionDestroy); refusal != nil {
		t.Errorf("after a destroy that was set aside: %v", refusal)
	}
	r.Plan, r.Runs.Destroy = nil, RunSet{}
	if refusal := Can(r, ActionApply); refusal == nil || refusal.Code != CodeNoPlan {
		t.Errorf("merged without a plan: %v", refusal)
	}
}

// A round can be decided on when its plan is the last one, whole, and of what GitHub holds.
func TestRoundIsOfTheLastPlan(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   ReasonCode
	}{
		"as planned":             {func(*Request) {}, ""},
		"a plan runs":            {func(r *Request) { r.Runs.Plan.Attempts[0].Conclusion = "" }, CodePlanning},
		"no plan":                {func(r *Request) { r.Plan = nil }, CodeNoPlan},
		"no digest":              {func(r *Request) { r.Plan.Digest = "" }, CodeNoPlan},
		"no attempt":             {func(r *Request) { r.Runs.Plan = RunSet{} }, CodeNoPlan},
		"a later one failed":     {func(r *Request) { r.Plan.Attempt = 0 }, CodeNoPlan},
		"dismissed":              {func(r *Request) { r.Runs.Plan.Attempts[0].SetAside = true }, CodeDismissed},
		"other inputs":           {func(r *Request) { r.Plan.Blob = "3" }, CodeMoved},
		"other inputs, edited":   {func(r *Request) { r.Plan.Blob, r.Plan.Purpose = "3", PurposeEdit }, CodeMoved},
		"other inputs, merged":   {func(r *Request) { r.Plan.Blob, r.Plan.Purpose = "3", PurposeReapply }, ""},
		"other inputs, destroy":  {func(r *Request) { r.Plan.Blob, r.Plan.Purpose = "3", PurposeDestroy }, ""},
		"no pull request":        {func(r *Request) { r.PR = nil }, CodeNoPlan},
		"foreign content":        {func(r *Request) { r.PR.Foreign = true }, CodeForeign},
		"a newer commit":         {func(r *Request) { r.PR.HeadSHA = "3" }, CodeMoved},
		"another base":           {func(r *Request) { r.PR.BaseRef = "release" }, CodeRetargeted},
		"a base that is unknown": {func(r *Request) { r.PR.BaseRef = "" }, ""},
	} {
		r := story(t).r
		c.change(&r)
		var got ReasonCode
		if refusal := checkRound(r); refusal != nil {
			got = refusal.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// An attempt is withdrawn once when what it was started for is gone: the approval of an apply,
// or the request of a plan that has no run yet. A plan that runs ends by itself.
func TestUnwantedAttempts(t *testing.T) {
	revoked := t0
	for name, c := range map[string]struct {
		kind   Kind
		a      Attempt
		change func(*Request)
		want   bool
	}{
		"a plan":                     {KindPlan, Attempt{}, func(*Request) {}, false},
		"a plan of a closed request": {KindPlan, Attempt{}, func(r *Request) { r.ClosedAt = &t0 }, true},
		"a plan that runs":           {KindPlan, Attempt{RunID: 7}, func(r *Request) { r.ClosedAt = &t0 }, false},
		"a plan of what was merged": {KindPlan, Attempt{}, func(r *Request) { r.ClosedAt, r.MergedSHA = &t0, "m" },
			false},
		"a cleanup":                  {KindCleanup, Attempt{}, func(r *Request) { r.ClosedAt = &t0 }, false},
		"an apply":                   {KindApply, Attempt{}, func(r *Request) { r.Approval.Approved = true }, false},
		"an apply without approval":  {KindApply, Attempt{}, func(*Request) {}, true},
		"it runs":                    {KindApply, Attempt{RunID: 7}, func(*Request) {}, true},
		"a destroy without approval": {KindDestroy, Attempt{}, func(*Request) {}, true},
		"it ended": {KindApply, Attempt{RunID: 7, Conclusion: "failure", CompletedAt: &t0},
			func(*Request) {}, false},
		"it was withdrawn": {KindApply, Attempt{RevokedAt: &revoked}, func(*Request) {}, false},
		"it was withdrawn all the same": {KindApply, Attempt{RevokedAt: &revoked}, func(r *Request) {
			r.Approval.Approved = true
		}, false},
		"an objection before it began": {KindApply, Attempt{}, func(r *Request) {
			r.Approval.Approved, r.PR.Objections = true, []Objection{{Review: 1}}
		}, true},
		"an objection while it runs": {KindApply, Attempt{RunID: 7}, func(r *Request) {
			r.Approval.Approved, r.PR.Objections = true, []Objection{{Review: 1}}
		}, false},
	} {
		r := story(t).r
		c.change(&r)
		c.a.Number, c.a.CorrelationID = 9, "x-1"
		if c.kind == KindCleanup {
			r.Cleanup = &Cleanup{Attempt: c.a}
		} else {
			*r.runSet(c.kind) = RunSet{CurrentAttempt: 9, Attempts: []Attempt{c.a}}
		}
		got := false
		for _, s := range runSteps(r, t0) {
			got = got || s.Name == StepRevoke
		}
		if got != c.want {
			t.Errorf("%s: withdrawn %v", name, got)
		}
		lost := c.a.RunID == 0 && c.a.Conclusion == "" && c.a.RevokedAt == nil
		if may := MayBegin(r, c.kind, "x-1"); may != (lost && !c.want) {
			t.Errorf("%s: may begin: %v", name, may)
		}
	}
}

// An approval awaits its effect while there is one, of a plan, and that has not ended.
func TestWhatAwaitsItsEffect(t *testing.T) {
	approved := story(t)
	approved.approved("omar")
	for name, c := range map[string]struct {
		r    Request
		want bool
	}{
		"approved":         {approved.r, true},
		"not approved":     {story(t).r, false},
		"of no plan":       {Request{Approval: Approval{Approved: true}}, false},
		"applied":          {live(t).r, false},
		"an approval gone": {Request{Plan: &Plan{}}, false},
	} {
		if got := c.r.AwaitsEffect(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

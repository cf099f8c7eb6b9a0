package lifecycle

import (
	"reflect"
	"testing"
	"time"
)

// A run that GitHub does not know is given up the second time, when that is long enough ago,
// and an attempt that ended is not given up at all.
func TestAttemptsAreGivenUp(t *testing.T) {
	gone := func(ago time.Duration) *time.Time { at := t0.Add(-ago); return &at }
	stale := func(reason string) Attempt {
		return Attempt{RunID: 7, Conclusion: "stale", Reason: reason, Status: "completed", CompletedAt: &t0, ResultRead: true}
	}
	with := func(a Attempt, since *time.Time) Attempt { a.MissingSince = since; return a }
	ended := Attempt{RunID: 7, Conclusion: "failure"}
	missing, giveUp := RunMissing(KindPlan, "plan-9", t0), GiveUp(KindPlan, "plan-9", "stale", "lost", t0)
	unknown := "GitHub no longer knows this run."
	for name, c := range map[string]struct {
		a    Attempt
		p    Patch
		want Attempt
	}{
		"missing for the first time": {Attempt{RunID: 7}, missing, with(Attempt{RunID: 7}, &t0)},
		"missing again": {with(Attempt{RunID: 7}, gone(MissingGrace-1)), missing,
			with(Attempt{RunID: 7}, gone(MissingGrace-1))},
		"missing for long": {with(Attempt{RunID: 7}, gone(MissingGrace)), missing,
			with(stale(unknown), gone(MissingGrace))},
		"missing after its end":  {with(ended, gone(MissingGrace)), missing, with(ended, gone(MissingGrace))},
		"given up":               {Attempt{RunID: 7}, giveUp, stale("lost")},
		"given up after its end": {ended, giveUp, ended},
		"revoked":                {Attempt{}, Revoked(KindPlan, "plan-9", t0), Attempt{RevokedAt: &t0}},
		"revoked again":          {Attempt{RevokedAt: gone(1)}, Revoked(KindPlan, "plan-9", t0), Attempt{RevokedAt: gone(1)}},
		"released":               {Attempt{}, Released(KindPlan, "plan-9"), Attempt{Released: true}},
		"another attempt":        {Attempt{}, Released(KindPlan, "plan-10"), Attempt{}},
	} {
		if got, err := attempted(c.a, c.p); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, c.want)
		}
	}
}

// The result of a run is read once, when it has ended, and counts for the attempt that is the current one.
func TestResultsAreReadOnce(t *testing.T) {
	old := func() Request {
		return Request{Outputs: map[string]any{"a": 1}, Wanted: []Intent{{What: ActionRepair}}}
	}
	problem := func(step string) *Problem { return &Problem{Step: step, Code: "x", Text: "y", Since: t0} }
	failed := func(kind Kind, text string) *Problem {
		return &Problem{Step: string(kind), Code: "code", Text: text, Since: t0}
	}
	plan := Plan{Digest: "d"}
	for name, c := range map[string]struct {
		kind    Kind
		a       Attempt // as number 2
		current int
		problem *Problem
		p       Patch
		read    bool
		after   func(r *Request) // of what changes besides the attempt
	}{
		"a plan": {KindPlan, Attempt{Conclusion: ConclusionSuccess, HeadSHA: "h", Purpose: PurposeEdit, CompletedAt: &t0},
			2, problem("plan"), ReadPlan("x", plan), true, func(r *Request) {
				r.Plan = &Plan{Digest: "d", Attempt: 2, Purpose: PurposeEdit, SHA: "h", CompletedAt: &t0}
				r.Problem = nil
			}},
		"beside another problem": {KindPlan, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadPlan("x", plan), true, func(r *Request) { r.Plan = &Plan{Digest: "d", Attempt: 2} }},
		"a plan that was replaced": {KindPlan, Attempt{Conclusion: ConclusionSuccess}, 1, problem("plan"),
			ReadPlan("x", plan), true, nil},
		"a plan that failed": {KindPlan, Attempt{Conclusion: "failure"}, 2, problem("plan"), ReadPlan("x", plan), true, nil},
		"a plan that runs":   {KindPlan, Attempt{}, 2, problem("plan"), ReadPlan("x", plan), false, nil},
		"another plan":       {KindPlan, Attempt{Conclusion: ConclusionSuccess}, 2, nil, ReadPlan("z", plan), false, nil},
		"outputs": {KindApply, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadOutputs("x", map[string]any{"b": 2}), true, func(r *Request) {
				r.Outputs, r.Problem = map[string]any{"b": 2}, nil
			}},
		"no outputs": {KindApply, Attempt{Conclusion: ConclusionSuccess}, 2, nil, ReadOutputs("x", nil), true,
			nil},
		"outputs while it runs": {KindApply, Attempt{}, 2, problem("log"), ReadOutputs("x", map[string]any{"b": 2}), false,
			nil},
		"outputs of another": {KindApply, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadOutputs("z", map[string]any{"b": 2}), false, nil},
		"a destroy": {KindDestroy, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadEnd(KindDestroy, "x", true), true, func(r *Request) {
				r.Outputs, r.Wanted, r.Problem = nil, nil, nil
			}},
		"a destroy that runs": {KindDestroy, Attempt{}, 2, problem("log"), ReadEnd(KindDestroy, "x", true), false, nil},
		"another destroy": {KindDestroy, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadEnd(KindDestroy, "z", true), false, nil},
		"a cleanup": {KindCleanup, Attempt{Conclusion: ConclusionSuccess}, 2, problem("cleanup"),
			ReadEnd(KindCleanup, "x", false), true, func(r *Request) { r.Problem = nil }},
		"a cleanup of nothing": {KindCleanup, Attempt{Conclusion: ConclusionSuccess}, 2, problem("log"),
			ReadEnd(KindCleanup, "x", true), true, func(r *Request) {
				r.Cleanup.Nothing = true
			}},
		"a failure": {KindApply, Attempt{Conclusion: "failure"}, 2, nil, ReadFailure(KindApply, "x", "code", "why", "Plan",
			t0), true, func(r *Request) {
			r.Runs.Apply.Attempts[1].Reason, r.Runs.Apply.Attempts[1].FailedStep = "why", "Plan"
			r.Problem = failed(KindApply, "The apply stopped at the step \"Plan\".\nwhy")
		}},
		"a failure without words": {KindApply, Attempt{Conclusion: "failure"}, 2, nil,
			ReadFailure(KindApply, "x", "code", "", "", t0), true, func(r *Request) {
				r.Problem = failed(KindApply, "The apply did not succeed.")
			}},
		"a failure before the current": {KindApply, Attempt{Conclusion: "failure"}, 1, nil,
			ReadFailure(KindApply, "x", "code", "why", "", t0), true, func(r *Request) {
				r.Runs.Apply.Attempts[1].Reason = "why"
			}},
		"a failure with no current": {KindApply, Attempt{Conclusion: "failure"}, 0, nil,
			ReadFailure(KindApply, "x", "code", "why", "", t0), true, func(r *Request) {
				r.Runs.Apply.Attempts[1].Reason = "why"
			}},
		"a failure of another": {KindApply, Attempt{Conclusion: "failure"}, 2, nil,
			ReadFailure(KindApply, "z", "code", "why", "", t0), false, nil},
	} {
		for _, again := range []bool{false, true} {
			made := func() (r Request, a *Attempt) {
				r = old()
				c.a.CorrelationID, c.a.Number, c.a.ResultRead = "x", 2, again
				if r.Problem = c.problem; c.kind == KindCleanup {
					r.Cleanup = &Cleanup{Attempt: c.a}
					return r, &r.Cleanup.Attempt
				}
				set := r.runSet(c.kind)
				*set = RunSet{CurrentAttempt: c.current, Attempts: []Attempt{{Number: 1, CorrelationID: "w"}, c.a}}
				return r, &set.Attempts[1]
			}
			r, _ := made()
			want, a := made()
			if c.read && !again {
				a.ResultRead = true
				if c.after != nil {
					c.after(&want)
				}
			}
			if got, err := c.p(r); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s, read before: %v: %v\n%+v, want\n%+v", name, again, err, got, want)
			}
		}
	}
}

// The comments of the plan before stay known, since the next posting changes them.
func TestNewPlanKnowsTheOldComments(t *testing.T) {
	r := Request{Plan: &Plan{Digest: "old", PostedAt: &t0, Posted: []Posting{{ID: 5}}}}
	r.Runs.Plan = RunSet{CurrentAttempt: 1,
		Attempts: []Attempt{{Number: 1, CorrelationID: "x", Conclusion: ConclusionSuccess}}}
	got, _ := ReadPlan("x", Plan{Digest: "new"})(r)
	if got.Plan.Digest != "new" || got.Plan.PostedAt != nil || len(got.Plan.Posted) != 1 {
		t.Errorf("%+v", got.Plan)
	}
}

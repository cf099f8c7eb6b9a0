package lifecycle

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// Taking the lease away concludes what holds it and nothing else.
func TestForceReleased(t *testing.T) {
	s := story(t)
	now := s.now
	s.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &now}))
	before := s.r
	s.do(ForceReleased(KindPlan, "plan-1", "adam", "x", s.now)) // has ended
	s.do(ForceReleased(KindPlan, "plan-3", "adam", "x", s.now)) // is unknown
	if !reflect.DeepEqual(before.Runs, s.r.Runs) || s.r.Problem != nil {
		t.Fatalf("changed: %+v", s.r.Problem)
	}
	s.do(ForceReleased(KindPlan, "plan-2", "adam", "its runner is lost", s.now))
	a := *s.r.Attempt(KindPlan, "plan-2")
	if a.Conclusion != "stale" || !a.ResultRead || s.r.Problem == nil || s.r.Problem.Code != CodeForced ||
		!strings.Contains(s.r.Problem.Text, "may have changed something") {
		t.Fatalf("%+v, problem %+v", a, s.r.Problem)
	}
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 77, RunAttempt: 1, CorrelationID: "plan-2", ClaimRunID: 77,
		Status: "completed", Conclusion: "success", CompletedAt: t0.Add(time.Hour)}))
	if after := *s.r.Attempt(KindPlan, "plan-2"); !reflect.DeepEqual(a, after) {
		t.Fatalf("what came later changed it: %+v", after)
	}
}

// An intent that waits in the queue leaves the document when its entry is taken away, and only that one.
func TestForceReleasedIntent(t *testing.T) {
	waiting := Intent{What: ActionApply, By: "ana", CorrelationID: "apply-1"}
	ended := RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, CorrelationID: "apply-1", Conclusion: "failure"}}}
	for name, c := range map[string]struct {
		r       Request
		cid     string
		dropped bool
	}{
		"its own":        {Request{Wanted: []Intent{waiting}}, "apply-1", true},
		"of another":     {Request{Wanted: []Intent{waiting}}, "apply-2", false},
		"no intent":      {Request{}, "apply-1", false},
		"its run ended":  {Request{Wanted: []Intent{waiting}, Runs: Runs{Apply: ended}}, "apply-1", false},
		"another action": {Request{Wanted: []Intent{{What: ActionMerge, CorrelationID: "apply-1"}}}, "apply-1", false},
	} {
		after, err := ForceReleased(KindApply, c.cid, "adam", "its runner is lost", t0)(c.r)
		if err != nil || (len(after.Wanted) < len(c.r.Wanted)) != c.dropped || (after.Problem != nil) != c.dropped {
			t.Errorf("%s: %v %+v, problem %+v", name, err, after.Wanted, after.Problem)
		}
		if c.dropped && (after.Problem.Code != CodeForced || strings.Contains(after.Problem.Text, "changed something")) {
			t.Errorf("%s: %+v", name, after.Problem)
		}
	}
}

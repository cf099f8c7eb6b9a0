package lifecycle

import (
	"reflect"
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
	if a.Conclusion != "stale" || !a.ResultRead || s.r.Problem == nil || s.r.Problem.Code != CodeForced {
		t.Fatalf("%+v, problem %+v", a, s.r.Problem)
	}
	s.do(SeeRun(RunFacts{Kind: KindPlan, RunID: 77, RunAttempt: 1, CorrelationID: "plan-2", ClaimRunID: 77, Status: "completed", Conclusion: "success", CompletedAt: t0.Add(time.Hour)}))
	if after := *s.r.Attempt(KindPlan, "plan-2"); !reflect.DeepEqual(a, after) {
		t.Fatalf("what came later changed it: %+v", after)
	}
}

package lifecycle

import (
	"fmt"
	"strings"
	"testing"
)

// A request is planned so often and no more, by a person or by itself; what it made can
// be destroyed all the same, and its document keeps room for that.
func TestPlansAreBounded(t *testing.T) {
	s := story(t)
	s.approved("omar")
	for i := len(s.r.Runs.Plan.Attempts); i < MaxPlans; i++ {
		a := s.r.Runs.Plan.Attempts[0]
		a.Number, a.CorrelationID = i+1, fmt.Sprintf("plan-%032d", i)
		a.Reason, a.FailedStep = strings.Repeat("x", 1500), strings.Repeat("y", 100)
		s.r.Runs.Plan.Attempts = append(s.r.Runs.Plan.Attempts, a)
		s.r.Approval.Approvers = append(s.r.Approval.Approvers, s.r.Approval.Approvers[0])
	}
	data, err := Encode(s.r)
	if err != nil || len(data) > 700<<10 {
		t.Errorf("the document has %d bytes, %v", len(data), err)
	}
	s.refused(RecordIntent(intentOf(ActionPlan, "dana")), CodeTooMany)
	s.mergedByHand()
	s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: s.now}))
	s.due(StepPlan, StepBranch)

	s = story(t)
	s.r.Runs.Plan.Attempts = append(make([]Attempt, MaxPlans-1), s.r.Runs.Plan.Attempts...)
	s.do(SeePull(PullFacts{Open: true, HeadSHA: "other", BaseRef: "main"}))
	if steps := Next(s.r, EnvironmentState{}, s.now); len(steps) > 1 && steps[len(steps)-1].Name == StepPlan {
		t.Errorf("it plans on by itself: %v", steps)
	}
}

// Merged into another branch, a request goes nowhere, and the card says so.
func TestMergedIntoAnotherBranch(t *testing.T) {
	s := story(t)
	s.do(SeePull(PullFacts{Open: true, HeadSHA: head, BaseRef: "develop", UpdatedAt: s.now}))
	for range 2 {
		s.do(SeePull(PullFacts{Merged: true, MergedSHA: "m1", HeadSHA: head, BaseRef: "develop", UpdatedAt: s.now}))
		if p := s.r.Problem; p == nil || !strings.Contains(p.Text, "new request") {
			t.Errorf("the card says %+v", p)
		}
	}
}

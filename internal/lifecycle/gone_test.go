package lifecycle

import "testing"

func TestMayBeGone(t *testing.T) {
	applied := []Attempt{{CorrelationID: "a1", RunID: 1, Conclusion: "failure", FailedStep: "Apply"},
		{CorrelationID: "a2", RunID: 2, Conclusion: "success"}}
	for name, tt := range map[string]struct {
		apply, destroy []Attempt
		want           bool
	}{
		"never applied":      {nil, nil, true},
		"no apply succeeded": {applied[:1], nil, true},
		"applied":            {applied, nil, false},
		"an earlier one was never started": {applied, []Attempt{{CorrelationID: "d0", Conclusion: "startup_failure"}},
			false},
		"an earlier one stopped at its plan": {applied,
			[]Attempt{{CorrelationID: "d0", RunID: 3, Conclusion: "failure", FailedStep: "Plan"}}, false},
		"an earlier one got no runner ready": {applied,
			[]Attempt{{CorrelationID: "d0", RunID: 3, Conclusion: "failure", FailedStep: "Set up job"}}, false},
		"an earlier one failed at its effect": {applied,
			[]Attempt{{CorrelationID: "d0", RunID: 3, Conclusion: "failure", FailedStep: "Destroy"}}, true},
		"an earlier one was canceled": {applied, []Attempt{{CorrelationID: "d0", RunID: 3, Conclusion: "cancelled"}}, true},
	} {
		r := Request{}
		r.Runs.Apply.Attempts, r.Runs.Destroy.Attempts = tt.apply, tt.destroy
		if got := MayBeGone(r); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

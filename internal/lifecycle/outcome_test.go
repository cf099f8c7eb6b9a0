package lifecycle

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every conclusion of GitHub is a verb, so that a sentence can be made of it.
func TestOutcomesAreVerbs(t *testing.T) {
	for _, conclusion := range []string{"", "success", "failure", "cancelled", "timed_out", "action_required", "startup_failure", "stale", "skipped", "neutral"} {
		if _, known := outcomes[conclusion]; !known {
			t.Errorf("%s has no words", conclusion)
		}
	}
	if got := (&Attempt{Conclusion: "brand_new"}).Outcome(); got != "ended with the conclusion brand new" {
		t.Error(got)
	}
	for kind, want := range map[Kind]string{KindPlan: "A plan", KindApply: "An apply", KindDriftPlan: "A drift plan"} {
		if got := kind.Named(); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// Nothing can have changed only where the workflow says so: each step before the effect is known, and none of the others.
func TestEarlyStepsAreThoseOfTheWorkflows(t *testing.T) {
	for file, effect := range map[string]string{"apply.yml": "Apply", "destroy.yml": "Destroy"} {
		text, err := os.ReadFile("../../templates/workflows/" + file)
		if err != nil {
			t.Fatal(err)
		}
		early := true
		for _, m := range regexp.MustCompile(`(?m)^      - name: (.+)$`).FindAllStringSubmatch(string(text), -1) {
			name := strings.TrimSpace(m[1])
			early = early && name != effect
			if slices.Contains(earlySteps, name) != early {
				t.Errorf("%s: step %q before the effect: %v", file, name, early)
			}
			a := &Attempt{Conclusion: "cancelled", FailedStep: name}
			if a.BeforeEffect() != early {
				t.Errorf("%s: cancelled at %q: %v", file, name, a.BeforeEffect())
			}
		}
		if early {
			t.Errorf("%s has no step %s", file, effect)
		}
	}
	for _, a := range []*Attempt{{Conclusion: "cancelled"}, {Conclusion: "stale"}, {Conclusion: "failure", FailedStep: "Somebody's own step"}, {}} {
		if a.BeforeEffect() {
			t.Errorf("%+v may have changed something", a)
		}
	}
}

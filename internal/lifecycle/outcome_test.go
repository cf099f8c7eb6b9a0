package lifecycle

import "testing"

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
}

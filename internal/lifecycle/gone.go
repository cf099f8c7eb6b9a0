package lifecycle

import "slices"

// StepsBeforeEffect are the steps of apply.yml and destroy.yml that end before anything is changed.
var StepsBeforeEffect = []string{
	"Fetch TfPilot", "Guard the inputs", "Take the plan role", "Guard the grant and claim", "Check out what runs",
	"Check out the requested commit", "Set up Terraform", "Verify the content", "Initialise the backend", "Plan", "Take the apply role",
}

// MayBeGone reports whether a new destroy may rightly find nothing in the state: no apply of the request succeeded, or an earlier
// destroy may have come to its effect. Otherwise an empty state means that it is not the state that was applied to.
func MayBeGone(r Request) bool {
	applied := slices.ContainsFunc(r.Runs.Apply.Attempts, func(a Attempt) bool { return a.Conclusion == "success" })
	return !applied || slices.ContainsFunc(r.Runs.Destroy.Attempts, func(a Attempt) bool {
		return a.RunID != 0 && !slices.Contains(StepsBeforeEffect, a.FailedStep)
	})
}

package lifecycle

import "slices"

// MayBeGone reports whether a new destroy may rightly find nothing in the state: no apply of the
// request succeeded, or an earlier destroy may have come to its effect. Otherwise an empty state
// means that it is not the state that was applied to.
func MayBeGone(r Request) bool {
	applied := slices.ContainsFunc(r.Runs.Apply.Attempts, func(a Attempt) bool {
		return a.Conclusion == ConclusionSuccess
	})
	return !applied || slices.ContainsFunc(r.Runs.Destroy.Attempts, func(a Attempt) bool {
		return a.RunID != 0 && !beforeEffect(a.FailedStep)
	})
}

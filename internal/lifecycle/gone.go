package lifecycle

import "slices"

// MayBeGone reports whether a new destroy may find nothing in the state: no apply of the request
// succeeded, or an earlier destroy may have destroyed the resources. Otherwise an empty state
// means that it is the wrong state.
func MayBeGone(r Request) bool {
	applied := slices.ContainsFunc(r.Runs.Apply.Attempts, func(a Attempt) bool {
		return a.Conclusion == ConclusionSuccess
	})
	return !applied || slices.ContainsFunc(r.Runs.Destroy.Attempts, func(a Attempt) bool {
		return a.RunID != 0 && !beforeEffect(a.FailedStep)
	})
}

package lifecycle

import "time"

// What GitHub reports about a run, and what the run left in the bucket, moves its attempt
// forward and never back: a conclusion stays, a run that was run again changes nothing, and a
// success counts only with evidence.

// RunFacts is what GitHub reports about one run, from a webhook, a list or a read.
type RunFacts struct {
	Kind          Kind
	RunID         int64
	RunAttempt    int
	CorrelationID string // from a title that matched the whole pattern; may be empty
	ClaimRunID    int64  // the run that the claim names; 0 when there is no claim
	URL           string
	Status        string
	Conclusion    Conclusion
	CompletedAt   time.Time // completed_at, else updated_at of a completed run; zero when it runs
	Evidence      *Evidence // what the run left; without it a success is not recorded
}

// mayHave reports whether a run that no attempt knows may be this attempt's: it bears its
// correlation id, and the claim names it. Without a claim the title is enough while the
// dispatch was sent once.
func (a *Attempt) mayHave(f RunFacts) bool {
	switch {
	case f.CorrelationID == "" || a.CorrelationID != f.CorrelationID || !a.Lost():
		return false
	case f.ClaimRunID != 0:
		return f.ClaimRunID == f.RunID
	default:
		return a.Sends <= 1
	}
}

// see records what GitHub reports about the attempt's run. owner is the id of the request
// that the run's claim must name; empty when an environment owns the attempt. A success
// counts only with evidence: without any the attempt stays open, with evidence that is not
// its own it has failed.
func (a *Attempt) see(f RunFacts, owner string) {
	if f.RunAttempt > 1 {
		a.RerunSeen = max(a.RerunSeen, f.RunAttempt)
		return
	}
	a.MissingSince = nil
	if a.RunID == 0 {
		a.RunID, a.URL = f.RunID, f.URL
	}
	a.RunAttempt = 1
	if a.URL == "" {
		a.URL = f.URL
	}
	a.progress(f, owner)
}

// OnlyStarts reports whether a run brings no more than that it waits or works. Nothing depends on
// that, so it is recorded with the next fact of the attempt.
func (a *Attempt) OnlyStarts(f RunFacts) bool {
	return a.RunID != 0 && a.RunID == f.RunID && a.URL != "" && a.MissingSince == nil && f.RunAttempt <= 1 &&
		f.Status != "completed"
}

// Dispatching reports whether a run only starts while the process that sent the attempt may still be
// about to record it. If that process does not, the run is searched for after this time.
func (a *Attempt) Dispatching(f RunFacts, now time.Time) bool {
	return a.RunID == 0 && a.Sends > 0 && a.SentAt != nil && now.Sub(*a.SentAt) < FindAfter && f.RunAttempt <= 1 &&
		f.Status != "completed"
}

var statusRank = map[string]int{"": 0, "requested": 1, "queued": 1, "waiting": 1, "pending": 1, "in_progress": 2,
	"completed": 3}

// progress moves the attempt forward. A completed run without a conclusion has not ended.
func (a *Attempt) progress(f RunFacts, owner string) {
	if f.Conclusion == ConclusionSuccess && a.Conclusion == "" {
		if f.Evidence == nil || f.Evidence.CorrelationID != a.CorrelationID {
			return
		}
		if a.Doubt = f.Evidence.SuccessDoubt(f.Kind, owner, *a, f.RunID); a.Doubt != "" {
			f.Conclusion = ConclusionFailure
		}
	}
	if a.Conclusion == "" {
		if statusRank[f.Status] >= statusRank[a.Status] && statusRank[f.Status] > 0 {
			a.Status = f.Status
		}
		if f.Status == "completed" {
			a.Conclusion = f.Conclusion
		}
	}
	if a.Conclusion != "" && a.CompletedAt == nil && !f.CompletedAt.IsZero() && f.Status == "completed" {
		at := f.CompletedAt
		a.CompletedAt = &at
	}
}

// MissingGrace is how long a run must be unknown to GitHub before its attempt is
// given up.
const MissingGrace = 10 * time.Minute

// miss records that GitHub answered 404 for the attempt's run. The second time, MissingGrace
// after the first, concludes it stale.
func (a *Attempt) miss(now time.Time) {
	switch {
	case a.Conclusion != "":
	case a.MissingSince == nil:
		a.MissingSince = &now
	case now.Sub(*a.MissingSince) >= MissingGrace:
		a.giveUp(ConclusionStale, "GitHub no longer knows this run.", now)
	}
}

// giveUp concludes an attempt that GitHub does not conclude, and reports whether it was open.
func (a *Attempt) giveUp(conclusion Conclusion, reason string, now time.Time) bool {
	if a.Conclusion != "" {
		return false
	}
	a.Conclusion, a.Reason, a.Status, a.CompletedAt = conclusion, reason, "completed", &now
	a.ResultRead = true
	return true
}

// takeResult reports whether the result of an attempt that ended is read for the first time.
func (a *Attempt) takeResult() bool {
	if a == nil || a.ResultRead || a.Conclusion == "" {
		return false
	}
	a.ResultRead = true
	return true
}

// takeFailure records why the attempt did not succeed, once.
func (a *Attempt) takeFailure(reason, failedStep string) bool {
	if a == nil || a.ResultRead {
		return false
	}
	a.ResultRead, a.Reason, a.FailedStep = true, reason, failedStep
	return true
}

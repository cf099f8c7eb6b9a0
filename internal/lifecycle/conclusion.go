package lifecycle

import "strings"

// Conclusion is how a run ended, in GitHub's terms; empty while it runs. GitHub may add values:
// everything except success is a failure.
type Conclusion string

const (
	ConclusionSuccess        Conclusion = "success"
	ConclusionFailure        Conclusion = "failure"
	ConclusionCancelled      Conclusion = "cancelled"
	ConclusionTimedOut       Conclusion = "timed_out"
	ConclusionActionRequired Conclusion = "action_required"
	ConclusionStartupFailure Conclusion = "startup_failure"
	ConclusionStale          Conclusion = "stale"
	ConclusionSkipped        Conclusion = "skipped"
	ConclusionNeutral        Conclusion = "neutral"
)

// conclusionRow holds the texts for one conclusion.
type conclusionRow struct {
	outcome string // required: the verb of a sentence about the run, "was canceled"
	advice  string // what it means for the person who has to act
}

var conclusionTable = map[Conclusion]conclusionRow{
	ConclusionSuccess: {outcome: "succeeded"},
	ConclusionFailure: {outcome: "failed"},
	ConclusionCancelled: {
		"was canceled", "The run was canceled on GitHub, by a person or because its runner stopped. " +
			"TfPilot does not repeat it.",
	},
	ConclusionTimedOut:       {"timed out", "The run took too long, and GitHub stopped it."},
	ConclusionActionRequired: {outcome: "is blocked on GitHub, which requires an action there"},
	ConclusionStartupFailure: {outcome: "could not start"},
	ConclusionStale:          {outcome: "was lost: GitHub does not know how it ended"},
	ConclusionSkipped:        {outcome: "was skipped by GitHub"},
	ConclusionNeutral:        {outcome: "ended without a result"},
}

// Outcome returns the verb of a sentence with the run as its subject.
func (c Conclusion) Outcome() string {
	if c == "" {
		return "is in progress"
	}
	if row, known := conclusionTable[c]; known {
		return row.outcome
	}
	return "ended with the conclusion " + strings.ReplaceAll(string(c), "_", " ")
}

// Advice explains the conclusion to the person who has to act; empty when the run's own
// words explain it better.
func (c Conclusion) Advice() string { return conclusionTable[c].advice }

// Code returns the reason code for a run that left no other reason.
func (c Conclusion) Code() ReasonCode { return ReasonCode(c) }

// Outcome returns how the attempt ended, as the verb of a sentence with the run as its subject.
func (a *Attempt) Outcome() string { return a.Conclusion.Outcome() }

package lifecycle

import (
	"cmp"
	"slices"
	"time"
)

// ForeignRun is a run on GitHub that has the name of a request but was not started by TfPilot:
// another account dispatched it, or it names no attempt. TfPilot ignores its result.
type ForeignRun struct {
	RunID int64     `json:"runId"`
	Actor string    `json:"actor,omitempty"` // login on GitHub
	Kind  Kind      `json:"kind"`            // according to its name
	URL   string    `json:"url,omitempty"`
	At    time.Time `json:"at"` // when GitHub created it
	Extra Extra     `json:"-"`
}

// Anyone with write access can start any number of runs. A request keeps only the newest few,
// and stops recording after MaxForeignRuns.
const (
	keptForeignRuns = 5
	MaxForeignRuns  = 20
)

// SawForeignRun records a foreign run, once: GitHub's run ids grow and the list drops its
// smallest, so a dropped run does not come back.
func SawForeignRun(f ForeignRun) Patch {
	return func(r Request) (Request, error) {
		if !r.NewForeignRun(f.RunID) {
			return r, nil
		}
		r.ForeignRunCount++
		r.ForeignRuns = append(slices.Clone(r.ForeignRuns), f)
		slices.SortFunc(r.ForeignRuns, func(x, y ForeignRun) int { return cmp.Compare(x.RunID, y.RunID) })
		r.ForeignRuns = r.ForeignRuns[max(0, len(r.ForeignRuns)-keptForeignRuns):]
		return r, nil
	}
}

// NewForeignRun reports whether a run, if it is foreign, is not recorded yet. A run that an
// attempt knows is not foreign.
func (r Request) NewForeignRun(runID int64) bool {
	if r.ForeignRunCount >= MaxForeignRuns || r.knowsForeignRun(runID) {
		return false
	}
	if len(r.ForeignRuns) >= keptForeignRuns && runID < r.ForeignRuns[0].RunID {
		return false
	}
	for _, kind := range RequestKinds {
		if slices.ContainsFunc(r.attemptsOf(kind), func(a *Attempt) bool { return a.RunID == runID }) {
			return false
		}
	}
	return true
}

// StartedBy reports whether TfPilot generated this correlation id for a run of this kind.
func (r Request) StartedBy(kind Kind, correlationID string) bool {
	if correlationID == "" {
		return false
	}
	return r.Attempt(kind, correlationID) != nil || kind == KindCleanup && r.Cleanup != nil &&
		slices.Contains(r.Cleanup.Earlier, correlationID)
}

func (r Request) knowsForeignRun(runID int64) bool {
	return slices.ContainsFunc(r.ForeignRuns, func(f ForeignRun) bool { return f.RunID == runID })
}

// ForeignRun is the newest foreign run since TfPilot dispatched a run of its own, nil when
// there is none.
func (r Request) ForeignRun() *ForeignRun {
	if len(r.ForeignRuns) == 0 {
		return nil
	}
	newest := &r.ForeignRuns[len(r.ForeignRuns)-1]
	for _, kind := range RequestKinds {
		a := r.CurrentRun(kind)
		// GitHub's times are whole seconds
		if a != nil && a.DispatchedAt != nil && newest.At.Before(a.DispatchedAt.Truncate(time.Second)) {
			return nil
		}
	}
	return newest
}

package lifecycle

import (
	"slices"
	"time"
)

// An attempt is one dispatch of a run kind. A request or an environment owns it, and the attempt
// does not know which. Its rules are here and in observe.go: when its dispatch is sent and
// repeated, which run belongs to it, how it ends, and when it is given up. Only the owner knows
// whether the attempt may still begin, and what its end means.
//
// A dispatch can be lost, and so can its answer. So an attempt is recorded before it is sent,
// and its run is found again by the correlation id. A run that is not found is given up in an
// order that no run can slip through: the grant is deleted, a run that already took it has
// MissingGrace to appear, and only then the attempt is concluded.

// RunSet is every attempt of one kind; CurrentAttempt is 0 while there is none.
type RunSet struct {
	CurrentAttempt int       `json:"currentAttempt"`
	Attempts       []Attempt `json:"attempts,omitempty"`
	Extra          Extra     `json:"-"`
}

// Attempt is one dispatch of a run kind.
type Attempt struct {
	Number        int        `json:"attempt"`
	Purpose       Purpose    `json:"purpose,omitempty"`
	CorrelationID string     `json:"correlationId"`
	RunID         int64      `json:"runId,omitempty"`
	RunAttempt    int        `json:"runAttempt,omitempty"`
	URL           string     `json:"url,omitempty"`
	Status        string     `json:"status,omitempty"` // GitHub's word, for display; never terminality
	Conclusion    Conclusion `json:"conclusion,omitempty"`
	Reason        string     `json:"reason,omitempty"`     // why it did not succeed, redacted
	Doubt         ReasonCode `json:"doubt,omitempty"`      // code; set when GitHub reported a success that does not count
	FailedStep    string     `json:"failedStep,omitempty"` // the step's name, as GitHub says it
	DispatchedAt  *time.Time `json:"dispatchedAt,omitempty"`
	SentAt        *time.Time `json:"sentAt,omitempty"` // when the dispatch was last about to be sent
	Sends         int        `json:"sends,omitempty"`
	CompletedAt   *time.Time `json:"completedAt,omitempty"`
	MissingSince  *time.Time `json:"missingSince,omitempty"` // GitHub answered 404 for its run
	RerunSeen     int        `json:"rerunSeen,omitempty"`    // highest run attempt seen; a re-run changes nothing else
	ResultRead    bool       `json:"resultRead,omitempty"`
	RevokedAt     *time.Time `json:"revokedAt,omitempty"` // its grant was deleted before it ended
	Released      bool       `json:"released,omitempty"`  // its grant is deleted and its lease given back
	HeadSHA       string     `json:"headSha,omitempty"`   // commit the run works on
	PlanAttempt   int        `json:"planAttempt,omitempty"`
	Digest        string     `json:"digest,omitempty"`    // approved digest that apply or destroy is granted
	MayBeGone     bool       `json:"mayBeGone,omitempty"` // of a destroy: it may find no resources in the state
	LeaseToken    int64      `json:"leaseToken,omitempty"`
	Ref           string     `json:"ref,omitempty"`
	Actor         string     `json:"actor,omitempty"`
	RequestedBy   *Person    `json:"requestedBy,omitempty"` // who requested the round of this plan
	// chosen by the worker that made the attempt; no other sends it the first time
	Sender   string `json:"sender,omitempty"`
	SetAside bool   `json:"setAside,omitempty"`
	Extra    Extra  `json:"-"`
}

// Current returns the current attempt, nil if there is none.
func (s RunSet) Current() *Attempt {
	for i := range s.Attempts {
		if s.CurrentAttempt != 0 && s.Attempts[i].Number == s.CurrentAttempt {
			return &s.Attempts[i]
		}
	}
	return nil
}

// start adds an attempt with the next number and makes it current.
func (s *RunSet) start(a Attempt) {
	a.Number = s.all().last() + 1
	s.Attempts = append(s.Attempts, a)
	s.CurrentAttempt = a.Number
}

func (s *RunSet) all() Attempts {
	if s == nil {
		return nil
	}
	all := make(Attempts, len(s.Attempts))
	for i := range s.Attempts {
		all[i] = &s.Attempts[i]
	}
	return all
}

// Attempts are an owner's attempts of one kind.
type Attempts []*Attempt

// named returns the attempt with this correlation id, nil if there is none.
func (list Attempts) named(correlationID string) *Attempt {
	return list.first(func(a *Attempt) bool { return a.CorrelationID == correlationID })
}

// of returns the attempt that a run belongs to, nil if there is none.
func (list Attempts) of(f RunFacts) *Attempt {
	if a := list.first(func(a *Attempt) bool { return a.RunID != 0 && a.RunID == f.RunID }); a != nil {
		return a
	}
	return list.first(func(a *Attempt) bool { return a.mayHave(f) })
}

// active reports whether one of them has not concluded.
func (list Attempts) active() bool { return list.first((*Attempt).active) != nil }

// last is the highest number of them.
func (list Attempts) last() int {
	last := 0
	for _, a := range list {
		last = max(last, a.Number)
	}
	return last
}

func (list Attempts) first(matches func(*Attempt) bool) *Attempt {
	if i := slices.IndexFunc(list, matches); i >= 0 {
		return list[i]
	}
	return nil
}

// failed reports whether the attempt concluded and did not succeed, whatever GitHub
// calls it: failure, cancelled, timed_out, action_required, startup_failure,
// stale, skipped, neutral.
func (a *Attempt) failed() bool {
	return a != nil && a.Conclusion != "" && a.Conclusion != ConclusionSuccess
}

func (a *Attempt) succeeded() bool { return a != nil && a.Conclusion == ConclusionSuccess }

// active reports whether the attempt has not concluded.
func (a *Attempt) active() bool { return a != nil && a.Conclusion == "" }

// Lost reports whether the attempt's run is unknown and must be searched for.
func (a *Attempt) Lost() bool { return a.active() && a.RunID == 0 }

// NeedsReconciling reports whether TfPilot must ask GitHub: the run is known, but its conclusion
// or its end is not.
func (a *Attempt) NeedsReconciling() bool {
	return a != nil && a.RunID != 0 && (a.Conclusion == "" || a.CompletedAt == nil)
}

// mayBegin reports whether the attempt waits for a run that may still begin.
func (a *Attempt) mayBegin() bool { return a.Lost() && a.RevokedAt == nil }

// since returns when the attempt was dispatched; zero if unknown.
func (a *Attempt) since() time.Time {
	if a.DispatchedAt == nil {
		return time.Time{}
	}
	return *a.DispatchedAt
}

// step returns the step that is due for the attempt. barred means that its owner no longer lets
// it begin: its approval or its purpose is gone.
func (a *Attempt) step(barred bool, now time.Time) (Step, bool) {
	switch {
	case a.active() && a.RevokedAt == nil && barred:
		return Step{Name: StepRevoke}, true
	case a.Lost():
		return a.lostStep(now), true
	case a.NeedsReconciling():
		return Step{Name: StepReconcile, After: a.since().Add(time.Minute)}, true
	case !a.ResultRead:
		return Step{Name: StepResult}, true
	default:
		return Step{}, false
	}
}

// lostStep returns the step for a lost attempt: send, search, send again, and finally give up.
func (a *Attempt) lostStep(now time.Time) Step {
	switch {
	case a.RevokedAt != nil && now.Sub(*a.RevokedAt) < MissingGrace:
		return Step{Name: StepFind, After: a.RevokedAt.Add(FindAfter)}
	case a.RevokedAt != nil:
		return Step{Name: StepGiveUp}
	case a.Sends == 0 || a.SentAt == nil:
		return Step{Name: StepDispatch}
	case now.Sub(*a.SentAt) < ResendAfter:
		return Step{Name: StepFind, After: a.SentAt.Add(FindAfter)}
	case a.Sends < MaxSends:
		return Step{Name: StepDispatch}
	default:
		return Step{Name: StepRevoke}
	}
}

// holdsLease reports whether the attempt has ended but not released its lease.
func (a *Attempt) holdsLease(kind Kind) bool {
	return a.Conclusion != "" && kind.Row().HoldsLease && !a.Released // whether its result can be read or not
}

// send records that the dispatch is about to be sent. It reports false if that is no longer due:
// the run is known, the grant is gone, or another worker sent it.
func (a *Attempt) send(now time.Time) bool {
	if !a.mayBegin() || a.Sends > 0 && a.SentAt != nil && now.Sub(*a.SentAt) < ResendAfter {
		return false
	}
	a.SentAt = &now
	a.Sends++
	return true
}

// unsend removes the sending with this number and keeps a later one.
func (a *Attempt) unsend(number int) {
	if !a.Lost() || a.Sends != number || number == 0 {
		return
	}
	if a.Sends--; a.Sends == 0 {
		a.SentAt = nil
	}
}

// answered records the run that GitHub named in its answer to the dispatch. An attempt that
// was sent more than once takes its run from the claim alone.
func (a *Attempt) answered(runID int64, url string) {
	if a.RunID == 0 && a.Conclusion == "" && a.Sends <= 1 && runID != 0 {
		a.RunID, a.URL = runID, url
	}
}

// revoke records that the grant of the attempt was deleted. From then on no run can take it.
func (a *Attempt) revoke(now time.Time) {
	if a.RevokedAt == nil {
		a.RevokedAt = &now
	}
}

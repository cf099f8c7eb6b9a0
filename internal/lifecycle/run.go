package lifecycle

import (
	"fmt"
	"slices"
	"time"
)

// Started records the intent to dispatch: the attempt with its correlation id. The call follows.
// Repeating it with the same correlation id changes nothing. It removes the intent and checks
// the facts again, because the document may be newer than the one that made the step due.
func Started(kind Kind, a Attempt) Patch {
	return func(r Request) (Request, error) {
		if r.Attempt(kind, a.CorrelationID) != nil {
			return r, nil
		}
		if refusal := mayStart(r, kind, a); refusal != nil {
			return r, refusal
		}
		if kind == KindCleanup {
			a.Number = 1
			var earlier []string
			if c := r.Cleanup; c != nil {
				a.Number = c.Number + 1
				earlier = append(slices.Clone(c.Earlier), c.CorrelationID)
			}
			r.Cleanup = &Cleanup{Attempt: a, Earlier: earlier[max(0, len(earlier)-keptCleanups):]}
			r.clearProblem(string(KindCleanup))
			r.clearProblem(string(StepCleanupPull))
			r.clearProblem(string(StepCleanupMerge))
			return r, nil
		}
		r.runSet(kind).start(a)
		r.drop(kind.Row().Serves, "")
		r.clearProblem(string(kind))
		return r, nil
	}
}

// keptCleanups is how many replaced cleanup runs a request still knows as its own.
const keptCleanups = 20

// mayStart is the last check before an attempt exists.
func mayStart(r Request, kind Kind, a Attempt) *Refusal {
	if current := r.CurrentRun(kind); current.active() {
		return refuse(CodeRunning, "%s is already running.", kind.Named())
	}
	switch kind {
	case KindApply:
		if !r.wants(ActionApply, a) {
			return refuse(CodeNothing, "The apply was canceled.")
		}
		if refusal := canApply(r); refusal != nil {
			return refusal
		}
		if refusal := Stale(r, *r.Intent(ActionApply)); refusal != nil {
			return refusal
		}
		return sameRound(r, a)
	case KindDestroy:
		if !r.wants(ActionDestroy, a) {
			return refuse(CodeNothing, "The destroy was canceled.")
		}
		if refusal := canStartDestroy(r); refusal != nil {
			return refusal
		}
		return sameRound(r, a)
	case KindPlan:
		if refusal := alive(r); refusal != nil {
			return refusal
		}
		return working(r)
	default:
		return nil
	}
}

// wants reports whether the attempt serves the current intent, and not an earlier one whose
// position in the queue is gone.
func (r Request) wants(what Action, a Attempt) bool {
	w := r.Intent(what)
	return w != nil && (w.CorrelationID == "" || w.CorrelationID == a.CorrelationID)
}

// working refuses a plan while a run changes resources: the new round would remove the approval
// from under that run, and would show a half-finished state.
func working(r Request) *Refusal {
	destroy := r.Runs.Destroy.Current()
	switch {
	case r.Runs.Apply.Current().active():
		return refuse(CodeRunning, "An apply is running. Wait until it ends.")
	case destroy.active():
		return refuse(CodeDestroying, "A destroy is running. Wait until it ends.")
	}
	return nil
}

func sameRound(r Request, a Attempt) *Refusal {
	if a.Digest != r.Plan.Digest || a.PlanAttempt != r.Plan.Attempt {
		return refuse(CodeStale, "The plan changed before the run could start.")
	}
	return nil
}

// canStartDestroy checks that a requested destroy may run: its plan is read and approved,
// and was not tried before.
func canStartDestroy(r Request) *Refusal {
	switch {
	case r.Intent(ActionDestroy) == nil:
		return refuse(CodeNothing, "The destroy was canceled.")
	case r.Runs.Apply.Current().active():
		return refuse(CodeRunning, "An apply is running. Wait until it ends.")
	case r.Plan == nil || r.Plan.Purpose != PurposeDestroy || r.usedUp(r.Runs.Destroy.Current()):
		return refuse(CodeNewRound, "There is no plan for this destroy yet.")
	}
	if refusal := checkRound(r); refusal != nil {
		return refusal
	}
	if !r.Approval.Approved {
		return refuse(CodeUnapproved, "The destroy is not approved yet.")
	}
	return nil
}

// Sending records that the dispatch is about to be sent. It refuses when that is no
// longer due: the run is known, the grant is gone, or another worker sent it.
func Sending(kind Kind, correlationID string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if !r.Attempt(kind, correlationID).send(now) {
			return r, refuse(CodeRunning, "This %s was already sent.", kind)
		}
		return r, nil
	}
}

// NotSent removes the sending with this number, which GitHub did not accept for a reason outside
// the request: a limit, or TfPilot's own access. It keeps a later one.
func NotSent(kind Kind, correlationID string, sends int) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.unsend(sends) })
}

// RunStarted records the run that GitHub named in its answer to the dispatch. An
// attempt that was sent more than once takes its run from the claim alone.
func RunStarted(kind Kind, correlationID string, runID int64, url string) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.answered(runID, url) })
}

func onAttempt(kind Kind, correlationID string, change func(*Attempt)) Patch {
	return func(r Request) (Request, error) {
		if a := r.Attempt(kind, correlationID); a != nil {
			change(a)
		}
		return r, nil
	}
}

// SeeRun records what GitHub reports about a run. It changes only the attempt that the run
// belongs to, and never creates an attempt or moves currentAttempt.
func SeeRun(f RunFacts) Patch {
	return func(r Request) (Request, error) {
		if a := r.AttemptOf(f); a != nil {
			a.see(f, r.ID)
		}
		return r, nil
	}
}

// AttemptOf returns the attempt that a run belongs to, nil if there is none.
func (r *Request) AttemptOf(f RunFacts) *Attempt { return r.attemptsOf(f.Kind).of(f) }

// RunMissing records that GitHub answered 404 for the attempt's run. The second
// time, MissingGrace after the first, concludes it stale.
func RunMissing(kind Kind, correlationID string, now time.Time) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.miss(now) })
}

// GiveUp concludes an attempt that GitHub will not conclude: startup_failure for a
// dispatch that was refused, stale for a run that is lost.
func GiveUp(kind Kind, correlationID string, conclusion Conclusion, reason string, now time.Time) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.giveUp(conclusion, reason, now) })
}

// Revoked records that the grant of an attempt without a run was deleted. From then
// on no run can take it; MissingGrace later it is given up.
func Revoked(kind Kind, correlationID string, now time.Time) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.revoke(now) })
}

// Released records that the attempt's grant is deleted and its lease given back.
func Released(kind Kind, correlationID string) Patch {
	return onAttempt(kind, correlationID, func(a *Attempt) { a.Released = true })
}

// ReadPlan records the result of a plan run: the plan that approvers decide on.
func ReadPlan(correlationID string, p Plan) Patch {
	return func(r Request) (Request, error) {
		a := r.Attempt(KindPlan, correlationID)
		if !a.takeResult() {
			return r, nil
		}
		if a.Number != r.Runs.Plan.CurrentAttempt || !a.succeeded() {
			return r, nil
		}
		p.Attempt, p.Purpose, p.SHA, p.CompletedAt = a.Number, a.Purpose, a.HeadSHA, a.CompletedAt
		if r.Plan != nil {
			p.Posted = r.Plan.Posted // comments that the next posting changes or deletes
		}
		r.Plan = &p
		r.clearProblem(string(KindPlan))
		if r.changesNothing() {
			a.SetAside = true
		}
		return r, nil
	}
}

// ReadOutputs records the result of an apply that succeeded.
func ReadOutputs(correlationID string, outputs map[string]any) Patch {
	return func(r Request) (Request, error) {
		a := r.Attempt(KindApply, correlationID)
		if !a.takeResult() {
			return r, nil
		}
		if len(outputs) > 0 {
			r.Outputs = outputs
		}
		r.Problem = nil // the blocking problem is solved
		return r, nil
	}
}

// ReadEnd records the result of a run without other results: a destroy or
// cleanup that succeeded. nothing means that there was nothing left to do.
func ReadEnd(kind Kind, correlationID string, nothing bool) Patch {
	return func(r Request) (Request, error) {
		a := r.Attempt(kind, correlationID)
		if !a.takeResult() {
			return r, nil
		}
		r.clearProblem(string(kind))
		if kind == KindCleanup && nothing {
			r.Cleanup.Nothing = true
		}
		if kind == KindDestroy { // nothing else can be wanted of what is gone
			r.Outputs, r.Wanted, r.Problem = nil, nil, nil
		}
		return r, nil
	}
}

// ReadFailure records why a run did not succeed, in words that may be shown.
func ReadFailure(kind Kind, correlationID string, code ReasonCode, reason, failedStep string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		a := r.Attempt(kind, correlationID)
		if !a.takeFailure(reason, failedStep) {
			return r, nil
		}
		if current := r.CurrentRun(kind); current != nil && current.CorrelationID == correlationID {
			r.Problem = &Problem{Step: string(kind), Code: code, Text: failureText(kind, failedStep, reason), Since: now}
		}
		return r, nil
	}
}

func failureText(kind Kind, failedStep, reason string) string {
	text := fmt.Sprintf("The %s did not succeed.", kind)
	if failedStep != "" {
		text = fmt.Sprintf("The %s stopped at the step %q.", kind, failedStep)
	}
	if reason != "" {
		text += "\n" + reason
	}
	return text
}

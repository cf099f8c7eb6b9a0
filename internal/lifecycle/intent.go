package lifecycle

import (
	"slices"
	"time"
)

// RecordIntent records a click: the action that a person requested and the plan that they saw.
// It refuses an action that the facts do not allow or that is stale. It changes nothing if the
// same person already requested it.
func RecordIntent(w Intent) Patch {
	return func(r Request) (Request, error) {
		for _, have := range r.Wanted {
			switch {
			case have.What != w.What:
			case SameLogin(have.By, w.By):
				return r, nil
			case w.What != ActionApprove: // several people may approve
				return r, refuse(CodeAsked, "%s already requested this.", have.By)
			}
		}
		if row, known := w.What.Row(); known && !row.RecordsIntent() {
			return r, refuse(CodeNothing, "%s runs immediately and is not recorded.", row.Label)
		}
		if refusal := Can(r, w.What); refusal != nil {
			return r, refusal
		}
		if refusal := Stale(r, w); refusal != nil {
			return r, refusal
		}
		switch w.What {
		case ActionPlan:
			w.Purpose = r.nextPurpose()
		case ActionDestroy:
			w.AfterPlan = r.Runs.Plan.all().last()
		}
		if r.Problem != nil && r.Problem.Step == string(w.What) {
			r.Problem = nil
		}
		r.Wanted = append(r.Wanted, w)
		return r, nil
	}
}

// Stale compares what the button showed with the facts. A newer version alone is not stale. A
// queued intent is compared again when it is carried out.
func Stale(r Request, w Intent) *Refusal {
	row, _ := w.What.Row()
	stale := false
	switch row.Binds {
	case BindPlan:
		stale = r.Plan == nil || w.PlanDigest != r.Plan.Digest || w.HeadSHA != r.Plan.SHA
	case BindPlanIfNamed:
		stale = r.Plan != nil && w.PlanDigest != "" && w.PlanDigest != r.Plan.Digest
	}
	if stale {
		return refuse(CodeStale, "The plan has changed since this button was shown. Review the new plan first.")
	}
	return nil
}

// IsAuthor reports whether this GitHub account submitted or edited the config.
func (r Request) IsAuthor(login string, id int64) bool {
	byLogin := func(a string) bool { return SameLogin(a, login) }
	return slices.ContainsFunc(r.Authors, byLogin) || id != 0 && slices.Contains(r.AuthorIDs, id)
}

// drop removes the intents for this action, or only one person's if by is given.
func (r *Request) drop(what Action, by string) {
	r.Wanted = slices.DeleteFunc(r.Wanted, func(w Intent) bool {
		return w.What == what && (by == "" || SameLogin(w.By, by))
	})
	if len(r.Wanted) == 0 {
		r.Wanted = nil
	}
}

// CancelIntent cancels the queued intents: merge, apply, destroy.
func CancelIntent() Patch {
	return func(r Request) (Request, error) {
		if refusal := canCancelIntent(r); refusal != nil {
			return r, refusal
		}
		for _, what := range []Action{ActionMerge, ActionApply, ActionDestroy} {
			r.drop(what, "")
		}
		return r, nil
	}
}

// CancelDestroy keeps the resources as they are: it removes the intent to destroy, sets a failed
// destroy aside, and dismisses a new plan that is not applied yet.
func CancelDestroy(now time.Time) Patch {
	return func(r Request) (Request, error) {
		if refusal := canCancelDestroy(r); refusal != nil {
			return r, refusal
		}
		r.drop(ActionDestroy, "")
		if d := r.Runs.Destroy.Current(); d.failed() {
			d.SetAside = true
		}
		r.dismiss(now, "the plan was dismissed")
		return r, nil
	}
}

// Named gives a waiting intent the correlation id of the attempt that will serve it.
func Named(what Action, correlationID string) Patch {
	return func(r Request) (Request, error) {
		if w := r.Intent(what); w != nil && w.CorrelationID == "" {
			w.CorrelationID = correlationID
		}
		return r, nil
	}
}

// Approve records an approval of the current round and removes its intent. The caller has just
// checked the person's rights.
func Approve(a Approver) Patch {
	return func(r Request) (Request, error) {
		r.drop(ActionApprove, a.Login)
		for _, have := range r.Approval.Approvers {
			if have.VoidedAt == nil && SameLogin(have.Login, a.Login) && have.PlanDigest == a.PlanDigest &&
				have.HeadSHA == a.HeadSHA {
				return r, nil
			}
		}
		if refusal := canApprove(r); refusal != nil && refusal.Code != CodeApproved {
			return r, refusal
		}
		if a.PlanDigest != r.Plan.Digest || a.HeadSHA != r.Plan.SHA {
			return r, refuse(CodeStale, "The plan changed before the approval was recorded.")
		}
		a.Purpose, a.Blob = r.Plan.Purpose, r.Plan.Blob
		r.Approval.Approvers = append(r.Approval.Approvers, a)
		r.clearProblem(string(ActionApprove))
		return r, nil
	}
}

// ReviewWithdrawn voids the approvals that a person gave by reviews on GitHub and
// withdrew there. gone reports whether the review of this time is withdrawn.
func ReviewWithdrawn(login, reason string, gone func(at time.Time) bool, now time.Time) Patch {
	return func(r Request) (Request, error) {
		for i := range r.Approval.Approvers {
			if a := &r.Approval.Approvers[i]; a.VoidedAt == nil && a.Source == SourceGitHub && SameLogin(a.Login, login) &&
				gone(a.At) {
				a.void(now, reason)
			}
		}
		return r, nil
	}
}

// Unapprove voids one person's approvals, for example when they lose the right to approve.
func Unapprove(login, reason string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		for i := range r.Approval.Approvers {
			if a := &r.Approval.Approvers[i]; a.VoidedAt == nil && SameLogin(a.Login, login) {
				a.void(now, reason)
			}
		}
		return r, nil
	}
}

// Reject records a rejection and serves the intent for it: earlier approvals no longer count.
// Before the merge it closes the request. For a destroy or a new plan it keeps what exists.
// A rejection that a merge overtook is refused, so that the person is notified.
func Reject(by Intent) Patch {
	return func(r Request) (Request, error) {
		if r.merged() && r.Intent(ActionDestroy) == nil && canDismiss(r) != nil {
			return r, refuse(CodeMerged, "This was merged before it could be rejected. Leave it as it is, or destroy it.")
		}
		r.drop(ActionReject, by.By)
		r.Rejection = &Rejection{By: by.By, At: by.At, Reason: by.Reason}
		switch {
		case r.merged() && r.Intent(ActionDestroy) != nil:
			r.Rejection.Purpose = PurposeDestroy
		case r.merged():
			r.Rejection.Purpose = PurposeReapply
		}
		r.voidApprovals(by.At, by.By+" rejected this")
		if r.merged() {
			r.drop(ActionDestroy, "")
			r.dismiss(by.At, by.By+" rejected this")
			return r, nil
		}
		for _, what := range []Action{ActionApprove, ActionMerge, ActionPlan} {
			r.drop(what, "")
		}
		if r.Intent(ActionClose) == nil {
			by.What = ActionClose
			r.Wanted = append(r.Wanted, by)
		}
		return r, nil
	}
}

func (r *Request) voidApprovals(at time.Time, reason string) {
	for i := range r.Approval.Approvers {
		if a := &r.Approval.Approvers[i]; a.VoidedAt == nil {
			a.void(at, reason)
		}
	}
}

// Refused removes an intent that could not be served and records why as a problem.
func Refused(what Action, by string, code ReasonCode, text string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		i := slices.IndexFunc(r.Wanted, func(w Intent) bool { return w.What == what && (by == "" || SameLogin(w.By, by)) })
		if i < 0 {
			return r, nil
		}
		r.noteRefused(r.Wanted[i], code, text, now)
		r.drop(what, by)
		r.Problem = &Problem{Step: string(what), Code: code, Text: text, Since: now}
		return r, nil
	}
}

// RefuseIntent removes this very intent, not a later one of the same person.
func RefuseIntent(w Intent, code ReasonCode, text string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if !hasIntent(r, w) {
			return r, nil
		}
		return Refused(w.What, w.By, code, text, now)(r)
	}
}

// Served removes an intent that was carried out without another fact to record.
func Served(what Action) Patch {
	return func(r Request) (Request, error) {
		r.drop(what, "")
		r.clearProblem(string(what))
		return r, nil
	}
}

// SetProblem records a step that fails. The same problem keeps the time of its first failure.
func SetProblem(step string, code ReasonCode, text string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if p := r.Problem; p == nil || p.Step != step || p.Code != code || p.Text != text {
			r.Problem = &Problem{Step: step, Code: code, Text: text, Since: now}
		}
		return r, nil
	}
}

// ClearProblem clears the problem of a step that succeeds again.
func ClearProblem(step string) Patch {
	return func(r Request) (Request, error) {
		r.clearProblem(step)
		return r, nil
	}
}

func (r *Request) clearProblem(step string) {
	if r.Problem != nil && r.Problem.Step == step {
		r.Problem = nil
	}
}

// Noted adds an audit event that no fact shows, such as a refused task. Consecutive events with
// the same type and text are recorded once.
func Noted(typ EventType, text string, a Actor, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if n := len(r.Audit.Pending); n > 0 && r.Audit.Pending[n-1].Type == typ && r.Audit.Pending[n-1].Text == text {
			return r, nil
		}
		r.log([]Event{{At: now, Type: typ, Actor: a.Login, Source: a.Source, Text: text}})
		return r, nil
	}
}

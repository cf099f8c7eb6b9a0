package lifecycle

import "fmt"

// When an action is allowed by the facts of a request. Rights are not considered here:
// internal/rbac decides who may act, and both have to agree. A refusal says what to do next,
// since the same rule disables a button, answers a click, and stops a worker directly before the
// effect.

// Refusal is why an action is not allowed now, and what to do instead. Callers compare Code;
// people read Text.
type Refusal struct {
	Code ReasonCode
	Text string
}

func (r *Refusal) Error() string { return r.Text }

func refuse(code ReasonCode, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// alive refuses actions on a closed or closing request.
func alive(r Request) *Refusal {
	switch {
	case r.destroyed():
		return refuse(CodeDestroyed, "This is already destroyed. There is nothing left to do.")
	case !r.merged() && r.closed():
		return refuse(CodeClosed, "This request is closed. Create a new request.")
	case r.Intent(ActionClose) != nil || r.Intent(ActionReject) != nil:
		return refuse(CodeClosing, "This request is being closed.")
	}
	return nil
}

// destroyed reports whether the newest destroy succeeded and counts.
func (r Request) destroyed() bool {
	d := r.Runs.Destroy.Current()
	return d.succeeded() && !d.SetAside
}

// preMerge reports whether the plan's round is decided on the pull request.
func (p Purpose) preMerge() bool { return p == PurposeOpen || p == PurposeEdit }

// checkRound checks that there is a plan to decide on: read, current, and made from the content
// on GitHub.
func checkRound(r Request) *Refusal {
	current := r.Runs.Plan.Current()
	switch {
	case current.active():
		return refuse(CodePlanning, "The plan is still running. Wait for its result.")
	case r.Plan == nil || r.Plan.Digest == "":
		return refuse(CodeNoPlan, "There is no plan to decide on. Re-plan first.")
	case current == nil || current.Number != r.Plan.Attempt:
		return refuse(CodeNoPlan, "The last plan failed. Re-plan first.")
	case r.Plan.ExpiredAt != nil:
		return refuse(CodeExpired, "This plan expired without a decision. Re-plan first.")
	case current.SetAside:
		return refuse(CodeDismissed, "This plan was dismissed. The resources stay as they are.")
	case !r.Plan.Purpose.preMerge():
		return nil
	case r.Plan.Blob != r.Target.Blob:
		return refuse(CodeMoved, "The inputs changed after this plan. Re-plan first.")
	}
	return checkPull(r)
}

// checkPull checks the pull request of a round before the merge.
func checkPull(r Request) *Refusal {
	switch {
	case r.PR == nil:
		return refuse(CodeNoPlan, "There is no pull request yet.")
	case r.PR.Foreign:
		return refuse(CodeForeign, "This branch was modified outside TfPilot. Restore the generated file, "+
			"or close the request.")
	case r.PR.HeadSHA != r.Plan.SHA:
		return refuse(CodeMoved, "The branch has a newer commit than this plan. Re-plan first.")
	case r.PR.BaseRef != "" && r.PR.BaseRef != r.Target.Base:
		return refuse(CodeRetargeted, "The pull request targets branch %q instead of %q. Change its base on GitHub, "+
			"then re-plan.", r.PR.BaseRef, r.Target.Base)
	}
	return nil
}

// canApprove also allows an approval after the merge: a merge on GitHub is not an approval, and
// the apply needs one.
func canApprove(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	if refusal := checkRound(r); refusal != nil {
		return refusal
	}
	if refusal := objected(r); refusal != nil {
		return refusal
	}
	switch {
	case r.Approval.Approved:
		return refuse(CodeApproved, "%s already approved this plan.", r.approvedBy())
	case r.Plan.Purpose == PurposeDestroy && r.Intent(ActionDestroy) == nil:
		return refuse(CodeNothing, "The destroy was canceled.")
	}
	return nil
}

func (r Request) approvedBy() string {
	for _, a := range r.Approval.Approvers {
		if a.VoidedAt == nil {
			return a.Login
		}
	}
	return "Someone"
}

func canReject(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	if r.merged() {
		if r.Intent(ActionDestroy) != nil || canDismiss(r) == nil {
			return nil
		}
		return refuse(CodeMerged, "This is already merged and can't be rejected. Destroy it instead.")
	}
	return checkRound(r)
}

func canMerge(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	if r.merged() {
		return refuse(CodeMerged, "This is already merged.")
	}
	if refusal := checkRound(r); refusal != nil {
		return refusal
	}
	if refusal := objected(r); refusal != nil {
		return refusal
	}
	if !r.Approval.Approved {
		return refuse(CodeUnapproved, "This plan is not approved yet.")
	}
	return nil
}

func canApply(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	apply, destroy := r.Runs.Apply.Current(), r.Runs.Destroy.Current()
	switch {
	case !r.merged():
		return refuse(CodeNotMerged, "This is not merged yet. Merge it first.")
	case apply.active():
		return refuse(CodeRunning, "An apply is already running.")
	case destroy.active() || r.Intent(ActionDestroy) != nil:
		return refuse(CodeDestroying, "A destroy is requested. Cancel the destroy first.")
	case r.Plan != nil && r.Plan.Purpose == PurposeDestroy:
		return refuse(CodeNewRound, "The last plan was for a destroy. Re-plan first.")
	case r.usedUp(apply):
		return refuseRepeat(apply)
	}
	if refusal := checkRound(r); refusal != nil {
		return refusal
	}
	if refusal := objected(r); refusal != nil {
		return refusal
	}
	if !r.Approval.Approved {
		return refuse(CodeUnapproved, "The merged plan is not approved. An approver must approve it before the apply.")
	}
	return nil
}

// usedUp reports whether this attempt already used the plan: an apply or destroy that failed is
// never repeated without a new round.
func (r Request) usedUp(a *Attempt) bool {
	return a != nil && r.Plan != nil && a.PlanAttempt == r.Plan.Attempt
}

func refuseRepeat(a *Attempt) *Refusal {
	if a.succeeded() {
		return refuse(CodeApplied, "This plan is already applied.")
	}
	return refuse(CodeNewRound, "The last apply failed. Re-plan to see what is left to do.")
}

func canDestroy(r Request) *Refusal {
	switch {
	case r.destroyed():
		return refuse(CodeDestroyed, "This is already destroyed. There is nothing left to do.")
	case !r.merged() && r.closed():
		return refuse(CodeClosed, "This request is closed and created nothing. There is nothing left to do.")
	case !r.merged():
		return refuse(CodeNotMerged, "Nothing is merged yet. Close the request instead.")
	case r.Runs.Apply.Current().active():
		return refuse(CodeRunning, "An apply is running. Wait until it ends.")
	case r.Runs.Destroy.Current().active():
		return refuse(CodeDestroying, "A destroy is already running.")
	case r.Intent(ActionDestroy) != nil:
		return refuse(CodeAsked, "%s already requested this.", r.Intent(ActionDestroy).By)
	}
	return nil
}

func canClose(r Request) *Refusal {
	if r.merged() {
		return refuse(CodeMerged, "This is already merged and can't be closed. Destroy it instead.")
	}
	return alive(r)
}

func canPlan(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	destroy := r.Runs.Destroy.Current()
	switch {
	case r.PR == nil:
		return refuse(CodeNoPlan, "The pull request is not open yet. The plan starts automatically.")
	case r.Runs.Plan.Current().active():
		return refuse(CodePlanning, "A plan is already running.")
	case working(r) != nil:
		return working(r)
	case r.Intent(ActionApply) != nil:
		return refuse(CodeAsked, "%s requested the apply of this plan. Cancel the apply before you re-plan.",
			r.Intent(ActionApply).By)
	case destroy.failed() && !destroy.SetAside && r.Intent(ActionDestroy) == nil:
		return refuse(CodeDestroying, "The destroy failed. Destroy again with a new plan, or cancel the destroy.")
	case r.Intent(ActionDestroy) != nil && !r.Runs.Plan.Current().failed():
		return refuse(CodeDestroying, "A destroy is requested. Cancel the destroy first.")
	case r.PR.Foreign && !r.merged():
		return refuse(CodeForeign, "This branch was modified outside TfPilot. Restore the generated file, "+
			"or close the request.")
	case r.Intent(ActionPlan) != nil:
		return refuse(CodeAsked, "%s already requested a new plan.", r.Intent(ActionPlan).By)
	case r.plannedOut() && r.Intent(ActionDestroy) == nil:
		return refuse(CodeTooMany, "This was planned %d times. Create a new request.", len(r.Runs.Plan.Attempts))
	}
	return nil
}

// MaxPlans limits the plans of a request, not counting destroy plans: every attempt stays in the
// document, which needs room for the results of active runs.
const MaxPlans = 200

func (r Request) plannedOut() bool { return len(r.Runs.Plan.Attempts) >= MaxPlans }

func canRestore(r Request) *Refusal {
	if refusal := alive(r); refusal != nil {
		return refusal
	}
	// GitHub's comparison does not show a file's mode, which the run checks.
	refused := r.Problem != nil && r.Problem.Code == CodeContentDiffers && r.Problem.Step == string(KindPlan)
	if r.PR == nil || !r.PR.Foreign && !refused || r.merged() {
		return refuse(CodeNothing, "The branch contains what TfPilot generated. There is nothing to restore.")
	}
	return nil
}

func canCancelIntent(r Request) *Refusal {
	if r.Intent(ActionMerge) == nil && r.Intent(ActionApply) == nil && r.Intent(ActionDestroy) == nil {
		return refuse(CodeNothing, "Nothing is queued, so there is nothing to cancel.")
	}
	return nil
}

func canCancelDestroy(r Request) *Refusal {
	destroy := r.Runs.Destroy.Current()
	if r.Intent(ActionDestroy) == nil && !(destroy.failed() && !destroy.SetAside) && canDismiss(r) != nil {
		return refuse(CodeNothing, "No destroy or new plan is open, so there is nothing to cancel.")
	}
	return nil
}

func canRepair(r Request) *Refusal {
	if r.Cleanup.Stuck() {
		return nil
	}
	for _, k := range RequestKinds {
		if r.CurrentRun(k).active() {
			return nil
		}
	}
	return refuse(CodeNothing, "No run is open, so there is nothing to check.")
}

// Intent is the open intent of this kind, nil when there is none.
func (r Request) Intent(what Action) *Intent {
	for i := range r.Wanted {
		if r.Wanted[i].What == what {
			return &r.Wanted[i]
		}
	}
	return nil
}

package lifecycle

import "fmt"

// Refusal says that something may not be done now, and what to do instead. Code is
// for callers that must tell refusals apart, Text for people.
type Refusal struct {
	Code string
	Text string
}

func (r *Refusal) Error() string { return r.Text }

// Codes of refusals.
const (
	CodeClosed     = "closed"
	CodeClosing    = "closing"
	CodeMerged     = "merged"
	CodeNotMerged  = "not_merged"
	CodeNoPlan     = "no_plan"
	CodePlanning   = "planning"
	CodeForeign    = "foreign_content"
	CodeMoved      = "head_moved"
	CodeRetargeted = "retargeted"
	CodeApproved   = "already_approved"
	CodeUnapproved = "not_approved"
	CodeAsked      = "already_asked"
	CodeRunning    = "running"
	CodeApplied    = "already_applied"
	CodeDestroyed  = "already_destroyed"
	CodeDestroying = "destroying"
	CodeNewRound   = "new_round_needed"
	CodeNothing    = "nothing_to_do"
	CodeStale      = "stale"
	CodeTooMany    = "too_many"
	CodeObjected   = "changes_requested"
	CodeDismissed  = "dismissed"
	CodeNotYours   = "not_yours"

	// CodeContentDiffers is the reason of a run whose commit is not what TfPilot made.
	CodeContentDiffers = "content_differs"
)

func refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Text: fmt.Sprintf(format, args...)}
}

// alive refuses what a closed or closing request cannot get.
func alive(r Request) *Refusal {
	switch {
	case r.destroyed():
		return refuse(CodeDestroyed, "This was destroyed already. Nothing is left to do.")
	case !r.merged() && r.closed():
		return refuse(CodeClosed, "This request is closed. Ask again with a new request.")
	case r.Wish(ActionClose) != nil || r.Wish(ActionReject) != nil:
		return refuse(CodeClosing, "This request is being closed.")
	}
	return nil
}

func (r Request) destroyed() bool {
	d := r.Runs.Destroy.Current()
	return d.succeeded() && !d.SetAside
}

// preMerge says whether the plan's round is decided on the pull request.
func (p Purpose) preMerge() bool { return p == PurposeOpen || p == PurposeEdit }

// round checks that there is a plan that may be decided on: read, current, of the
// content that stands on GitHub.
func round(r Request) *Refusal {
	current := r.Runs.Plan.Current()
	switch {
	case current.active():
		return refuse(CodePlanning, "The plan is still running. Its result comes to this card.")
	case r.Plan == nil || r.Plan.Digest == "":
		return refuse(CodeNoPlan, "There is no plan to decide on. Plan again first.")
	case current == nil || current.Number != r.Plan.Attempt:
		return refuse(CodeNoPlan, "The last plan did not succeed. Plan again first.")
	case current.SetAside:
		return refuse(CodeDismissed, "This plan was dismissed. What exists stays as it is.")
	case !r.Plan.Purpose.preMerge():
		return nil
	case r.Plan.Blob != r.Target.Blob:
		return refuse(CodeMoved, "The inputs changed after this plan. Plan again first.")
	}
	return pullFits(r)
}

// pullFits checks the pull request of a round before the merge.
func pullFits(r Request) *Refusal {
	switch {
	case r.PR == nil:
		return refuse(CodeNoPlan, "There is no pull request yet.")
	case r.PR.Foreign:
		return refuse(CodeForeign, "Somebody changed this branch. Restore the generated content or close the request.")
	case r.PR.HeadSHA != r.Plan.SHA:
		return refuse(CodeMoved, "The branch has a newer commit than this plan. Plan again first.")
	case r.PR.BaseRef != "" && r.PR.BaseRef != r.Target.Base:
		return refuse(CodeRetargeted, "Somebody pointed the pull request at branch %q instead of %q. Point it back on GitHub, then plan again.", r.PR.BaseRef, r.Target.Base)
	}
	return nil
}

// canApprove allows the approval of what was merged already, too: a merge on GitHub is no
// approval, and the apply needs one.
func canApprove(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	if no := round(r); no != nil {
		return no
	}
	if no := objected(r); no != nil {
		return no
	}
	switch {
	case r.Approval.Approved:
		return refuse(CodeApproved, "%s approved this plan already.", r.approvedBy())
	case r.Plan.Purpose == PurposeDestroy && r.Wish(ActionDestroy) == nil:
		return refuse(CodeNothing, "Nobody wants this destroyed any more.")
	}
	return nil
}

func (r Request) approvedBy() string {
	for _, a := range r.Approval.Approvers {
		if a.VoidedAt == nil {
			return a.Login
		}
	}
	return "Somebody"
}

func canReject(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	if r.merged() {
		if r.Wish(ActionDestroy) != nil || canDismiss(r) == nil {
			return nil
		}
		return refuse(CodeMerged, "This is merged already and cannot be rejected any more. Destroy it instead.")
	}
	return round(r)
}

func canMerge(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	if r.merged() {
		return refuse(CodeMerged, "This is merged already.")
	}
	if no := round(r); no != nil {
		return no
	}
	if no := objected(r); no != nil {
		return no
	}
	if !r.Approval.Approved {
		return refuse(CodeUnapproved, "This plan is not approved yet.")
	}
	return nil
}

func canApply(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	apply, destroy := r.Runs.Apply.Current(), r.Runs.Destroy.Current()
	switch {
	case !r.merged():
		return refuse(CodeNotMerged, "This is not merged yet. Merge it first.")
	case apply.active():
		return refuse(CodeRunning, "It is being applied already.")
	case destroy.active() || r.Wish(ActionDestroy) != nil:
		return refuse(CodeDestroying, "This is about to be destroyed. Keep it first.")
	case r.Plan != nil && r.Plan.Purpose == PurposeDestroy:
		return refuse(CodeNewRound, "The last plan was for a destroy. Plan again first.")
	case r.usedUp(apply):
		return refuseRepeat(apply)
	}
	if no := round(r); no != nil {
		return no
	}
	if no := objected(r); no != nil {
		return no
	}
	if !r.Approval.Approved {
		return refuse(CodeUnapproved, "The merged plan is not approved. An approver must approve it before it is applied.")
	}
	return nil
}

// usedUp says that the plan was handed to this attempt already: an apply or destroy
// that did not end well is never repeated without a new round.
func (r Request) usedUp(a *Attempt) bool {
	return a != nil && r.Plan != nil && a.PlanAttempt == r.Plan.Attempt
}

func refuseRepeat(a *Attempt) *Refusal {
	if a.succeeded() {
		return refuse(CodeApplied, "This plan is applied already.")
	}
	return refuse(CodeNewRound, "The last apply did not end well. Plan again, so that somebody sees what is left to do.")
}

func canDestroy(r Request) *Refusal {
	switch {
	case r.destroyed():
		return refuse(CodeDestroyed, "This was destroyed already. Nothing is left to do.")
	case !r.merged() && r.closed():
		return refuse(CodeClosed, "This request is closed and made nothing. Nothing is left to do.")
	case !r.merged():
		return refuse(CodeNotMerged, "Nothing was applied yet. Close the request instead.")
	case r.Runs.Apply.Current().active():
		return refuse(CodeRunning, "It is being applied. Wait until that has ended.")
	case r.Runs.Destroy.Current().active():
		return refuse(CodeDestroying, "It is being destroyed already.")
	case r.Wish(ActionDestroy) != nil:
		return refuse(CodeAsked, "%s asked for this already.", r.Wish(ActionDestroy).By)
	}
	return nil
}

func canClose(r Request) *Refusal {
	if r.merged() {
		return refuse(CodeMerged, "This is merged already and cannot be closed. Destroy it instead.")
	}
	return alive(r)
}

func canPlan(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	destroy := r.Runs.Destroy.Current()
	switch {
	case r.PR == nil:
		return refuse(CodeNoPlan, "The pull request is not open yet. The plan starts by itself.")
	case r.Runs.Plan.Current().active():
		return refuse(CodePlanning, "A plan is running already.")
	case working(r) != nil:
		return working(r)
	case r.Wish(ActionApply) != nil:
		return refuse(CodeAsked, "%s asked to apply this plan. Take that back before you plan again.", r.Wish(ActionApply).By)
	case destroy.failed() && !destroy.SetAside && r.Wish(ActionDestroy) == nil:
		return refuse(CodeDestroying, "The destroy did not end well. Destroy plans it again; Keep leaves what is there.")
	case r.Wish(ActionDestroy) != nil && !r.Runs.Plan.Current().failed():
		return refuse(CodeDestroying, "This is about to be destroyed. Keep it first.")
	case r.PR.Foreign && !r.merged():
		return refuse(CodeForeign, "Somebody changed this branch. Restore the generated content or close the request.")
	case r.Wish(ActionPlan) != nil:
		return refuse(CodeAsked, "%s asked for a new plan already.", r.Wish(ActionPlan).By)
	case r.plannedOut() && r.Wish(ActionDestroy) == nil:
		return refuse(CodeTooMany, "This was planned %d times. Ask again with a new request.", len(r.Runs.Plan.Attempts))
	}
	return nil
}

// MaxPlans is how often a request is planned, a destroy not counted in: every attempt
// stays in the document, which has to have room for how the runs under way end.
const MaxPlans = 200

func (r Request) plannedOut() bool { return len(r.Runs.Plan.Attempts) >= MaxPlans }

func canRestore(r Request) *Refusal {
	if no := alive(r); no != nil {
		return no
	}
	// GitHub's comparison does not show a file's mode, which the run checks.
	refused := r.Problem != nil && r.Problem.Code == CodeContentDiffers && r.Problem.Step == string(KindPlan)
	if r.PR == nil || !r.PR.Foreign && !refused || r.merged() {
		return refuse(CodeNothing, "The branch holds what TfPilot made. There is nothing to restore.")
	}
	return nil
}

func canTakeBack(r Request) *Refusal {
	if r.Wish(ActionMerge) == nil && r.Wish(ActionApply) == nil && r.Wish(ActionDestroy) == nil {
		return refuse(CodeNothing, "Nothing waits that could be taken back.")
	}
	return nil
}

func canKeep(r Request) *Refusal {
	destroy := r.Runs.Destroy.Current()
	if r.Wish(ActionDestroy) == nil && !(destroy.failed() && !destroy.SetAside) && canDismiss(r) != nil {
		return refuse(CodeNothing, "Nothing is about to change here, so there is nothing to keep it from.")
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
	return refuse(CodeNothing, "No run is open that could be repaired.")
}

// Wish is the open wish of this kind, nil when there is none.
func (r Request) Wish(what Action) *Wish {
	for i := range r.Wanted {
		if r.Wanted[i].What == what {
			return &r.Wanted[i]
		}
	}
	return nil
}

package slackapp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// scene is all that a request's messages are drawn from. The same scene always
// gives the same messages.
type scene struct {
	r       lifecycle.Request
	lease   lifecycle.EnvironmentState
	place   config.Environment
	module  *catalog.Module // nil when the catalog does not have it any more
	now     time.Time
	askable []lifecycle.Person          // who may approve, as far as known
	account map[string]string           // GitHub login in lower case → Slack user
	links   []hyperlink                 // to the request's other messages
	may     func(lifecycle.Action) bool // of whoever reads this; nil when anybody may
	details string                      // address of the request's page, "" without one
	blocked string                      // Slack's code when the environment's channel takes no message
}

// hyperlink is an address with its words.
type hyperlink struct{ url, label string }

func (s scene) status() lifecycle.Status { return lifecycle.DeriveLifecycleStatus(s.r, s.now) }

// merged says that the code is on the default branch.
func (s scene) merged() bool { return s.r.MergedSHA != "" || s.r.PR != nil && s.r.PR.Merged }

// over says that nothing will happen to this request any more.
func (s scene) over() bool {
	st := s.status()
	return st == lifecycle.StatusClosed || st == lifecycle.StatusDestroyed
}

// title names the request: what, called how, and where.
func (s scene) title() string {
	return oneLine(s.r.Title, maxTitle) + " in " + s.where()
}

// where is the environment in words.
func (s scene) where() string { return s.r.Project + " " + s.r.Environment.String() }

// state is how a status is told: a sign, a word and what it means now.
type state struct{ sign, word, means string }

func (s scene) state() state {
	switch s.status() {
	case lifecycle.StatusRequestCreated:
		return state{"inbox_tray", "Saved", "The pull request is being opened."}
	case lifecycle.StatusPlanning:
		return state{"hourglass_flowing_sand", "Planning", "Terraform is working out what will change."}
	case lifecycle.StatusPlanReady:
		return state{"mag", "Plan ready", s.waitsForApproval()}
	case lifecycle.StatusApproved:
		return state{"white_check_mark", "Approved", s.approvedMeans()}
	case lifecycle.StatusMerged:
		return state{"twisted_rightwards_arrows", "Merged", s.mergedMeans()}
	case lifecycle.StatusApplying:
		return state{"gear", "Applying", "Terraform is making it."}
	case lifecycle.StatusApplied:
		return s.appliedState()
	case lifecycle.StatusDestroying:
		return state{"wastebasket", "Destroying", "Terraform is removing it."}
	case lifecycle.StatusDestroyed:
		return state{"wastebasket", "Destroyed", s.destroyedMeans()}
	case lifecycle.StatusFailed:
		return state{"x", "Failed", s.failedMeans()}
	case lifecycle.StatusClosed:
		return state{"no_entry_sign", "Closed", s.closedMeans()}
	default:
		return state{"grey_question", "Unknown", "TfPilot cannot tell."}
	}
}

func (s scene) waitsForApproval() string {
	if w := s.r.Wish(lifecycle.ActionApprove); w != nil {
		return w.By + " approved; this is being recorded."
	}
	if no := lifecycle.Can(s.r, lifecycle.ActionApprove); no != nil {
		return no.Text
	}
	return "It waits for an approval."
}

func (s scene) approvedMeans() string {
	if w := s.r.Wish(lifecycle.ActionMerge); w != nil {
		return w.By + " asked to merge it; this is on its way."
	}
	if no := lifecycle.Can(s.r, lifecycle.ActionMerge); no != nil {
		return no.Text
	}
	return "It can be merged now."
}

func (s scene) mergedMeans() string {
	if s.destroyAsked() {
		return s.destroyMeans()
	}
	if w := s.r.Wish(lifecycle.ActionApply); w != nil {
		return s.waiting(w, "apply")
	}
	if no := lifecycle.Can(s.r, lifecycle.ActionApply); no != nil {
		return no.Text
	}
	return "It can be applied now."
}

func (s scene) appliedState() state {
	if s.destroyAsked() {
		return state{"wastebasket", "Applied, to be destroyed", s.destroyMeans()}
	}
	if w := s.r.Wish(lifecycle.ActionApply); w != nil {
		return state{"large_green_circle", "Applied", s.waiting(w, "apply")}
	}
	if plan := s.r.Runs.Plan.Current(); plan != nil && plan.Purpose == lifecycle.PurposeReapply {
		return state{"large_green_circle", "Applied", or(s.reapplyMeans(plan), "It exists.")}
	}
	if s.r.Drift != nil && s.r.Drift.Drifted {
		return state{"large_orange_circle", "Applied, but changed since", "What exists is no longer what was applied. A new plan shows the difference."}
	}
	return state{"large_green_circle", "Applied", "It exists."}
}

// reapplyMeans tells a new round after an apply, "" when it asks for nothing.
func (s scene) reapplyMeans(plan *lifecycle.Attempt) string {
	switch {
	case plan.Conclusion == "":
		return "A new plan is being made."
	case lifecycle.Can(s.r, lifecycle.ActionApply) == nil:
		return "The new plan is approved and can be applied."
	case s.r.Wish(lifecycle.ActionApprove) != nil:
		return s.r.Wish(lifecycle.ActionApprove).By + " approved the new plan; this is being recorded."
	case lifecycle.Can(s.r, lifecycle.ActionApprove) == nil:
		return "A new plan waits for an approval."
	default:
		return ""
	}
}

// plan is the plan that counts now: that of a destroy while it is to go, else no
// such one. A destroy that was kept or rejected leaves its plan in the document.
func (s scene) plan() *lifecycle.Plan {
	p := s.r.Plan
	switch {
	case p == nil || p.Digest == "" || (p.Purpose == lifecycle.PurposeDestroy) != s.going():
		return nil
	case s.destroyAsked() && s.r.DestroyPlan() == nil:
		return nil // of the destroy before
	case s.dismissed():
		return nil
	default:
		return p
	}
}

// dismissed reports whether the plan's round has ended without an apply.
func (s scene) dismissed() bool {
	current := s.r.Runs.Plan.Current()
	return current != nil && current.SetAside && s.r.Plan != nil && s.r.Plan.Attempt == current.Number
}

// destroyAsked says that somebody wants it gone.
func (s scene) destroyAsked() bool { return s.r.Wish(lifecycle.ActionDestroy) != nil }

// going says that it is to go, goes or is gone.
func (s scene) going() bool { return s.destroyAsked() || s.destroyRun() != nil }

func (s scene) destroyMeans() string {
	w := s.r.Wish(lifecycle.ActionDestroy)
	plan := s.r.DestroyPlan()
	switch {
	case plan == nil || plan.Conclusion == "":
		return w.By + " asked to destroy it. Terraform is working out what goes."
	case plan.Conclusion != "success":
		return w.By + " asked to destroy it, but the plan for that did not succeed."
	case s.r.Approval.Approved:
		return s.waiting(w, "destroy")
	case s.r.Wish(lifecycle.ActionApprove) != nil:
		return s.r.Wish(lifecycle.ActionApprove).By + " approved the destroy; this is being recorded."
	default:
		return w.By + " asked to destroy it. The plan for that waits for an approval."
	}
}

// waiting tells where a wish stands in the environment's queue.
func (s scene) waiting(w *lifecycle.Wish, what string) string {
	place := s.lease.Place(w.CorrelationID)
	h := s.lease.Holder
	if place <= 0 || h == nil {
		return fmt.Sprintf("%s asked to %s it; this is on its way.", w.By, what)
	}
	return fmt.Sprintf("%s asked to %s it. It is number %d in the queue of %s, which %s holds with “%s” (%s) since %s.",
		w.By, what, place, s.where(), h.By, oneLine(h.Title, maxTitle), h.Kind, h.Since.UTC().Format("15:04 UTC on 2 January"))
}

func (s scene) destroyedMeans() string {
	c := s.r.Cleanup
	switch {
	case c == nil || c.Conclusion == "":
		return "It is gone. Its code is being taken out."
	case c.Conclusion != "success":
		return "It is gone, but its code could not be taken out yet."
	case c.Nothing || c.MergedAt != nil:
		return "It is gone, and so is its code."
	case c.PRNumber != 0:
		return fmt.Sprintf("It is gone. Pull request #%d takes its code out.", c.PRNumber)
	default:
		return "It is gone. The pull request that takes its code out is being opened."
	}
}

func (s scene) failedMeans() string {
	if a, kind := s.failed(); a != nil {
		return strings.TrimSpace(fmt.Sprintf("The %s did not succeed. %s", kind, s.newRound(a, kind)))
	}
	return "The run has not been heard of for a while. Repair asks GitHub what became of it."
}

// newRound tells what was begun after a failed run, "" while nothing was.
func (s scene) newRound(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	if s.destroyAsked() && s.r.DestroyPlan() != a {
		return s.destroyMeans()
	}
	if w := s.r.Wish(lifecycle.ActionApply); w != nil {
		return s.waiting(w, "apply")
	}
	if w := s.r.Wish(lifecycle.ActionPlan); w != nil {
		return w.By + " asked for a new plan; it is being started."
	}
	if plan := s.r.Runs.Plan.Current(); kind == lifecycle.KindApply && plan != nil && plan.Number > a.PlanAttempt {
		return s.reapplyMeans(plan)
	}
	return ""
}

// failed is the attempt that the status failed is about, nil when it is silence.
func (s scene) failed() (*lifecycle.Attempt, lifecycle.Kind) {
	runs := []struct {
		kind lifecycle.Kind
		set  lifecycle.RunSet
	}{{lifecycle.KindDestroy, s.r.Runs.Destroy}, {lifecycle.KindApply, s.r.Runs.Apply}, {lifecycle.KindPlan, s.r.Runs.Plan}}
	for _, run := range runs {
		if a := run.set.Current(); a != nil && !a.SetAside && bad(a.Conclusion) {
			return a, run.kind
		}
	}
	return nil, ""
}

func bad(conclusion string) bool { return conclusion != "" && conclusion != "success" }

func (s scene) closedMeans() string {
	switch no := s.r.Rejection; {
	case no != nil:
		return fmt.Sprintf("%s rejected it. Nothing was made.", no.By)
	case s.r.ClosedBy != "":
		return fmt.Sprintf("%s closed it. Nothing was made.", s.r.ClosedBy)
	default:
		return "The pull request was closed on GitHub. Nothing was made."
	}
}

// counts tells a plan in words.
func counts(p *lifecycle.Plan) string {
	switch {
	case p.Add+p.Change+p.Destroy+p.Replace > 0:
	case p.Purpose == lifecycle.PurposeDestroy:
		return "nothing to destroy"
	default:
		return "nothing to change"
	}
	parts := []string{fmt.Sprintf("%d to add", p.Add), fmt.Sprintf("%d to change", p.Change)}
	if p.Replace > 0 {
		parts = append(parts, fmt.Sprintf("%d to replace", p.Replace))
	}
	parts = append(parts, fmt.Sprintf("%d to destroy", p.Destroy))
	return strings.Join(parts, ", ")
}

// purposeWord tells what a plan is for, as in "the plan for the destroy".
func purposeWord(p lifecycle.Purpose) string {
	switch p {
	case lifecycle.PurposeDestroy:
		return "Plan of the destroy"
	case lifecycle.PurposeReapply:
		return "New plan"
	default:
		return "Plan"
	}
}

// approver is whose approval counts now.
func (s scene) approver() *lifecycle.Approver {
	if !s.r.Approval.Approved || s.plan() == nil {
		return nil
	}
	i := slices.IndexFunc(s.r.Approval.Approvers, func(a lifecycle.Approver) bool { return a.VoidedAt == nil })
	if i < 0 {
		return nil
	}
	return &s.r.Approval.Approvers[i]
}

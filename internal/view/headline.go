package view

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The headline of a request is a label of a few words ("Apply failed"); the sentence after it says
// what that means now and whom or what the request waits for. A status alone does not decide them:
// an intent that waits, a new round and a drift change the words within one status.

// statusWords is how a status reads.
type statusWords struct {
	icon               Icon
	headline, sentence string
}

// label returns the words of the status. An unknown status comes from a newer version of TfPilot.
func (d description) label() statusWords {
	switch d.status {
	case lifecycle.StatusRequestCreated:
		return statusWords{IconSaved, "Saved", "Opening the pull request…"}
	case lifecycle.StatusPlanning:
		return statusWords{IconRunning, "Planning", d.planningSentence()}
	case lifecycle.StatusPlanReady:
		return statusWords{IconReview, "Plan ready", d.planReadySentence()}
	case lifecycle.StatusApproved:
		return statusWords{IconDone, "Approved", d.approvedSentence()}
	case lifecycle.StatusMerged:
		return statusWords{IconMerged, "Merged", d.mergedSentence()}
	case lifecycle.StatusApplying:
		return statusWords{IconApplying, "Applying", "Running terraform apply…"}
	case lifecycle.StatusApplied:
		return d.appliedLabel()
	case lifecycle.StatusDestroying:
		return statusWords{IconDestroy, "Destroying", "Running terraform destroy…"}
	case lifecycle.StatusDestroyed:
		return statusWords{IconDestroy, "Destroyed", d.destroyedSentence()}
	case lifecycle.StatusFailed:
		return d.failedLabel()
	case lifecycle.StatusClosed:
		return d.closedLabel()
	default:
		return statusWords{IconUnknown, "Unknown status",
			"This version of TfPilot does not know the status. Update TfPilot."}
	}
}

// statusNames are the statuses in words, for lists that hold nothing but the status.
var statusNames = map[lifecycle.Status]string{
	lifecycle.StatusRequestCreated: "Saved", lifecycle.StatusPlanning: "Planning",
	lifecycle.StatusPlanReady: "Plan ready",
	lifecycle.StatusApproved:  "Approved", lifecycle.StatusMerged: "Merged", lifecycle.StatusApplying: "Applying",
	lifecycle.StatusApplied:    "Applied",
	lifecycle.StatusDestroying: "Destroying", lifecycle.StatusDestroyed: "Destroyed", lifecycle.StatusFailed: "Failed",
	lifecycle.StatusClosed: "Closed",
}

// StatusName is a status in words.
func StatusName(s lifecycle.Status) string { return cmp.Or(statusNames[s], "Unknown status") }

func (d description) planningSentence() string {
	if d.currentPlan() == nil {
		return "Starting the plan…"
	}
	return "Running terraform plan…"
}

// reading reports whether a plan run has ended and its result is not read yet.
func reading(a *lifecycle.Attempt) bool {
	return a != nil && a.Conclusion == lifecycle.ConclusionSuccess && !a.ResultRead
}

const readingResult = "Reading the result of the plan…"

func (d description) planReadySentence() string {
	if w := d.intent(lifecycle.ActionApprove); w != nil {
		return fmt.Sprintf("Approved by %s. Confirming…", w.By)
	}
	if reading(d.currentPlan()) {
		return readingResult
	}
	return cmp.Or(d.refusal(lifecycle.ActionApprove), "Waiting for approval.")
}

func (d description) approvedSentence() string {
	if w := d.intent(lifecycle.ActionMerge); w != nil {
		return fmt.Sprintf("Merging, requested by %s…", w.By)
	}
	if p := d.r.Problem; p != nil && p.Step == string(lifecycle.ActionMerge) && d.can(lifecycle.ActionMerge) {
		return "The merge failed. Fix the problem, then merge again."
	}
	return cmp.Or(d.refusal(lifecycle.ActionMerge), "Ready to merge.")
}

func (d description) mergedSentence() string {
	if d.destroyRequested() {
		return d.destroySentence("Destroy requested by")
	}
	if w := d.intent(lifecycle.ActionApply); w != nil {
		return d.queueSentence(w, lifecycle.KindApply)
	}
	if reading(d.currentPlan()) {
		return readingResult
	}
	return cmp.Or(d.refusal(lifecycle.ActionApply), "Ready to apply.")
}

func (d description) appliedLabel() statusWords {
	if d.destroyRequested() {
		return statusWords{IconDestroy, "Destroy requested", d.destroySentence("By")}
	}
	if w := d.intent(lifecycle.ActionApply); w != nil {
		return statusWords{IconLive, "Applied", d.queueSentence(w, lifecycle.KindApply)}
	}
	if plan := d.currentPlan(); plan != nil && plan.Purpose == lifecycle.PurposeReapply {
		return statusWords{IconLive, "Applied", cmp.Or(d.newRoundSentence(plan), appliedSentence)}
	}
	if d.r.Drift != nil && d.r.Drift.Drifted {
		sentence := fmt.Sprintf("Resources no longer match the last apply. Use %s to see the difference.",
			d.button(lifecycle.ActionPlan))
		return statusWords{IconDrift, "Drift detected", sentence}
	}
	return statusWords{IconLive, "Applied", appliedSentence}
}

const appliedSentence = "The resources match the approved plan."

// newRoundSentence describes a new plan after the merge, "" when it needs nothing.
func (d description) newRoundSentence(plan *lifecycle.Attempt) string {
	approve := d.intent(lifecycle.ActionApprove)
	switch {
	case plan.Conclusion == "":
		return "A new plan is running…"
	case reading(plan):
		return readingResult
	case d.can(lifecycle.ActionApply):
		return "The new plan is approved. Ready to apply."
	case approve != nil:
		return fmt.Sprintf("New plan approved by %s. Confirming…", approve.By)
	case d.canDecide():
		return "A new plan is ready. Waiting for approval."
	default:
		return ""
	}
}

// destroySentence describes a destroy from the request to its start. Lead comes before the name of
// the person who requested it.
func (d description) destroySentence(lead string) string {
	w, plan := d.intent(lifecycle.ActionDestroy), d.r.DestroyPlan()
	approve := d.intent(lifecycle.ActionApprove)
	switch {
	case plan == nil || plan.Conclusion == "":
		return fmt.Sprintf("%s %s. Planning what will be destroyed…", lead, w.By)
	case plan.Conclusion != lifecycle.ConclusionSuccess:
		return fmt.Sprintf("%s %s. The destroy plan failed.", lead, w.By)
	case reading(plan):
		return readingResult
	case d.r.Approval.Approved:
		return d.queueSentence(w, lifecycle.KindDestroy)
	case approve != nil:
		return fmt.Sprintf("Destroy approved by %s. Confirming…", approve.By)
	default:
		return fmt.Sprintf("%s %s. Waiting for approval.", lead, w.By)
	}
}

// queueSentence describes an intent that waits until the environment is free.
func (d description) queueSentence(w *lifecycle.Intent, kind lifecycle.Kind) string {
	position, holder := d.Environment.Position(w.CorrelationID), d.Environment.Holder
	if position <= 0 || holder == nil {
		return fmt.Sprintf("%s queued by %s.", capital(string(kind)), w.By)
	}
	return fmt.Sprintf("%s queued by %s (position %d). Waiting for the %s of “%s” by %s, since %s.",
		capital(string(kind)), w.By, position, holder.Kind, oneLine(holder.Title, limitTitle), holder.By,
		holder.Since.UTC().Format("15:04 UTC on 2 January"))
}

func (d description) destroyedSentence() string {
	c := d.r.Cleanup
	switch {
	case c == nil || c.Conclusion == "":
		return "Removing the code…"
	case c.Conclusion != lifecycle.ConclusionSuccess:
		return "The resources are destroyed, but their code could not be removed yet."
	case c.Nothing || c.MergedAt != nil:
		return "The resources and their code are removed."
	case c.PRNumber != 0:
		return fmt.Sprintf("Cleanup pull request #%d is open. It removes the code.", c.PRNumber)
	default:
		return "Opening the cleanup pull request…"
	}
}

func (d description) failedLabel() statusWords {
	a, kind := d.failed()
	if a == nil {
		return statusWords{IconFailed, "No update",
			fmt.Sprintf("The run has sent no update for 15 minutes. %s reads its status from GitHub.",
				d.button(lifecycle.ActionRepair))}
	}
	what := capital(strings.ReplaceAll(string(kind), "_", " "))
	if kind == lifecycle.KindPlan {
		what = PlanName(a.Purpose)
	}
	return statusWords{IconFailed, what + " " + shortEnding(a), cmp.Or(d.laterRound(a, kind), effectOf(a, kind))}
}

// shortEnding is how a run ended, in a headline.
func shortEnding(a *lifecycle.Attempt) string {
	switch a.Conclusion {
	case "cancelled":
		return "canceled"
	case "timed_out":
		return "timed out"
	case "startup_failure":
		return "not started"
	case "stale":
		return "lost"
	default:
		return "failed"
	}
}

// laterRound describes what was started after a failed run, "" while nothing was.
func (d description) laterRound(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	if d.destroyRequested() && d.r.DestroyPlan() != a {
		return d.destroySentence("Destroy requested by")
	}
	if w := d.intent(lifecycle.ActionApply); w != nil {
		return d.queueSentence(w, lifecycle.KindApply)
	}
	if w := d.intent(lifecycle.ActionPlan); w != nil {
		return fmt.Sprintf("%s requested a new plan. Starting…", w.By)
	}
	if plan := d.currentPlan(); kind == lifecycle.KindApply && plan != nil && plan.Number > a.PlanAttempt {
		return d.newRoundSentence(plan)
	}
	return ""
}

func (d description) closedLabel() statusWords {
	switch no := d.r.Rejection; {
	case no != nil:
		return statusWords{IconClosed, "Rejected", fmt.Sprintf("%s rejected this request. Nothing was created.", no.By)}
	case d.expired():
		return statusWords{IconClosed, "Expired", "The plan had no decision in time. Nothing was created."}
	case d.r.ClosedBy != "":
		return statusWords{IconClosed, "Closed", fmt.Sprintf("%s closed this request. Nothing was created.", d.r.ClosedBy)}
	default:
		return statusWords{IconClosed, "Closed", "The pull request was closed on GitHub. Nothing was created."}
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// expired reports whether the request was closed because its plan expired.
func (d description) expired() bool {
	p := d.r.Plan
	return p != nil && p.ExpiredAt != nil && d.r.ClosedAt != nil && d.r.ClosedAt.Equal(*p.ExpiredAt)
}

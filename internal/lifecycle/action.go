package lifecycle

import (
	"fmt"
	"time"
)

// An action is something that a person may do to a request. One row of the table below holds
// everything that TfPilot knows about it: its button, its confirmation, the right that it needs,
// the rule that the facts must meet, what it records, and its texts. The surfaces, rbac and the
// worker range over the table or read a row. A new action is a constant, a row, a rule, and the
// worker's step that carries it out.

// Action names an action: Intent.What of an intent, and Offer.Action of what may be done next.
type Action string

const (
	ActionApprove       Action = "approve"
	ActionReject        Action = "reject"
	ActionMerge         Action = "merge"
	ActionApply         Action = "apply"
	ActionDestroy       Action = "destroy"
	ActionClose         Action = "close"
	ActionPlan          Action = "plan"     // plan again: a new attempt or, after the merge, a new round
	ActionRestore       Action = "restore"  // put the generated file back on a branch with foreign content
	ActionCancelIntent  Action = "takeback" // cancel a queued intent
	ActionWithdraw      Action = "withdraw" // withdraw one's own approval
	ActionCancelDestroy Action = "keep"     // cancel a destroy or dismiss a new plan: the resources stay
	ActionSync          Action = "sync"
	ActionRepair        Action = "repair"
)

// Tone is the color of an action's button.
type Tone string

const (
	ToneDefault Tone = ""
	TonePrimary Tone = "primary"
	ToneDanger  Tone = "danger"
)

// Confirmation is what a person has to do before an action counts. The values are stored in
// buttons.
type Confirmation string

const (
	ConfirmNone   Confirmation = ""
	ConfirmPlan   Confirmation = "list"   // read what the plan changes, or what will be destroyed
	ConfirmTyped  Confirmation = "typed"  // the same, and type the name of the environment
	ConfirmReason Confirmation = "reason" // say why
)

// Binding is what an action applies to: a click on a plan that was replaced is refused.
type Binding int

const (
	BindNothing     Binding = iota
	BindPlan                // the current plan, which the intent must name
	BindPlanIfNamed         // the current plan, when the intent names one
	BindIntents             // the queued intents, which it cancels
)

// ActionRow is one action.
type ActionRow struct {
	Action Action                        // required
	Verb   string                        // required: the right that it needs, a verb of rbac
	Rule   func(Request) *Refusal        // required: nil when the facts allow it, or why they do not
	Binds  Binding                       // which plan the person must have seen
	Step   StepName                      // the worker's step for it; empty if the click itself completes it
	direct func(Intent) Patch            // the change that the click makes at once, without an intent
	hidden func(Request, time.Time) bool // allowed, and not shown

	Label     string                // required: of its button, and the title of its window
	Tone      Tone                  // of its button
	Secondary bool                  // shown apart from the next steps of the request
	Submit    string                // of the button in the window that confirms it
	Confirm   Confirmation          // in every environment
	Protected Confirmation          // in a protected environment, when it is stricter
	adjust    func(Request, *Offer) // changes the button's label and value depending on the facts

	Phrase  string                               // required: completes "ana requested to … <title>"
	Saved   func(r Request, title string) string // required: what happens next, for the person who clicked
	Command string                               // required: on the command line
	Help    string                               // required: what the command does
	// help of the flag by which the command confirms it; empty without one
	ConfirmHelp string
}

// Row returns the row of the action; ok is false for an action of another version.
func (a Action) Row() (row ActionRow, ok bool) {
	i, ok := actionIndex[a]
	if !ok {
		return ActionRow{}, false
	}
	return actionRows[i], true
}

// ActionRows returns all actions in display order.
func ActionRows() []ActionRow { return append([]ActionRow(nil), actionRows...) }

// RecordsIntent reports whether a click is stored as an intent, which a worker carries out.
// Other actions change the document at once; sync changes nothing.
func (row ActionRow) RecordsIntent() bool { return row.Step != "" }

// NeedsReason reports whether the person must give a reason.
func (row ActionRow) NeedsReason() bool { return row.Confirm == ConfirmReason }

// ConfirmationIn returns how the action is confirmed in an environment.
func (row ActionRow) ConfirmationIn(protected bool) Confirmation {
	if protected && row.Protected != ConfirmNone {
		return row.Protected
	}
	return row.Confirm
}

// Patch returns the change that a click makes in the document; nil if it makes none.
func (row ActionRow) Patch(w Intent) Patch {
	switch {
	case row.direct != nil:
		return row.direct(w)
	case row.RecordsIntent():
		w.What = row.Action
		return RecordIntent(w)
	default:
		return nil
	}
}

var actionIndex = func() map[Action]int {
	index := map[Action]int{}
	for i, row := range actionRows {
		index[row.Action] = i
	}
	return index
}()

var actionRows = []ActionRow{
	{
		Action: ActionApprove, Verb: "approve", Rule: canApprove, Binds: BindPlan, Step: StepApprove,
		Label: "Approve", Tone: TonePrimary, Submit: "Approve",
		Confirm: ConfirmPlan, Protected: ConfirmTyped, adjust: approveOffer,
		Phrase: "approve", Saved: approveSaved,
		Command: "approve", Help: "Approve the plan of a request (never your own)",
		ConfirmHelp: "plan digest or its first 12 digits; tfpilot requests plan prints it after the plan",
	},
	{
		Action: ActionReject, Verb: "reject", Rule: canReject, Binds: BindPlanIfNamed, Step: StepReject,
		Label: "Reject", Submit: "Reject", Confirm: ConfirmReason, adjust: rejectOffer,
		Phrase: "reject", Saved: say("Your rejection of %s is saved. Your reason is posted in the thread."),
		Command: "reject",
		Help:    "Reject the plan of a request; before the merge, this also closes the pull request",
	},
	{
		Action: ActionMerge, Verb: "merge", Rule: canMerge, Binds: BindPlan, Step: StepMerge,
		Label: "Merge", Tone: TonePrimary,
		Phrase: "merge", Saved: say("Merge of %s requested. " + FollowCard),
		Command: "merge", Help: "Merge the pull request of an approved request",
	},
	{
		Action: ActionApply, Verb: "apply", Rule: canApply, Binds: BindPlan, Step: StepApply,
		Label: "Apply", Tone: TonePrimary,
		Phrase: "apply", Saved: say("Apply of %s requested. It starts when the environment is free. " + FollowCard),
		Command: "apply", Help: "Apply a merged request",
	},
	{
		Action: ActionPlan, Verb: "plan", Rule: canPlan, Step: StepPlan,
		Label: "Re-plan", adjust: planOffer,
		Phrase: "re-plan", Saved: say("Re-plan of %s requested. " + FollowCard),
		Command: "replan", Help: "Start a new plan of a request", // the command plan prints the plan
	},
	{
		Action: ActionRestore, Verb: "restore", Rule: canRestore, Step: StepRestore,
		Label: "Restore branch", Tone: TonePrimary,
		Phrase:  "restore the branch of",
		Saved:   say("Restore of %s requested. TfPilot puts the generated file back and re-plans."),
		Command: "restore", Help: "Restore the generated branch",
	},
	{
		Action: ActionCancelIntent, Verb: "takeback", Rule: canCancelIntent, Binds: BindIntents,
		direct: func(Intent) Patch { return CancelIntent() }, hidden: onlyDestroyWaits,
		Label: "Cancel", adjust: cancelOffer, Phrase: "cancel the queued run of",
		Saved:   say("The queued run of %s is canceled."),
		Command: "cancel", Help: "Cancel a queued merge, apply or destroy",
	},
	{
		Action: ActionWithdraw, Verb: "withdraw", Rule: canWithdraw,
		direct: func(w Intent) Patch { return WithdrawApproval(w.Person(), w.At) },
		Label:  "Withdraw approval", Secondary: true,
		Phrase: "withdraw an approval of", Saved: withdrawSaved,
		Command: "withdraw", Help: "Withdraw your own approval, until it is used",
	},
	{
		Action: ActionCancelDestroy, Verb: "keep", Rule: canCancelDestroy, Binds: BindIntents,
		direct: func(w Intent) Patch { return CancelDestroy(w.At) },
		Label:  "Cancel destroy", adjust: keepOffer,
		Phrase: "cancel the destroy or new plan of", Saved: say("Canceled: %s stays as it is."),
		Command: "cancel-destroy", Help: "Cancel a destroy, or dismiss a new plan: the resources stay as they are",
	},
	{
		Action: ActionDestroy, Verb: "destroy", Rule: canDestroy, Step: StepDestroy,
		Label: "Destroy", Tone: ToneDanger, Secondary: true, Submit: "Request destroy",
		Confirm: ConfirmPlan, Protected: ConfirmTyped, adjust: destroyOffer, Phrase: "destroy",
		Saved: say("Destroy of %s requested. TfPilot runs a destroy plan first. " +
			"Nothing is destroyed until an approver approves that plan."),
		Command: "destroy", Help: "Request a destroy: a destroy plan runs first and must be approved",
		ConfirmHelp: "the environment, key/slug",
	},
	{
		Action: ActionClose, Verb: "close", Rule: canClose, Step: StepClose,
		Label: "Close request", Secondary: true,
		Phrase: "close", Saved: say("Closing %s."),
		Command: "close", Help: "Close a request and its pull request",
	},
	{
		Action: ActionRepair, Verb: "repair", Rule: canRepair, Step: StepRepair, hidden: notSilent,
		Label: "Check run", adjust: withoutPlan,
		Phrase: "check the run of", Saved: say("Checking the run of %s on GitHub. " + FollowCard),
		Command: "repair", Help: "Refresh a run that looks stuck",
	},
	{
		Action: ActionSync, Verb: "sync", Rule: func(Request) *Refusal { return nil },
		Label: "Sync", Secondary: true, adjust: withoutPlan,
		Phrase: "sync", Saved: say("Syncing %s with GitHub. " + FollowCard),
		Command: "sync", Help: "Refresh a request from GitHub",
	},
}

// FollowCard ends a sentence about something that continues without the reader.
const FollowCard = "The card shows the progress."

// say returns the Saved function of a row whose sentence depends only on the request's title.
func say(format string) func(Request, string) string {
	return func(_ Request, title string) string { return fmt.Sprintf(format, title) }
}

func approveSaved(r Request, title string) string {
	next := "Next step: merge."
	switch {
	case r.Plan != nil && r.Plan.Purpose == PurposeDestroy:
		next = "The destroy starts automatically."
	case r.MergedSHA != "":
		next = "Next step: apply."
	}
	return fmt.Sprintf("Your approval of %s is saved. %s", title, next)
}

// withdrawSaved explains what a withdrawal still changes: a run that has begun to change
// things does not stop halfway.
func withdrawSaved(r Request, title string) string {
	next := "Nothing runs until the plan is approved again."
	if r.Runs.Apply.Current().active() || r.Runs.Destroy.Current().active() {
		next = "The run stops unless it has already started to change resources."
	}
	return fmt.Sprintf("Your approval of %s is withdrawn. %s", title, next)
}

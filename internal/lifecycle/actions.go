package lifecycle

import "time"

// Offer is something that may be done next, as the facts stand. HeadSHA and Digest
// are what the person sees; they come back with the click.
type Offer struct {
	Action  Action  `json:"action"`
	Purpose Purpose `json:"purpose,omitempty"`
	Label   string  `json:"label"`
	Style   string  `json:"style,omitempty"`   // primary, danger
	Confirm string  `json:"confirm,omitempty"` // list: show what is destroyed or replaced; reason: ask for one
	HeadSHA string  `json:"headSha,omitempty"`
	Digest  string  `json:"digest,omitempty"`
}

// Actions is the only source of what may be done next, in the order in which it is
// shown. rbac then says by whom.
func Actions(r Request, now time.Time) []Offer {
	var offers []Offer
	for _, a := range []Action{ActionApprove, ActionReject, ActionMerge, ActionApply, ActionPlan, ActionRestore, ActionTakeBack, ActionWithdraw, ActionKeep, ActionDestroy, ActionClose} {
		if Can(r, a) == nil && !r.asked(a) {
			offers = append(offers, offer(r, a))
		}
	}
	if r.silent(now) {
		offers = append(offers, Offer{Action: ActionRepair, Label: "Repair"})
	}
	return append(offers, Offer{Action: ActionSync, Label: "Sync"})
}

// OfferOf is the offer of an action that Can allows, also while somebody asked for it
// already: what a click needs is decided from it, not from the button.
func OfferOf(r Request, a Action) Offer { return offer(r, a) }

// asked hides what waits already.
func (r Request) asked(a Action) bool {
	switch a {
	case ActionApprove, ActionReject, ActionMerge, ActionApply, ActionPlan, ActionClose, ActionDestroy, ActionRestore:
		return r.Wish(a) != nil
	case ActionTakeBack:
		return r.Wish(ActionMerge) == nil && r.Wish(ActionApply) == nil
	default:
		return false
	}
}

func offer(r Request, a Action) Offer {
	o := Offer{Action: a, Label: labels[a]}
	if r.Plan != nil {
		o.HeadSHA, o.Digest, o.Purpose = r.Plan.SHA, r.Plan.Digest, r.Plan.Purpose
	}
	switch a {
	case ActionApprove:
		o.Style = "primary"
		if o.Purpose == PurposeDestroy {
			o.Label, o.Style = "Approve destroy", "danger"
		}
		if r.Plan != nil && r.Plan.Destroy+r.Plan.Replace > 0 {
			o.Confirm = "list"
		}
	case ActionMerge, ActionApply, ActionRestore:
		o.Style = "primary"
	case ActionPlan:
		o.Purpose = r.nextPurpose()
		if r.merged() {
			o.Label = "New plan"
		}
	case ActionReject:
		o.Confirm = "reason"
		if o.Purpose != PurposeDestroy { // beside a red button that destroys, this one is the safe one
			o.Style = "danger"
		}
	case ActionDestroy:
		o.Style, o.Confirm, o.Purpose = "danger", "list", PurposeDestroy
	}
	return o
}

var labels = map[Action]string{
	ActionApprove: "Approve", ActionReject: "Reject", ActionMerge: "Merge", ActionApply: "Apply", ActionPlan: "Plan again",
	ActionRestore: "Restore", ActionTakeBack: "Take back", ActionWithdraw: "Withdraw approval", ActionKeep: "Keep", ActionDestroy: "Destroy", ActionClose: "Close request",
}

// nextPurpose is what a plan that somebody asks for now is for.
func (r Request) nextPurpose() Purpose {
	switch {
	case r.Wish(ActionDestroy) != nil:
		return PurposeDestroy
	case r.merged():
		return PurposeReapply
	default:
		return PurposeOpen
	}
}

// silent says that a run should have been heard of by now, or that a cleanup needs
// somebody to start it again.
func (r Request) silent(now time.Time) bool {
	if r.Wish(ActionRepair) != nil {
		return false
	}
	if r.Cleanup.Stuck() {
		return true
	}
	for _, k := range RequestKinds {
		if a := r.CurrentRun(k); a.active() && a.DispatchedAt != nil && now.Sub(*a.DispatchedAt) > StaleDestroy {
			return true
		}
	}
	return false
}

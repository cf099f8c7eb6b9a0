package lifecycle

import "time"

// Offer is an action that the facts allow now. HeadSHA and Digest
// are what the person sees; they come back with the click.
type Offer struct {
	Action  Action       `json:"action"`
	Purpose Purpose      `json:"purpose,omitempty"`
	Label   string       `json:"label"`
	Style   Tone         `json:"style,omitempty"`
	Confirm Confirmation `json:"confirm,omitempty"` // list: show what is destroyed or replaced; reason: ask for one
	HeadSHA string       `json:"headSha,omitempty"`
	Digest  string       `json:"digest,omitempty"`
}

// Can returns nil when the facts allow the action now, and otherwise the reason. It does
// not check rights.
func Can(r Request, a Action) *Refusal {
	row, known := a.Row()
	if !known {
		return refuse(CodeNothing, "Unknown action %q.", string(a))
	}
	return row.Rule(r)
}

// Actions is the only source of the next actions, in display order. rbac decides who may take
// them. An action that is already queued is not offered again.
func Actions(r Request, now time.Time) []Offer {
	if r.ArchivedAt != nil {
		return []Offer{}
	}
	var offers []Offer
	for _, row := range actionRows {
		waits := row.RecordsIntent() && r.Intent(row.Action) != nil
		if row.Rule(r) == nil && !waits && (row.hidden == nil || !row.hidden(r, now)) {
			offers = append(offers, row.offer(r))
		}
	}
	return offers
}

// Awaited returns the action that the request waits for a person to take: an approval, a merge, an
// apply, or the restored branch. ok is false when it waits for no person.
func Awaited(r Request, now time.Time) (next Action, ok bool) {
	for _, o := range Actions(r, now) {
		if row, _ := o.Action.Row(); row.Tone == TonePrimary {
			return o.Action, true
		}
	}
	return "", false
}

func (row ActionRow) offer(r Request) Offer {
	o := Offer{Action: row.Action, Label: row.Label, Style: row.Tone}
	if r.Plan != nil {
		o.HeadSHA, o.Digest, o.Purpose = r.Plan.SHA, r.Plan.Digest, r.Plan.Purpose
	}
	if row.adjust != nil {
		row.adjust(r, &o)
	}
	return o
}

func approveOffer(r Request, o *Offer) {
	if o.Purpose == PurposeDestroy {
		o.Label, o.Style = "Approve destroy", ToneDanger
	}
	if r.Plan != nil && r.Plan.Destroy+r.Plan.Replace > 0 {
		o.Confirm = ConfirmPlan
	}
}

func rejectOffer(_ Request, o *Offer) {
	o.Confirm = ConfirmReason
	if o.Purpose != PurposeDestroy { // next to a red Destroy button, this one is the safe choice
		o.Style = ToneDanger
	}
}

func planOffer(r Request, o *Offer) {
	o.Purpose = r.nextPurpose()
}

func destroyOffer(_ Request, o *Offer) { o.Confirm, o.Purpose = ConfirmPlan, PurposeDestroy }

// cancelOffer names what is canceled.
func cancelOffer(r Request, o *Offer) {
	o.Label = "Cancel merge"
	if r.Intent(ActionApply) != nil {
		o.Label = "Cancel apply"
	}
}

// keepOffer names what is given up: a destroy, or a new plan.
func keepOffer(r Request, o *Offer) {
	if r.Intent(ActionDestroy) == nil && canDismiss(r) == nil {
		o.Label = "Dismiss plan"
	}
}

// withoutPlan is for actions that are not about a plan.
func withoutPlan(_ Request, o *Offer) { o.HeadSHA, o.Digest, o.Purpose = "", "", "" }

// onlyDestroyWaits hides "cancel the queued run" when "keep the resources" already covers it.
func onlyDestroyWaits(r Request, _ time.Time) bool {
	return r.Intent(ActionMerge) == nil && r.Intent(ActionApply) == nil
}

// nextPurpose is the purpose of a plan that is requested now.
func (r Request) nextPurpose() Purpose {
	switch {
	case r.Intent(ActionDestroy) != nil:
		return PurposeDestroy
	case r.merged():
		return PurposeReapply
	default:
		return PurposeOpen
	}
}

func notSilent(r Request, now time.Time) bool { return !r.silent(now) }

// silent reports whether a run should have appeared by now, or a cleanup has to be started
// again.
func (r Request) silent(now time.Time) bool {
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

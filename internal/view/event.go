package view

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Event is something that happened to a request and that people are notified of once: a plan that
// waits for a decision, a failure, an apply. A surface that keeps messages posts an event when it
// is due and then keeps its message up to date. After its time its words stay true and its actions
// go.
type Event struct {
	Topic    string             `json:"topic"`         // names the event for good
	Due      bool               `json:"due,omitempty"` // people should be notified now
	Icon     Icon               `json:"icon,omitempty"`
	Headline string             `json:"headline"`
	Sentence string             `json:"sentence,omitempty"`
	Output   string             `json:"output,omitempty"` // lines of a machine, redacted
	Shows    Shows              `json:"shows,omitzero"`
	People   []Person           `json:"people,omitempty"` // whom it concerns
	Actions  []lifecycle.Action `json:"actions,omitempty"`
}

// Shows are the parts of the view that belong to an event.
type Shows struct {
	Inputs    bool `json:"inputs,omitempty"`
	Removed   bool `json:"removed,omitempty"`
	Outputs   bool `json:"outputs,omitempty"`
	Approvers bool `json:"approvers,omitempty"` // who can decide
	Plan      bool `json:"plan,omitempty"`      // a way to the whole plan
}

// Text is the event in words.
func (e Event) Text() string { return strings.TrimSpace(e.Headline + " " + e.Sentence) }

// events are what people should be notified of now, and what has just ended.
func (d description) events() []Event {
	var all []Event
	for _, one := range []func(description) *Event{
		description.planEvent, description.unchangedEvent, description.failedEvent, description.foreignEvent,
		description.objectionEvent,
		description.voidedEvent, description.problemEvent, description.appliedEvent, description.driftEvent,
		description.rejectedEvent,
		description.destroyedEvent, description.closedEvent,
	} {
		if e := one(d); e != nil {
			all = append(all, *e)
		}
	}
	return append(all, d.refusedEvents()...)
}

// planEvent asks for a decision on the plan, and follows the plan until the next one.
func (d description) planEvent() *Event {
	p, current := d.plan(), d.currentPlan()
	if p == nil || current == nil || current.Number != p.Attempt || d.over() {
		return nil
	}
	approve, reject := d.intent(lifecycle.ActionApprove), d.intent(lifecycle.ActionReject)
	e := &Event{
		Topic: "plan:" + strconv.Itoa(p.Attempt), Headline: fmt.Sprintf("%s ready for %s: %s.", PlanName(p.Purpose),
			d.name(), Counts(p)),
		Due: d.canDecide() && approve == nil, Icon: IconReview, Shows: Shows{Removed: true, Plan: true},
		Actions: []lifecycle.Action{lifecycle.ActionApprove, lifecycle.ActionReject, lifecycle.ActionMerge,
			lifecycle.ActionApply, lifecycle.ActionCancelIntent, lifecycle.ActionWithdraw, lifecycle.ActionCancelDestroy},
	}
	switch a := d.approver(); {
	case a != nil:
		e.Icon, e.Sentence = IconDone, fmt.Sprintf("Approved by %s.%s", a.Login, d.afterApproval())
	case approve != nil:
		e.Icon, e.Sentence = IconRunning, fmt.Sprintf("Approved by %s. Confirming…", approve.By)
	case e.Due:
		e.Sentence, e.Shows.Inputs, e.Shows.Approvers = "Waiting for approval.", true, true
	case reject != nil:
		e.Icon, e.Sentence, e.Shows.Removed = IconClosed, fmt.Sprintf("Rejected by %s.", reject.By), false
	default:
		e.Sentence, e.Shows.Removed = d.refusal(lifecycle.ActionApprove), false
	}
	return e
}

// afterApproval says what comes next as long as that is about this plan.
func (d description) afterApproval() string {
	if d.status == lifecycle.StatusApproved || d.status == lifecycle.StatusMerged {
		return " " + d.label().sentence
	}
	return ""
}

// concerned are the requester and others.
func (d description) concerned(others ...Person) []Person {
	all := []Person{d.requester()}
	for _, p := range others {
		if !slices.ContainsFunc(all, func(have Person) bool { return have.SlackUser == p.SlackUser }) {
			all = append(all, p)
		}
	}
	return all
}

// unchangedEvent reports a new plan without changes, which needs no decision.
func (d description) unchangedEvent() *Event {
	current := d.currentPlan()
	if !d.dismissed() || !d.r.Plan.Nothing || current.Purpose != lifecycle.PurposeReapply || d.over() {
		return nil
	}
	e := &Event{
		Topic: fmt.Sprintf("unchanged:%d", current.Number), Due: true, Icon: IconDone,
		Headline: fmt.Sprintf("The new plan of %s has no changes.", d.name()),
		Sentence: "The resources match the request, so there is nothing to approve.",
	}
	if by := current.RequestedBy; by != nil {
		e.People = []Person{{by.Login, by.SlackUser}}
	}
	return e
}

// failedEvent reports a failed run. A failed plan is an event even if the status is another one:
// after the merge, a new plan can fail while the resources stay applied.
func (d description) failedEvent() *Event {
	a, kind := d.failed()
	if a == nil || d.over() || d.status != lifecycle.StatusFailed &&
		!(kind == lifecycle.KindPlan && d.currentPlan() == a) {
		return nil
	}
	return &Event{
		Topic: fmt.Sprintf("failed:%s:%d", kind, a.Number), Due: true, Icon: IconFailed,
		Headline: fmt.Sprintf("The %s of %s %s.", kind, d.name(), ending(a)), Sentence: d.adviceAlone(a, kind),
		Output: a.Reason, People: d.concerned(),
		Actions: []lifecycle.Action{lifecycle.ActionRestore, lifecycle.ActionPlan, lifecycle.ActionDestroy,
			lifecycle.ActionCancelDestroy,
			lifecycle.ActionClose, lifecycle.ActionRepair},
	}
}

// adviceAlone is the advice after a failed run with what the run changed, for a reader who does not see the headline.
func (d description) adviceAlone(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	advice := d.advice(a, kind)
	if advice == "" {
		return ""
	}
	return effectOf(a, kind) + " " + advice
}

// foreignEvent is named after the head, so that each foreign commit is reported once.
func (d description) foreignEvent() *Event {
	if d.r.PR == nil || !d.r.PR.Foreign || d.merged() || d.over() {
		return nil
	}
	sentence := fmt.Sprintf("TfPilot merges and applies only what it generated. Use %s to put the generated file "+
		"back, or %s.",
		d.button(lifecycle.ActionRestore), d.button(lifecycle.ActionClose))
	return &Event{
		Topic: "foreign:" + foreignHead(d.r.PR.HeadSHA), Due: true, Icon: IconAttention, People: d.concerned(),
		Headline: fmt.Sprintf("The branch of %s was modified outside TfPilot.", d.name()), Sentence: sentence,
		Actions: []lifecycle.Action{lifecycle.ActionRestore, lifecycle.ActionClose},
	}
}

// foreignHead names a commit within a topic. Topics are stored, so this form stays.
func foreignHead(sha string) string { return oneLine(sha, 12) }

// objectionEvent reports the first open objection: each blocks the request alone.
func (d description) objectionEvent() *Event {
	open := d.objections()
	if len(open) == 0 {
		return nil
	}
	o := open[0]
	return &Event{
		Topic: fmt.Sprintf("objection:%d", o.Review), Due: true, Icon: IconBlocked, People: d.concerned(),
		Headline: fmt.Sprintf("%s requested changes to %s on GitHub.", o.Login, d.name()),
		Sentence: fmt.Sprintf("Approve, merge and apply are blocked until %s approves there or the review is dismissed.",
			o.Login),
	}
}

// voidedEvent reports that an approval was dismissed before it was used.
func (d description) voidedEvent() *Event {
	a := d.voided()
	if a == nil || d.over() || d.used(a) || d.status == lifecycle.StatusApplied {
		return nil
	}
	return &Event{
		Topic: fmt.Sprintf("voided:%d", len(d.r.Approval.Approvers)), Due: true, Icon: IconAttention,
		Headline: d.voidedHeadline(a), Sentence: a.VoidReason + ".", People: d.concerned(Person{a.Login, a.SlackUser}),
	}
}

func (d description) voidedHeadline(a *lifecycle.Approver) string {
	return fmt.Sprintf("The approval of %s by %s was dismissed:", d.name(), a.Login)
}

func (d description) problemEvent() *Event {
	p := d.r.Problem
	if p == nil || d.reportedAsRefused(p) {
		return nil
	}
	if _, kind := d.failed(); string(kind) == p.Step || d.r.PR != nil && d.r.PR.Foreign {
		return nil // another event reports it
	}
	return &Event{
		Topic: fmt.Sprintf("problem:%s:%d", p.Step, p.Since.Unix()), Due: true, Icon: IconAttention, People: d.concerned(),
		Headline: fmt.Sprintf("Problem with %s:", d.name()), Sentence: p.Text, Actions: problemActions,
	}
}

// problemActions are what may help against a problem.
var problemActions = []lifecycle.Action{
	lifecycle.ActionApprove, lifecycle.ActionMerge, lifecycle.ActionApply, lifecycle.ActionPlan,
	lifecycle.ActionRestore, lifecycle.ActionRepair,
}

// appliedEvent waits until the result was read, because it shows the outputs.
func (d description) appliedEvent() *Event {
	a := d.currentApply()
	if a == nil || a.Conclusion != lifecycle.ConclusionSuccess || d.currentDestroy() != nil || !a.ResultRead {
		return nil
	}
	return &Event{
		Topic: "applied:" + strconv.Itoa(a.Number), Due: true, Icon: IconLive, Headline: d.name() + " was applied.",
		Shows: Shows{Outputs: true}, People: d.concerned(),
	}
}

func (d description) driftEvent() *Event {
	drift := d.r.Drift
	if drift == nil || !drift.Drifted || d.status != lifecycle.StatusApplied {
		return nil
	}
	return &Event{
		Topic: fmt.Sprintf("drift:%d", drift.RunID), Due: true, Icon: IconDrift,
		Headline: fmt.Sprintf("Drift detected in %s.", d.name()),
		Sentence: drift.Summary, People: d.concerned(), Actions: []lifecycle.Action{lifecycle.ActionPlan},
	}
}

// rejectedEvent reports that a destroy or a new plan was rejected; a rejected request is closed.
func (d description) rejectedEvent() *Event {
	no := d.r.Rejection
	if no == nil || !d.merged() || d.over() {
		return nil
	}
	what := "destroy"
	if no.Purpose == lifecycle.PurposeReapply {
		what = "new plan"
	}
	return &Event{
		Topic: fmt.Sprintf("rejected:%d", no.At.Unix()), Due: true, Icon: IconClosed, People: d.concerned(),
		Headline: fmt.Sprintf("%s rejected the %s of %s:", no.By, what, d.name()), Sentence: no.Reason,
	}
}

func (d description) destroyedEvent() *Event {
	a := d.currentDestroy()
	if a == nil || a.Conclusion != lifecycle.ConclusionSuccess {
		return nil
	}
	return &Event{
		Topic: "destroyed:" + strconv.Itoa(a.Number), Due: true, Icon: IconDestroy, Headline: d.name() + " was destroyed.",
		Sentence: d.destroyedSentence(), People: d.concerned(),
	}
}

// closedEvent prefers the words of a rejection, which say more than that the request is closed.
func (d description) closedEvent() *Event {
	if d.status != lifecycle.StatusClosed {
		return nil
	}
	e := &Event{
		Topic: "closed", Due: true, Icon: IconClosed, People: d.concerned(),
		Headline: d.name() + " is closed.", Sentence: d.closedLabel().sentence,
	}
	if no := d.r.Rejection; no != nil {
		e.Headline, e.Sentence = fmt.Sprintf("%s rejected %s:", no.By, d.name()), no.Reason
	}
	return e
}

// refusedEvents report to the person who requested something that TfPilot refused later, and to the
// requester, what was refused and why.
func (d description) refusedEvents() []Event {
	var all []Event
	for _, no := range d.r.Refused {
		e := Event{
			Topic: fmt.Sprintf("refused:%s:%s:%d", no.What, no.By, no.At.Unix()), Due: true, Icon: IconBlocked,
			Headline: d.refusedHeadline(no.What, no.By), Sentence: no.Text,
			People: []Person{{no.By, no.SlackUser}},
		}
		if requester := d.requester(); requester.SlackUser != no.SlackUser {
			e.People = append(e.People, requester)
		}
		if p := d.r.Problem; p != nil && refusedAs(no, p) {
			e.Actions = problemActions
		}
		all = append(all, e)
	}
	return all
}

func (d description) refusedHeadline(what lifecycle.Action, by string) string {
	row, _ := what.Row()
	return fmt.Sprintf("%s requested to %s %s. This was refused:", by, cmp.Or(row.Phrase, string(what)), d.name())
}

func refusedAs(no lifecycle.RefusedIntent, p *lifecycle.Problem) bool {
	return string(no.What) == p.Step && no.Code == p.Code && no.At.Equal(p.Since)
}

// reportedAsRefused reports whether the problem is a refusal that has an event of its own.
func (d description) reportedAsRefused(p *lifecycle.Problem) bool {
	return slices.ContainsFunc(d.r.Refused, func(no lifecycle.RefusedIntent) bool { return refusedAs(no, p) })
}

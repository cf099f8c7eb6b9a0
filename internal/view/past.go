package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// PastEvent is an event whose time is over, as a record: what happened and how it ended, without actions.
func PastEvent(f Facts, topic string) Event {
	d := describe(f)
	kind, rest, _ := strings.Cut(topic, ":")
	// Topics are stored with the messages, and a message can be older than the document's facts
	// or this version of TfPilot. An unknown topic must still become a true sentence.
	text := "Resolved."
	switch kind {
	case "plan":
		text = d.pastPlan(rest)
	case "failed":
		run, attempt, _ := strings.Cut(rest, ":")
		text = fmt.Sprintf("The %s of %s failed (attempt %s).", kindName(lifecycle.Kind(run)), d.name(), attempt)
	case "foreign":
		text = fmt.Sprintf("The branch of %s was modified outside TfPilot. This no longer blocks the request.", d.name())
	case "voided":
		text = d.pastApproval(rest)
	case "problem":
		text = fmt.Sprintf("A problem with %s was resolved.", d.name())
	case "applied":
		text = fmt.Sprintf("%s was applied.", d.name())
	case "objection":
		text = fmt.Sprintf("The changes requested on GitHub no longer block %s.", d.name())
	case "refused":
		what, by, _ := strings.Cut(rest, ":")
		by, _, _ = strings.Cut(by, ":")
		text = strings.TrimSuffix(d.refusedHeadline(lifecycle.Action(what), by), ":") + "."
	case "unchanged":
		text = fmt.Sprintf("A new plan of %s had no changes.", d.name())
	case "drift":
		text = fmt.Sprintf("Drift was detected in %s.", d.name())
	case "rejected":
		text = fmt.Sprintf("A plan of %s was rejected.", d.name())
	}
	return Event{Topic: topic, Headline: text}
}

// pastPlan is the end of a plan: who approved it and how its run ended, or that a newer plan took over.
func (d description) pastPlan(number string) string {
	n, err := strconv.Atoi(number)
	head := fmt.Sprintf("Plan %s of %s", oneLine(number, limitName), d.name())
	if err != nil {
		return head + " is superseded."
	}
	for _, one := range []struct {
		kind lifecycle.Kind
		set  lifecycle.RunSet
	}{{lifecycle.KindApply, d.r.Runs.Apply}, {lifecycle.KindDestroy, d.r.Runs.Destroy}} {
		for _, run := range one.set.Attempts {
			if run.PlanAttempt == n {
				return fmt.Sprintf("%s%s. The %s %s.", head, d.approvedBy(run.Digest), one.kind, ending(&run))
			}
		}
	}
	if current := d.currentPlan(); current != nil && current.Number > n {
		return head + " is superseded by a newer plan."
	}
	return head + " is no longer open."
}

// approvedBy names who approved the plan with this digest.
func (d description) approvedBy(digest string) string {
	for _, a := range d.r.Approval.Approvers {
		if digest != "" && a.PlanDigest == digest {
			return " was approved by " + a.Login
		}
	}
	return " was approved"
}

// pastApproval recalls a dismissed approval by its number.
func (d description) pastApproval(number string) string {
	if n, err := strconv.Atoi(number); err == nil && n > 0 && n <= len(d.r.Approval.Approvers) {
		if a := d.r.Approval.Approvers[n-1]; a.VoidedAt != nil {
			return fmt.Sprintf("%s %s.", d.voidedHeadline(&a), a.VoidReason)
		}
	}
	return fmt.Sprintf("An approval of %s was dismissed.", d.name())
}

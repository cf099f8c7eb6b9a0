package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A notification is a message that reaches a person once. Notifications follow from the facts, the settings of
// the environment and the time, so that a process that was away finds out what is due. The words of a
// notification stay true: it is never edited, and what changes later is on the card.

// Notification is a message that is due.
type Notification struct {
	Topic string    // names the notice for good
	To    Audience  // who gets it
	At    time.Time // since when it is due
	Text  string
}

// Audience names the people who get a notification.
type Audience string

// The audiences.
const (
	ToRequester  Audience = "requester"
	ToApprovers  Audience = "approvers"  // who can decide on the plan, in the way in which the environment asks them
	ToEscalation Audience = "escalation" // the people of the environment's escalation list, else the admins
)

// NewsFor is how long something is news. What happened earlier, or before an upgrade, gets no notification.
const NewsFor = 24 * time.Hour

// maxSkew is how far the clock of GitHub may be ahead.
const maxSkew = 10 * time.Minute

// Notifications are the messages that are due now, also those that were sent, oldest first.
func Notifications(f Facts, p lifecycle.Patience) []Notification {
	d := describe(f)
	if d.r.ArchivedAt != nil {
		return nil
	}
	var all []Notification
	for _, n := range append(d.eventNotifications(), d.decidedNotifications()...) {
		if age := f.Now.Sub(n.At); age < NewsFor && age > -maxSkew {
			all = append(all, n)
		}
	}
	all = append(all, d.waitingNotifications(p)...)
	slices.SortStableFunc(all, func(a, b Notification) int { return a.At.Compare(b.At) })
	return all
}

// TellsRequester reports whether the requester gets a notification about an event with this topic.
func TellsRequester(topic string) bool {
	kind, _, _ := strings.Cut(topic, ":")
	return slices.Contains([]string{"plan", "failed", "applied", "destroyed", "rejected", "closed"}, kind)
}

// eventNotifications are for the requester, who did not do it.
func (d description) eventNotifications() []Notification {
	var all []Notification
	for _, e := range d.events() {
		at, by := d.occurred(e.Topic)
		if !e.Due || !TellsRequester(e.Topic) || at == nil || lifecycle.SameLogin(by, d.requester().Login) {
			continue
		}
		n := Notification{Topic: e.Topic, To: ToRequester, At: *at, Text: e.Headline}
		switch kind, _, _ := strings.Cut(e.Topic, ":"); kind {
		case "plan":
			n.Text += " It needs an approval."
		case "failed", "rejected", "closed":
			n.Text = e.Text()
		}
		all = append(all, n)
	}
	return all
}

// occurred returns when an event happened, nil when that is not known, and who did it.
func (d description) occurred(topic string) (at *time.Time, by string) {
	kind, rest, _ := strings.Cut(topic, ":")
	ended := func(a *lifecycle.Attempt) *time.Time {
		if a == nil {
			return nil
		}
		return a.CompletedAt
	}
	switch kind {
	case "plan":
		return d.r.Plan.CompletedAt, ""
	case "failed":
		run, _, _ := strings.Cut(rest, ":")
		return ended(d.r.CurrentRun(lifecycle.Kind(run))), ""
	case "applied":
		return ended(d.currentApply()), ""
	case "destroyed":
		return ended(d.currentDestroy()), ""
	case "rejected":
		return &d.r.Rejection.At, d.r.Rejection.By
	case "closed":
		if no := d.r.Rejection; no != nil {
			return d.r.ClosedAt, no.By
		}
		return d.r.ClosedAt, d.r.ClosedBy
	}
	return nil, ""
}

// decidedNotifications tell the requester of an approval and of an expiry.
func (d description) decidedNotifications() []Notification {
	var all []Notification
	if a := d.approver(); a != nil && !lifecycle.SameLogin(a.Login, d.requester().Login) {
		all = append(all, Notification{
			Topic: fmt.Sprintf("approved:%d", d.approvalNumber(a)), To: ToRequester, At: a.At,
			Text: fmt.Sprintf("%s approved the %s of %s.", a.Login, strings.ToLower(PlanName(a.Purpose)), d.name()),
		})
	}
	if p := d.r.Plan; p != nil && p.ExpiredAt != nil && d.r.ClosedAt == nil {
		all = append(all, Notification{
			Topic: "expired:" + strconv.Itoa(p.Attempt), To: ToRequester, At: *p.ExpiredAt,
			Text: fmt.Sprintf("The %s of %s expired without a decision. %s", strings.ToLower(PlanName(p.Purpose)),
				d.name(), d.afterExpiry(p)),
		})
	}
	return all
}

func (d description) approvalNumber(a *lifecycle.Approver) int {
	same := func(x lifecycle.Approver) bool { return x.At.Equal(a.At) && x.Login == a.Login }
	return 1 + slices.IndexFunc(d.r.Approval.Approvers, same)
}

// afterExpiry says what an expired plan leaves.
func (d description) afterExpiry(p *lifecycle.Plan) string {
	if p.Purpose == lifecycle.PurposeDestroy {
		return "Nothing was destroyed. Request the destroy again if it is still needed."
	}
	return "Nothing was changed. Re-plan, then ask an approver to decide."
}

// waitingNotifications are about a plan that waits for a decision.
func (d description) waitingNotifications(p lifecycle.Patience) []Notification {
	since, waits := d.r.WaitingSince()
	if !waits {
		return nil
	}
	var all []Notification
	plan := d.r.Plan
	what := fmt.Sprintf("%s of %s", strings.ToLower(PlanName(plan.Purpose)), d.name())
	by := d.requester().Login
	if n, at := p.Reminder(since, d.Now); n > 0 {
		all = append(all, Notification{
			Topic: fmt.Sprintf("reminder:%d:%d", plan.Attempt, n), To: ToApprovers, At: at,
			Text: fmt.Sprintf("Reminder: the %s needs an approval. Requested by %s.", what, by),
		})
	}
	if at, due := p.Escalation(since, d.Now); due {
		all = append(all, Notification{
			Topic: fmt.Sprintf("escalation:%d", plan.Attempt), To: ToEscalation, At: at,
			Text: fmt.Sprintf("No approver has decided on the %s yet. Requested by %s.", what, by),
		})
	}
	if at, due := p.Warning(since, d.Now); due {
		end := since.Add(p.ExpireAfter).In(d.zone(p)).Format("Monday, 2 January, 15:04 MST")
		all = append(all, Notification{
			Topic: fmt.Sprintf("expiring:%d", plan.Attempt), To: ToRequester, At: at,
			Text: fmt.Sprintf("The %s has no decision yet and expires on %s. Ask an approver to decide.", what, end),
		})
	}
	return all
}

func (d description) zone(p lifecycle.Patience) *time.Location {
	if p.Hours.Zone == nil {
		return time.UTC
	}
	return p.Hours.Zone
}

package slackapp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The requester is notified in the thread of their own card, with a mention: Slack then notifies them, and their
// direct messages hold one card for each request instead of a message for each event. Approvers are notified in
// the thread of the channel's card, or in direct messages when the environment asks them there.
//
// Each message is recorded in the document before and after it is sent, like every other one, and is never
// edited. What was recorded is not sent again, whatever Redis has lost.

// notification is one message to send: to a user, or to the card's thread when user is empty.
type notification struct {
	view.Notification
	user     string
	mentions []lifecycle.Person
}

// topic names the message in the document.
func (n notification) topic() string {
	if n.user == "" {
		return n.Topic
	}
	return askTopic(n.Topic, n.user)
}

// asksDirectly reports whether approvers are asked in direct messages.
func (d drawing) asksDirectly() bool {
	return d.blocked != "" || d.environment.Approvals.Ask == config.AskDirect
}

// notifications are the messages that are due, also those that were sent.
func (d drawing) notifications() []notification {
	var all []notification
	for _, n := range view.Notifications(d.facts, d.environment.Approvals.Patience) {
		switch n.To {
		case view.ToRequester:
			if user := d.r.Requester.SlackUser; user != "" {
				all = append(all, notification{n, user, []lifecycle.Person{d.r.Requester}})
			}
		case view.ToApprovers:
			if d.asksDirectly() {
				all = append(all, toEach(n, d.reachableApprovers())...)
			} else {
				all = append(all, notification{n, "", reachable(d.askable, "")})
			}
		case view.ToEscalation:
			to := reachable(d.escalateTo, d.r.Requester.SlackUser)
			all = append(all, toEach(n, to)...)
			if len(to) == 0 {
				all = append(all, notification{n, "", nil})
			}
		}
	}
	return all
}

func toEach(n view.Notification, people []lifecycle.Person) []notification {
	var all []notification
	for _, p := range people {
		all = append(all, notification{n, p.SlackUser, []lifecycle.Person{p}})
	}
	return all
}

// reachable are the first maxMentions people with a Slack account, without one user.
func reachable(people []lifecycle.Person, without string) []lifecycle.Person {
	var found []lifecycle.Person
	for _, p := range people {
		if p.SlackUser != "" && p.SlackUser != without && len(found) < maxMentions {
			found = append(found, p)
		}
	}
	return found
}

// escalation lists the people who are asked when approvers do not decide.
func (c *Cards) escalation(d drawing) []lifecycle.Person {
	logins := d.environment.Approvals.EscalateTo
	if len(logins) == 0 {
		logins = c.Rights.Admins()
	}
	var found []lifecycle.Person
	for _, login := range logins {
		found = append(found, lifecycle.Person{Login: login, SlackUser: d.user(login)})
	}
	return found
}

// toldDirectly are the topics that the requester gets or got in a message of their own. In the thread of
// their own card the replies mention them.
func (d drawing) toldDirectly(anchor lifecycle.Message) map[string]bool {
	told := map[string]bool{}
	user := d.r.Requester.SlackUser
	if anchor.Role != lifecycle.RoleCard || user == "" {
		return told
	}
	for _, m := range d.r.Slack.Messages {
		if topic, to := splitAsk(m.Topic); m.Role == lifecycle.RoleNotice && to == user && !m.Refused() {
			told[topic] = true
		}
		if m.Role == lifecycle.RoleDM && m.Refused() {
			return map[string]bool{}
		}
	}
	for _, n := range d.notifications() {
		if n.To == view.ToRequester {
			told[n.Topic] = true
		}
	}
	return told
}

// mentioned are the people whom a reply calls: not the requester when they are notified in direct messages.
func (d drawing) mentioned(e view.Event) []view.Person {
	if !d.told[e.Topic] {
		return e.People
	}
	var others []view.Person
	for _, p := range e.People {
		if p.SlackUser != d.r.Requester.SlackUser {
			others = append(others, p)
		}
	}
	return others
}

// notify sends what is due and was not sent.
func (p *poster) notify(ctx context.Context) error {
	if p.doc.Archived {
		return nil
	}
	var errs []error
	for _, n := range p.drawing.notifications() {
		at, ok := p.recipient(n)
		if have, known := p.find(at); !ok || known && isSent(have) {
			continue
		}
		errs = append(errs, p.send(ctx, at, n))
	}
	return errors.Join(errs...)
}

// quietState is the state of a message that was not sent because the person turned notifications off.
const quietState = "quiet"

// isSent reports whether a message needs nothing more.
func isSent(m lifecycle.Message) bool { return m.TS != "" || m.Refused() || m.State == quietState }

// quiet reports whether the person turned this notification off. An escalation always reaches them. When the
// choice cannot be read, nothing is sent yet.
func (p *poster) quiet(ctx context.Context, n notification) (bool, error) {
	if n.user == "" || n.To == view.ToEscalation {
		return false, nil
	}
	chosen, err := p.Documents.Preferences(ctx, p.drawing.r.Requester.SlackTeam, n.user)
	if err != nil {
		return false, fmt.Errorf("read preferences: %w", err)
	}
	return chosen.Quiet, nil
}

// recipient is where a notification belongs. It is false while that message is not there, and when a reply in
// the same thread mentions the person already. Without a channel, the user's direct messages are opened.
func (p *poster) recipient(n notification) (slot, bool) {
	x := slot{role: lifecycle.RoleNotice, topic: n.topic()}
	anchor, threaded := p.anchor()
	if n.user == "" {
		x.channel, x.thread = anchor.Channel, anchor.TS
		return x, threaded
	}
	for _, m := range p.doc.Request.Slack.Messages {
		_, to := splitAsk(m.Topic)
		own := m.Role == lifecycle.RoleDM && n.To == view.ToRequester
		if (own || m.Role == lifecycle.RoleAsk && to == n.user) && m.TS != "" {
			x.channel, x.thread = m.Channel, m.TS
		}
	}
	replied := threaded && anchor.Role == lifecycle.RoleDM && !strings.HasPrefix(n.Topic, "plan:") && view.TellsRequester(n.Topic)
	return x, n.To != view.ToRequester || x.channel != "" && !replied
}

// send posts a notification, or finds the one whose answer was lost.
func (p *poster) send(ctx context.Context, x slot, n notification) error {
	have, known := p.find(x)
	m := p.notificationMessage(ctx, n, x)
	if known && strings.HasPrefix(have.State, postingMark) {
		x.channel, x.thread = have.Channel, have.Thread
		return p.recover(ctx, x, have, m)
	}
	switch quiet, err := p.quiet(ctx, n); {
	case err != nil:
		return err
	case quiet:
		return p.outcome(x, have.State, &lifecycle.Message{Role: x.role, Topic: x.topic, State: quietState})
	}
	if x.channel == "" {
		channel, err := p.openDirect(ctx, n.user)
		switch {
		case err != nil && !unknownOutcome(err) && errorCode(err) != "":
			p.Log.Warn("a person cannot be notified", keyRequest, p.drawing.r.ID, keyCode, errorCode(err))
			refused := lifecycle.Message{Role: x.role, Topic: x.topic, State: refusedMark + errorCode(err)}
			return p.outcome(x, have.State, &refused)
		case err != nil:
			return fmt.Errorf("open direct messages: %w", err)
		}
		x.channel = channel
	}
	return p.post(ctx, x, have.State, m)
}

// notificationMessage draws a notification. Outside the card's thread it links the card.
func (p *poster) notificationMessage(ctx context.Context, n notification, x slot) blocks.Message {
	var runs []blocks.Run
	for _, person := range n.mentions {
		runs = append(runs, blocks.User(person.SlackUser, person.Login), blocks.Text(" "))
	}
	body := []slack.Block{blocks.Rich(blocks.Line(append(runs, blocks.Text(blocks.Cut(n.Text, shownReason)))...))}
	if n.user != "" {
		for _, l := range p.links(ctx, p.doc.Request, n.user) {
			if n.To != view.ToRequester || l.label == linkLabels[lifecycle.RoleCard] {
				body = append(body, blocks.Context(blocks.Link(l.url, l.label)))
			}
		}
	}
	return blocks.Message{Text: blocks.Cut(blocks.Escape(n.Text), blocks.MaxMessageText), Blocks: body}
}

// Owes reports whether a message of the request became due by time, or was due when a process ended. The
// sweep enqueues the card then.
func (c *Cards) Owes(ctx context.Context, r lifecycle.Request) bool {
	if _, waits := r.WaitingSince(); r.ArchivedAt != nil || !waits && utcNow().Sub(r.UpdatedAt) > view.NewsFor {
		return false
	}
	module, _ := c.Catalog.Module(r.Module)
	d := draw(r, c.Projects.of(r), module, lifecycle.EnvironmentState{}, utcNow())
	d.account = c.people.accounts(ctx, c)
	d.askable, d.escalateTo, d.blocked = c.approvers(r, d), c.escalation(d), blockedCode(r, d.environment.Channel)
	p := poster{Cards: c, drawing: d}
	p.doc.Request = r
	for _, n := range d.notifications() {
		at, ok := p.recipient(n)
		if have, known := p.find(at); ok && !(known && isSent(have)) {
			return true
		}
	}
	return false
}

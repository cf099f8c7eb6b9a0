package slackapp

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The card's thread is the request's log: one reply for each event of the view. A reply is posted when its
// event is due, once for its topic, and then kept up to date; after the event's time its words stay and
// its buttons go.

// reply is a message in the card's thread.
type reply struct {
	topic string
	due   bool
	blocks.Message
}

// maxMentions bounds who is mentioned in one reply.
const maxMentions = 5

// replies draws what the thread should hold now: what is due, and everything that was posted before,
// brought up to date.
func (d drawing) replies() []reply {
	var all []reply
	for _, e := range d.view.Events {
		all = append(all, d.reply(e))
	}
	for _, m := range d.r.Slack.Messages {
		posted := func(r reply) bool { return r.topic == m.Topic }
		if m.Role == lifecycle.RoleThread && !slices.ContainsFunc(all, posted) {
			all = append(all, d.past(m.Topic))
		}
	}
	return all
}

// past redraws a reply whose time is over.
func (d drawing) past(topic string) reply {
	e := view.PastEvent(d.facts, topic)
	return reply{
		topic: topic,
		Message: blocks.Message{Text: blocks.Cut(blocks.Escape(e.Text()), blocks.MaxMessageText),
			Blocks: []slack.Block{blocks.Paragraph(e.Text())}},
	}
}

// reply draws an event.
func (d drawing) reply(e view.Event) reply {
	head := []blocks.Run{icon(e.Icon), blocks.Text(" "), blocks.Bold(e.Headline)}
	if e.Sentence != "" {
		head = append(head, blocks.Text(" "+blocks.Cut(e.Sentence, shownReason)))
	}
	body := []slack.Block{blocks.Rich(blocks.Line(head...))}
	add := func(show bool, build func() slack.Block) {
		if !show {
			return
		}
		if b := build(); b != nil {
			body = append(body, b)
		}
	}
	add(e.Output != "", func() slack.Block { return blocks.Rich(blocks.Preformatted(e.Output, shownReason)) })
	add(e.Shows.Inputs, d.request)
	add(e.Shows.Removed, d.removed)
	add(e.Shows.Outputs, d.outputs)
	add(e.Shows.Approvers, d.approvers)
	add(true, func() slack.Block { return mentions(d.mentioned(e)) })
	return reply{topic: e.Topic, due: e.Due, Message: blocks.Message{
		Text: blocks.Cut(blocks.Escape(e.Text()), blocks.MaxMessageText), Blocks: append(body, d.row(e)...),
	}}
}

// planReply is the reply that asks for a decision.
func (d drawing) planReply() (reply, bool) {
	i := slices.IndexFunc(d.view.Events, func(e view.Event) bool { return e.Shows.Plan })
	if i < 0 {
		return reply{}, false
	}
	return d.reply(d.view.Events[i]), true
}

// approvers mentions those who can approve, as far as their accounts are known. Slack notifies them when
// the reply is posted and not again when it is edited.
func (d drawing) approvers() slack.Block {
	if d.asksDirectly() {
		return d.approversAsked()
	}
	if len(d.askable) == 0 {
		return blocks.Rich(blocks.Line(blocks.Text("No approvers are configured for this environment. Ask your platform " +
			"team.")))
	}
	runs := []blocks.Run{blocks.Text("Approvers: ")}
	for i, p := range d.askable[:min(len(d.askable), maxMentions)] {
		if i > 0 {
			runs = append(runs, blocks.Text(", "))
		}
		runs = append(runs, blocks.User(p.SlackUser, p.Login))
	}
	if more := len(d.askable) - maxMentions; more > 0 {
		runs = append(runs, blocks.Text(fmt.Sprintf(" and %d more", more)))
	}
	return blocks.Rich(blocks.Line(runs...))
}

// mentions names the people whom a reply concerns, each once. Without a Slack account there is no mention.
func mentions(people []view.Person) slack.Block {
	var runs []blocks.Run
	for _, p := range people {
		if p.SlackUser != "" {
			runs = append(runs, blocks.User(p.SlackUser, ""), blocks.Text(" "))
		}
	}
	if len(runs) == 0 {
		return nil
	}
	return blocks.Rich(blocks.Line(runs...))
}

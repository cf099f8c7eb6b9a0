package slackapp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A channel that is wrong, archived or without the app accepts no card. Then approvers get
// a request as a direct message, the requester's card shows the problem of the channel,
// and admins get one message. The channel is tried again with each change of
// the request; `tfpilot doctor` checks every channel.

// adminNoticeInterval is how long admins get no second message about the same channel.
const adminNoticeInterval = 7 * 24 * time.Hour

// channelRemedies explain Slack's answers about a channel, and what to do.
var channelRemedies = map[string]string{
	"channel_not_found": "it does not exist, or it is private and TfPilot is not in it. Invite " +
		"@tfpilot to it, or correct the channel in tfpilot.yaml",
	"not_in_channel":                           "TfPilot is not in it. Invite @tfpilot to it",
	"is_archived":                              "it is archived. Unarchive it, or name another channel in tfpilot.yaml",
	"restricted_action":                        "its settings do not let TfPilot post. Allow apps to post there",
	"restricted_action_read_only_channel":      "it is read-only. Allow TfPilot to post there",
	"restricted_action_thread_only_channel":    "it takes replies only. Name another channel in tfpilot.yaml",
	"restricted_action_non_threadable_channel": "it takes no threads. Name another channel in tfpilot.yaml",
	"missing_scope":                            "TfPilot lacks a scope. Install the app again with slack-manifest.yaml",
}

// channelProblem explains why a channel accepts no message, without a final period.
func channelProblem(code string) string {
	if text := channelRemedies[code]; text != "" {
		return text
	}
	return "Slack answers " + code
}

// blockedCode is Slack's code when it refused a message to the environment's channel. It is
// "" when Slack refused only the message itself or a file.
func blockedCode(r lifecycle.Request, channel string) string {
	for _, m := range r.Slack.Messages {
		if channel == "" || m.Channel != channel || !m.Refused() ||
			m.Role != lifecycle.RoleCard && m.Role != lifecycle.RoleThread {
			continue
		}
		code, _, _ := strings.Cut(strings.TrimPrefix(m.State, refusedMark), ":")
		if channelRemedies[code] != "" {
			return code
		}
	}
	return ""
}

// unreachableText explains why the channel accepts no card, and what to do.
func (d drawing) unreachableText() string {
	return fmt.Sprintf("TfPilot can't post in the channel of %s (%s): %s. Approvers are asked in direct messages.",
		d.view.Where, d.environment.Channel, channelProblem(d.blocked))
}

// unreachable is the block of a card about an unreachable channel.
func (d drawing) unreachable() slack.Block {
	return blocks.Rich(blocks.Line(blocks.Emoji("warning"), blocks.Text(" "), blocks.Bold(d.unreachableText())))
}

// directAsks are the requests for an approval in the approvers' direct messages: the due
// ones, and the earlier ones with current text.
func (d drawing) directAsks() []directAsk {
	plan, waits := d.planReply()
	var all []directAsk
	sent := map[string]bool{}
	for _, m := range d.r.Slack.Messages {
		if m.Role != lifecycle.RoleAsk {
			continue
		}
		topic, user := splitAsk(m.Topic)
		r := d.past(topic)
		if waits && plan.topic == topic {
			r = d.ask(plan)
		}
		sent[m.Topic] = true
		all = append(all, directAsk{user, r, false})
	}
	if !d.asksDirectly() || !waits || !plan.due {
		return all
	}
	for _, p := range d.reachableApprovers() {
		if !sent[askTopic(plan.topic, p.SlackUser)] {
			all = append(all, directAsk{p.SlackUser, d.ask(plan), true})
		}
	}
	return all
}

// directAsk is one message to one approver.
type directAsk struct {
	user string
	reply
	due bool
}

// ask is the plan's reply as a direct message to one approver.
func (d drawing) ask(plan reply) reply {
	why := fmt.Sprintf("You get this because you can approve requests in %s.", d.view.Where)
	if d.blocked != "" {
		why = fmt.Sprintf("You get this as a direct message because TfPilot can't post in the channel of %s.", d.view.Where)
	}
	return reply{
		topic:   plan.topic,
		Message: blocks.Message{Text: plan.Text, Blocks: append(plan.Blocks, blocks.Context(blocks.Escape(why)))},
	}
}

func askTopic(topic, user string) string { return topic + "@" + user }

func splitAsk(topic string) (plan, user string) {
	plan, user, _ = strings.Cut(topic, "@")
	return plan, user
}

// reachableApprovers get a direct message each: the first maxMentions with a Slack
// account, except the requester, whose own card already asks.
func (d drawing) reachableApprovers() []lifecycle.Person {
	return reachable(d.askable, d.r.Requester.SlackUser)
}

// approversAsked names who was asked in direct messages. It mentions no one: a mention
// here would reach only the requester.
func (d drawing) approversAsked() slack.Block {
	var names []string
	for _, p := range d.reachableApprovers() {
		names = append(names, p.Login)
	}
	if len(names) == 0 {
		return blocks.Rich(
			blocks.Line(blocks.Text("No approver has a linked Slack account, so none could be asked. Ask your platform team.")),
		)
	}
	return blocks.Rich(blocks.Line(blocks.Text("Approvers asked in direct messages: " + strings.Join(names, ", ") +
		".")))
}

// askApprovers brings the messages to the approvers up to date.
func (p *poster) askApprovers(ctx context.Context) error {
	var errs []error
	for _, a := range p.drawing.directAsks() {
		at := slot{role: lifecycle.RoleAsk, topic: askTopic(a.topic, a.user)}
		if have, ok := p.find(at); ok && have.Channel != "" {
			at.channel = have.Channel
		} else if a.due {
			at.channel = p.directMessages(ctx, a.user)
		}
		errs = append(errs, p.put(ctx, at, a.Message, a.due))
	}
	return errors.Join(errs...)
}

// directMessages is the id of the direct messages with a user, or "" when Slack does not return it.
func (p *poster) directMessages(ctx context.Context, user string) string {
	id, err := p.openDirect(ctx, user)
	if err != nil {
		p.Log.Warn("open direct messages", keyRequest, p.drawing.r.ID, keyCode, errorCode(err), keyError, err)
	}
	return id
}

// tellAdmins notifies the admins about a channel that accepts no message, once for each
// channel and reason. A lost message does no harm: the cards and doctor show the same.
func (p *poster) tellAdmins(ctx context.Context) {
	if p.drawing.blocked == "" {
		return
	}
	key := "channel:" + p.drawing.environment.Channel + ":" + p.drawing.blocked
	alreadySent, err := p.Notes.Seen(ctx, key, adminNoticeInterval)
	if err != nil || alreadySent {
		return
	}
	prompt := fmt.Sprintf(
		"TfPilot can't post in the channel %s of %s: %s. Until that is fixed, approvers are asked in direct messages. "+
			"Run tfpilot doctor to check every channel.",
		p.drawing.environment.Channel,
		p.drawing.view.Where,
		channelProblem(p.drawing.blocked),
	)
	for _, login := range p.Rights.Admins() {
		user := p.drawing.account[lifecycle.FoldLogin(login)]
		if user == "" {
			continue
		}
		channel := p.directMessages(ctx, user)
		if channel == "" {
			continue
		}
		m := blocks.Message{Text: blocks.Cut(blocks.Escape(prompt), blocks.MaxMessageText),
			Blocks: []slack.Block{blocks.Paragraph(prompt)}}
		if _, _, err := p.API.PostMessageContext(ctx, channel, m.Options()...); err != nil {
			logRefusal(p.Log, err, "tell an admin of a channel", keyChannel, p.drawing.environment.Channel)
		}
	}
}

// Channels asks Slack about channels, for doctor.
type Channels struct{ API *slack.Client }

// Fault explains why a channel accepts no card and what to do; it is nil for a working channel.
func (x Channels) Fault(ctx context.Context, channel string) error {
	c, err := x.API.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	code := errorCode(err)
	switch {
	case err != nil && channelRemedies[code] == "":
		return fmt.Errorf("ask Slack about the channel %s: %w", channel, err)
	case err != nil:
	case c.IsArchived:
		code = "is_archived"
	case !c.IsMember:
		code = "not_in_channel"
	default:
		return nil
	}
	return fmt.Errorf("the channel %s takes no card (%s): %s", strconv.Quote(channel), code, channelProblem(code))
}

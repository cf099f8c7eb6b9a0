package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const metadataType = "tfpilot_request"

// poster makes the messages of one request show its drawing.
type poster struct {
	*Cards
	drawing  drawing
	doc      store.Doc         // with the outcomes that are not stored yet
	stored   store.Doc         // without them, while there are any
	outcomes []lifecycle.Patch // Slack's outcomes, which are stored together
	recalled remembered        // which of them an earlier drawing made
	rest     time.Duration     // after which a task must store them
	waited   time.Duration     // since the first change that is not drawn
	ownRest  time.Duration     // after which the requester's own card must be edited
}

// slot identifies one message of a request, and its channel and thread.
type slot struct {
	role, topic     string
	channel, thread string
}

func (x slot) is(m lifecycle.Message) bool { return m.Role == x.role && m.Topic == x.topic }

// all updates every message: cards first, since replies are in their threads. The other
// messages depend on whether the channel accepted its messages.
func (p *poster) all(ctx context.Context) error {
	r := p.drawing.r
	p.drawing.links = p.otherLinks(ctx, lifecycle.RoleCard)
	var errs []error
	if p.drawing.environment.Channel != "" {
		errs = append(
			errs,
			p.put(ctx, slot{role: lifecycle.RoleCard, channel: p.drawing.environment.Channel}, p.drawing.card(), true),
		)
	}
	anchor, threaded := p.anchor()
	p.drawing.told = p.drawing.toldDirectly(anchor)
	if threaded && anchor.Role == lifecycle.RoleCard {
		errs = append(errs, p.putReplies(ctx, anchor))
	}
	p.drawing.blocked = blockedCode(p.doc.Request, p.drawing.environment.Channel)
	if r.Requester.SlackUser != "" {
		p.drawing.links = p.otherLinks(ctx, lifecycle.RoleDM)
		own := p.drawing
		own.may = p.Rights.Offered(r, p.drawing.environment, r.Requester)
		errs = append(errs, p.putOwn(ctx, own))
	}
	if anchor, ok := p.anchor(); ok && anchor.Role == lifecycle.RoleDM {
		errs = append(errs, p.putReplies(ctx, anchor))
	}
	errs = append(errs, p.askApprovers(ctx), p.notify(ctx))
	p.tellAdmins(ctx)
	return errors.Join(append(errs, p.settleEdits(ctx))...)
}

// ownDelay is how long an edit of the requester's own card may wait, while others work on the request.
const ownDelay = 10 * time.Second

// putOwn brings the requester's own card up to date. While the requester has nothing to do, several changes
// become one edit: the card in the channel shows each of them, and the workspace has few edits.
func (p *poster) putOwn(ctx context.Context, own drawing) error {
	x, m := slot{role: lifecycle.RoleDM, channel: p.directChannel(ctx)}, own.card()
	have, ok := p.find(x)
	anchor, _ := p.anchor()
	posted := ok && have.TS != "" && anchor.Role == lifecycle.RoleCard
	if posted && have.State != m.Fingerprint() && p.waited < ownDelay && !p.doc.Archived && own.ownMayWait() {
		p.ownRest = ownDelay - p.waited
		return nil
	}
	return p.put(ctx, x, m, true)
}

// ownMayWait reports whether other people or a run are at work, and the requester has neither a result nor
// anything to do.
func (d drawing) ownMayWait() bool {
	if d.r.Problem != nil {
		return false
	}
	switch lifecycle.DeriveLifecycleStatus(d.r, d.facts.Now) {
	case lifecycle.StatusRequestCreated, lifecycle.StatusPlanning, lifecycle.StatusPlanReady,
		lifecycle.StatusApplying, lifecycle.StatusDestroying:
		return true
	case lifecycle.StatusApproved:
		return !d.offers(lifecycle.ActionMerge)
	case lifecycle.StatusMerged:
		return !d.offers(lifecycle.ActionApply)
	}
	return false
}

// putReplies brings the thread below a card up to date.
func (p *poster) putReplies(ctx context.Context, anchor lifecycle.Message) error {
	var errs []error
	for _, r := range p.drawing.replies() {
		at := slot{role: lifecycle.RoleThread, topic: r.topic, channel: anchor.Channel, thread: anchor.TS}
		errs = append(errs, p.put(ctx, at, r.Message, r.due))
	}
	errs = append(errs, p.planFile(ctx, anchor))
	return errors.Join(errs...)
}

// otherLinks are the request's other cards, seen from one.
func (p *poster) otherLinks(ctx context.Context, role string) []hyperlink {
	var links []hyperlink
	for _, m := range p.doc.Request.Slack.Messages {
		if m.Role != lifecycle.RoleCard || m.Role == role || m.TS == "" {
			continue // only the requester can open direct messages
		}
		if url := p.permalink(ctx, m); url != "" {
			links = append(links, hyperlink{url, linkLabels[m.Role]})
		}
	}
	return links
}

// anchor is the message whose thread holds the replies: the card in the channel, or
// the requester's own where there is none and will be none.
func (p *poster) anchor() (lifecycle.Message, bool) {
	card, ok := p.find(slot{role: lifecycle.RoleCard})
	if ok && card.TS != "" {
		return card, true
	}
	if p.drawing.environment.Channel != "" && !card.Refused() {
		return lifecycle.Message{}, false
	}
	dm, ok := p.find(slot{role: lifecycle.RoleDM})
	return dm, ok && dm.TS != ""
}

// directChannel is the id of the requester's direct messages, which chat.update
// and a search for a lost post need. It is "" when Slack does not return it.
func (p *poster) directChannel(ctx context.Context) string {
	if m, ok := p.find(slot{role: lifecycle.RoleDM}); ok && m.Channel != "" {
		return m.Channel
	}
	return p.directMessages(ctx, p.drawing.r.Requester.SlackUser)
}

func (p *poster) find(x slot) (lifecycle.Message, bool) {
	i := slices.IndexFunc(p.doc.Request.Slack.Messages, x.is)
	if i < 0 {
		return lifecycle.Message{}, false
	}
	return p.doc.Request.Slack.Messages[i], true
}

// put makes one slot show a message.
func (p *poster) put(ctx context.Context, x slot, m blocks.Message, due bool) error {
	have, ok := p.find(x)
	switch {
	case ok && have.TS != "" && have.State == m.Fingerprint():
		return nil
	case ok && have.TS != "":
		return p.update(ctx, x, have, m)
	case p.doc.Archived || x.channel == "":
		return nil
	case ok && strings.HasPrefix(have.State, postingMark):
		return p.recover(ctx, x, have, m)
	case !ok && !due:
		return nil
	case ok && !due:
		return p.record(ctx, x, have.State, nil)
	case ok && have.Channel == x.channel && refusedLike(have, m):
		return nil // the next change or a Sync tries again
	default:
		return p.post(ctx, x, have.State, m)
	}
}

// post records the intent, posts, and records the outcome. If the answer is lost, the
// intent stays, and the next pass searches for the message.
func (p *poster) post(ctx context.Context, x slot, was string, m blocks.Message) error {
	nonce := newNonce(utcNow())
	intent := lifecycle.Message{
		Role:    x.role,
		Topic:   x.topic,
		Channel: x.channel,
		Thread:  x.thread,
		State:   postingMark + nonce,
	}
	if err := p.record(ctx, x, was, &intent); err != nil {
		return err
	}
	channel, ts, err := p.API.PostMessageContext(ctx, x.channel, p.options(x, m, nonce)...)
	if blocksRefused(err) {
		// TfPilot's own checks should have found it; text alone is better than no message.
		p.Log.Error("blocks refused", keyRequest, p.drawing.r.ID, keyRole, x.role, keyError, err)
		channel, ts, err = p.API.PostMessageContext(ctx, x.channel, p.options(x, blocks.Message{Text: m.Text}, nonce)...)
	}
	if err != nil {
		return p.postFailed(x, intent, m, err)
	}
	done := lifecycle.Message{
		Role:    x.role,
		Topic:   x.topic,
		Channel: channel,
		Thread:  x.thread,
		TS:      ts,
		State:   m.Fingerprint(),
	}
	done.URL = p.permalink(ctx, done)
	return p.outcome(x, intent.State, &done)
}

// postFailed keeps the intent when the post may have succeeded.
func (p *poster) postFailed(x slot, intent lifecycle.Message, m blocks.Message, err error) error {
	if unknownOutcome(err) {
		return fmt.Errorf("post %s: %w", x.role, err)
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return errors.Join(p.outcome(x, intent.State, nil), queue.Later(limited.RetryAfter))
	}
	logRefusal(p.Log, err, "post message", keyRequest, p.drawing.r.ID, keyChannel, x.channel)
	refused := intent
	refused.State = refusedMark + errorCode(err) + ":" + m.Fingerprint()
	return p.outcome(x, intent.State, &refused)
}

// refusedLike reports whether Slack refused exactly this message. Each attempt writes the
// document, which makes the sweep enqueue the card again.
func refusedLike(have lifecycle.Message, m blocks.Message) bool {
	return have.Refused() && strings.HasSuffix(have.State, ":"+m.Fingerprint())
}

// options make a new message without unfurling, with metadata for a later search.
func (p *poster) options(x slot, m blocks.Message, nonce string) []slack.MsgOption {
	opts := append(m.Options(),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    metadataType,
			EventPayload: map[string]any{"request_id": p.drawing.r.ID, "nonce": nonce},
		}))
	if x.thread != "" {
		opts = append(opts, slack.MsgOptionTS(x.thread))
	}
	return opts
}

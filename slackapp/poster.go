package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

const (
	// lookFor is how long a post without an answer may still appear.
	lookFor = 15 * time.Second
	// historyPage is how many messages a search for a lost one reads. It was posted
	// seconds ago.
	historyPage  = 100
	metadataType = "tfpilot_request"
)

// poster makes the messages of one request show its drawing.
type poster struct {
	*Cards
	drawing  drawing
	doc      store.Doc         // with the outcomes that are not stored yet
	stored   store.Doc         // without them, while there are any
	outcomes []lifecycle.Patch // Slack's outcomes, which are stored together
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
	if threaded && anchor.Role == lifecycle.RoleCard {
		errs = append(errs, p.putReplies(ctx, anchor))
	}
	p.drawing.blocked = blockedCode(p.doc.Request, p.drawing.environment.Channel)
	if r.Requester.SlackUser != "" {
		p.drawing.links = p.otherLinks(ctx, lifecycle.RoleDM)
		own := p.drawing
		own.may = p.mayOf(r, r.Requester)
		errs = append(errs, p.put(ctx, slot{role: lifecycle.RoleDM, channel: p.directChannel(ctx)}, own.card(), true))
	}
	if anchor, ok := p.anchor(); ok && anchor.Role == lifecycle.RoleDM {
		errs = append(errs, p.putReplies(ctx, anchor))
	}
	errs = append(errs, p.askApprovers(ctx))
	p.tellAdmins(ctx)
	return errors.Join(append(errs, p.storeOutcomes(ctx))...)
}

// putReplies brings the thread below a card up to date.
func (p *poster) putReplies(ctx context.Context, anchor lifecycle.Message) error {
	var errs []error
	for _, r := range p.drawing.replies() {
		at := slot{role: lifecycle.RoleThread, topic: r.topic, channel: anchor.Channel, thread: anchor.TS}
		errs = append(errs, p.put(ctx, at, r.message, r.due))
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
	return p.openDirect(ctx, p.drawing.r.Requester.SlackUser)
}

func (p *poster) find(x slot) (lifecycle.Message, bool) {
	i := slices.IndexFunc(p.doc.Request.Slack.Messages, x.is)
	if i < 0 {
		return lifecycle.Message{}, false
	}
	return p.doc.Request.Slack.Messages[i], true
}

// put makes one slot show a message.
func (p *poster) put(ctx context.Context, x slot, m message, due bool) error {
	have, ok := p.find(x)
	switch {
	case ok && have.TS != "" && have.State == m.print():
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
func (p *poster) post(ctx context.Context, x slot, was string, m message) error {
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
		channel, ts, err = p.API.PostMessageContext(ctx, x.channel, p.options(x, message{text: m.text}, nonce)...)
	}
	if err != nil {
		return p.postFailed(ctx, x, intent, m, err)
	}
	done := lifecycle.Message{
		Role:    x.role,
		Topic:   x.topic,
		Channel: channel,
		Thread:  x.thread,
		TS:      ts,
		State:   m.print(),
	}
	done.URL = p.permalink(ctx, done)
	return p.outcome(x, intent.State, &done)
}

// postFailed keeps the intent when the post may have succeeded.
func (p *poster) postFailed(ctx context.Context, x slot, intent lifecycle.Message, m message, err error) error {
	if unknownOutcome(err) {
		return fmt.Errorf("post %s: %w", x.role, err)
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return errors.Join(p.outcome(x, intent.State, nil), queue.Later(limited.RetryAfter))
	}
	logRefusal(p.Log, err, "post message", keyRequest, p.drawing.r.ID, keyChannel, x.channel)
	refused := intent
	refused.State = refusedMark + errorCode(err) + ":" + m.print()
	return p.outcome(x, intent.State, &refused)
}

// refusedLike reports whether Slack refused exactly this message. Each attempt writes the
// document, which makes the sweep enqueue the card again.
func refusedLike(have lifecycle.Message, m message) bool {
	return have.Refused() && strings.HasSuffix(have.State, ":"+m.print())
}

// recover finds out whether a post without an answer succeeded.
func (p *poster) recover(ctx context.Context, x slot, have lifecycle.Message, m message) error {
	nonce := strings.TrimPrefix(have.State, postingMark)
	ts, err := p.search(ctx, have, nonce)
	if err != nil {
		return fmt.Errorf("look for %s: %w", x.role, err)
	}
	if ts != "" {
		found := lifecycle.Message{Role: x.role, Topic: x.topic, Channel: have.Channel, Thread: have.Thread, TS: ts}
		found.URL = p.permalink(ctx, found)
		if err := p.outcome(x, have.State, &found); err != nil {
			return err
		}
		return p.update(ctx, x, found, m)
	}
	if wait := nonceTime(nonce).Add(lookFor).Sub(utcNow()); wait > 0 {
		return queue.Later(wait)
	}
	return p.post(ctx, x, have.State, m)
}

func nonceTime(nonce string) time.Time {
	sec, _, _ := strings.Cut(nonce, "-")
	n, err := strconv.ParseInt(sec, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// search finds one of TfPilot's posts by its metadata.
func (p *poster) search(ctx context.Context, have lifecycle.Message, nonce string) (string, error) {
	messages, err := p.recent(ctx, have, nonceTime(nonce))
	if err != nil {
		return "", err
	}
	for _, msg := range messages {
		if msg.Metadata.EventType == metadataType && msg.Metadata.EventPayload["nonce"] == nonce {
			return msg.Timestamp, nil
		}
	}
	return "", nil
}

func (p *poster) recent(ctx context.Context, have lifecycle.Message, since time.Time) ([]slack.Message, error) {
	oldest := strconv.FormatInt(since.Add(-time.Minute).Unix(), 10)
	if have.Thread != "" {
		messages, _, _, err := p.API.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: have.Channel, Timestamp: have.Thread, Oldest: oldest, Limit: historyPage, IncludeAllMetadata: true,
		})
		return messages, err
	}
	resp, err := p.API.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
		ChannelID: have.Channel, Oldest: oldest, Limit: historyPage, IncludeAllMetadata: true,
	})
	if err != nil {
		return nil, err
	}
	return resp.Messages, nil
}

// blocksRefused reports whether Slack refused the blocks, but may accept the text.
func blocksRefused(err error) bool {
	return slices.Contains([]string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}, errorCode(err))
}

// goneCodes are the answers about a message that can no longer be edited.
var goneCodes = []string{"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"}

// update edits a message. A message that is gone is posted again, once.
func (p *poster) update(ctx context.Context, x slot, have lifecycle.Message, m message) error {
	if err := p.budget(ctx); err != nil {
		return err
	}
	_, _, _, err := p.API.UpdateMessageContext(ctx, have.Channel, have.TS, content(m)...)
	if blocksRefused(err) {
		p.Log.Error("blocks refused", keyRequest, p.drawing.r.ID, keyRole, x.role, keyError, err)
		_, _, _, err = p.API.UpdateMessageContext(ctx, have.Channel, have.TS, content(message{text: m.text})...)
	}
	switch code := errorCode(err); {
	case err == nil:
		shown := have
		shown.State = m.print()
		return p.outcome(x, have.State, &shown)
	case slices.Contains(goneCodes, code):
		if p.doc.Archived {
			return nil
		}
		x.channel, x.thread = have.Channel, have.Thread
		return p.post(ctx, x, have.State, m)
	case code != "":
		logRefusal(p.Log, err, "update message", keyRequest, p.drawing.r.ID, keyChannel, have.Channel)
		return nil // the next change tries again
	default:
		return fmt.Errorf("update %s: %w", x.role, err)
	}
}

// budget waits a short time for the workspace's share of chat.update; for a longer wait
// the task returns to the queue.
func (p *poster) budget(ctx context.Context) error {
	for {
		wait, err := p.Notes.Allow(ctx, updateBudget, updatePerSecond, updateBurst)
		if err != nil {
			return err
		}
		if wait <= 0 {
			return nil
		}
		if wait > maxBudgetWait {
			return queue.Later(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// errMoved means that another process changed the message meanwhile.
var errMoved = errors.New("the message was taken by another process")

// record writes a message into the document, with the outcomes so far; nil removes it.
// The document must still hold the message that this process read, so that two processes
// which both believe that they hold the lease post once. An intent is recorded before its call.
func (p *poster) record(ctx context.Context, x slot, was string, m *lifecycle.Message) error {
	return p.store(ctx, setMessage(x, was, m))
}

// outcome keeps the outcome of a message until the next record or the end, which store it.
// Until then the intent to post stays in the document, so that a lost post is found, and an
// edit may be repeated.
func (p *poster) outcome(x slot, was string, m *lifecycle.Message) error {
	if p.doc.Archived {
		return nil
	}
	if len(p.outcomes) == 0 {
		p.stored = p.doc
	}
	patch, r := setMessage(x, was, m), p.doc.Request
	r.Slack.Messages = slices.Clone(r.Slack.Messages)
	r, err := patch(r)
	if err != nil {
		return queue.Later(time.Second)
	}
	p.doc.Request, p.outcomes = r, append(p.outcomes, patch)
	return nil
}

// outcomesTime bounds the last write, which also runs after the deadline of the other calls.
const outcomesTime = 5 * time.Second

func (p *poster) storeOutcomes(ctx context.Context) error {
	if len(p.outcomes) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomesTime)
	defer cancel()
	return p.store(ctx)
}

// store writes changes after the outcomes so far, in one write.
func (p *poster) store(ctx context.Context, changes ...lifecycle.Patch) error {
	if p.doc.Archived {
		return nil
	}
	base := p.doc
	if len(p.outcomes) > 0 {
		base = p.stored
	}
	doc, err := p.Documents.Patch(
		ctx,
		base,
		lifecycle.System("worker"),
		lifecycle.All(slices.Concat(p.outcomes, changes)...),
	)
	switch {
	case errors.Is(err, store.ErrArchived):
		p.doc.Archived = true
		return nil
	case errors.Is(err, errMoved):
		return queue.Later(time.Second)
	case err != nil:
		return fmt.Errorf("record message: %w", err)
	}
	p.doc, p.outcomes = doc, nil
	return nil
}

// setMessage is the patch that stores a message in its slot.
func setMessage(x slot, was string, m *lifecycle.Message) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		i := slices.IndexFunc(r.Slack.Messages, x.is)
		now := ""
		if i >= 0 {
			now = r.Slack.Messages[i].State
		}
		switch {
		case now != was:
			return r, errMoved
		case m == nil && i >= 0:
			r.Slack.Messages = slices.Delete(r.Slack.Messages, i, i+1)
		case m == nil:
		case i >= 0:
			fresh := *m
			fresh.Extra = r.Slack.Messages[i].Extra
			r.Slack.Messages[i] = fresh
		default:
			r.Slack.Messages = append(r.Slack.Messages, *m)
		}
		return r, nil
	}
}

// options make a new message without unfurling, with metadata for a later search.
func (p *poster) options(x slot, m message, nonce string) []slack.MsgOption {
	opts := append(content(m),
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

func content(m message) []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionText(m.text, false), slack.MsgOptionBlocks(m.blocks...)}
}

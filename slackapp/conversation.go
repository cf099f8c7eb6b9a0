package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A person writes to TfPilot in their direct messages, or mentions it in a channel. What they write
// is stored before Slack gets its ack, so that a crash loses nothing and a second delivery is taken
// once. Then the words become drafts, and the current draft is shown as a card. Only clicks of the
// person who wrote act on it.
//
// Direct messages are one conversation, with replies in the thread of its newest card or of the person's own messages;
// other threads, such as a request's, are none. In a channel TfPilot reads only messages that mention it, and answers in
// their thread.

// Drafts stores conversations.
type Drafts interface {
	Draft(ctx context.Context, team, user, thread string) (data []byte, etag string, err error)
	PutDraft(ctx context.Context, team, user, thread, etag string, data []byte) error
}

// spot is whose conversation it is, and where.
type spot struct {
	team, user, channel, thread string // thread is empty at the top level of direct messages
}

// key names the conversation among the person's.
func (s spot) key() string {
	if s.thread == "" {
		return s.channel
	}
	return s.channel + "-" + s.thread
}

// spotOf reads the key of a conversation.
func spotOf(team, user, key string) spot {
	channel, thread, _ := strings.Cut(key, "-")
	return spot{team, user, channel, thread}
}

// slackEvent is the part of an event that the app uses.
type slackEvent struct {
	Team  string `json:"team_id"`
	Event struct {
		Type        string `json:"type"`
		Subtype     string `json:"subtype"`
		User        string `json:"user"`
		Bot         string `json:"bot_id"`
		Text        string `json:"text"`
		TS          string `json:"ts"`
		Thread      string `json:"thread_ts"`
		Channel     string `json:"channel"`
		ChannelType string `json:"channel_type"`
		Tab         string `json:"tab"` // of app_home_opened
	} `json:"event"`
}

// Event handles an event of the Events API. Without an ack Slack delivers it again, so it returns an error before the
// ack when the message could not be stored.
func (a *App) Event(ctx context.Context, payload json.RawMessage, ack Ack) error {
	var e slackEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	in := e.Event
	if in.Bot != "" || in.Subtype != "" || in.User == "" {
		return nil // messages of apps, edits and deletions
	}
	at := spot{team: e.Team, user: in.User, channel: in.Channel}
	switch {
	case in.Type == "app_home_opened" && in.Tab == "home":
		ack(nil)
		a.homeOpened(ctx, e.Team, in.User)
		return nil
	case in.Type == "app_mention":
		if at.thread = in.Thread; at.thread == "" {
			at.thread = in.TS
		}
		return a.heard(ctx, at, "", intake.Message{TS: in.TS, Text: withoutMention(in.Text)}, ack)
	case in.Type == "message" && in.ChannelType == "im":
		return a.heard(ctx, at, in.Thread, intake.Message{TS: in.TS, Text: withoutMention(in.Text)}, ack)
	}
	return nil
}

var mentionAtStart = regexp.MustCompile(`^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*`)

// withoutMention is the text of a message without the mention at its start.
func withoutMention(text string) string {
	return strings.TrimSpace(blocks.Unescape(mentionAtStart.ReplaceAllString(text, "")))
}

// heard stores a message, acknowledges it, and answers. thread is where the person replied in direct messages.
func (a *App) heard(ctx context.Context, at spot, thread string, m intake.Message, ack Ack) error {
	unsafe := secretscan.CheckInput(m.Text, invisible.Lines)
	if unsafe != nil {
		m.Text = "" // never stored, never sent
	}
	isHelp := unsafe == nil && (m.Text == "" || strings.EqualFold(m.Text, subHelp))
	if isHelp {
		m.Text = ""
	}
	isNew, err := a.takeMessage(ctx, at, thread, m)
	if err != nil || !isNew {
		return err
	}
	ack(nil)
	switch {
	case unsafe != nil:
		a.say(ctx, at, fmt.Sprintf("What you wrote %s. It was not stored and not sent to a model. Please delete the "+
			"message.", blocks.Escape(unsafe.Error())))
	case isHelp:
		a.say(ctx, at, howToWrite, a.formButton(""))
	default:
		a.reading(ctx, at, m.TS)
		a.converse(ctx, at)
	}
	return nil
}

const howToWrite = "Tell me what you need in your own words, such as “a private bucket for build artifacts in dev”, " +
	"or fill in the form. Never write passwords or keys."

// saveTries is how often a conversation is read again after another writer was first.
const saveTries = 4

// takeMessage adds a message to its conversation. It reports false for a message that was taken before, and for a
// reply in another thread of direct messages.
func (a *App) takeMessage(ctx context.Context, at spot, thread string, m intake.Message) (bool, error) {
	isNew := false
	err := a.changeConversation(ctx, at, func(c *intake.Conversation) bool {
		isNew = (thread == "" || thread == c.Card || slices.Contains(c.Seen, thread)) && c.Hear(m)
		return isNew
	})
	return isNew, err
}

// loadConversation reads a conversation, an empty one when there is none yet.
func (a *App) loadConversation(ctx context.Context, at spot) (c intake.Conversation, etag string, err error) {
	data, etag, err := a.Drafts.Draft(ctx, at.team, at.user, at.key())
	if errors.Is(err, store.ErrNotFound) {
		return intake.Conversation{}, "", nil
	}
	if err != nil {
		return intake.Conversation{}, "", err
	}
	c, err = intake.ReadConversation(data, time.Now())
	return c, etag, err
}

// changeConversation applies a change and writes the conversation, again after a conflict. The change reports whether
// there is something to write.
func (a *App) changeConversation(ctx context.Context, at spot,
	change func(c *intake.Conversation) bool) error {
	var err error
	for range saveTries {
		var c intake.Conversation
		var etag string
		if c, etag, err = a.loadConversation(ctx, at); err != nil {
			return err
		}
		if !change(&c) {
			return nil
		}
		if err = a.saveConversation(ctx, at, c, etag); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return err
}

func (a *App) saveConversation(ctx context.Context, at spot, c intake.Conversation, etag string) error {
	data, err := c.Encode(time.Now())
	if err != nil {
		return err
	}
	return a.Drafts.PutDraft(ctx, at.team, at.user, at.key(), etag, data)
}

// slowAnswer is how long the person waits for a model before a message says so.
const slowAnswer = 1500 * time.Millisecond

// converse reads the waiting words of a conversation, as often as new ones arrive meanwhile, and shows the draft that
// follows from them.
func (a *App) converse(ctx context.Context, at spot) {
	caller, err := a.caller(ctx, at.team, at.user, "", "")
	if err != nil {
		a.say(ctx, at, blocks.Escape(a.refusal(err).Text))
		return
	}
	if refusal := a.Requests.MayOpenAnywhere(caller); refusal != nil {
		a.say(ctx, at, blocks.Escape(refusal.Text))
		return
	}
	here, _ := a.directory().inChannel(at.channel)
	scope := a.scope(caller, here)
	for range saveTries {
		c, etag, err := a.loadConversation(ctx, at)
		if err != nil {
			a.say(ctx, at, blocks.Escape(a.refusal(fmt.Errorf("load conversation: %w", err)).Text))
			return
		}
		words := c.Words()
		if words == "" {
			return // another handler read them
		}
		spoken := a.answerWords(ctx, at, scope, &c, words)
		c.Waiting = nil
		c.Named(request.NewID)
		err = a.saveConversation(ctx, at, c, etag)
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case err != nil:
			a.Log.Error("save conversation", keyError, err)
			a.say(ctx, at, request.Unreachable, a.formButton(words))
			return
		}
		a.showDraft(ctx, at, scope, c, spoken)
		return
	}
	a.say(ctx, at, "You write faster than TfPilot reads. Please write it once more.", a.formButton(""))
}

// answerWords applies words to a conversation. It returns what the person should know besides the draft.
func (a *App) answerWords(ctx context.Context, at spot, s intake.Scope, c *intake.Conversation, words string) string {
	t := intake.Turn{Scope: s, Words: words, Drafts: c.Drafts}
	if c.Spent() {
		return "That was a long conversation. Please use *Edit* to finish this draft in the form."
	}
	stop := a.whenSlow(ctx, at, words)
	got, err := a.readWords(ctx, t)
	stop()
	if err != nil {
		a.Log.Warn("read words", keyError, err)
		if len(c.Drafts) > 0 {
			return unread(err) + " Your draft is unchanged. Use *Edit* to change it in the form."
		}
		d := t.ByKeyword()
		if d.Module != "" {
			c.Drafts = []intake.Draft{d}
		}
		return unread(err) + " " + byKeyword(d)
	}
	c.Turns++
	c.Drafts = got.Drafts
	switch {
	case len(got.Drafts) == 0:
		return "I found nothing in the catalog that matches. Say what you need in other words, or choose it in the form."
	case got.Dropped > 0:
		return fmt.Sprintf("There is room for %d drafts at a time. Please write the others again later.", intake.MaxDrafts)
	case !got.Changed:
		return "I found no change in that. Say what should be different, or use *Edit*."
	}
	return ""
}

// whenSlow tells the person to wait when the model takes long, and offers the form meanwhile. The caller calls stop.
func (a *App) whenSlow(ctx context.Context, at spot, words string) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ended:
		case <-time.After(slowAnswer):
			a.say(ctx, at, "Reading your words takes a moment. You can also use the form.", a.formButton(words))
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}

// say answers in a conversation with text for the person, who may have written parts of it.
func (a *App) say(ctx context.Context, at spot, text string, buttons ...slack.BlockElement) {
	body := []slack.Block{blocks.Section(text)}
	if len(buttons) > 0 {
		body = append(body, slack.NewActionBlock("", buttons...))
	}
	_, _ = a.postIn(ctx, at, blocks.Message{Text: blocks.Cut(text, blocks.MaxMessageText), Blocks: body})
}

// postIn posts to a conversation and returns the time stamp of the message.
func (a *App) postIn(ctx context.Context, at spot, m blocks.Message) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	opts := append(m.Options(), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if at.thread != "" {
		opts = append(opts, slack.MsgOptionTS(at.thread))
	}
	_, ts, err := a.API.PostMessageContext(ctx, at.channel, opts...)
	if err != nil {
		logRefusal(a.Log, err, "post in conversation")
	}
	return ts, err
}

// formButton opens the form; a click brings the trigger that a message has not.
func (a *App) formButton(words string) slack.BlockElement {
	return blocks.Button(actStart, blocks.Cut(words, blocks.MaxOptionValue*4), "Open the form")
}

// reading shows that TfPilot works on the words, where the workspace has Slack's agent features; elsewhere
// Slack refuses, and nothing is shown. The status ends with the answer.
func (a *App) reading(ctx context.Context, at spot, ts string) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	thread := at.thread
	if thread == "" {
		thread = ts
	}
	err := a.API.SetAssistantThreadsStatusContext(ctx, slack.AssistantThreadsSetStatusParameters{
		ChannelID: at.channel, ThreadTS: thread, Status: "is reading your words…",
	})
	if err != nil {
		a.Log.Debug("set status", keyCode, errorCode(err), keyError, err)
	}
}

// statusTimeout keeps a hanging status from delaying the answer.
const statusTimeout = time.Second

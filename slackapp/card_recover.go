package slackapp

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A post whose answer was lost may have succeeded. The intent to post stays in the document with a nonce,
// and the message carries that nonce as metadata: the next pass searches for it before it posts again.

const (
	// lookFor is how long a post without an answer may still appear.
	lookFor = 15 * time.Second
	// historyPage is how many messages a search for a lost one reads. It was posted
	// seconds ago.
	historyPage = 100
)

// recover finds out whether a post without an answer succeeded.
func (p *poster) recover(ctx context.Context, x slot, have lifecycle.Message, m blocks.Message) error {
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

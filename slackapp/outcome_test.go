package slackapp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/story"
)

// The outcomes of several messages are one write. Only what is about to be posted is written
// before, since a post that was lost is found by it.
func TestOutcomesAreOneWrite(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		before := w.request(story.ID)
		w.refresh()
		posted := w.request(story.ID)
		n := int64(len(posted.Slack.Messages))
		if writes := posted.Version - before.Version; writes != n+1 {
			t.Errorf("%d writes for %d new messages, want one for each intent and one for what is left", writes, n)
		}
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
		changed := w.request(story.ID).Version
		w.refresh()
		if writes := w.request(story.ID).Version - changed; writes != 2 {
			t.Errorf("%d writes for a new reply and the edits of card and direct message", writes)
		}
		has(t, w.card("dana", devCh).Text, "Something does not work.")
	})
}

// crashing refuses all writes after some, as after the end of the process.
type crashing struct {
	CardDocuments
	left int
}

func (c *crashing) Patch(ctx context.Context, doc store.Doc, a lifecycle.Actor, p lifecycle.Patch) (store.Doc,
	error) {
	if c.left--; c.left < 0 {
		return doc, errors.New("the process is gone")
	}
	return c.CardDocuments.Patch(ctx, doc, a, p)
}

// A process that ends before it has stored the outcomes of its messages leaves intents, by
// which the next one finds them: nothing is posted twice, and every place is as it should be.
func TestCrashBeforeTheOutcomes(t *testing.T) {
	for writes := range 4 {
		withFixture(t, func(w *fixture) {
			w.create(story.Ready(t))
			whole := w.cards.Documents
			w.cards.Documents = &crashing{whole, writes}
			_ = w.cards.Refresh(w.t.Context(), story.ID, 0)
			w.cards.Documents = whole
			time.Sleep(time.Minute)
			w.until()
			if n := w.counts().Calls["chat.postMessage"]; n != 3 {
				t.Errorf("ended after %d writes: %d posts", writes, n)
			}
			card := w.card("dana", devCh)
			if n := len(w.messages("dana", "dm")); n != 1 || len(card.Replies) != 1 {
				t.Errorf("ended after %d writes: %d direct messages, %d replies", writes, n, len(card.Replies))
			}
			for _, m := range w.request(story.ID).Slack.Messages {
				if m.TS == "" || strings.HasPrefix(m.State, postingMark) {
					t.Errorf("ended after %d writes: %+v", writes, m)
				}
			}
		})
	}
}

// A card that is drawn when its document changed costs no read: the writer's copy is enough. A copy that
// is older than the change is not, and neither is one when the version is not known.
func TestCardsAreDrawnFromTheWritersCopy(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.refresh()
		for _, c := range []struct {
			ahead int64
			reads int
		}{{0, 0}, {1, 1}} {
			w.update(story.ID, lifecycle.SetProblem("x", "y", "Problem "+strings.Repeat("I", int(c.ahead)+1)+".", utcNow()))
			version := w.request(story.ID).Version
			from := w.documentReads()
			w.must(w.cards.Refresh(w.t.Context(), story.ID, version+c.ahead))
			if n := w.documentReads() - from; n != c.reads {
				t.Errorf("%d reads of the document, want %d", n, c.reads)
			}
		}
		from := w.documentReads()
		w.must(w.cards.Refresh(w.t.Context(), story.ID, 0))
		if n := w.documentReads() - from; n != 1 {
			t.Errorf("%d reads of the document of unknown version", n)
		}
		has(t, w.card("dana", devCh).Text, "Problem II.")
	})
}

func (w *fixture) documentReads() (n int) {
	for _, c := range w.s3.Counts() {
		if c.Verb == "GetObject" && c.Prefix == store.PrefixRequests {
			n += c.Calls
		}
	}
	return n
}

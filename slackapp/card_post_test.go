package slackapp

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/story"
)

func (w *fixture) create(s *story.Story) {
	w.t.Helper()
	_, err := w.store.Create(w.t.Context(), s.R)
	w.must(err)
}

// until refreshes as the queue would, until it succeeds.
func (w *fixture) until() {
	w.t.Helper()
	for range 20 {
		if w.cards.Refresh(w.t.Context(), story.ID, 0) == nil {
			return
		}
		time.Sleep(5 * time.Second)
	}
	w.t.Fatal("the cards never come")
}

func (w *fixture) counts() slack.Counts { return w.slack.Counts() }

func TestSameDocumentMakesNoCall(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.refresh()
		calls, version := w.counts().Calls["chat.postMessage"], w.request(story.ID).Version
		if calls != 3 {
			t.Errorf("%d posts, want card, direct message and reply", calls)
		}
		w.refresh()
		if n := w.counts().Calls["chat.postMessage"] + w.counts().Calls["chat.update"]; n != calls {
			t.Errorf("%d calls for nothing", n-calls)
		}
		if v := w.request(story.ID).Version; v != version {
			t.Errorf("version %d became %d", version, v)
		}
	})
}

func TestLostAnswersLeaveOneCardPerPlace(t *testing.T) {
	for _, lost := range []int{1, 2, 3} {
		for _, fault := range []slack.FaultKind{slack.FaultLost, slack.FaultError, slack.FaultUnavailable,
			slack.FaultHang, slack.FaultRateLimited} {
			withFixture(t, func(w *fixture) {
				w.create(story.Ready(t))
				w.must(w.slack.Inject(slack.Fault{Method: "chat.postMessage", Kind: fault, Count: lost}))
				w.until()
				card := w.card("dana", devCh)
				if n := len(w.messages("dana", "dm")); n != 1 || len(card.Replies) != 1 {
					t.Errorf("%s %d: %d direct messages, %d replies", fault, lost, n, len(card.Replies))
				}
				for _, m := range w.request(story.ID).Slack.Messages {
					if m.TS == "" || strings.HasPrefix(m.State, postingMark) {
						t.Errorf("%s %d: %+v", fault, lost, m)
					}
				}
			})
		}
	}
}

// TestCrashAfterPosting stops between the post and its record, which is the same to
// the next process as a lost answer.
func TestCrashAfterPosting(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		nonce := newNonce(utcNow())
		p := &poster{Cards: w.cards, drawing: drawingOf(t, story.Ready(t)), doc: w.doc()}
		x := slot{role: lifecycle.RoleCard, channel: devCh}
		intent := lifecycle.Message{Role: x.role, Channel: x.channel, State: postingMark + nonce}
		w.must(p.record(w.t.Context(), x, "", &intent))
		_, _, err := w.cards.API.PostMessageContext(w.t.Context(), devCh, p.options(x, p.drawing.card(), nonce)...)
		w.must(err)
		w.until()
		w.card("dana", devCh)
	})
}

func (w *fixture) doc() store.Doc {
	w.t.Helper()
	d, err := w.store.Get(w.t.Context(), story.ID)
	w.must(err)
	return d
}

func TestDeletedCardComesBackOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.refresh()
		card := w.card("dana", devCh)
		_, _, err := w.cards.API.DeleteMessageContext(w.t.Context(), devCh, card.TS)
		w.must(err)
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
		w.until()
		w.refresh()
		alive := 0
		for _, m := range w.messages("dana", devCh) {
			if !m.Deleted {
				alive++
				has(t, m.Text, "Something does not work.")
			}
		}
		if alive != 1 {
			t.Errorf("%d cards", alive)
		}
	})
}

func TestManyWorkersPostOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		done := make(chan error, 8)
		for range cap(done) {
			go func() { done <- w.cards.Refresh(w.t.Context(), story.ID, 0) }()
		}
		for range cap(done) {
			w.must(<-done)
		}
		w.card("dana", devCh)
		if n := w.counts().Calls["chat.postMessage"]; n != 3 {
			t.Errorf("%d posts", n)
		}
	})
}

// TestEmptiedRedisPostsOnce takes the leases away while two processes render.
func TestEmptiedRedisPostsOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		done := make(chan error, 4)
		for range cap(done) {
			go func() { done <- w.cards.Refresh(w.t.Context(), story.ID, 0) }()
			w.redis.FlushAll()
		}
		for range cap(done) {
			<-done // caller loses comes back later
		}
		w.until()
		w.card("dana", devCh)
		if n := len(w.messages("dana", "dm")); n != 1 {
			t.Errorf("%d direct messages", n)
		}
	})
}

func TestChannelWithoutTheAppStillTellsTheRequester(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.cards.Projects[0].Environments[0].Channel = "C0NOWHERE0"
		w.create(story.Ready(t))
		w.until()
		dm := w.messages("dana", "dm")
		if len(dm) != 1 || len(dm[0].Replies) != 1 {
			t.Fatalf("direct messages: %d", len(dm))
		}
		w.cards.Projects[0].Environments[0].Channel = devCh
		w.until()
		w.card("dana", devCh)
	})
}

// TestRefusedPostIsTriedAgainWhenAsked keeps the app out of a channel.
func TestRefusedPostIsTriedAgainWhenAsked(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.must(w.slack.Inject(slack.Fault{Method: "chat.postMessage", Kind: slack.FaultError, Code: "not_in_channel"}))
		w.refresh()
		calls, version := w.counts().Calls["chat.postMessage"], w.request(story.ID).Version
		for range 3 {
			w.refresh()
		}
		if n := w.counts().Calls["chat.postMessage"]; n != calls || w.request(story.ID).Version != version {
			t.Errorf("%d more posts, version %d became %d", n-calls, version, w.request(story.ID).Version)
		}
		if n := len(w.messages("dana", devCh)); n != 0 {
			t.Fatalf("%d messages in the channel", n)
		}
		w.click("dana", w.card("dana", "dm"), "do.sync")
		w.refresh()
		w.card("dana", devCh)
	})
}

func TestRefusedPostIsTriedAgainWithTheNextChange(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.must(w.slack.Inject(slack.Fault{Method: "chat.postMessage", Kind: slack.FaultError, Code: "not_in_channel"}))
		w.refresh()
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
		w.refresh()
		has(t, w.card("dana", devCh).Text, "Something does not work.")
	})
}

// Words alone are better than silence, when Slack refuses blocks that our own checks let
// pass; the next change tries blocks again.
func TestRefusedBlocksLeaveTheWords(t *testing.T) {
	for _, code := range []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"} {
		for _, method := range []string{"chat.postMessage", "chat.update"} {
			withFixture(t, func(w *fixture) {
				w.create(story.Ready(t))
				if method == "chat.update" {
					w.refresh()
					w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
				}
				w.must(w.slack.Inject(slack.Fault{Method: method, Kind: slack.FaultError, Code: code}))
				w.refresh()
				bare := 0
				for _, environment := range []string{devCh, "dm"} {
					m := w.card("dana", environment)
					has(t, m.Text, "S3 bucket acme-artifacts")
					if len(m.Blocks) == 0 {
						bare++
					}
				}
				if bare != 1 {
					t.Errorf("%s of %s: %d cards without blocks, want the refused one", code, method, bare)
				}
				w.update(story.ID, lifecycle.SetProblem("x", "y", "Nothing works.", utcNow()))
				w.refresh()
				if m := w.card("dana", devCh); len(m.Blocks) == 0 {
					t.Errorf("%s of %s: no blocks with the next change", code, method)
				}
			})
		}
	}
}

// TfPilot reads the direct messages with a person and the address of the workspace once, however many
// requests there are.
func TestWhatNeverChangesIsAskedOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.must(w.slack.Inject(slack.Fault{Method: "conversations.open", Kind: slack.FaultUnavailable, Count: 1}))
		ids := w.manyCards(5)
		w.must(w.cards.Refresh(w.t.Context(), ids[0], 0)) // an answer that failed is not remembered
		calls := w.counts().Calls
		if calls["conversations.open"] > 2 || calls["auth.test"] > 1 {
			t.Errorf("five requests of one person: %v", calls)
		}
		if n := len(w.messages("dana", "dm")); n != 5 {
			t.Errorf("%d cards in direct messages", n)
		}
	})
}

package slackapp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/story"
)

// drawing runs a server that draws the cards of the list while play runs.
func (w *fixture) drawing(play func(*queue.Notifier)) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	handlers := queue.Handlers{Card: w.cards.Draw}
	ended := make(chan error, 1)
	go func() {
		ended <- queue.NewServer(w.link, handlers, w.cards.Log, queue.ServerOptions{Poll: 250 * time.Millisecond}).Run(ctx)
	}()
	play(queue.NewNotifier(w.link, w.cards.Log))
	cancel()
	w.must(<-ended)
}

// manyCards creates requests whose cards are in Slack, and returns their ids.
func (w *fixture) manyCards(many int) []string {
	w.t.Helper()
	var ids []string
	for n := range many {
		s := story.New(w.t, story.Dev()).Opened()
		s.R.ID = fmt.Sprintf("req_abcdefghi%04d", n)
		w.create(s)
		ids = append(ids, s.R.ID)
		for w.cards.Refresh(w.t.Context(), s.R.ID, 0) != nil {
			time.Sleep(2 * time.Second)
		}
	}
	time.Sleep(time.Minute) // the budgets are full again
	return ids
}

// edited returns how long after its start Slack took the first edit of each card in the channel.
func (w *fixture) edited(ids []string, limit time.Duration) map[string]time.Duration {
	w.t.Helper()
	at := map[string]string{}
	for _, id := range ids {
		for _, m := range w.request(id).Slack.Messages {
			if m.Role == lifecycle.RoleCard {
				at[id] = m.Channel + " " + m.TS
			}
		}
	}
	before, began, took := w.counts().Updates, time.Now(), map[string]time.Duration{}
	for time.Since(began) < limit && len(took) < len(ids) {
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		now := w.counts().Updates
		for _, id := range ids {
			if _, ok := took[id]; !ok && now[at[id]] > before[at[id]] {
				took[id] = time.Since(began)
			}
		}
	}
	return took
}

// Of forty cards that change at once, the five that a person has to act on are edited first, then
// the others, each once.
func TestWhatWaitsForAPersonIsDrawnFirst(t *testing.T) {
	withFixture(t, func(w *fixture) {
		ids := w.manyCards(40)
		before := w.counts()
		w.drawing(func(n *queue.Notifier) {
			for round := range 3 { // several changes of a card are one edit
				for i, id := range ids {
					r := w.update(id, progress(fmt.Sprintf("Reason %s, round %d.", id, round)))
					if i%8 == 3 && round == 2 {
						r = w.update(id, lifecycle.SetProblem("x", "y", "Reason "+id+", round 2.", utcNow()))
					}
					w.must(n.Changed(w.t.Context(), r, false))
				}
			}
			shown := w.edited(ids, 10*time.Minute)
			for i, id := range ids {
				if took, ok := shown[id]; !ok || i%8 == 3 && took > 3*time.Second {
					t.Errorf("card %d was edited after %s", i, took)
				}
			}
			t.Logf("of %d cards, the slowest was edited after %s", len(ids), slices.Max(slices.Collect(maps.Values(shown))))
			time.Sleep(2 * time.Minute)
		})
		all := wordsIn(w.messages("dana", devCh)) + wordsIn(w.messages("dana", "dm"))
		for _, id := range ids {
			if n := strings.Count(all, "Reason "+id+", round 2."); n < 2 {
				t.Errorf("%s is right in %d of its two cards", id, n)
			}
		}
		after := w.counts()
		if n := after.Calls["chat.update"] - before.Calls["chat.update"]; n > 2*len(ids) {
			t.Errorf("%d edits of %d cards and as many direct messages", n, len(ids))
		}
		if n := after.RateLimited - before.RateLimited; n != 0 {
			t.Errorf("Slack refused %d calls because of its limits", n)
		}
	})
}

// After a release that changes the drawing of all cards, a new request has its card at once, and so has a
// card that a person clicks on. The others follow while there are edits to spare.
func TestReleaseRedrawsCardsLazily(t *testing.T) {
	withFixture(t, func(w *fixture) {
		ids := w.manyCards(40)
		for _, id := range ids {
			w.update(id, drawnBefore)
		}
		time.Sleep(time.Hour)
		before := w.counts()
		w.drawing(func(n *queue.Notifier) {
			for _, id := range ids { // the first sweep of the new worker
				w.must(n.Found(w.t.Context(), w.request(id), false))
			}
			time.Sleep(10 * time.Second)
			s := story.New(t, story.Dev())
			w.create(s)
			w.must(n.Changed(w.t.Context(), w.request(s.R.ID), false))
			w.must(w.notes.CardClicked(w.t.Context(), ids[38]))
			took := w.edited(ids[38:39], time.Minute)
			if len(took) != 1 || took[ids[38]] > 3*time.Second {
				t.Errorf("the card with the click was edited after %v", took)
			}
			time.Sleep(3*time.Second - took[ids[38]])
			if len(w.request(s.R.ID).Slack.Messages) == 0 {
				t.Error("the new request has no card after 3 s")
			}
			time.Sleep(20 * time.Second)
			if n := w.counts().Calls["chat.update"] - before.Calls["chat.update"]; n > 2*len(ids)/2 {
				t.Errorf("%d edits in half a minute: none are left for people", n)
			}
			time.Sleep(5 * time.Minute)
		})
		for _, id := range ids {
			for _, m := range w.request(id).Slack.Messages {
				if m.State == drawnState {
					t.Errorf("%s: the %s is as before the release", id, m.Role)
				}
			}
		}
	})
}

// drawnState is the fingerprint of a message that an older release drew.
const drawnState = "0000000000000000"

func drawnBefore(r lifecycle.Request) (lifecycle.Request, error) {
	r.Slack.Messages = slices.Clone(r.Slack.Messages)
	for i := range r.Slack.Messages {
		r.Slack.Messages[i].State = drawnState
	}
	return r, nil
}

// While others work on a request, changes that follow each other are one edit of the requester's own card.
// The card in the channel shows each of them, and a result is on both at once.
func TestOwnCardIsEditedOnceForSeveralChanges(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.create(story.Ready(t))
		w.refresh()
		edits := func() int {
			m := w.messages("dana", "dm")[0]
			return w.counts().Updates[m.Channel+" "+m.TS]
		}
		w.drawing(func(n *queue.Notifier) {
			for _, reason := range []string{"One.", "Two.", "Three."} {
				w.must(n.Changed(w.t.Context(), w.update(story.ID, progress(reason)), false))
				time.Sleep(2 * time.Second)
				has(t, wordsIn(w.card("dana", devCh)), reason)
			}
			if n := edits(); n != 0 {
				t.Errorf("%d edits while others work", n)
			}
			time.Sleep(ownDelay)
			has(t, wordsIn(w.messages("dana", "dm")), "Three.")
			if n := edits(); n != 1 {
				t.Errorf("%d edits for three changes", n)
			}
			time.Sleep(time.Minute)
			r := w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
			w.must(n.Changed(w.t.Context(), r, false))
			time.Sleep(2 * time.Second)
			has(t, wordsIn(w.messages("dana", "dm")), "Something does not work.")
		})
	})
}

// A card that changes before its edits were stored has all of them stored at the end.
func TestChangeBeforeTheRestIsStored(t *testing.T) {
	withShown(t, func(w *fixture) {
		w.drawing(func(n *queue.Notifier) {
			var last lifecycle.Request
			for _, reason := range []string{"One.", "Two."} {
				last = w.update(story.ID, progress(reason))
				w.must(n.Changed(w.t.Context(), last, false))
				time.Sleep(6 * time.Second)
			}
			has(t, wordsIn(w.card("omar", devCh)), "Two.")
			time.Sleep(time.Minute)
			if now := w.request(story.ID).Version; now != last.Version+1 {
				t.Errorf("version %d became %d: want one write for what the messages show", last.Version, now)
			}
		})
	})
}

// progress is a change that no person has to act on.
func progress(reason string) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		r.Reason = reason
		return r, nil
	}
}

package slackapp

import (
	"errors"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/story"
)

// withShown is a fixture whose cards remember their edits.
func withShown(t *testing.T, play func(w *fixture)) {
	t.Helper()
	withFixture(t, func(w *fixture) {
		redis, err := queue.Open("redis://redis:6379/0", w.dialRedis)
		w.must(err)
		defer func() { w.must(redis.Close()) }()
		w.cards.Shown = queue.NewCache(redis, []byte("key"))
		w.create(story.Ready(t))
		w.draws(0)
		play(w)
	})
}

// draws draws the card, and returns how many documents and edits that wrote. rest is after which time the
// task has to run again.
func (w *fixture) draws(rest time.Duration) (writes int64, edits int) {
	w.t.Helper()
	version, before := w.request(story.ID).Version, w.counts().Calls["chat.update"]
	err := w.cards.Refresh(w.t.Context(), story.ID, version)
	var later interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &later):
		if got := later.RetryAfter(); rest == 0 || got > rest {
			w.t.Errorf("the task is put back for %s, want at most %s", got, rest)
		}
	case err != nil || rest > 0:
		w.t.Errorf("the task ends with %v, want it put back for %s", err, rest)
	}
	return w.request(story.ID).Version - version, w.counts().Calls["chat.update"] - before
}

func (w *fixture) wants(what string, rest time.Duration, writes int64, edits int) {
	w.t.Helper()
	if n, e := w.draws(rest); n != writes || e != edits {
		w.t.Errorf("%s: %d writes and %d edits, want %d and %d", what, n, e, writes, edits)
	}
}

// titled changes what the cards show, and posts nothing.
func (w *fixture) titled(title string) {
	w.t.Helper()
	w.update(story.ID, func(r lifecycle.Request) (lifecycle.Request, error) {
		r.Reason = title
		return r, nil
	})
}

// The edits of an action are one write when the card is at rest, and none is made twice.
func TestEditsAreStoredAtRest(t *testing.T) {
	withShown(t, func(w *fixture) {
		w.titled("One.")
		_, edits := w.draws(restTime)
		w.wants("again", restTime, 0, 0)
		w.titled("Two.")
		w.wants("another change", restTime, 0, edits)
		time.Sleep(restTime - time.Second)
		w.wants("not yet at rest", time.Second, 0, 0)
		has(t, wordsIn(w.card("omar", devCh)), "Two.")
		time.Sleep(time.Second)
		w.wants("at rest", 0, 1, 0)
		w.redis.FlushAll()
		w.wants("stored", 0, 0, 0)
		w.titled("Three.")
		w.wants("the next action", restTime, 0, edits)
	})
}

// A card that changed back shows what it showed before, and not what was remembered in between.
func TestReversedEdits(t *testing.T) {
	withShown(t, func(w *fixture) {
		before := w.request(story.ID).Reason
		w.titled("One.")
		w.draws(restTime)
		w.titled(before)
		w.draws(restTime)
		has(t, wordsIn(w.card("omar", devCh)), before)
		time.Sleep(restTime)
		w.draws(0)
		has(t, wordsIn(w.card("omar", devCh)), before)
	})
}

// Without what Redis remembered, the messages are edited once more. Without Redis's answer, the edits
// are stored at once.
func TestEditsThatRedisLost(t *testing.T) {
	withShown(t, func(w *fixture) {
		w.titled("One.")
		_, edits := w.draws(restTime)
		w.redis.FlushAll()
		w.wants("lost", restTime, 0, edits)
		has(t, wordsIn(w.card("omar", devCh)), "One.")
		w.cards.Shown = nil
		w.titled("Two.")
		w.wants("not remembered", 0, 1, edits)
	})
}

// The next post stores the edits with its own write.
func TestEditsAreStoredWithTheNextPost(t *testing.T) {
	withShown(t, func(w *fixture) {
		w.titled("One.")
		w.draws(restTime)
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
		if n, _ := w.draws(0); n != 2 {
			t.Errorf("%d writes for a post", n)
		}
		w.redis.FlushAll()
		w.wants("stored", 0, 0, 0)
	})
}

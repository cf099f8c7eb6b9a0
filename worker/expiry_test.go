package worker_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

func expired(d store.Doc) bool { return d.Request.Plan != nil && d.Request.Plan.ExpiredAt != nil }

// A plan without a decision expires by the sweep alone, also when the worker that was to expire it was killed.
// A new plan starts a new round.
func TestPlanWithoutADecisionExpires(t *testing.T) {
	withHarness(t, setup{patient: lifecycle.Patience{ExpireAfter: 30 * time.Minute}}, func(w *harness) {
		w.open(reqA)
		w.pass(29 * time.Minute)
		if expired(w.doc(reqA)) {
			w.t.Error("it expired too early")
		}
		w.running()[0].kill()
		w.until(reqA, "expired", expired)
		if r := w.request(reqA); r.ClosedAt != nil || r.Runs.Apply.Current() != nil {
			w.t.Errorf("closed %v, apply %v", r.ClosedAt, r.Runs.Apply.Current())
		}
		w.click(reqA, lifecycle.ActionPlan, "dana")
		w.until(reqA, "a new plan", func(d store.Doc) bool { return d.Request.Plan.Attempt == 2 && !expired(d) })
		w.assertInvariants()
	})
}

// Where the environment says so, the request is closed, on GitHub too.
func TestExpiredRequestIsClosed(t *testing.T) {
	withHarness(t, setup{patient: lifecycle.Patience{ExpireAfter: 30 * time.Minute, Close: true}}, func(w *harness) {
		w.open(reqA)
		w.reach(reqA, lifecycle.StatusClosed)
		w.until(reqA, "closed on GitHub", func(d store.Doc) bool { return d.Request.PR.Open != nil && !*d.Request.PR.Open })
		w.assertInvariants()
	})
}

// The sweep enqueues the card of a request with a message to send, until it is sent, also when the task was lost
// with Redis.
func TestSweepEnqueuesTheCardThatOwesAMessage(t *testing.T) {
	var owed atomic.Bool
	withHarness(t, setup{owes: func(lifecycle.Request) bool { return owed.Load() }}, func(w *harness) {
		w.open(reqA)
		w.pass(10 * time.Minute)
		cards := func() int { w.mu.Lock(); defer w.mu.Unlock(); return w.cards[reqA] }
		before := cards()
		w.pass(10 * time.Minute)
		if n := cards(); n != before {
			w.t.Errorf("the card was drawn %d times for nothing", n-before)
		}
		owed.Store(true)
		w.pass(3 * time.Minute)
		w.redis.FlushAll()
		known := cards()
		w.pass(3 * time.Minute)
		if known == before || cards() == known {
			w.t.Errorf("drawn %d times, %d after Redis was emptied", known-before, cards()-known)
		}
	})
}

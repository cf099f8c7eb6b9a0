package worker_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// laggingCache gives each document as it was some writes ago.
type laggingCache struct {
	behind int

	mu   sync.Mutex
	puts map[string][]cachedDocument
}

type cachedDocument struct {
	etag string
	data []byte
}

func (c *laggingCache) Put(_ context.Context, id, etag string, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.puts == nil {
		c.puts = map[string][]cachedDocument{}
	}
	c.puts[id] = append(c.puts[id], cachedDocument{etag, data})
}

func (c *laggingCache) Get(_ context.Context, id string) (string, []byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.puts[id]) - 1 - c.behind
	if i < 0 {
		return "", nil, false
	}
	return c.puts[id][i].etag, c.puts[id][i].data, true
}

// With a cache that gives only outdated documents, or none at all, the journey ends as with
// any other, and nothing is done twice.
func TestJourneyWithAnOutdatedCache(t *testing.T) {
	for _, c := range []store.Cache{&laggingCache{behind: 1}, &laggingCache{behind: 3}, &laggingCache{behind: 1000}} {
		withHarness(t, setup{workers: 3, cache: c}, func(w *harness) {
			w.journey(reqA)
			w.ended(reqA)
			w.dispatchedOnce()
		})
	}
}

// The end of a run that finds an outdated document in the cache is recorded in the stored one.
func TestHintOverAnOutdatedDocument(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.atWork(reqA, lifecycle.KindPlan)
		w.pause()
		p, a := w.idleWorker(), *w.request(reqA).Runs.Plan.Current()
		w.leave(a)
		other := w.storeAs("app", inprocess.To(w.bucket)) // which has no cache
		_, err := other.Update(context.Background(), reqA, lifecycle.System("cli"),
			lifecycle.Noted("task_refused", "a note", lifecycle.System("cli"), time.Now().UTC()))
		w.must(err)
		w.must(p.Webhook(context.Background(),
			w.hint(w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "success"))))
		w.assertEvent(reqA, "task_refused", "a note")
		if r := w.request(reqA); r.Plan == nil || r.Plan.PostedAt == nil {
			t.Errorf("the plan was not taken in: %+v", r.Plan)
		}
		w.assertLogComplete(reqA)
		w.ledger.holds("plan", false)
	})
}

// An intent that is in the cached document alone is not carried out.
func TestIntentOfAnOutdatedDocument(t *testing.T) {
	for _, what := range []lifecycle.Action{lifecycle.ActionMerge, lifecycle.ActionClose} {
		withHarness(t, setup{}, func(w *harness) {
			w.open(reqA)
			w.approve(reqA)
			w.settled(reqA)
			w.pass(10 * time.Minute) // until a sync has seen all of the pull request
			w.pause()
			p, intent := w.idleWorker(), w.intent(reqA, what, "omar")
			doc, err := w.store.Update(context.Background(), reqA, lifecycle.Actor{Login: "omar", Source: "slack"},
				lifecycle.RecordIntent(intent))
			w.must(err)
			other := w.storeAs("app", inprocess.To(w.bucket)) // which has no cache
			_, err = other.Update(context.Background(), reqA, lifecycle.System("cli"),
				lifecycle.RefuseIntent(intent, "refused", "It was refused.", time.Now().UTC()))
			w.must(err)
			if cached, ok := p.Store.Cached(context.Background(), reqA); !ok || cached.Request.Intent(what) == nil {
				t.Fatalf("the cache holds %+v %v", cached.Request.Wanted, ok)
			}
			from := w.gate.count()
			w.must(p.Handlers().Reconcile(context.Background(), queue.Reconcile{RequestID: reqA, Version: doc.Request.Version}))
			for _, call := range w.gate.since(from) {
				if strings.HasPrefix(call, "github ") && isWrite(call) {
					t.Errorf("%s: %s", what, call)
				}
			}
		})
	}
}

// A document that was written past the cache is what a sweep sees, and a run of another that
// the cached document does not know is looked up in the stored one.
func TestSweepOverAnOutdatedDocument(t *testing.T) {
	withHarness(t, setup{workers: 2}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		other := w.storeAs("app", inprocess.To(w.bucket))
		_, err := other.Update(context.Background(), reqA, lifecycle.Actor{Login: "dana", Source: "cli"},
			lifecycle.RecordIntent(w.intent(reqA, lifecycle.ActionClose, "dana")))
		w.must(err) // and nothing was enqueued
		from := time.Now()
		w.until(reqA, "closed", func(d store.Doc) bool { return d.Request.ClosedAt != nil })
		if took := time.Since(from); took > 3*time.Minute {
			t.Errorf("a sweep saw it after %s", took)
		}
	})
}

// When the plan cannot be posted at once, the card shows the plan all the same.
func TestCardShowsAPlanThatIsNotPosted(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.atWork(reqA, lifecycle.KindPlan)
		w.pause()
		p, a := w.idleWorker(), *w.request(reqA).Runs.Plan.Current()
		w.leave(a)
		w.gate.once(fault{"github POST /issues/*/comments", 1, errorBefore})
		w.must(p.Webhook(context.Background(),
			w.hint(w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "success"))))
		r := w.request(reqA)
		if r.Plan == nil || r.Plan.PostedAt != nil {
			t.Fatalf("the plan is %+v", r.Plan)
		}
		if !w.cardWaits(r) {
			t.Errorf("the card does not wait at version %d", r.Version)
		}
		w.ledger.holds("plan", false)
	})
}

// The shared cache spares the workers their reads: what one wrote, no other reads from S3.
func TestWorkersShareDocuments(t *testing.T) {
	withHarness(t, setup{workers: 4, poll: time.Second}, func(w *harness) {
		w.pass(10 * time.Second)
		_, _, names := w.spent(func() {
			w.open(reqA)
			w.pass(5 * time.Minute)
		})
		// two workers may be about the request at once; without the cache they read it ten times and more
		if n := strings.Count(names, "s3 GET requests"); n > 5 {
			t.Errorf("%d reads of one document:\n%s", n, names)
		}
	})
}

var _ store.Cache = (*queue.Cache)(nil)

// A worker that starts reads every document. Of those without a recent change, at most the drawing of
// their cards differs, so they wait for edits to spare.
func TestFirstSweepLeavesEditsToPeople(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.atWork(reqA, lifecycle.KindPlan)
		w.pause()
		urgency := func() string {
			w.redis.Del("{tfpilot}:cards:waits")
			w.must(w.idleWorker().Sweep(context.Background()))
			return w.redis.HGet("{tfpilot}:cards:waits", reqA)
		}
		if got := urgency(); strings.HasPrefix(got, "3 ") {
			t.Errorf("a recent change waits as %q", got)
		}
		time.Sleep(15 * time.Minute)
		if got := urgency(); !strings.HasPrefix(got, "3 ") {
			t.Errorf("without a change it waits as %q", got)
		}
		w.ledger.holds("plan", false)
	})
}

package worker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// outside is a harness in real time, with one worker that does nothing by itself.
func outside(b *testing.B) (*harness, *process) {
	b.Helper()
	w := newHarness(b, setup{})
	w.simulators(appKey(), tree(), setup{})
	p, _ := w.newProcess()
	b.Cleanup(func() {
		for _, l := range w.links {
			_ = l.Close()
		}
		w.redis.Close()
		w.deadRedis.Close()
		if err := w.github.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return w, p
}

// waiting is a request with an open pull request and a plan under way: nothing is due.
func (w *harness) waiting(id string, run int64) {
	at := time.Now().UTC()
	open := true
	_, err := w.store.Create(context.Background(), newRequest(w.t, id, "dana", dev))
	w.must(err)
	_, err = w.store.Update(context.Background(), id, lifecycle.System("worker"), lifecycle.All(
		lifecycle.Opened(5, "b", lifecycle.PullRequest{Number: 1, URL: "u", Open: &open, HeadSHA: "h", BaseRef: "main"}),
		lifecycle.Started(lifecycle.KindPlan, lifecycle.Attempt{CorrelationID: "plan-0123456789abcdef0123456789abcdef",
			HeadSHA: "h", DispatchedAt: &at, SentAt: &at, Sends: 1}),
		lifecycle.RunStarted(lifecycle.KindPlan, "plan-0123456789abcdef0123456789abcdef", run, "u"),
	))
	w.must(err)
	_, err = w.store.Update(context.Background(), id, lifecycle.System("worker"), lifecycle.Flushed(1<<60))
	w.must(err)
	w.must(w.store.PutRunIndex(context.Background(), lifecycle.RunIndex{Kind: lifecycle.KindPlan, RunID: run,
		RequestID: id}))
}

// BenchmarkReconcile is one reconcile of a request for which nothing is due: most are.
func BenchmarkReconcile(b *testing.B) {
	w, p := outside(b)
	w.waiting(reqA, 7)
	for b.Loop() {
		w.must(p.Reconcile(context.Background(), reqA))
	}
}

// BenchmarkWebhook is a workflow_run hint that brings nothing new.
func BenchmarkWebhook(b *testing.B) {
	w, p := outside(b)
	w.waiting(reqA, 7)
	hint := w.hint(w.runHint(7, lifecycle.KindPlan, "plan-0123456789abcdef0123456789abcdef", "queued", ""))
	w.must(p.Webhook(context.Background(), hint))
	for b.Loop() {
		w.must(p.Webhook(context.Background(), hint))
	}
}

// BenchmarkSweep is a sweep over a thousand unchanged requests.
func BenchmarkSweep(b *testing.B) {
	w, p := outside(b)
	for i := range 1000 {
		w.waiting(fmt.Sprintf("req_aaaaaaaaa%04d", i), int64(i+1))
	}
	w.must(p.Sweep(context.Background()))
	for b.Loop() {
		w.must(p.Sweep(context.Background()))
	}
}

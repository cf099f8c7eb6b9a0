package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A document that a person wrote by hand, and that TfPilot would never write, stops no worker, and
// is reconciled once it is repaired.
func TestDocumentMadeByHand(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pause()
		r := newRequest(w.t, reqA, "dana", dev)
		open, sent := true, time.Now().UTC()
		r.PR = &lifecycle.PullRequest{Number: 7, URL: "u", Open: &open, HeadSHA: "0123456789012345678901234567890123456789",
			BaseRef: "main"}
		r.Runs.Plan = lifecycle.RunSet{CurrentAttempt: 1,
			Attempts: []lifecycle.Attempt{{Number: 1, CorrelationID: "plan-0123456789abcdef0123456789abcdef", SentAt: &sent,
				Sends: 1}}}
		_, err := w.store.Create(context.Background(), r)
		w.must(err)
		p := w.idleWorker()
		for range 3 {
			w.pass(10 * time.Minute)
			if p.Reconcile(context.Background(), reqA) == nil {
				w.t.Error("nothing was wrong with it")
			}
		}
		w.must(w.change(reqA, "adam", func(r lifecycle.Request) (lifecycle.Request, error) {
			r.PR, r.Runs.Plan = nil, lifecycle.RunSet{}
			return r, nil
		}))
		w.must(p.Reconcile(context.Background(), reqA))
		if w.request(reqA).PR == nil {
			w.t.Error("it is not reconciled after the repair")
		}
	})
}

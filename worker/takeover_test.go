package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A worker that is killed while it opens a request leaves it to another, which continues
// within 15 s, wherever the first was cut off.
func TestKilledWorkerIsReplacedSoon(t *testing.T) {
	for _, call := range []string{
		"s3 LIST identities", "github GET /git/ref/heads/main", "github POST /git/commits", "github POST /pulls", "s3 PUT webhooks", "s3 PUT grants",
	} {
		t.Run(call, func(t *testing.T) {
			withHarness(t, setup{workers: 2, poll: time.Second}, func(w *harness) {
				w.pass(10 * time.Second)
				w.gate.once(fault{call, 1, crashBefore})
				w.gate.noRestart.Store(true)
				w.ask(reqA, "dana")
				w.until(reqA, "cut off", func(store.Doc) bool { return len(w.gate.strikes()) > 0 })
				from := time.Now()
				w.until(reqA, "continued", func(d store.Doc) bool {
					a := d.Request.Runs.Plan.Current()
					return a != nil && a.RunID != 0
				})
				if took := time.Since(from); took > 18*time.Second { // until looks every 2 s
					w.t.Errorf("%s until another worker had continued", took)
				}
				w.planned(reqA, lifecycle.PurposeOpen)
				w.dispatchedOnce()
			})
		})
	}
}

// A row of the index that an attacker put into Redis, with a version that no document
// reaches or without any document, does not stay.
func TestPlantedIndexRows(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		index := queue.NewIndex(w.redisLink(nil))
		plant := func(id string) {
			w.must(index.Put(context.Background(), queue.Row{ID: id, Version: 1 << 50, Title: "planted", Requester: "dana", CreatedAt: time.Now()}))
		}
		plant(reqA)
		plant(reqB)
		w.approve(reqA)
		w.pass(20 * time.Minute)
		page, err := index.List(context.Background(), queue.Query{})
		w.must(err)
		for _, r := range page.Rows {
			if strings.Contains(r.Title, "planted") {
				w.t.Errorf("it stays: %+v", r)
			}
		}
		if row := w.row(reqA); row.Status != string(lifecycle.StatusApproved) || row.Version != w.request(reqA).Version {
			w.t.Errorf("the list says %+v", row)
		}
	})
}

// A listing that GitHub does not give is no proof that a run is missing: the dispatch
// whose answer was lost is not repeated meanwhile, nor given up.
func TestThrottledListingProvesNothing(t *testing.T) {
	const dispatch = "github POST /actions/workflows/plan.yml/dispatches"
	for _, kind := range []string{hubsim.FaultLimit, hubsim.FaultStatus} {
		withHarness(t, setup{workers: 2, plan: []fault{{dispatch, 1, lostAnswer}}}, func(w *harness) {
			w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
			w.ledger.holds("plan", true)
			w.must(w.github.AddFault(hubsim.Fault{Kind: kind, Method: "GET", Path: "/repos/acme/infra-core/actions/runs", Delay: 10 * time.Second}))
			w.ask(reqA, "dana")
			w.pass(20 * time.Minute) // a plan may take 30
			if a := w.request(reqA).Runs.Plan.Current(); a == nil || a.Sends != 1 || a.Conclusion != "" || w.gate.calls(dispatch) != 1 {
				w.t.Errorf("%d calls, attempt %+v", w.gate.calls(dispatch), a)
			}
			w.github.ClearFaults()
			w.ledger.holds("plan", false)
			w.planned(reqA, lifecycle.PurposeOpen)
			w.dispatchedOnce()
		})
	}
}

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

// takenOver are calls before which a worker stops while it opens a request, or later.
var takenOver = []string{
	"s3 LIST identities", "github GET /git/ref/heads/main", "github POST /git/commits", "github POST /pulls",
	"s3 PUT webhooks",
	"s3 PUT grants", "github POST /actions/workflows/plan.yml/dispatches", "s3 PUT requests",
}

// takenOverWithin is how long a request waits after the worker stopped that was at work on it.
const takenOverWithin = 15 * time.Second

// continued opens a request with two workers. One stops at a call. It returns the time
// until the other has dispatched the plan, or has begun to search for the run of a dispatch that may
// still arrive.
func (w *harness) continued(f fault) time.Duration {
	w.pass(10 * time.Second)
	w.gate.once(f)
	w.gate.noRestart.Store(true)
	w.ask(reqA, "dana")
	w.until(reqA, "cut off", func(store.Doc) bool { return len(w.gate.strikes()) > 0 })
	from, listed := w.gate.struckAt(), w.gate.calls("github GET /actions/runs")
	for {
		a := w.request(reqA).Runs.Plan.Current()
		searched := strings.HasSuffix(f.Name, "/dispatches") && w.gate.calls("github GET /actions/runs") > listed
		if took := time.Since(from); a != nil && a.RunID != 0 || searched || took > time.Minute {
			return took
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// A worker that is killed while it opens a request leaves it to another, which continues
// within 15 s, wherever the first was cut off.
func TestKilledWorkerIsReplacedSoon(t *testing.T) {
	for _, call := range takenOver {
		t.Run(call, func(t *testing.T) {
			withHarness(t, setup{workers: 2, poll: time.Second}, func(w *harness) {
				took := w.continued(fault{call, 1, crashBefore})
				w.t.Logf("%s until another worker had continued", took)
				if took > takenOverWithin {
					w.t.Errorf("want at most %s", takenOverWithin)
				}
				w.planned(reqA, lifecycle.PurposeOpen)
				w.dispatchedOnce()
			})
		})
	}
}

// A worker that was only paused, and was taken for dead, continues later with what it knew before.
// Another has continued by then. The request has one pull request and one merge, and each attempt
// one run that does something, wherever the first worker was paused.
func TestPausedWorkerDoesNothingTwice(t *testing.T) {
	for _, call := range takenOver {
		t.Run(call, func(t *testing.T) {
			withHarness(t, setup{workers: 2, poll: time.Second}, func(w *harness) {
				took := w.continued(fault{call, 1, frozen})
				if took > takenOverWithin {
					w.t.Errorf("%s until another worker had continued, want at most %s", took, takenOverWithin)
				}
				w.planned(reqA, lifecycle.PurposeOpen)
				w.pass(frozenFor)
				w.settled(reqA)
				w.assertInvariants()
				w.assertLogComplete(reqA)
				plans := w.request(reqA).Runs.Plan.Attempts
				if len(plans) != 1 {
					w.t.Fatalf("%d plans", len(plans))
				}
				w.concluded(lifecycle.KindPlan, plans[0])
				w.dispatchedOnce()
			})
		})
	}
	for _, call := range []string{
		"github PUT /pulls/*/merge", "github POST /actions/workflows/apply.yml/dispatches",
		"github POST /actions/workflows/destroy.yml/dispatches", "s3 PUT environments",
	} {
		disturbed(t, call, setup{workers: 2, poll: time.Second, plan: []fault{{call, 1, frozen}}}, len(stages))
	}
}

// A dispatch that arrives after it was repeated starts a second run of one apply. GitHub lets it begin
// once the first has ended, which no webhook reports. The grant still exists, so that only the claim
// stops the second run.
func TestSecondRunOfAnApplyDoesNothing(t *testing.T) {
	const dispatch = "github POST /actions/workflows/apply.yml/dispatches"
	withHarness(t, setup{workers: 2, poll: time.Second, plan: []fault{{dispatch, 1, late}}}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.approve(reqA)
		w.merge(reqA)
		w.settled(reqA)
		w.ledger.holds("apply", true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "dispatched twice", func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && w.github.Counts().Runs[a.CorrelationID] == 2
		})
		w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
		w.ledger.holds("apply", false)
		w.reach(reqA, lifecycle.StatusApplied)
		w.settled(reqA)
		w.assertInvariants()
		w.assertLogComplete(reqA)
		w.released(reqA)
		w.concluded(lifecycle.KindApply, *w.request(reqA).Runs.Apply.Current())
		if n := w.ledger.did("apply", reqA); n != 1 {
			w.t.Errorf("applied %d times", n)
		}
	})
}

// A row of the index that an attacker put into Redis, with a version that no document
// reaches or without any document, does not stay.
func TestPlantedIndexRows(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		index := queue.NewIndex(w.redisLink(nil))
		plant := func(id string) {
			w.must(index.Put(context.Background(), queue.Row{ID: id, Version: 1 << 50, Title: "planted", Requester: "dana",
				CreatedAt: time.Now()}))
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
			w.must(w.github.AddFault(hubsim.Fault{Kind: kind, Method: "GET", Path: "/repos/acme/infra-core/actions/runs",
				Delay: 10 * time.Second}))
			w.ask(reqA, "dana")
			w.pass(20 * time.Minute) // a plan may take 30
			if a := w.request(reqA).Runs.Plan.Current(); a == nil || a.Sends != 1 || a.Conclusion != "" ||
				w.gate.calls(dispatch) != 1 {
				w.t.Errorf("%d calls, attempt %+v", w.gate.calls(dispatch), a)
			}
			w.github.ClearFaults()
			w.ledger.holds("plan", false)
			w.planned(reqA, lifecycle.PurposeOpen)
			w.dispatchedOnce()
		})
	}
}

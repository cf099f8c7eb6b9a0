package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
)

// With every webhook lost and Redis emptied again and again, sweep and sync alone
// bring the journey to its end, and nothing is done twice.
func TestSweepAndSyncAloneAreEnough(t *testing.T) {
	for _, workers := range []int{1, 2} {
		withHarness(t, setup{workers: workers}, func(w *harness) {
			w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
			flushed := make(chan struct{})
			go func() {
				defer close(flushed)
				for !w.gate.over.Load() {
					w.redis.FlushAll()
					time.Sleep(7 * time.Second)
				}
			}()
			w.journey(reqA)
			w.ended(reqA)
			w.gate.over.Store(true)
			<-flushed
		})
	}
}

// Webhooks that come twice, late and in another order change nothing of the end.
func TestWebhooksInDisorder(t *testing.T) {
	for _, f := range []hubsim.WebhookFault{
		{Kind: hubsim.HookDuplicate}, {Kind: hubsim.HookCopy}, {Kind: hubsim.HookReorder},
		{Kind: hubsim.HookDelay, Delay: 3 * time.Minute}, {Kind: hubsim.HookFail},
	} {
		t.Run(f.Kind, func(t *testing.T) {
			withHarness(t, setup{workers: 2}, func(w *harness) {
				w.github.AddWebhookFault(f)
				w.journey(reqA)
				w.pass(10 * time.Minute)
				w.ended(reqA)
			})
		})
	}
}

// A GitHub that is down for hours costs few calls, and afterwards the journey
// continues by itself.
func TestLongOutage(t *testing.T) {
	for name, breaks := range map[string]func(*harness){
		"GitHub answers 502": func(w *harness) { w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 502}) },
		"GitHub hangs": func(w *harness) {
			w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultHang, Path: "/repos/**"})
		},
		"GitHub limits": func(w *harness) {
			w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultLimit, Delay: 20 * time.Minute})
		},
		"S3 is not available": func(w *harness) {
			w.must(w.bucket.Inject(s3.Fault{Kind: s3.FaultUnavailable, Principal: "app"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{workers: 2, poll: time.Minute}, func(w *harness) {
				w.open(reqA)
				w.approve(reqA)
				w.click(reqA, lifecycle.ActionMerge, "omar")
				breaks(w)
				from := w.gate.calls("github")
				w.pass(3 * time.Hour)
				if n := w.gate.calls("github") - from; n > 3*60*2 {
					w.t.Errorf("%d calls to GitHub in three hours of outage", n)
				}
				w.github.ClearFaults()
				w.bucket.ClearFaults()
				w.served(reqA, lifecycle.ActionMerge)
				w.apply(reqA)
				w.assertInvariants()
				w.assertLogComplete(reqA)
			})
		})
	}
}

// A worker that starts finds what its predecessor left, though nothing is enqueued.
func TestWorkerStartsAfterDowntime(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		n := w.pause()
		w.ask(reqA, "dana")
		w.pass(48 * time.Hour)
		w.redis.FlushAll()
		w.resume(n)
		w.planned(reqA, lifecycle.PurposeOpen)
		w.pause()
		w.click(reqA, lifecycle.ActionApprove, "omar")
		w.pass(48 * time.Hour)
		w.redis.FlushAll()
		w.resume(n)
		w.until(reqA, "approved", func(d store.Doc) bool { return d.Request.Approval.Approved })
		w.merge(reqA)
		w.apply(reqA)
		w.destroy(reqA)
		w.archived(reqA)
		w.ended(reqA)
	})
}

// Without webhooks the end of a run is heard between two sweeps.
func TestSyncIsQuickWhileSomethingRuns(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.pass(10 * time.Second)
		w.ask(reqA, "dana")
		from := time.Now()
		w.planned(reqA, lifecycle.PurposeOpen)
		if took := time.Since(from); took >= 48*time.Second {
			w.t.Errorf("%s: only the sweep a minute after the start heard it", took)
		}
	})
}

// What is due is done while the index is rebuilt from every document.
func TestSweepsContinueWhileTheIndexIsBuilt(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		n := w.pause()
		_, err := w.store.Create(context.Background(), newRequest(w.t, reqA, "dana", dev))
		w.must(err)
		w.redis.FlushAll()
		w.gate.onCall("s3 LIST history", func() { w.pass(30 * time.Minute) })
		from := time.Now()
		w.resume(n)
		w.planned(reqA, lifecycle.PurposeOpen)
		if took := time.Since(from); took > 5*time.Minute {
			w.t.Errorf("%s until it was seen", took)
		}
		w.pass(40 * time.Minute)
		if row := w.row(reqA); row.ID == "" {
			w.t.Error("the lists were not built")
		}
	})
}

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

func numberedID(i int) string { return fmt.Sprintf("req_aaaaaaaaaaa%02d", i) }

func (w *harness) lease() lifecycle.EnvironmentState {
	w.t.Helper()
	env, err := w.store.Environment(context.Background(), "core", dev)
	w.must(err)
	return env
}

// ready brings requests up to the merge.
func (w *harness) ready(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		w.open(id)
		w.approve(id)
		w.merge(id)
	}
}

// Several applies in one environment run one after the other, in the order in which
// they were requested.
func TestAppliesTakeTurns(t *testing.T) {
	withHarness(t, setup{workers: 3}, func(w *harness) {
		var ids []string
		for i := range 4 {
			ids = append(ids, numberedID(i))
		}
		w.ready(ids...)
		w.ledger.holds("apply", true)
		for _, id := range ids {
			w.click(id, lifecycle.ActionApply, "omar")
			w.until(id, "in the queue", func(d store.Doc) bool { return w.inLine(id) >= 0 })
		}
		w.pass(5 * time.Minute)
		for i, id := range ids {
			if place := w.inLine(id); place != i {
				w.t.Errorf("%s has place %d, want %d", id, place, i)
			}
		}
		from := w.gate.calls("github")
		w.pass(20 * time.Minute)
		if n := w.gate.calls("github") - from; n > 20*4*3*3 { // lists of pull requests and runs, quick sync of each worker
			w.t.Errorf("%d calls to GitHub while three wait", n)
		}
		w.ledger.holds("apply", false)
		for _, id := range ids {
			w.reach(id, lifecycle.StatusApplied)
			w.settled(id)
		}
		w.assertInvariants()
		for i, e := range w.ledger.done() {
			if e.RequestID != ids[i] {
				w.t.Errorf("effect %d is of %s", i, e.RequestID)
			}
		}
		w.released(ids[0])
		if token := w.lease().Token; token != 4 {
			w.t.Errorf("token %d after four holders", token)
		}
	})
}

// inLine is a request's place in the queue of dev/app.
func (w *harness) inLine(id string) int {
	env := w.lease()
	if env.Holder != nil && env.Holder.RequestID == id {
		return 0
	}
	for i, q := range env.Queue {
		if q.RequestID == id {
			return i + 1
		}
	}
	return -1
}

// An intent that waits can be canceled; its position passes to the next.
func TestWaitingIntentIsCanceled(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b, c := numberedID(0), numberedID(1), numberedID(2)
		w.ready(a, b, c)
		w.ledger.holds("apply", true)
		for _, id := range []string{a, b, c} {
			w.click(id, lifecycle.ActionApply, "omar")
			w.until(id, "in the queue", func(store.Doc) bool { return w.inLine(id) >= 0 })
		}
		w.must(w.change(b, "omar", lifecycle.CancelIntent()))
		w.until(b, "out of the queue", func(store.Doc) bool { return w.inLine(b) < 0 && w.inLine(c) == 1 })
		w.ledger.holds("apply", false)
		w.reach(a, lifecycle.StatusApplied)
		w.reach(c, lifecycle.StatusApplied)
		w.settled(c)
		w.assertInvariants()
		w.released(c)
		if w.status(b) != lifecycle.StatusMerged || w.ledger.did("apply", b) != 0 {
			w.t.Errorf("the canceled intent ran: %s", w.status(b))
		}
	})
}

// An intent that is canceled just before a worker starts it does not start.
func TestIntentCanceledAtTheLastMoment(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.pause()
		p := w.idleWorker()
		w.click(reqA, lifecycle.ActionApply, "omar")
		// the lease is written after the worker saw the intent and before it starts
		w.gate.onCall("s3 PUT environments", func() { w.must(w.change(reqA, "omar", lifecycle.CancelIntent())) })
		w.must(p.Reconcile(context.Background(), reqA))
		if a := w.request(reqA).Runs.Apply.Current(); a != nil || w.github.Counts().Dispatches[repoName+" apply.yml"] != 0 {
			w.t.Errorf("it started: %+v", a)
		}
		w.released(reqA)
	})
}

// Two workers that serve the same intent at the same moment send one dispatch.
func TestTwoWorkersServeOneIntent(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.pause()
		first, second := w.idleWorker(), w.idleWorker()
		w.click(reqA, lifecycle.ActionApply, "omar")
		// the second worker does all of its work while the first is about to start
		w.gate.onCall("s3 PUT environments", func() { w.must(second.Reconcile(context.Background(), reqA)) })
		w.must(first.Reconcile(context.Background(), reqA))
		if n := w.github.Counts().Dispatches[repoName+" apply.yml"]; n != 1 {
			w.t.Errorf("%d dispatches of one attempt", n)
		}
		w.pass(time.Minute)
		w.assertInvariants()
	})
}

// An approval that falls while its apply waits for a run to be seen stops the apply.
func TestApprovalFallsBeforeTheRunIsSeen(t *testing.T) {
	withHarness(t, setup{plan: []fault{{"github POST /actions/workflows/apply.yml/dispatches", 1, errorBefore}}},
		func(w *harness) {
			w.open(reqA)
			w.settled(reqA)
			w.pass(2 * time.Second)
			w.review("omar", "APPROVE")
			w.until(reqA, "approved", func(d store.Doc) bool { return d.Request.Approval.Approved })
			w.merge(reqA)
			w.click(reqA, lifecycle.ActionApply, "omar")
			w.until(reqA, "an attempt", func(d store.Doc) bool { return d.Request.Runs.Apply.Current() != nil })
			w.must(w.change(reqA, "omar", lifecycle.Unapprove("omar", "the review was dismissed on GitHub", time.Now().UTC())))
			w.until(reqA, "given up", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().Conclusion == "stale" })
			w.settled(reqA)
			w.assertInvariants()
			w.released(reqA)
			if n := w.github.Counts().Dispatches[repoName+" apply.yml"]; n != 0 {
				w.t.Errorf("%d dispatches without an approval", n)
			}
		})
}

// The lease of an apply whose run cannot be found is released in the safe order: grant
// first, then a wait, then the conclusion.
func TestLostApplyGivesTheLeaseBack(t *testing.T) {
	lost := fault{Name: "github POST /actions/workflows/apply.yml/dispatches", Mode: errorBefore}
	var plan []fault
	for lost.Nth = 1; lost.Nth <= lifecycle.MaxSends; lost.Nth++ {
		plan = append(plan, lost)
	}
	withHarness(t, setup{plan: plan}, func(w *harness) {
		w.ready(reqA)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "revoked", func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && a.RevokedAt != nil
		})
		a := *w.request(reqA).Runs.Apply.Current()
		if _, err := w.store.Grant(context.Background(), "core", a.CorrelationID); !errors.Is(err, store.ErrNotFound) {
			w.t.Errorf("the grant is still there: %v", err)
		}
		w.pass(lifecycle.MissingGrace - time.Minute)
		if w.lease().Position(a.CorrelationID) != 0 {
			w.t.Error("the lease was given away too early")
		}
		w.until(reqA, "given up", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().Conclusion == "stale" })
		w.settled(reqA)
		w.released(reqA)
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApply, "omar"), lifecycle.CodeNewRound)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.planned(reqA, lifecycle.PurposeReapply)
		w.approve(reqA)
		w.apply(reqA)
		w.assertInvariants()
	})
}

// A destroy whose approval is gone does not keep others from the lease.
func TestUnapprovedDestroyDoesNotBlock(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b, c := numberedID(0), numberedID(1), numberedID(2)
		w.ready(a, b, c)
		w.apply(a)
		w.ledger.holds("apply", true)
		w.click(b, lifecycle.ActionApply, "omar")
		w.until(b, "holds the lease", func(store.Doc) bool { return w.inLine(b) == 0 })
		w.click(a, lifecycle.ActionDestroy, "adam")
		w.planned(a, lifecycle.PurposeDestroy)
		w.click(a, lifecycle.ActionApprove, "omar")
		w.until(a, "waits", func(store.Doc) bool { return w.inLine(a) == 1 })
		w.must(w.change(a, "omar", lifecycle.Unapprove("omar", "withdrawn", time.Now().UTC())))
		w.click(c, lifecycle.ActionApply, "omar")
		w.ledger.holds("apply", false)
		w.reach(b, lifecycle.StatusApplied)
		w.reach(c, lifecycle.StatusApplied)
		if w.request(a).Intent(lifecycle.ActionDestroy) == nil {
			w.t.Fatal("the intent is gone")
		}
		w.click(a, lifecycle.ActionApprove, "omar")
		w.reach(a, lifecycle.StatusDestroyed)
		w.archived(a)
		w.assertInvariants()
	})
}

// The requests that wait in an environment that leaves the settings are refused one after the
// other, and the lease is free in the end.
func TestEnvironmentLeavesTheSettings(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b, c := numberedID(0), numberedID(1), numberedID(2)
		w.ready(a, b, c)
		w.ledger.holds("apply", true)
		for _, id := range []string{a, b, c} {
			w.click(id, lifecycle.ActionApply, "omar")
			w.until(id, "in the queue", func(store.Doc) bool { return w.inLine(id) >= 0 })
		}
		w.pause()
		p := w.idleWorker()
		p.Structure.Projects = nil
		w.ledger.holds("apply", false)
		w.pass(5 * time.Minute)
		w.must(p.Sweep(context.Background()))
		w.must(p.Sync(context.Background(), github.Repo{Owner: "acme", Name: "infra-core"}))
		for _, id := range []string{a, b, c} {
			w.must(p.Reconcile(context.Background(), id))
		}
		for _, id := range []string{b, c} {
			if r := w.request(id); r.Problem == nil || r.Intent(lifecycle.ActionApply) != nil {
				w.t.Errorf("%s waits on: %+v, problem %+v", id, r.Wanted, r.Problem)
			}
		}
		w.released(a)
	})
}

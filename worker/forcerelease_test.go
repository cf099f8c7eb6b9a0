package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/worker"
)

// held brings two requests to where the first applies, and the second waits for it.
func (w *harness) held(a, b string) {
	w.t.Helper()
	w.ready(a, b)
	w.ledger.holds("apply", true)
	for _, id := range []string{a, b} {
		w.click(id, lifecycle.ActionApply, "omar")
		w.until(id, "in the queue", func(store.Doc) bool { return w.inLine(id) >= 0 })
	}
	w.atWork(a, lifecycle.KindApply)
}

func (w *harness) force(id string) error {
	_, err := worker.ForceRelease(context.Background(), w.store, w.notifier, worker.Forced{
		Project: "core", Environment: dev, RequestID: id, By: lifecycle.Actor{Login: "adam", Source: "cli"},
		Reason: "its runner is lost",
	})
	return err
}

// An apply that has not begun when an admin releases its lease never begins. Its card shows why,
// and the next request acquires the lease.
func TestLeaseIsTakenAwayByForce(t *testing.T) {
	withHarness(t, setup{workers: 2}, func(w *harness) {
		a, b := numberedID(0), numberedID(1)
		w.held(a, b)
		if err := w.force(b); !errors.Is(err, worker.ErrOtherHolder) || w.inLine(a) != 0 {
			w.t.Errorf("of another holder: %v, lease %+v", err, w.lease())
		}
		w.must(w.force(a))
		if w.inLine(a) >= 0 || w.inLine(b) != 0 {
			w.t.Errorf("lease %+v", w.lease())
		}
		if p := w.request(a).Problem; p == nil || p.Code != lifecycle.CodeForced || !strings.Contains(p.Text, "adam") ||
			!strings.Contains(p.Text, "its runner is lost") {
			w.t.Errorf("told: %+v", p)
		}
		if err := w.force(a); err == nil {
			w.t.Error("taken away twice")
		}
		w.ledger.holds("apply", false)
		w.reach(b, lifecycle.StatusApplied)
		w.until(a, "released", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().Released })
		w.pass(10 * time.Minute)
		if n := w.ledger.did("apply", a); n != 0 || w.status(a) != lifecycle.StatusFailed {
			w.t.Errorf("%d effects, %s", n, w.status(a))
		}
		w.released(a)
		if err := w.force(a); !errors.Is(err, worker.ErrNoHolder) {
			w.t.Errorf("without a holder: %v", err)
		}
		w.click(a, lifecycle.ActionPlan, "dana")
		w.planned(a, lifecycle.PurposeReapply)
		w.approve(a)
		w.apply(a)
		w.assertInvariants()
	})
}

// A holder whose document cannot be read would block the others forever.
func TestUnreadableHolderIsReleasedByForce(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b := numberedID(0), numberedID(1)
		w.held(a, b)
		w.must(w.change(a, "adam", func(r lifecycle.Request) (lifecycle.Request, error) {
			r.Schema = lifecycle.Schema + 1
			return r, nil
		}))
		w.pass(3 * time.Minute)
		if w.inLine(a) != 0 {
			w.t.Fatalf("lease %+v", w.lease())
		}
		w.must(w.force(a))
		w.ledger.holds("apply", false)
		w.reach(b, lifecycle.StatusApplied)
		w.pass(time.Minute)
		w.assertInvariants() // the first came to no effect
	})
}

// An intent that came to hold the lease and has no attempt yet is taken out.
func TestIntentIsReleasedByForce(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.pause()
		w.must(w.change(reqA, "omar", lifecycle.RecordIntent(w.intent(reqA, lifecycle.ActionApply, "omar"))))
		w.must(w.change(reqA, "omar", lifecycle.Named(lifecycle.ActionApply, "apply-"+strings.Repeat("a", 32))))
		_, err := w.store.UpdateEnvironment(context.Background(), "core", dev,
			func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
				return e.Enqueue(lifecycle.LeaseEntry{CorrelationID: "apply-" + strings.Repeat("a", 32), RequestID: reqA,
					Kind: lifecycle.KindApply, By: "omar"}, time.Now()), nil
			})
		w.must(err)
		w.must(w.force(reqA))
		if r := w.request(reqA); r.Intent(lifecycle.ActionApply) != nil || r.Problem == nil || r.Runs.Apply.Current() != nil {
			w.t.Errorf("%+v, problem %+v", r.Wanted, r.Problem)
		}
		w.released(reqA)
	})
}

package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The card of a lock that a killed runner left shows its owner, its time and what an admin does.
// The lock stays a fact of the environment until a later run writes the state.
func TestStateLockOfADeadRunner(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		since := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
		w.ledger.fails("apply", &lockedState{lifecycle.StateLock{ID: "3b7d4e52-1111-2222-3333-444455556666",
			Who: "runner@gone\u202e-runner", Operation: "OperationTypeApply", Since: since}})
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.reach(reqA, lifecycle.StatusFailed)
		w.pass(time.Minute)
		p := w.request(reqA).Problem
		if p == nil || p.Code != lifecycle.CodeStateLocked {
			w.t.Fatalf("problem %+v", p)
		}
		for _, want := range []string{"locked by runner@gone?-runner since 2026-11-30 08:00:00 UTC",
			"not held by a run of TfPilot", "tfpilot environments unlock core dev/app", "re-plan"} {
			if !strings.Contains(p.Text, want) {
				w.t.Errorf("it does not say %q:\n%s", want, p.Text)
			}
		}
		lock := w.lease().StateLock
		if lock == nil || lock.ID != "3b7d4e52-1111-2222-3333-444455556666" || len(lock.Requests) != 1 ||
			lock.Requests[0] != reqA {
			w.t.Fatalf("lock of the environment: %+v", lock)
		}
		w.ledger.fails("apply", nil)
		w.click(reqA, lifecycle.ActionPlan, "dana")
		w.planned(reqA, lifecycle.PurposeReapply)
		w.approve(reqA)
		w.apply(reqA)
		w.pass(time.Minute)
		if lock := w.lease().StateLock; lock != nil {
			w.t.Errorf("a run wrote the state, and the lock is still told: %+v", lock)
		}
		w.assertInvariants()
	})
}

// A run whose lease was released by force may continue, so no text claims that the lock is free.
func TestStateLockAfterAReleaseByForce(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b := numberedID(0), numberedID(1)
		w.held(a, b)
		forced := time.Now()
		w.must(w.force(a))
		w.ledger.fails("apply", &lockedState{lifecycle.StateLock{ID: "3b7d4e52-1111-2222-3333-444455556666",
			Who: "runner@busy", Since: forced}})
		w.ledger.holds("apply", false)
		w.reach(b, lifecycle.StatusFailed)
		w.pass(time.Minute)
		if p := w.request(b).Problem; p == nil || p.Code != lifecycle.CodeStateLocked ||
			strings.Contains(p.Text, "not held by a run of TfPilot") {
			w.t.Errorf("problem %+v", p)
		}
	})
}

// What a run leaves is not believed to be a lock because it says so.
func TestStateLockWithoutAnID(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.ledger.fails("apply", &lockedState{lifecycle.StateLock{ID: "; rm -rf /", Who: "x"}})
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.reach(reqA, lifecycle.StatusFailed)
		w.pass(time.Minute)
		if p := w.request(reqA).Problem; p == nil || strings.Contains(p.Text, "rm -rf") || w.lease().StateLock != nil {
			w.t.Errorf("problem %+v, lock %+v", p, w.lease().StateLock)
		}
	})
}

package worker_test

import (
	"context"
	"errors"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// assertInvariants checks what must hold at any time.
func (w *harness) assertInvariants() {
	w.t.Helper()
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	for _, f := range w.ledger.faults {
		w.t.Error(f)
	}
	for cid, runs := range w.ledger.claims {
		if len(runs) != 1 {
			w.t.Errorf("%s was claimed by %v", cid, runs)
		}
	}
	c := w.github.Counts()
	for branch, n := range c.PullRequests {
		if n != 1 {
			w.t.Errorf("%d pull requests of %s", n, branch)
		}
	}
	for pull, n := range c.Merges {
		if n != 1 {
			w.t.Errorf("%d merges of %s", n, pull)
		}
	}
}

// assertLogComplete checks that the log of a request is complete and in order.
func (w *harness) assertLogComplete(id string) {
	w.t.Helper()
	if err := lifecycle.VerifyLog(w.events(id)); err != nil {
		w.t.Errorf("log of %s: %v", id, err)
	}
}

// released checks that no request holds or waits for the lease, and that no grant of an apply or
// destroy is left.
func (w *harness) released(id string) {
	w.t.Helper()
	r := w.request(id)
	env, err := w.store.Environment(context.Background(), r.Project, r.Environment)
	w.must(err)
	if env.Holder != nil || len(env.Queue) > 0 {
		w.t.Errorf("the lease is not free: %+v", env)
	}
	for _, set := range []lifecycle.RunSet{r.Runs.Apply, r.Runs.Destroy} {
		for _, a := range set.Attempts {
			if _, err := w.store.Grant(context.Background(), "core", a.CorrelationID); !errors.Is(err, store.ErrNotFound) {
				w.t.Errorf("the grant of %s is still there: %v", a.CorrelationID, err)
			}
		}
	}
}

// ended checks a journey that came to its end with one attempt of each kind.
func (w *harness) ended(id string) {
	w.t.Helper()
	w.assertInvariants()
	w.assertLogComplete(id)
	w.released(id)
	doc := w.doc(id)
	r := doc.Request
	if !doc.Archived || len(r.Wanted) > 0 || r.Problem != nil {
		w.t.Errorf("archived %v, wanted %v, problem %+v", doc.Archived, r.Wanted, r.Problem)
	}
	for kind, want := range map[lifecycle.Kind]int{lifecycle.KindPlan: 2, lifecycle.KindApply: 1,
		lifecycle.KindDestroy: 1} {
		set := map[lifecycle.Kind]lifecycle.RunSet{lifecycle.KindPlan: r.Runs.Plan, lifecycle.KindApply: r.Runs.Apply,
			lifecycle.KindDestroy: r.Runs.Destroy}[kind]
		if len(set.Attempts) != want {
			w.t.Errorf("%d attempts of %s", len(set.Attempts), kind)
		}
		for _, a := range set.Attempts {
			w.concluded(kind, a)
		}
	}
	w.concluded(lifecycle.KindCleanup, r.Cleanup.Attempt)
	if w.ledger.did("apply", id) != 1 || w.ledger.did("destroy", id) != 1 {
		w.t.Errorf("effects: %+v", w.ledger.done())
	}
	if files, err := w.github.Files(repoName, "main"); err != nil || strings.Contains(strings.Join(files, "\n"), id) {
		w.t.Errorf("main still holds the request's file: %v", err)
	}
}

func (w *harness) concluded(kind lifecycle.Kind, a lifecycle.Attempt) {
	w.t.Helper()
	if a.Conclusion != "success" || a.CompletedAt == nil || a.RunID == 0 {
		w.t.Errorf("%s %d: %+v", kind, a.Number, a)
	}
	if runs := w.ledger.claimed(a.CorrelationID); len(runs) != 1 || runs[0] != a.RunID {
		w.t.Errorf("%s %s names run %d, claimed by %v", kind, a.CorrelationID, a.RunID, runs)
	}
}

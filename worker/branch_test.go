package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// branch is the tip of a request's branch, empty when there is none.
func (w *harness) branch(id string) string {
	w.t.Helper()
	refs, _, err := w.as("dana").Git.ListMatchingRefs(context.Background(), "acme", "infra-core",
		&gh.ReferenceListOptions{Ref: "heads/request/" + id})
	w.must(err)
	if len(refs) == 0 {
		return ""
	}
	return refs[0].GetObject().GetSHA()
}

func (w *harness) branchEnds(id string, want lifecycle.BranchEnd) {
	w.t.Helper()
	w.until(id, "branch "+string(want), func(d store.Doc) bool { return d.Request.PR.BranchEnd == want })
	if gone := w.branch(id) == ""; gone != (want == lifecycle.BranchDeleted) {
		w.t.Errorf("branch %s, gone: %v", want, gone)
	}
}

// The branch goes after the merge, and everything after it works without.
func TestBranchIsDeletedAfterTheMerge(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		if w.branch(reqA) == "" {
			w.t.Fatal("the branch is gone before the merge")
		}
		w.merge(reqA)
		w.branchEnds(reqA, lifecycle.BranchDeleted)
		w.apply(reqA)
		w.destroy(reqA)
		w.archived(reqA)
		w.ended(reqA)
	})
}

// A person, or the repository's own setting, may have deleted it first.
func TestBranchThatIsGoneAfterTheMerge(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.gate.onCall("github GET /git/ref/heads/request/*", func() {
			if _, err := w.as("dana").Git.DeleteRef(context.Background(), "acme", "infra-core", "heads/request/"+
				reqA); err != nil {
				w.t.Error(err)
			}
		})
		w.merge(reqA)
		w.branchEnds(reqA, lifecycle.BranchDeleted)
	})
}

// What was pushed after the merge is in no other place.
func TestBranchThatMovedAfterTheMergeIsKept(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.gate.onCall("github GET /git/ref/heads/request/*", func() {
			w.push("dana", "request/"+reqA, "later.txt", "more\n")
		})
		w.merge(reqA)
		w.branchEnds(reqA, lifecycle.BranchKept)
	})
}

// A branch that GitHub does not let go holds nothing up, after the merge or at the close.
func TestProtectedBranchHoldsNothingUp(t *testing.T) {
	protect := func(w *harness) {
		for _, base := range []string{"", "/api/v3"} {
			w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 422, Method: "DELETE", Path: base +
				"/repos/acme/infra-core/git/refs/**"})
		}
	}
	withHarness(t, setup{}, func(w *harness) {
		protect(w)
		w.ready(reqA)
		w.branchEnds(reqA, lifecycle.BranchKept)
		w.apply(reqA)
		if p := w.request(reqA).Problem; p != nil {
			w.t.Errorf("problem %+v", p)
		}
	})
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		protect(w)
		w.click(reqA, lifecycle.ActionClose, "dana")
		w.reach(reqA, lifecycle.StatusClosed)
		w.until(reqA, "closed", func(d store.Doc) bool { return d.Request.ClosedAt != nil })
	})
}

// While a run of the branch is under way, the branch stays.
func TestBranchWaitsForItsRun(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.until(reqA, "a run", func(d store.Doc) bool { p := d.Request.Runs.Plan.Current(); return p != nil && p.RunID != 0 })
		_, _, err := w.as("adam").PullRequests.Merge(context.Background(), "acme", "infra-core", w.request(reqA).PR.Number,
			"", nil)
		w.must(err)
		w.until(reqA, "merged", func(d store.Doc) bool { return d.Request.PR.Merged })
		w.pass(time.Minute)
		if w.branch(reqA) == "" {
			w.t.Error("the branch is gone while its plan runs")
		}
		w.ledger.holds("plan", false)
		w.branchEnds(reqA, lifecycle.BranchDeleted)
	})
}

// GitHub's "Update branch" brings a commit of its own, which counts as TfPilot's words.
func TestUpdatedBranchIsPlannedAgain(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.push("adam", "main", "docs/more.md", "words\n")
		_, _, err := w.as("dana").PullRequests.UpdateBranch(context.Background(), "acme", "infra-core",
			w.request(reqA).PR.Number, nil)
		var later *gh.AcceptedError
		if !errors.As(err, &later) {
			w.must(err)
		}
		w.until(reqA, "a second plan", func(d store.Doc) bool {
			return len(d.Request.Runs.Plan.Attempts) == 2 && d.Request.Plan != nil && d.Request.Plan.Attempt == 2
		})
		if w.request(reqA).PR.Foreign {
			t.Error("the updated branch counts as foreign")
		}
		w.approve(reqA)
		w.merge(reqA)
		w.assertInvariants()
	})
}

package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// silent lets no webhook arrive.
func (w *harness) silent() { w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop}) }

// reviewed is a plan that omar approved by a review on GitHub.
func (w *harness) reviewed() int64 {
	w.t.Helper()
	w.open(reqA)
	w.settled(reqA)
	w.pass(2 * time.Second)
	id := w.review("omar", "APPROVE")
	w.until(reqA, "approved", approvedNow)
	return id
}

func (w *harness) dismiss(review int64) {
	w.t.Helper()
	_, _, err := w.as("adam").PullRequests.DismissReview(context.Background(), "acme", "infra-core", 1, review,
		&gh.PullRequestReviewDismissalRequest{Message: gh.String("no")})
	w.must(err)
}

// Who approves on GitHub and then requests changes takes the approval back, also when
// the reading of one and the other is the same.
func TestChangesRequestedAfterwards(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.reviewed()
		w.pass(2 * time.Second)
		w.review("omar", "REQUEST_CHANGES")
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.assertEvent(reqA, "approval_voided", "requested changes")
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.until(reqA, "approved again", approvedNow)
	})
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.pass(2 * time.Second)
		w.review("omar", "REQUEST_CHANGES")
		w.pass(30 * time.Minute)
		if a := w.request(reqA).Approval.Approvers; len(a) > 0 {
			w.t.Errorf("a withdrawn approval was counted: %+v", a)
		}
	})
}

// A review that was dismissed takes none with it that the same person gave later.
func TestReviewAfterADismissedOne(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.dismiss(w.reviewed())
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.until(reqA, "approved again", approvedNow)
		w.review("vic", "COMMENT") // all reviews are read again
		w.pass(10 * time.Minute)
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the dismissed review took the later one with it")
		}
	})
}

// The reviews are read once more before the effect: one may be withdrawn without a webhook.
func TestReviewWithdrawnWithoutAWebhook(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		id := w.reviewed()
		w.pause()
		p := w.idleWorker()
		w.silent()
		w.dismiss(id)
		w.click(reqA, lifecycle.ActionMerge, "omar")
		w.must(p.Reconcile(context.Background(), reqA))
		r := w.request(reqA)
		if r.MergedSHA != "" || r.Problem == nil || r.Problem.Code != lifecycle.CodeUnapproved {
			w.t.Errorf("merged %q, problem %+v", r.MergedSHA, r.Problem)
		}
	})
}

// Reviews that could not be read are read later, though the pull request itself was.
func TestReviewsAreReadLater(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		w.review("omar", "APPROVE")
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 502, Method: "GET",
			Path: "/repos/acme/infra-core/pulls/*/reviews"})
		w.pass(20 * time.Minute)
		w.github.ClearFaults()
		w.until(reqA, "approved", approvedNow)
	})
}

// An apply that is re-run on GitHub before its end is known still ends as its first attempt did,
// and releases its lease.
func TestRerunBeforeItsEndIsKnown(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.ready(reqA)
		w.ledger.holds("apply", true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "running", func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && a.RunID != 0
		})
		n := w.pause()
		w.ledger.holds("apply", false)
		w.pass(5 * time.Minute)
		id := w.request(reqA).Runs.Apply.Current().RunID
		_, err := w.as("adam").Actions.RerunWorkflowByID(context.Background(), "acme", "infra-core", id)
		w.must(err)
		w.pass(5 * time.Minute)
		w.gate.over.Store(false)
		w.resume(n)
		w.reach(reqA, lifecycle.StatusApplied)
		w.settled(reqA)
		w.released(reqA)
		w.assertEvent(reqA, "run_rerun", "")
		w.assertInvariants()
	})
}

// A run that GitHub forgot is given up after the grace, though its lists say nothing
// new meanwhile.
func TestForgottenRunIsGivenUp(t *testing.T) {
	withHarness(t, setup{github: func(c *hubsim.Config) { c.ListLag = 48 * time.Hour }}, func(w *harness) {
		w.silent()
		w.ledger.holds("plan", true)
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 404, Method: "GET",
			Path: "/repos/acme/infra-core/actions/runs/*"})
		w.ask(reqA, "dana")
		w.until(reqA, "given up", func(d store.Doc) bool {
			a := d.Request.Runs.Plan.Current()
			return a != nil && a.RunID != 0 && a.Conclusion == "stale"
		})
		w.github.ClearFaults()
		w.ledger.holds("plan", false)
	})
}

// While Redis cannot be reached, the sweep does what is due.
func TestReconcileWithoutRedis(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pass(5 * time.Second)
		w.redis.SetError("LOADING Redis is loading the dataset in memory")
		w.ask(reqA, "dana")
		w.planned(reqA, lifecycle.PurposeOpen)
		w.redis.SetError("")
		w.settled(reqA)
		w.assertInvariants()
	})
}

// A cleanup whose branch is gone before its pull request was opened is made again when a person
// requests it.
func TestCleanupBranchIsGone(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.upToCleanup()
		w.gate.onCall("github POST /pulls", func() {
			_, err := w.as("dana").Git.DeleteRef(context.Background(), "acme", "infra-core", "heads/cleanup/"+reqA)
			w.must(err)
		})
		w.ledger.holds("cleanup", false)
		w.until(reqA, "blocked", func(d store.Doc) bool { return d.Request.Cleanup.Blocked })
		if text := w.request(reqA).Problem.Text; !strings.Contains(text, "Check run") {
			w.t.Errorf("the card says %q", text)
		}
		w.quiet(60)
		w.click(reqA, lifecycle.ActionRepair, "omar")
		w.archived(reqA)
		if row := w.row(reqA); !row.Archived {
			w.t.Errorf("lists still show it as live: %+v", row)
		}
		w.assertInvariants()
		w.assertLogComplete(reqA)
	})
}

// row is what lists show of a request.
func (w *harness) row(id string) queue.Row {
	w.t.Helper()
	w.pass(time.Minute)
	page, err := queue.NewIndex(w.redisLink(nil)).List(context.Background(), queue.Query{})
	w.must(err)
	for _, r := range page.Rows {
		if r.ID == id {
			return r
		}
	}
	return queue.Row{}
}

// What Restore puts back is what was made then, also when the catalog makes another
// today.
func TestRestoreAfterTheCatalogChanged(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		blob := w.request(reqA).Target.Blob
		w.push("dana", "request/"+reqA, "envs/dev/app/evil.tf", "# evil\n")
		w.until(reqA, "foreign", func(d store.Doc) bool { return d.Request.PR.Foreign })
		w.must(w.change(reqA, "omar", func(r lifecycle.Request) (lifecycle.Request, error) {
			r.Module = "ec2-instance" // renders to something else, or to nothing
			return r, nil
		}))
		w.click(reqA, lifecycle.ActionRestore, "dana")
		w.planned(reqA, lifecycle.PurposeOpen)
		if got := w.request(reqA); got.PR.Foreign || got.Plan.Blob != blob {
			w.t.Errorf("foreign %v, blob %s, want %s", got.PR.Foreign, got.Plan.Blob, blob)
		}
	})
}

// A review in the very second in which the reviews were read is read as well: GitHub
// counts in seconds.
func TestReviewInTheSameSecond(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		w.gate.onCall("github GET /pulls", func() {
			_, _, err := w.as("dana").Issues.CreateComment(context.Background(), "acme", "infra-core", 1,
				&gh.IssueComment{Body: gh.String("look")})
			w.must(err)
			w.gate.onCall("github GET /pulls/*/reviews", func() {
				w.wait.Go(func() {
					time.Sleep(time.Millisecond) // they are read by then
					w.review("omar", "APPROVE")
				})
			})
		})
		w.until(reqA, "approved", approvedNow)
	})
}

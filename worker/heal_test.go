package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	hubsim "github.com/tfpilot/tfpilot/internal/sandbox/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// silent lets no webhook arrive.
func (w *world) silent() { w.hub.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop}) }

// reviewed is a plan that omar approved by a review on GitHub.
func (w *world) reviewed() int64 {
	w.t.Helper()
	w.open(reqA)
	w.settled(reqA)
	w.pass(2 * time.Second)
	id := w.review("omar", "APPROVE")
	w.until(reqA, "approved", approvedNow)
	return id
}

func (w *world) dismiss(review int64) {
	w.t.Helper()
	_, _, err := w.as("adam").PullRequests.DismissReview(context.Background(), "acme", "infra-core", 1, review, &gh.PullRequestReviewDismissalRequest{Message: gh.String("no")})
	w.must(err)
}

// Who approves on GitHub and then requests changes takes the approval back, also when
// the reading of one and the other is the same.
func TestChangesRequestedAfterwards(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.reviewed()
		w.pass(2 * time.Second)
		w.review("omar", "REQUEST_CHANGES")
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.told(reqA, "approval_voided", "requested changes")
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.until(reqA, "approved again", approvedNow)
	})
	inWorld(t, setup{}, func(w *world) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.pass(2 * time.Second)
		w.review("omar", "REQUEST_CHANGES")
		w.pass(30 * time.Minute)
		if a := w.request(reqA).Approval.Approvers; len(a) > 0 {
			w.t.Errorf("what was taken back was counted: %+v", a)
		}
	})
}

// A review that was dismissed takes none with it that the same person gave later.
func TestReviewAfterADismissedOne(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.dismiss(w.reviewed())
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.until(reqA, "approved again", approvedNow)
		w.review("vic", "COMMENT") // all reviews are read anew
		w.pass(10 * time.Minute)
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the dismissed review took the later one with it")
		}
	})
}

// At the effect GitHub is asked about the reviews once more: nobody may have heard
// that one was taken back.
func TestReviewTakenBackUnheard(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
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
	inWorld(t, setup{}, func(w *world) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		w.review("omar", "APPROVE")
		w.hub.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 502, Method: "GET", Path: "/repos/acme/infra-core/pulls/*/reviews"})
		w.pass(20 * time.Minute)
		w.hub.ClearFaults()
		w.until(reqA, "approved", approvedNow)
	})
}

// Run again on GitHub before anybody heard how it ended, an apply still ends as its
// first attempt did, and gives its lease back.
func TestRunAgainBeforeItsEndWasHeard(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
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
		w.told(reqA, "run_rerun", "")
		w.sound()
	})
}

// A run that GitHub forgot is given up after the grace, though its lists say nothing
// new meanwhile.
func TestForgottenRunIsGivenUp(t *testing.T) {
	inWorld(t, setup{hub: func(c *hubsim.Config) { c.ListLag = 48 * time.Hour }}, func(w *world) {
		w.silent()
		w.ledger.holds("plan", true)
		w.hub.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 404, Method: "GET", Path: "/repos/acme/infra-core/actions/runs/*"})
		w.ask(reqA, "dana")
		w.until(reqA, "given up", func(d store.Doc) bool {
			a := d.Request.Runs.Plan.Current()
			return a != nil && a.RunID != 0 && a.Conclusion == "stale"
		})
		w.hub.ClearFaults()
		w.ledger.holds("plan", false)
	})
}

// While nothing can be rung for, what is due is done all the same.
func TestNoBellAtAll(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.pass(5 * time.Second)
		w.redis.SetError("LOADING Redis is loading the dataset in memory")
		w.ask(reqA, "dana")
		w.planned(reqA, lifecycle.PurposeOpen)
		w.redis.SetError("")
		w.settled(reqA)
		w.sound()
	})
}

// A cleanup whose branch is gone before its pull request was opened is made anew when
// somebody asks.
func TestCleanupBranchIsGone(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
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
		w.sound()
		w.whole(reqA)
	})
}

// row is what lists show of a request.
func (w *world) row(id string) queue.Row {
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
	inWorld(t, setup{}, func(w *world) {
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
	inWorld(t, setup{}, func(w *world) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		w.gate.onCall("github GET /pulls", func() {
			_, _, err := w.as("dana").Issues.CreateComment(context.Background(), "acme", "infra-core", 1, &gh.IssueComment{Body: gh.String("look")})
			w.must(err)
			w.gate.onCall("github GET /pulls/*/reviews", func() {
				w.gate.onCall("s3 PUT requests", func() { w.review("omar", "APPROVE") })
			})
		})
		w.until(reqA, "approved", approvedNow)
	})
}

package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A worker that is delayed before it writes the grant finds the approval void afterwards: it
// starts nothing and leaves no grant.
func TestApprovalFallsBeforeTheGrant(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.pause()
		held, other := w.idleWorker(), w.idleWorker()
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.gate.onCall("s3 PUT grants", func() {
			w.must(w.change(reqA, "omar", lifecycle.Unapprove("omar", "withdrawn", time.Now().UTC())))
			w.must(other.Reconcile(context.Background(), reqA))
		})
		w.must(held.Reconcile(context.Background(), reqA))
		w.pass(time.Minute)
		if n := w.github.Counts().Dispatches[repoName+" apply.yml"]; n != 0 {
			w.t.Errorf("%d dispatches without an approval", n)
		}
		a := w.request(reqA).Runs.Apply.Current()
		if _, err := w.store.Grant(context.Background(), "core", a.CorrelationID); err == nil {
			w.t.Error("its grant stays")
		}
		w.assertInvariants()
	})
}

// A worker that is delayed between acquiring the lease and starting finds that the lease passed
// to another request meanwhile.
func TestLeaseIsGoneBeforeTheStart(t *testing.T) {
	for _, again := range []bool{false, true} { // requested once more, meanwhile
		withHarness(t, setup{}, func(w *harness) {
			a, b := numberedID(0), numberedID(1)
			w.ready(a, b)
			w.settled(b)
			w.pause()
			held, other := w.idleWorker(), w.idleWorker()
			w.click(a, lifecycle.ActionApply, "omar")
			w.gate.onCall("s3 PUT environments", func() {
				w.gate.onCall("s3 PUT requests", func() {
					w.must(w.change(a, "omar", lifecycle.CancelIntent()))
					w.must(other.Environment(context.Background(), "core", dev))
					w.click(b, lifecycle.ActionApply, "omar")
					w.must(other.Reconcile(context.Background(), b))
					if again {
						w.click(a, lifecycle.ActionApply, "omar")
					}
				})
			})
			w.must(held.Reconcile(context.Background(), a))
			if n := w.github.Counts().Dispatches[repoName+" apply.yml"]; n != 1 {
				w.t.Errorf("%d applies at once", n)
			}
			w.pass(time.Minute)
			w.assertInvariants()
		})
	}
}

// A result that cannot be read keeps neither the lease nor the person waiting.
func TestResultIsDamaged(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.gate.spoilt = "s3 GET results"
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.reach(reqA, lifecycle.StatusFailed)
		w.settled(reqA)
		w.released(reqA)
		if p := w.request(reqA).Problem; p == nil || p.Code != "result_damaged" {
			w.t.Errorf("the card says %+v", p)
		}
		w.assertInvariants()
	})
}

// A GitHub that does not name the failed step of a run blocks neither of them.
func TestFailedStepIsRefused(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Method: "GET",
			Path: "/api/v3/repos/acme/infra-core/actions/runs/*/jobs"})
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Method: "GET",
			Path: "/repos/acme/infra-core/actions/runs/*/jobs"})
		w.ledger.fails("apply", errors.New("Error: BucketAlreadyExists"))
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.reach(reqA, lifecycle.StatusFailed)
		w.settled(reqA)
		w.released(reqA)
		if p := w.request(reqA).Problem; p == nil || !strings.Contains(p.Text, "BucketAlreadyExists") {
			w.t.Errorf("the card says %+v", p)
		}
	})
}

// Documents of a newer version of TfPilot, however many, do not block the others, and lists show
// what can be read.
func TestManyDocumentsOfANewerVersion(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pause()
		for i := range 30 {
			r := newRequest(w.t, numberedID(i), "dana", dev)
			r.Schema = lifecycle.Schema + 1
			_, err := w.store.Create(context.Background(), r)
			w.must(err)
		}
		_, err := w.store.Create(context.Background(), newRequest(w.t, reqA, "dana", dev))
		w.must(err)
		w.redis.FlushAll()
		w.resume(1)
		w.planned(reqA, lifecycle.PurposeOpen)
		if row := w.row(reqA); row.ID == "" {
			w.t.Error("lists do not show it")
		}
	})
}

// A review that falls into the second in which a new plan takes the place of the old one
// may be of the old one: it is requested again. Both times are GitHub's.
func TestReviewInTheSecondOfTheNextPlan(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.gate.onCall("github PATCH /issues/comments/*", func() { w.review("omar", "APPROVE") })
		w.click(reqA, lifecycle.ActionPlan, "dana")
		w.served(reqA, lifecycle.ActionPlan)
		w.planned(reqA, lifecycle.PurposeOpen)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		r := w.request(reqA)
		if len(r.Approval.Approvers) > 0 {
			w.t.Errorf("it counted: %+v", r.Approval)
		}
		w.assertEvent(reqA, "review_refused", "before TfPilot posted this plan")
		all, _, err := w.as("dana").Issues.ListComments(context.Background(), "acme", "infra-core", 1, nil)
		w.must(err)
		if at := all[0].GetUpdatedAt(); !r.Plan.PostedAt.Equal(at.Time) {
			w.t.Errorf("posted at %s, GitHub says %s", r.Plan.PostedAt, at)
		}
		w.review("omar", "APPROVE")
		w.until(reqA, "approved", approvedNow)
	})
}

// A review that GitHub reports after the plan was posted and before the document records that
// is judged once it does: by GitHub's times it came after the plan.
func TestReviewWhileThePlanIsRecorded(t *testing.T) {
	for name, silent := range map[string]bool{"webhook": false, "sync": true} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{workers: 2}, func(w *harness) {
				if silent {
					w.silent()
				}
				w.gate.onCall("github POST /issues/*/comments", func() {
					w.gate.onCall("s3 PUT requests", func() {
						w.pass(2 * time.Second) // GitHub's times count in seconds
						w.review("omar", "APPROVE")
						w.pass(2 * time.Second) // another worker reads it
					})
				})
				w.open(reqA)
				w.until(reqA, "approved", approvedNow)
				if text := w.comments(); strings.Contains(text, "does not count") {
					w.t.Errorf("answered:\n%s", text)
				}
			})
		})
	}
}

// While TfPilot may not see the repository, no run in it is given up, however often
// a person has it searched for: it is at work.
func TestRepositoryIsOutOfSight(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.ready(reqA)
		w.settled(reqA)
		w.applying(reqA)
		for _, path := range []string{"/repos/acme/infra-core", "/repos/acme/infra-core/**"} {
			w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 404, Path: path})
		}
		for range 3 {
			w.pass(20 * time.Minute)
			w.click(reqA, lifecycle.ActionRepair, "omar")
			w.served(reqA, lifecycle.ActionRepair)
		}
		if a := w.request(reqA).Runs.Apply.Current(); a.Conclusion != "" || w.lease().Position(a.CorrelationID) != 0 {
			w.t.Errorf("given up: %+v, lease %+v", a, w.lease())
		}
		w.github.ClearFaults()
		w.ledger.holds("apply", false)
		w.reach(reqA, lifecycle.StatusApplied)
		w.assertInvariants()
	})
}

// applying is an apply whose run is known and at work until it is let go.
func (w *harness) applying(id string) {
	w.t.Helper()
	w.ledger.holds("apply", true)
	w.click(id, lifecycle.ActionApply, "omar")
	w.until(id, "running", func(d store.Doc) bool {
		a := d.Request.Runs.Apply.Current()
		return a != nil && a.RunID != 0
	})
}

// A run that was started under one account is followed under the next: TfPilot may have
// gone from a token to an App meanwhile.
func TestAnotherAccountWhileARunIsOpen(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.ready(reqA)
		w.settled(reqA)
		w.applying(reqA)
		w.pause()
		p := w.idleWorker()
		client, err := github.New(github.Config{Token: "ghp_adam", APIURL: "http://github.test/api/v3",
			Transport: hubsim.Transport(w.github.Handler())})
		w.must(err)
		p.GitHub = client
		w.ledger.holds("apply", false)
		w.pass(5 * time.Minute)
		w.must(p.Sweep(context.Background()))
		w.must(p.Sync(context.Background(), github.Repo{Owner: "acme", Name: "infra-core"}))
		w.must(p.Reconcile(context.Background(), reqA))
		if w.status(reqA) != lifecycle.StatusApplied {
			w.t.Errorf("status %s", w.status(reqA))
		}
		w.released(reqA)
	})
}

// A review no longer counts at the effect when its environment became protected.
func TestReviewBeforeTheProtection(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.reviewed()
		w.merge(reqA)
		w.pause()
		p := w.idleWorker()
		p.Structure.Projects[0].Environments[0].Protected = true
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.must(p.Reconcile(context.Background(), reqA))
		r := w.request(reqA)
		if r.Runs.Apply.Current() != nil || r.Problem == nil || r.Problem.Code != lifecycle.CodeUnapproved {
			w.t.Errorf("%+v, problem %+v", r.Runs.Apply, r.Problem)
		}
		w.assertEvent(reqA, "approval_voided", "protected now")
	})
}

// In a locked conversation, a review that does not count does not keep another from counting.
func TestReviewInALockedConversation(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.pass(2 * time.Second)
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Method: "POST",
			Path: "/repos/acme/infra-core/issues/*/comments"})
		w.review("dana", "APPROVE")
		w.review("omar", "APPROVE")
		w.until(reqA, "approved", approvedNow)
	})
}

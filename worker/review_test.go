package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

func approvedNow(d store.Doc) bool { return d.Request.Approval.Approved }

// comments are what TfPilot said in the pull request.
func (w *harness) comments() string {
	w.t.Helper()
	all, _, err := w.as("dana").Issues.ListComments(context.Background(), "acme", "infra-core", 1, nil)
	w.must(err)
	var text []string
	for _, c := range all {
		text = append(text, c.GetBody())
	}
	return strings.Join(text, "\n")
}

// A review on GitHub counts by the same rules as a click.
func TestReviewApproves(t *testing.T) {
	for _, drop := range []bool{false, true} {
		withHarness(t, setup{}, func(w *harness) {
			if drop {
				w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
			}
			w.open(reqA)
			w.settled(reqA)
			w.pass(2 * time.Second)
			w.review("omar", "APPROVE")
			w.until(reqA, "approved", approvedNow)
			a := w.request(reqA).Approval.Approvers[0]
			if a.Login != "omar" || a.Source != "github" || a.PlanDigest != w.request(reqA).Plan.Digest {
				w.t.Errorf("%+v", a)
			}
			w.merge(reqA)
			w.apply(reqA)
			w.assertInvariants()
		})
	}
}

// Reviews that do not count are answered once, in the pull request and in the log.
func TestReviewsThatDoNotCount(t *testing.T) {
	for _, c := range []struct {
		name  string
		who   string
		by    string // requester
		env   lifecycle.Environment
		event string
		words string // of the answer; none when there is none
	}{
		{"of an author", "ana", "ana", dev, "APPROVE", "someone else must approve it"},
		{"of a developer", "dana", "ana", dev, "APPROVE", "approvers"},
		{"of a protected environment", "omar", "dana", lifecycle.Environment{Key: "prod", Slug: "app"}, "APPROVE",
			"protected"},
		{"a comment", "omar", "dana", dev, "COMMENT", ""},
		{"changes requested", "omar", "dana", dev, "REQUEST_CHANGES", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.askIn(reqA, c.by, c.env)
				w.planned(reqA, lifecycle.PurposeOpen)
				w.settled(reqA)
				w.pass(2 * time.Second)
				_, _, err := w.as(c.who).PullRequests.CreateReview(context.Background(), "acme", "infra-core", 1,
					&gh.PullRequestReviewRequest{Event: gh.String(c.event), Body: gh.String("hm")})
				w.must(err)
				w.pass(10 * time.Minute)
				if r := w.request(reqA); len(r.Approval.Approvers) > 0 {
					w.t.Errorf("it counted: %+v", r.Approval)
				}
				if c.words == "" {
					return
				}
				w.assertEvent(reqA, "review_refused", c.words)
				if n := strings.Count(w.comments(), "does not count as an approval"); n != 1 {
					w.t.Errorf("answered %d times:\n%s", n, w.comments())
				}
			})
		})
	}
}

// A review that was given before the pull request showed the plan approves nothing.
func TestReviewBeforeThePlan(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.until(reqA, "opened", func(d store.Doc) bool { return d.Request.PR != nil })
		w.review("omar", "APPROVE")
		w.pass(10 * time.Second)
		w.ledger.holds("plan", false)
		w.planned(reqA, lifecycle.PurposeOpen)
		w.settled(reqA)
		w.pass(10 * time.Minute)
		if r := w.request(reqA); len(r.Approval.Approvers) > 0 {
			w.t.Errorf("it counted: %+v", r.Approval)
		}
		w.review("omar", "APPROVE")
		w.until(reqA, "approved", approvedNow)
	})
}

// A review that is dismissed on GitHub takes its approval with it.
func TestReviewIsDismissed(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.dismiss(w.reviewed())
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.assertEvent(reqA, "approval_voided", "dismissed")
		refusedWith(w.t, w.try(reqA, lifecycle.ActionMerge, "omar"), lifecycle.CodeUnapproved)
		w.pass(10 * time.Minute)
		w.approve(reqA)
		w.pass(10 * time.Minute)
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the dismissed review took a later approval with it")
		}
	})
}

// A plan whose summary is not what its digest says is not offered for approval.
func TestDamagedSummary(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.tamper(true)
		w.ask(reqA, "dana")
		w.until(reqA, "told", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == "result_damaged"
		})
		if r := w.request(reqA); r.Plan != nil {
			w.t.Errorf("it was taken in: %+v", r.Plan)
		}
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "omar"), lifecycle.CodeNoPlan)
		w.ledger.tamper(false)
		w.click(reqA, lifecycle.ActionPlan, "dana")
		w.planned(reqA, lifecycle.PurposeOpen)
	})
}

// A refused second dispatch proves nothing about the first: the lease is kept until its run can no
// longer begin.
func TestRefusedWhenSentAgain(t *testing.T) {
	const dispatch = "github POST /actions/workflows/apply.yml/dispatches"
	withHarness(t, setup{plan: []fault{{dispatch, 1, errorBefore}}}, func(w *harness) {
		w.ready(reqA)
		w.gate.onCall(dispatch, func() {
			w.gate.onCall(dispatch, func() {
				w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 422, Method: "POST",
					Path: "/repos/acme/infra-core/actions/**"})
			})
		})
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "refused", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == "startup_failure"
		})
		a := w.request(reqA).Runs.Apply.Current()
		if a.Conclusion != "" || a.RevokedAt == nil || w.lease().Position(a.CorrelationID) != 0 {
			w.t.Errorf("%+v, lease %+v", a, w.lease())
		}
		w.until(reqA, "given up", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().Conclusion == "stale" })
		w.settled(reqA)
		w.released(reqA)
	})
}

// What GitHub does not show TfPilot is named, so that a person can correct it.
func TestWhatIsNotShownIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ method, path, code, says string }{
		"workflow": {"POST", "/repos/acme/infra-core/actions/workflows/plan.yml/dispatches", "startup_failure",
			"does not show TfPilot the workflow plan.yml on the branch main of acme/infra-core"},
		"repository": {"GET", "/repos/acme/infra-core/git/**", "not_found",
			"does not show TfPilot the repository acme/infra-core"},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 404, Method: c.method, Path: c.path})
				w.ask(reqA, "dana")
				w.until(reqA, "told", func(d store.Doc) bool { return d.Request.Problem != nil })
				if p := w.request(reqA).Problem; string(p.Code) != c.code || !strings.Contains(p.Text, c.says) {
					w.t.Errorf("%+v", p)
				}
			})
		})
	}
}

// planComment is the comment that shows the plan.
func (w *harness) planComment() *gh.IssueComment {
	w.t.Helper()
	all, _, err := w.as("dana").Issues.ListComments(context.Background(), "acme", "infra-core", 1, nil)
	w.must(err)
	for _, c := range all {
		if strings.Contains(c.GetBody(), "### TfPilot plan:") {
			return c
		}
	}
	w.t.Fatal("no comment shows the plan")
	return nil
}

// A review counts only while the comment shows the plan as it was posted. One that does not count
// is answered, and the plan is posted again.
func TestReviewOfAnEditedPlan(t *testing.T) {
	edit := func(w *harness, id int64, body string) {
		_, _, err := w.as("adam").Issues.EditComment(context.Background(), "acme", "infra-core", id,
			&gh.IssueComment{Body: gh.String(body)})
		w.must(err)
	}
	for name, tamper := range map[string]func(*harness, *gh.IssueComment){
		"edited": func(w *harness, c *gh.IssueComment) {
			edit(w, c.GetID(), strings.ReplaceAll(c.GetBody(), "create", "read"))
		},
		"emptied": func(w *harness, c *gh.IssueComment) { edit(w, c.GetID(), "-") },
		"edited and put back": func(w *harness, c *gh.IssueComment) {
			edit(w, c.GetID(), "nothing to see")
			w.pass(2 * time.Second)
			edit(w, c.GetID(), c.GetBody())
		},
		"deleted": func(w *harness, c *gh.IssueComment) {
			_, err := w.as("adam").Issues.DeleteComment(context.Background(), "acme", "infra-core", c.GetID())
			w.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				w.settled(reqA)
				w.pass(2 * time.Second)
				was := w.planComment()
				tamper(w, was)
				w.pass(2 * time.Second)
				w.review("omar", "APPROVE")
				w.pass(10 * time.Minute)
				if r := w.request(reqA); len(r.Approval.Approvers) > 0 {
					w.t.Fatalf("it counted: %+v", r.Approval)
				}
				w.assertEvent(reqA, "review_refused", "It is posted again")
				now := w.planComment()
				if now.GetID() == was.GetID() || now.GetBody() != was.GetBody() {
					w.t.Errorf("comment %d became %d:\n%s", was.GetID(), now.GetID(), now.GetBody())
				}
				w.review("omar", "APPROVE")
				w.until(reqA, "approved", approvedNow)
			})
		})
	}
}

// An approval that was given on GitHub stops counting when the plan that it was given for is edited before the merge.
func TestEditAfterTheReview(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.reviewed()
		c := w.planComment()
		w.pass(2 * time.Second)
		_, _, err := w.as("adam").Issues.EditComment(context.Background(), "acme", "infra-core", c.GetID(),
			&gh.IssueComment{Body: gh.String("-")})
		w.must(err)
		w.click(reqA, lifecycle.ActionMerge, "omar")
		w.until(reqA, "void", func(d store.Doc) bool {
			return !d.Request.Approval.Approved && d.Request.Intent(lifecycle.ActionMerge) == nil
		})
		w.assertEvent(reqA, "approval_voided", "was edited")
		if w.request(reqA).PR.Merged {
			w.t.Error("it was merged")
		}
	})
}

// The same holds between the merge and the apply. The pull request is closed then, so that
// nothing is posted there again.
func TestEditBetweenMergeAndApply(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.reviewed()
		w.merge(reqA)
		c := w.planComment()
		w.pass(2 * time.Second)
		_, _, err := w.as("adam").Issues.EditComment(context.Background(), "acme", "infra-core", c.GetID(),
			&gh.IssueComment{Body: gh.String("### TfPilot plan: nothing to see")})
		w.must(err)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "void", func(d store.Doc) bool {
			return !d.Request.Approval.Approved && d.Request.Intent(lifecycle.ActionApply) == nil
		})
		w.assertEvent(reqA, "approval_voided", "was edited")
		if len(w.request(reqA).Runs.Apply.Attempts) > 0 || w.planComment().GetID() != c.GetID() {
			w.t.Error("it was applied, or the comment is gone")
		}
	})
}

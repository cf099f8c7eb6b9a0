package worker_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// slowRunners leave time between a dispatch and the first step of its run.
var slowRunners = setup{github: func(c *hubsim.Config) { c.QueueDelay = 30 * time.Second }}

// attempt waits for the attempt of a kind and gives it.
func (w *harness) attempt(id string, kind lifecycle.Kind) lifecycle.Attempt {
	w.t.Helper()
	current := func(r lifecycle.Request) *lifecycle.Attempt { return r.CurrentRun(kind) }
	w.until(id, "an attempt with a run", func(d store.Doc) bool {
		a := current(d.Request)
		return a != nil && a.RunID != 0
	})
	return *current(w.request(id))
}

// With the plan role, which code of a module has during a plan, an attacker takes the claim
// of an apply in the name of its real run. That run fails, and nothing is applied.
func TestForgedClaimOfAnApply(t *testing.T) {
	withHarness(t, slowRunners, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.merge(reqA)
		plan := w.storeAs("run-plan-core", inprocess.To(w.bucket))
		w.click(reqA, lifecycle.ActionApply, "omar")
		a := w.attempt(reqA, lifecycle.KindApply)
		claim := lifecycle.Claim{Kind: lifecycle.KindApply, RequestID: reqA, RunID: a.RunID, RunAttempt: 1, SHA: a.HeadSHA,
			StartedAt: time.Now(), ProofHash: lifecycle.ProofHash("p")}
		if mine, _, err := plan.PutClaim(context.Background(), project, a.CorrelationID, claim); err != nil || !mine {
			t.Fatal(mine, err)
		}
		result := lifecycle.Result{
			Conclusion: "success", CorrelationID: a.CorrelationID, RunID: a.RunID, Proof: "p", Digest: a.Digest,
			Outputs: map[string]json.RawMessage{"arn": json.RawMessage(`"arn:aws:s3:::invented"`)},
		}
		if err := plan.PutResult(context.Background(), project, a.CorrelationID, result); err == nil {
			t.Error("the plan role reports an apply")
		}
		w.reach(reqA, lifecycle.StatusFailed)
		r := w.request(reqA)
		if len(r.Outputs) > 0 || w.ledger.did("apply", reqA) != 0 {
			t.Errorf("outputs %v, effects %v", r.Outputs, w.ledger.done())
		}
		w.pass(time.Minute)
		w.released(reqA)
	})
}

// A run that ends well without having done the work does not count, and the card says
// what to do.
func TestSuccessWithoutAResultDoesNotCount(t *testing.T) {
	for _, tt := range []struct {
		name  string
		code  lifecycle.ReasonCode
		leave func(w *harness, a lifecycle.Attempt)
	}{
		{"nothing is there", lifecycle.CodeResultMissing, func(*harness, lifecycle.Attempt) {}},
		{"a result of another", lifecycle.CodeResultForeign, func(w *harness, a lifecycle.Attempt) {
			apply := w.storeAs("run-apply-core", inprocess.To(w.bucket))
			w.must(apply.PutResult(context.Background(), project, a.CorrelationID, lifecycle.Result{
				Conclusion: "success", CorrelationID: a.CorrelationID, RunID: a.RunID, Proof: "p", Digest: a.Digest,
			}))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				w.approve(reqA)
				w.merge(reqA)
				w.ledger.holds("apply", true)
				w.click(reqA, lifecycle.ActionApply, "omar")
				a := w.attempt(reqA, lifecycle.KindApply)
				w.until(reqA, "the claim", func(store.Doc) bool { return len(w.ledger.claimed(a.CorrelationID)) > 0 })
				tt.leave(w, a)
				w.ledger.forgets(a.RunID)
				w.ledger.holds("apply", false)
				w.reach(reqA, lifecycle.StatusFailed)
				w.until(reqA, "the reason", func(d store.Doc) bool { return d.Request.Problem != nil })
				r := w.request(reqA)
				if got := r.Runs.Apply.Current(); got.Doubt != tt.code || got.Conclusion != "failure" {
					t.Errorf("attempt: %+v", got)
				}
				if p := r.Problem; p.Code != tt.code || !strings.Contains(p.Text, "does not count") ||
					!strings.Contains(p.Text, "re-plan") {
					t.Errorf("problem: %+v", p)
				}
				w.pass(time.Minute)
				w.assertEvent(reqA, "run_doubted", "does not count")
				w.released(reqA)
			})
		})
	}
}

// A plan that someone else stored instead of the run's is not shown, whatever it contains.
func TestForgedPlanIsNotShown(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		a := w.attempt(reqA, lifecycle.KindPlan)
		w.until(reqA, "the claim", func(store.Doc) bool { return len(w.ledger.claimed(a.CorrelationID)) > 0 })
		forged, ctx := (&terraform.Summary{}).Bytes(), context.Background()
		plan := w.storeAs("run-plan-core", inprocess.To(w.bucket))
		w.must(plan.PutSummary(ctx, project, a.CorrelationID, forged))
		w.must(plan.PutResult(ctx, project, a.CorrelationID, lifecycle.Result{
			Conclusion: "success", CorrelationID: a.CorrelationID, RunID: a.RunID, Proof: "p", Digest: terraform.Digest(forged),
		}))
		w.ledger.forgets(a.RunID)
		w.ledger.holds("plan", false)
		w.reach(reqA, lifecycle.StatusFailed)
		if r := w.request(reqA); r.Plan != nil || r.Runs.Plan.Current().Doubt != lifecycle.CodeResultForeign {
			t.Errorf("plan %+v of %+v", r.Plan, r.Runs.Plan.Current())
		}
	})
}

// A claim that names a run which TfPilot did not start for this attempt is not followed,
// however well that run ends.
func TestClaimOfAnotherRunIsNotFollowed(t *testing.T) {
	withHarness(t, setup{plan: []fault{{"github POST /actions/workflows/apply.yml/dispatches", 1, errorBefore}}},
		func(w *harness) {
			w.open(reqA)
			w.approve(reqA)
			w.merge(reqA)
			other := w.request(reqA).Runs.Plan.Current().RunID // it ended well
			w.click(reqA, lifecycle.ActionApply, "omar")
			w.until(reqA, "an attempt", func(d store.Doc) bool { return d.Request.Runs.Apply.Current() != nil })
			a := *w.request(reqA).Runs.Apply.Current()
			claim := lifecycle.Claim{Kind: lifecycle.KindApply, RequestID: reqA, RunID: other, RunAttempt: 1, SHA: a.HeadSHA,
				ProofHash: lifecycle.ProofHash("p")}
			plan := w.storeAs("run-plan-core", inprocess.To(w.bucket))
			if mine, _, err := plan.PutClaim(context.Background(), project, a.CorrelationID, claim); err != nil || !mine {
				t.Fatal(mine, err)
			}
			w.pass(5 * time.Minute)
			if got := w.request(reqA).Runs.Apply.Current(); got.RunID == other {
				t.Errorf("the plan's run was taken for the apply: %+v", got)
			}
			w.reach(reqA, lifecycle.StatusFailed)
			w.released(reqA)
		})
}

// A run that someone else starts in the environment's name, even under the name of a
// request, cancels nothing: neither an apply that waits nor a plan at work.
func TestForeignDispatchCancelsNothing(t *testing.T) {
	withHarness(t, slowRunners, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		plan := w.attempt(reqA, lifecycle.KindPlan)
		foreign := func(workflow string, a lifecycle.Attempt, ref string) {
			w.dispatchByHand("dana", workflow, map[string]any{
				"request_id": reqA, "environment_key": "dev", "environment_slug": "app", "sha": a.HeadSHA, "ref": ref,
				"correlation_id": a.CorrelationID, "dry_run": "false",
			})
		}
		foreign("plan.yml", plan, "request/"+reqA)
		w.pass(time.Minute)
		w.ledger.holds("plan", false)
		w.reach(reqA, lifecycle.StatusPlanReady)
		w.approve(reqA)
		w.merge(reqA)
		// would hold the group
		foreign("apply.yml", lifecycle.Attempt{HeadSHA: plan.HeadSHA, CorrelationID: "apply-" + strings.Repeat("0", 32)},
			"main")
		w.click(reqA, lifecycle.ActionApply, "omar")
		apply := w.attempt(reqA, lifecycle.KindApply)
		for range 3 {
			foreign("apply.yml", apply, "main")
			foreign("destroy.yml", lifecycle.Attempt{HeadSHA: apply.HeadSHA,
				CorrelationID: strings.Replace(apply.CorrelationID, "apply", "destroy", 1)}, "main")
		}
		w.reach(reqA, lifecycle.StatusApplied)
		if w.request(reqA).Runs.Apply.CurrentAttempt != 1 || w.ledger.did("apply", reqA) != 1 {
			t.Errorf("%+v, effects %v", w.request(reqA).Runs.Apply, w.ledger.done())
		}
		w.settled(reqA)
		w.assertInvariants()
	})
}

// A pull request that someone else opened for TfPilot's branch is not adopted, and a title
// that a person changed does not reach the default branch.
func TestForeignWordsStayOffTheDefaultBranch(t *testing.T) {
	const words = foreignWords
	withHarness(t, setup{plan: []fault{{"github POST /pulls", 1, errorBefore}}}, func(w *harness) {
		ctx, c := context.Background(), w.as("dana")
		w.ask(reqA, "dana")
		w.until(reqA, "the branch", func(store.Doc) bool {
			_, err := w.github.Files(repoName, "request/"+reqA)
			return err == nil
		})
		pull, _, err := c.PullRequests.Create(ctx, "acme", "infra-core",
			&gh.NewPullRequest{Title: gh.String(words), Head: gh.String("request/" + reqA), Base: gh.String("main")})
		w.must(err)
		w.until(reqA, "it is refused", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == lifecycle.CodeForeign
		})
		if text := w.request(reqA).Problem.Text; !strings.Contains(text, "Someone else opened") || w.request(reqA).PR != nil {
			t.Errorf("problem: %s", text)
		}
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", pull.GetNumber(),
			&gh.PullRequest{State: gh.String("closed")})
		w.must(err)
		w.planned(reqA, lifecycle.PurposeOpen)
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", w.request(reqA).PR.Number,
			&gh.PullRequest{Title: gh.String(words)})
		w.must(err)
		w.approve(reqA)
		w.merge(reqA)
		w.noForeignWords()
	})
}

// A branch with TfPilot's name and TfPilot's content is not adopted under another message either;
// the card says what to do.
func TestForeignBranchIsNotAdopted(t *testing.T) {
	withHarness(t, setup{plan: []fault{{"github POST /pulls", 1, errorBefore}}}, func(w *harness) {
		w.ask(reqA, "dana")
		w.until(reqA, "the branch", func(store.Doc) bool {
			_, err := w.github.Files(repoName, "request/"+reqA)
			return err == nil
		})
		w.reword("dana", "request/"+reqA)
		w.until(reqA, "it is refused", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == lifecycle.CodeForeign
		})
		if r := w.request(reqA); r.PR != nil || !strings.Contains(r.Problem.Text, "Delete it on GitHub") {
			t.Errorf("pull request %+v, problem %+v", r.PR, r.Problem)
		}
		_, err := w.as("dana").Git.DeleteRef(context.Background(), "acme", "infra-core", "heads/request/"+reqA)
		w.must(err)
		w.planned(reqA, lifecycle.PurposeOpen)
		w.approve(reqA)
		w.merge(reqA)
		w.noForeignWords()
	})
}

// A pull request that someone else opened for the branch of a cleanup is not adopted either: its
// text would reach the default branch without a review.
func TestForeignCleanupIsNotAdopted(t *testing.T) {
	const words = foreignWords
	withHarness(t, setup{}, func(w *harness) {
		ctx, c := context.Background(), w.as("dana")
		w.ready(reqA)
		w.apply(reqA)
		number := 0
		w.gate.onCall("github POST /pulls", func() {
			pull, _, err := c.PullRequests.Create(ctx, "acme", "infra-core", &gh.NewPullRequest{
				Title: gh.String(words), Body: gh.String(words), Head: gh.String("cleanup/" + reqA), Base: gh.String("main"),
			})
			w.must(err)
			number = pull.GetNumber()
		})
		w.destroy(reqA)
		w.until(reqA, "it is refused", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == lifecycle.CodeForeign
		})
		w.pass(time.Hour)
		r := w.request(reqA)
		if !strings.Contains(r.Problem.Text, "Someone else opened") ||
			!strings.Contains(r.Problem.Text, "use “Check run”") || r.Cleanup.PRNumber != 0 || !r.Cleanup.Blocked {
			t.Errorf("problem %+v, cleanup %+v", r.Problem, r.Cleanup)
		}
		pull, _, err := c.PullRequests.Get(ctx, "acme", "infra-core", number)
		w.must(err)
		if pull.GetMerged() {
			t.Error("it was merged")
		}
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", number, &gh.PullRequest{State: gh.String("closed")})
		w.must(err)
		w.click(reqA, lifecycle.ActionRepair, "omar")
		w.archived(reqA)
		w.noForeignWords()
		if files, err := w.github.Files(repoName, "main"); err != nil || slices.Contains(files, r.Target.Path) {
			t.Errorf("the code stays: %v, %v", files, err)
		}
	})
}

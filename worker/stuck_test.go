package worker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// quiet asserts that a request that only people can help costs GitHub little.
func (w *harness) quiet(limit int) {
	w.t.Helper()
	w.pass(20 * time.Minute)
	from := w.gate.count()
	apiCalls, _, names := w.spent(func() { w.pass(time.Hour) })
	if apiCalls > limit {
		w.t.Errorf("%d calls to GitHub in an hour since call %d:\n%s", apiCalls, from, names)
	}
}

// A destroy whose plan fails waits for a person, who plans again or keeps.
func TestDestroyPlanFails(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.ledger.fails("plan", errors.New("Error: no credentials"))
		w.click(reqA, lifecycle.ActionDestroy, "adam")
		w.until(reqA, "failed", func(d store.Doc) bool { p := d.Request.Problem; return p != nil && p.Step == "plan" })
		w.quiet(40)
		if n := len(w.request(reqA).Runs.Plan.Attempts); n != 2 {
			w.t.Errorf("%d plans: it was repeated by itself", n)
		}
		w.ledger.fails("plan", nil)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.planned(reqA, lifecycle.PurposeDestroy)
		w.click(reqA, lifecycle.ActionApprove, "omar")
		w.archived(reqA)
		w.assertInvariants()
		w.assertLogComplete(reqA)
	})
}

// Kept after a destroy plan, a request can be planned, applied and destroyed again.
func TestKept(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.click(reqA, lifecycle.ActionDestroy, "adam")
		w.planned(reqA, lifecycle.PurposeDestroy)
		w.must(w.change(reqA, "adam", lifecycle.CancelDestroy(time.Now())))
		w.pass(10 * time.Minute)
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "omar"), lifecycle.CodeNothing)
		w.ledger.forget(reqA)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.planned(reqA, lifecycle.PurposeReapply)
		w.approve(reqA)
		w.apply(reqA)
		w.destroy(reqA)
		w.archived(reqA)
		w.assertInvariants()
		w.released(reqA)
	})
}

// An apply that fails is not repeated: a new round shows what is left to do.
func TestApplyFailsThenTheNextRound(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.ledger.fails("apply", errors.New("Error: BucketAlreadyExists"))
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.reach(reqA, lifecycle.StatusFailed)
		w.settled(reqA)
		w.released(reqA)
		p := w.request(reqA).Problem
		if p == nil || !strings.Contains(p.Text, "BucketAlreadyExists") ||
			w.request(reqA).Runs.Apply.Current().FailedStep != "Apply" {
			w.t.Errorf("the card does not say why: %+v", p)
		}
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApply, "omar"), lifecycle.CodeNewRound)
		w.ledger.fails("apply", nil)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.planned(reqA, lifecycle.PurposeReapply)
		w.approve(reqA)
		w.apply(reqA)
		if p := w.request(reqA).Problem; p != nil {
			w.t.Errorf("the problem stays: %+v", p)
		}
		w.assertInvariants()
	})
}

// A cancelled apply is a failed attempt that TfPilot does not repeat.
func TestApplyIsCanceledOnGitHub(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.ledger.holds("apply", true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.atWork(reqA, lifecycle.KindApply)
		_, err := w.as("adam").Actions.CancelWorkflowRunByID(context.Background(), "acme", "infra-core",
			w.request(reqA).Runs.Apply.Current().RunID)
		if err != nil && !strings.Contains(err.Error(), "job scheduled") {
			w.must(err)
		}
		w.reach(reqA, lifecycle.StatusFailed)
		w.settled(reqA)
		w.pass(time.Hour)
		if n := len(w.request(reqA).Runs.Apply.Attempts); n != 1 || w.ledger.did("apply", reqA) != 0 {
			w.t.Errorf("%d attempts, effects %+v", n, w.ledger.done())
		}
		w.released(reqA)
	})
}

// The environment is not deployed yet: the card says so, GitHub is asked now and
// then, and the request continues by itself when it is.
func TestEnvironmentIsDeployedLater(t *testing.T) {
	const backend = "envs/dev/app/backend.tf"
	var text []byte
	withHarness(t, setup{github: func(c *hubsim.Config) {
		text = c.Repos[0].Files[backend]
		delete(c.Repos[0].Files, backend)
	}}, func(w *harness) {
		w.ask(reqA, "dana")
		w.until(reqA, "a problem", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == "not_deployed"
		})
		w.quiet(50)
		w.push("adam", "main", backend, string(text))
		w.planned(reqA, lifecycle.PurposeOpen)
		if p := w.request(reqA).Problem; p != nil {
			w.t.Errorf("the problem stays: %+v", p)
		}
	})
}

// A module is there when its directory holds Terraform configuration, whatever the files are called.
func TestModuleWithoutMainFile(t *testing.T) {
	const dir = "modules/s3-bucket/"
	var text []byte
	withHarness(t, setup{github: func(c *hubsim.Config) {
		files := c.Repos[0].Files
		text = files[dir+"main.tf"]
		for name := range files {
			if strings.HasPrefix(name, dir) && strings.HasSuffix(name, ".tf") {
				delete(files, name)
			}
		}
		files[dir+"parts/main.tf"], files[dir+".hidden.tf"] = text, text
	}}, func(w *harness) {
		w.ask(reqA, "dana")
		w.until(reqA, "a problem", func(d store.Doc) bool { return d.Request.Problem != nil })
		if p := w.request(reqA).Problem; p.Code != "not_deployed" ||
			!strings.Contains(p.Text, "modules/s3-bucket holds no .tf file") {
			w.t.Errorf("%+v", p)
		}
		w.push("adam", "main", dir+"bucket.tf", string(text))
		w.planned(reqA, lifecycle.PurposeOpen)
	})
}

// A request that is closed while it is being opened leaves no open pull request.
func TestClosedWhileOpening(t *testing.T) {
	for _, call := range []string{"github GET /git/ref/heads/main", "github POST /git/refs", "github POST /pulls",
		"s3 PUT webhooks", "s3 PUT grants", "github POST /actions/workflows/plan.yml/dispatches"} {
		t.Run(call, func(t *testing.T) {
			withHarness(t, setup{workers: 2}, func(w *harness) {
				w.pass(5 * time.Second)
				w.gate.onCall(call, func() { w.click(reqA, lifecycle.ActionClose, "dana"); time.Sleep(8 * time.Second) })
				w.ask(reqA, "dana")
				w.reach(reqA, lifecycle.StatusClosed)
				w.until(reqA, "tidy", func(d store.Doc) bool {
					return d.Request.ClosedAt != nil && len(lifecycle.Next(d.Request, lifecycle.EnvironmentState{}, time.Now())) == 0
				})
				w.pass(20 * time.Minute)
				for _, p := range w.github.Pulls(repoName) {
					if p.State == "open" {
						w.t.Errorf("pull request #%d is still open", p.Number)
					}
				}
				w.assertInvariants()
				w.assertLogComplete(reqA)
			})
		})
	}
}

// Killed before the pull request was recorded, then closed: nothing stays behind.
func TestClosedAfterAnOpeningThatDied(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pause()
		p := w.idleWorker()
		_, err := w.store.Create(context.Background(), newRequest(w.t, reqA, "dana", dev))
		w.must(err)
		w.gate.plan = []fault{{"github POST /pulls", 1, crashAfter}}
		_ = p.Reconcile(context.Background(), reqA)
		if w.request(reqA).PR != nil || len(w.github.Pulls(repoName)) != 1 {
			w.t.Fatal("it did not die in between")
		}
		w.click(reqA, lifecycle.ActionClose, "dana")
		w.resume(1)
		w.reach(reqA, lifecycle.StatusClosed)
		w.pass(5 * time.Minute)
		if pr := w.github.Pulls(repoName)[0]; pr.State != "closed" {
			w.t.Errorf("the pull request is %s", pr.State)
		}
	})
}

// A request that is closed while its plan's dispatch has no answer is not planned.
func TestClosedWithALostPlan(t *testing.T) {
	withHarness(t, setup{plan: []fault{{"github POST /actions/workflows/plan.yml/dispatches", 1, errorBefore}}},
		func(w *harness) {
			w.ask(reqA, "dana")
			w.until(reqA, "opened", func(d store.Doc) bool { return d.Request.PR != nil })
			w.click(reqA, lifecycle.ActionClose, "dana")
			w.reach(reqA, lifecycle.StatusClosed)
			w.settled(reqA)
			if n := w.github.Counts().Dispatches[repoName+" plan.yml"]; n != 0 {
				w.t.Errorf("%d plans of a closed request", n)
			}
			w.quiet(12) // failed deliveries are requested
		})
}

// A pull request that is closed on GitHub closes the request, and reopening it continues the
// request, also without a webhook.
func TestPullRequestClosedAndOpenedByHand(t *testing.T) {
	for _, drop := range []bool{false, true} {
		withHarness(t, setup{}, func(w *harness) {
			if drop {
				w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
			}
			state := func(s string) {
				_, _, err := w.as("dana").PullRequests.Edit(context.Background(), "acme", "infra-core", 1,
					&gh.PullRequest{State: gh.String(s)})
				w.must(err)
			}
			w.open(reqA)
			state("closed")
			w.reach(reqA, lifecycle.StatusClosed)
			refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "omar"), lifecycle.CodeClosed)
			w.pass(time.Hour)
			state("open")
			w.until(reqA, "open again", func(d store.Doc) bool {
				return lifecycle.Can(d.Request, lifecycle.ActionApprove) == nil
			})
			w.approve(reqA)
			w.merge(reqA)
			w.apply(reqA)
			w.assertInvariants()
		})
	}
}

// A request that TfPilot closed stays closed.
func TestClosedRequestStaysClosed(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.click(reqA, lifecycle.ActionReject, "omar")
		w.until(reqA, "closed", func(d store.Doc) bool { return d.Request.ClosedAt != nil })
		r := w.request(reqA)
		if r.Rejection == nil || r.Rejection.By != "omar" || len(r.Wanted) > 0 || w.status(reqA) != lifecycle.StatusClosed {
			w.t.Errorf("%+v, wanted %v, %s", r.Rejection, r.Wanted, w.status(reqA))
		}
		ctx, c := context.Background(), w.as("dana")
		_, _, err := c.Git.CreateRef(ctx, "acme", "infra-core",
			&gh.Reference{Ref: gh.String("refs/heads/" + r.Target.Branch), Object: &gh.GitObject{SHA: gh.String(r.PR.HeadSHA)}})
		w.must(err)
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", 1, &gh.PullRequest{State: gh.String("open")})
		w.must(err)
		w.pass(10 * time.Minute)
		if pr := w.github.Pulls(repoName)[0]; pr.State != "closed" || w.status(reqA) != lifecycle.StatusClosed {
			w.t.Errorf("pull request %s, status %s", pr.State, w.status(reqA))
		}
		w.quiet(12) // failed deliveries are requested
	})
}

// upToCleanup brings a request to a cleanup whose pull request TfPilot cannot merge.
func (w *harness) upToCleanup() {
	w.t.Helper()
	w.must(w.github.SetRequiredReviews(repoName, 0))
	w.ready(reqA)
	w.apply(reqA)
	w.ledger.holds("cleanup", true)
	w.destroy(reqA)
	w.until(reqA, "cleaning", func(d store.Doc) bool { return d.Request.Cleanup != nil })
}

// While the cleanup's pull request waits for a person, the card says so, GitHub is
// left in peace, and the merge by hand ends the request.
func TestCleanupWaitsForAPerson(t *testing.T) {
	for _, drop := range []bool{false, true} {
		withHarness(t, setup{}, func(w *harness) {
			if drop {
				w.github.AddWebhookFault(hubsim.WebhookFault{Kind: hubsim.HookDrop})
			}
			w.upToCleanup()
			w.must(w.github.SetRequiredReviews(repoName, 1))
			w.ledger.holds("cleanup", false)
			w.until(reqA, "refused", func(d store.Doc) bool {
				p := d.Request.Problem
				return p != nil && p.Step == "cleanup_merge"
			})
			if w.status(reqA) != lifecycle.StatusDestroyed {
				w.t.Errorf("status %s", w.status(reqA))
			}
			w.quiet(150)
			n := w.request(reqA).Cleanup.PRNumber
			_, _, err := w.as("omar").PullRequests.CreateReview(context.Background(), "acme", "infra-core", n,
				&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")})
			w.must(err)
			if !drop {
				_, _, err = w.as("dana").PullRequests.Merge(context.Background(), "acme", "infra-core", n, "", nil)
				w.must(err)
			}
			w.archived(reqA)
			w.assertInvariants()
			w.assertLogComplete(reqA)
		})
	}
}

// A cleanup pull request that a person changed is not merged, and is made again when a person
// requests it.
func TestCleanupIsTampered(t *testing.T) {
	for name, tamper := range map[string]func(*harness, int){
		"other content in the file": func(w *harness, _ int) {
			w.push("dana", "cleanup/"+reqA, w.request(reqA).Target.Path, "resource \"evil\" \"x\" {}\n")
		},
		"another file": func(w *harness, _ int) { w.push("dana", "cleanup/"+reqA, "envs/dev/app/evil.tf", "# evil\n") },
		"other words":  func(w *harness, _ int) { w.reword("dana", "cleanup/"+reqA) },
		"closed": func(w *harness, n int) {
			_, _, err := w.as("dana").PullRequests.Edit(context.Background(), "acme", "infra-core", n,
				&gh.PullRequest{State: gh.String("closed")})
			w.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.upToCleanup()
				w.gate.onCall("github PUT /pulls/*/merge", func() { w.t.Error("it was merged") })
				w.gate.onCall("s3 PUT history", func() { w.t.Error("it was archived") })
				opened := false
				w.gate.onCall("github GET /pulls/*", func() { opened = true; tamper(w, w.request(reqA).Cleanup.PRNumber) })
				w.ledger.holds("cleanup", false)
				w.until(reqA, "blocked", func(d store.Doc) bool { return d.Request.Cleanup.Blocked })
				if !opened {
					w.t.Fatal("the pull request was not read")
				}
				w.quiet(150)
				w.gate.onCall("github PUT /pulls/*/merge", nil)
				w.gate.onCall("s3 PUT history", nil)
				w.click(reqA, lifecycle.ActionRepair, "omar")
				w.archived(reqA)
				w.noForeignWords()
				files, err := w.github.Files(repoName, "main")
				w.must(err)
				if all := strings.Join(files, "\n"); strings.Contains(all, "evil") || strings.Contains(all, reqA) {
					w.t.Errorf("main holds:\n%s", all)
				}
			})
		})
	}
}

// What GitHub refuses is on the card and leaves the request, so that a person requests it
// again; TfPilot does not repeat the call.
func TestGitHubRefuses(t *testing.T) {
	for _, c := range []struct {
		what   lifecycle.Action
		method string
		path   string
		upTo   func(*harness)
	}{
		{lifecycle.ActionClose, "PATCH", "/repos/acme/infra-core/pulls/*", func(w *harness) { w.open(reqA) }},
		{lifecycle.ActionMerge, "PUT", "/repos/acme/infra-core/pulls/*/merge", func(w *harness) {
			w.open(reqA)
			w.approve(reqA)
		}},
		{lifecycle.ActionApply, "GET", "/repos/acme/infra-core/git/ref/**", func(w *harness) { w.ready(reqA) }},
		{lifecycle.ActionApply, "POST", "/repos/acme/infra-core/actions/workflows/*/dispatches", func(w *harness) {
			w.ready(reqA)
		}},
		{lifecycle.ActionPlan, "GET", "/repos/acme/infra-core/git/ref/**", func(w *harness) { w.ready(reqA) }},
		{lifecycle.ActionDestroy, "GET", "/repos/acme/infra-core/git/ref/**", func(w *harness) {
			w.ready(reqA)
			w.apply(reqA)
		}},
	} {
		t.Run(string(c.what)+" "+c.method, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				c.upTo(w)
				w.settled(reqA)
				w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 422, Method: c.method, Path: "/api/v3" + c.path})
				w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 422, Method: c.method, Path: c.path})
				w.click(reqA, c.what, "adam")
				w.served(reqA, c.what)
				w.until(reqA, "told", func(d store.Doc) bool { return d.Request.Problem != nil })
				if text := w.request(reqA).Problem.Text; !strings.Contains(text, "GitHub refused") {
					w.t.Errorf("the card says %q", text)
				}
				w.quiet(60)
				w.released(reqA)
				w.github.ClearFaults()
			})
		})
	}
}

// A destroy run that is silent for too long reads as failed; its card is drawn again
// when the time comes, though nothing happened.
func TestSilentDestroy(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.ledger.holds("destroy", true)
		w.click(reqA, lifecycle.ActionDestroy, "adam")
		w.planned(reqA, lifecycle.PurposeDestroy)
		w.click(reqA, lifecycle.ActionApprove, "omar")
		w.reach(reqA, lifecycle.StatusDestroying)
		w.pass(10 * time.Minute)
		drawn := w.drawn(reqA)
		w.reach(reqA, lifecycle.StatusFailed)
		w.pass(2 * time.Minute)
		if w.drawn(reqA) == drawn {
			w.t.Error("the card was not enqueued")
		}
		if w.lease().Holder == nil {
			w.t.Error("the lease was freed")
		}
		w.ledger.holds("destroy", false)
		w.archived(reqA)
		w.assertInvariants()
	})
}

func (w *harness) drawn(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cards[id]
}

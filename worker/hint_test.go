package worker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// A delivery that GitHub signed is not about a request because it bears its name: the
// run must be in its repository, dispatched by TfPilot, on the base branch.
func TestSealedHintOfAnotherRun(t *testing.T) {
	for name, change := range map[string]func(*github.Hint){
		"another repository": func(h *github.Hint) { h.RepoID++ },
		"no repository":      func(h *github.Hint) { h.RepoID = 0 },
		"another event":      func(h *github.Hint) { h.Run.Event = "push" },
		"another branch":     func(h *github.Hint) { h.Run.HeadBranch = "request/" + reqA },
		"another account":    func(h *github.Hint) { h.Run.Actor = "dana" },
		"another workflow":   func(h *github.Hint) { h.Run.Path = ".github/workflows/release.yml" },
		"":                   func(*github.Hint) {},
	} {
		t.Run(name, func(t *testing.T) { // a harness of its own: a foreign run is remembered
			hinted(t, setup{}, hasRun, func(w *harness, p *process, a lifecycle.Attempt) {
				hint := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
				change(&hint)
				w.must(p.Webhook(w.t.Context(), w.hint(hint)))
				if got := w.request(reqA).Runs.Plan.Current(); (got.Conclusion == "failure") != (name == "") {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// hinted is a harness with a plan at work and idle workers: the test passes hints to one of them.
func hinted(t *testing.T, s setup, ready func(lifecycle.Attempt) bool,
	play func(*harness, *process, lifecycle.Attempt)) {
	withHarness(t, s, func(w *harness) {
		w.silent()
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.until(reqA, "an attempt", func(d store.Doc) bool {
			a := d.Request.Runs.Plan.Current()
			return a != nil && ready(*a)
		})
		w.pause()
		p := w.idleWorker()
		a := *w.request(reqA).Runs.Plan.Current()
		_, err := p.GitHub.Self(w.t.Context())
		w.must(err)
		play(w, p, a)
		w.ledger.holds("plan", false)
	})
}

func hasRun(a lifecycle.Attempt) bool { return a.RunID != 0 }

// A delivery makes TfPilot read what it is about, and nothing else.
func TestWhatADeliveryReads(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.open(reqA)
		w.pause()
		p, a := w.idleWorker(), *w.request(reqA).Runs.Plan.Current()
		_, err := p.GitHub.Self(w.t.Context())
		w.must(err)
		repo, number := w.request(reqA).Target.RepoID, w.request(reqA).PR.Number
		pull := func(event, action string, repo int64, number int) github.Hint {
			return github.Hint{Event: event, Action: action, RepoID: repo, Pull: &github.PullHint{Number: number}}
		}
		requested := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "queued", "")
		requested.Action = "requested"
		titled := w.runHint(4711, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
		titled.Run.DisplayTitle = story.RunTitle(lifecycle.KindApply, reqA, "apply-0123456789abcdef0123456789abcdef")
		newRun, started := requested, w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "in_progress", "")
		other := *requested.Run
		other.ID, other.DisplayTitle = 4712, story.RunTitle(lifecycle.KindPlan, reqB, "plan-0123456789abcdef0123456789abcdef")
		newRun.Run = &other
		for _, c := range []struct {
			name    string
			hint    github.Hint
			apiCall string // the only call to GitHub
			bucket  int    // calls to S3 at most: 1 is an index, 2 the document too
		}{
			{"review", pull("pull_request_review", "submitted", repo, number), "github GET /pulls/*/reviews", 4},
			{"pull request", pull("pull_request", "edited", repo, number), "github GET /pulls/*", 4},
			{"pull request that TfPilot opens", pull("pull_request", "opened", repo, number), "", 0},
			{"of another repository", pull("pull_request", "closed", repo+1, number), "", 1},
			{"of another number", pull("pull_request", "closed", repo, number+1), "", 1},
			{"without its pull request", github.Hint{Event: "pull_request", Action: "closed", RepoID: repo}, "", 0},
			{"review without its pull request", github.Hint{Event: "pull_request_review", Action: "submitted", RepoID: repo},
				"", 0},
			{"run without its run", github.Hint{Event: "workflow_run", Action: "completed", RepoID: repo}, "", 0},
			{"run that is requested", requested, "", 0},
			{"run that is requested, of a request in no cache", newRun, "", 0},
			{"run that is at work, of a cached request", started, "", 0},
			{"run with the title of another kind, which is noted", titled, "", 3},
			{"another event", pull("push", "closed", repo, number), "", 0},
		} {
			before := w.facts(reqA)
			apiCalls, bucket, names := w.spent(func() { w.must(p.Webhook(w.t.Context(), w.hint(c.hint))) })
			if (apiCalls > 0) != (c.apiCall != "") || apiCalls > 1 || c.apiCall != "" &&
				!slices.Contains(strings.Split(names, "\n"), c.apiCall) {
				t.Errorf("%s: %d calls to GitHub, want %q:\n%s", c.name, apiCalls, c.apiCall, names)
			}
			if bucket > c.bucket {
				t.Errorf("%s: %d calls to S3, want %d:\n%s", c.name, bucket, c.bucket, names)
			}
			if w.facts(reqA) != before {
				t.Errorf("%s: the facts changed", c.name)
			}
		}
		again := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "queued", "")
		again.Action, again.Run.Attempt = "requested", 2
		w.must(p.Webhook(w.t.Context(), w.hint(again)))
		if got := w.request(reqA).Runs.Plan.Current(); got.RerunSeen != 2 {
			t.Errorf("a run that is requested again: %+v", got)
		}
	})
}

// A run whose dispatch got no answer is found by its title, of the same kind.
func TestRunIsFoundByItsTitle(t *testing.T) {
	lost := setup{plan: []fault{{"github POST /actions/workflows/plan.yml/dispatches", 1, errorBefore}}}
	hinted(t, lost, func(a lifecycle.Attempt) bool { return a.DispatchedAt != nil || a.Sends > 0 },
		func(w *harness, p *process, a lifecycle.Attempt) {
			if a.RunID != 0 {
				t.Fatalf("the run is known: %+v", a)
			}
			w.pass(lifecycle.FindAfter) // until then, a run that only started is left to its sender
			run := func(title lifecycle.Kind, cid string) int64 {
				hint := w.runHint(4711, lifecycle.KindPlan, cid, "in_progress", "")
				hint.Run.DisplayTitle = story.RunTitle(title, reqA, cid)
				w.must(p.Webhook(w.t.Context(), w.hint(hint)))
				return w.request(reqA).Runs.Plan.Current().RunID
			}
			if got := run(lifecycle.KindApply, a.CorrelationID); got != 0 {
				t.Errorf("by the title of another kind: %d", got)
			}
			if got := run(lifecycle.KindPlan, "plan-0123456789abcdef0123456789abcdef"); got != 0 {
				t.Errorf("by another correlation id: %d", got)
			}
			w.must(w.store.PutRunIndex(w.t.Context(), lifecycle.RunIndex{Kind: lifecycle.KindPlan, RunID: 4710, RequestID: reqA}))
			named := w.runHint(4710, lifecycle.KindPlan, a.CorrelationID, "in_progress", "")
			named.Run.DisplayTitle = story.RunTitle(lifecycle.KindPlan, reqB, a.CorrelationID)
			w.must(p.Webhook(w.t.Context(), w.hint(named)))
			if got := w.request(reqA).Runs.Plan.Current().RunID; got != 0 {
				t.Errorf("by the title of another request: %d", got)
			}
			if got := run(lifecycle.KindPlan, a.CorrelationID); got != 4711 {
				t.Errorf("by its title: %d", got)
			}
		})
}

// Only the run with the claim counts when an attempt was sent more than once.
func TestRunThatWasSentTwiceNeedsTheClaim(t *testing.T) {
	const send = "github POST /actions/workflows/plan.yml/dispatches"
	lost := setup{plan: []fault{{send, 1, errorBefore}, {send, 2, errorBefore}}}
	hinted(t, lost, func(a lifecycle.Attempt) bool {
		return a.Sends == 2
	}, func(w *harness, p *process, a lifecycle.Attempt) {
		if a.RunID != 0 {
			t.Fatalf("the run is known: %+v", a)
		}
		w.pass(lifecycle.FindAfter) // until then, a run that only started is left to its sender
		seen := func(run int64) int64 {
			w.must(p.Webhook(w.t.Context(), w.hint(w.runHint(run, lifecycle.KindPlan, a.CorrelationID, "in_progress", ""))))
			return w.request(reqA).Runs.Plan.Current().RunID
		}
		if got := seen(4711); got != 0 {
			t.Errorf("without a claim: %d", got)
		}
		claim := lifecycle.Claim{Kind: lifecycle.KindPlan, RequestID: reqA, RunID: 4711, RunAttempt: 1, SHA: a.HeadSHA,
			ProofHash: lifecycle.ProofHash("p")}
		_, _, err := w.storeAs("run-plan-core", inprocess.To(w.bucket)).PutClaim(w.t.Context(), project, a.CorrelationID,
			claim)
		w.must(err)
		if w.interrupted(p, "s3 GET claims", w.runHint(4711, lifecycle.KindPlan, a.CorrelationID, "in_progress", "")) == nil {
			t.Error("the claim could not be read, and the task is done")
		}
		if got := seen(4712); got != 0 {
			t.Errorf("with the claim of another run: %d", got)
		}
		if got := seen(4711); got != 4711 {
			t.Errorf("with its claim: %d", got)
		}
	})
}

// A hint whose reads or writes fail is handled again.
func TestHintIsHandledAgainAfterAFailure(t *testing.T) {
	for _, call := range []string{"s3 GET webhooks", "s3 GET requests", "s3 PUT requests"} {
		t.Run(call, func(t *testing.T) {
			hinted(t, setup{}, hasRun, func(w *harness, p *process, a lifecycle.Attempt) {
				w.redis.FlushAll() // nothing is cached
				hint := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
				if w.interrupted(p, call, hint) == nil {
					t.Error("the task is done")
				}
				w.must(p.Webhook(w.t.Context(), w.hint(hint)))
				if got := w.request(reqA).Runs.Plan.Current(); got.Conclusion != "failure" {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// interrupted handles a hint whose time ends at a call.
func (w *harness) interrupted(p *process, call string, hint github.Hint) error {
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.gate.onCall(call, cancel)
	return p.Webhook(ctx, w.hint(hint))
}

// While a worker reconciles a request, a hint records its fact and runs no step beside it. The
// reconcile under way continues with it.
func TestHintBesideAReconcile(t *testing.T) {
	hinted(t, setup{}, hasRun, func(w *harness, p *process, a lifecycle.Attempt) {
		hint := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
		hint.Run.CompletedAt = time.Now()
		w.gate.onCall("s3 GET requests", func() {
			w.must(p.Webhook(w.t.Context(), w.hint(hint)))
			r := w.request(reqA)
			if got := r.Runs.Plan.Current(); got.Conclusion != "failure" || got.ResultRead {
				t.Errorf("beside the reconcile: %+v", got)
			}
			if !w.cardWaits(r) {
				t.Errorf("the card does not wait at version %d", r.Version)
			}
		})
		w.must(p.Reconcile(w.t.Context(), reqA))
		if got := w.request(reqA).Runs.Plan.Current(); !got.ResultRead {
			t.Errorf("afterwards: %+v", got)
		}
	})
}

// cardWaits reports whether the card of a request waits to be drawn from its version.
func (w *harness) cardWaits(r lifecycle.Request) bool {
	return strings.HasSuffix(w.redis.HGet("{tfpilot}:cards:waits", r.ID), fmt.Sprintf(" %d", r.Version))
}

// A hint without a seal leaves one audit event where it points, and none elsewhere.
func TestForgedHintIsNotedWhereItPoints(t *testing.T) {
	hinted(t, setup{}, hasRun, func(w *harness, p *process, a lifecycle.Attempt) {
		repo, number := w.request(reqA).Target.RepoID, w.request(reqA).PR.Number
		noted := func() (n int) {
			for _, e := range w.events(reqA) {
				if e.Type == "task_refused" {
					n++
				}
			}
			return n
		}
		known := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
		titled, foreign, unknown, otherKind := known, known, known, known
		for h, change := range map[*github.Hint]func(*github.RunHint){
			&titled:  func(r *github.RunHint) { r.ID = 4711 },
			&foreign: func(r *github.RunHint) { r.Path = ".github/workflows/release.yml" },
			&unknown: func(r *github.RunHint) { r.ID, r.DisplayTitle = 4711, "release" },
			&otherKind: func(r *github.RunHint) {
				r.ID, r.DisplayTitle = 4711, story.RunTitle(lifecycle.KindApply, reqA, "apply-0123456789abcdef0123456789abcdef")
			},
		} {
			run := *known.Run
			change(&run)
			h.Run = &run
		}
		for _, c := range []struct {
			name string
			hint github.Hint
			want int
		}{
			{"its run", known, 1},
			{"its run by the title", titled, 1},
			{"another workflow", foreign, 0},
			{"another run", unknown, 0},
			{"the title of another kind", otherKind, 0},
			{"its pull request", github.Hint{Event: "pull_request", RepoID: repo, Pull: &github.PullHint{Number: number}}, 1},
			{"another pull request", github.Hint{Event: "pull_request", RepoID: repo,
				Pull: &github.PullHint{Number: number + 1}}, 0},
			{"nothing", github.Hint{Event: "push"}, 0},
		} {
			data, err := json.Marshal(c.hint)
			w.must(err)
			other := hmac.New(sha256.New, hintKey) // the key with another purpose
			other.Write(data)
			_, err = w.store.Update(w.t.Context(), reqA, lifecycle.System("test"),
				lifecycle.Noted("between", c.name, lifecycle.System("test"), time.Now()))
			w.must(err) // what is noted twice in a row counts once
			before, facts := noted(), w.facts(reqA)
			w.must(p.Webhook(w.t.Context(), append(other.Sum(nil), data...)))
			if got := noted() - before; got != c.want || w.facts(reqA) != facts {
				t.Errorf("%s: %d audit events, want %d", c.name, got, c.want)
			}
		}
		known.Run.CompletedAt = time.Now()
		w.must(p.Webhook(w.t.Context(), w.hint(known)))
		if got := w.request(reqA).Runs.Plan.Current(); got.Conclusion != "failure" || !got.ResultRead {
			t.Errorf("a sealed one, and what follows from it: %+v", got)
		}
	})
}

// A person's merge of a cleanup's pull request is read when a delivery reports a change of it.
func TestHintOfACleanup(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.upToCleanup()
		w.must(w.github.SetRequiredReviews(repoName, 1))
		w.ledger.holds("cleanup", false)
		w.until(reqA, "refused", func(d store.Doc) bool {
			return d.Request.Problem != nil && d.Request.Problem.Step == "cleanup_merge"
		})
		w.pause()
		p, r := w.idleWorker(), w.request(reqA)
		hint := w.hint(github.Hint{Event: "pull_request", Action: "closed", RepoID: r.Target.RepoID,
			Pull: &github.PullHint{Number: r.Cleanup.PRNumber}})
		w.must(p.Webhook(w.t.Context(), hint))
		if at := w.request(reqA).Cleanup.MergedAt; at != nil {
			t.Errorf("merged at %s, and it is open", at)
		}
		_, _, err := w.as("omar").PullRequests.CreateReview(w.t.Context(), "acme", "infra-core", r.Cleanup.PRNumber,
			&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")})
		w.must(err)
		_, _, err = w.as("dana").PullRequests.Merge(w.t.Context(), "acme", "infra-core", r.Cleanup.PRNumber, "", nil)
		w.must(err)
		w.must(p.Webhook(w.t.Context(), hint))
		if w.request(reqA).Cleanup.MergedAt == nil {
			t.Error("the merge is not recorded")
		}
	})
}

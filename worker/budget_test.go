package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/worker"
)

// spent counts the outside calls that something makes, and names them.
func (w *harness) spent(do func()) (apiCalls, bucket int, names string) {
	from := w.gate.count()
	do()
	calls := w.gate.since(from)
	for _, c := range calls {
		if strings.HasPrefix(c, "github ") {
			apiCalls++
		} else {
			bucket++
		}
	}
	return apiCalls, bucket, strings.Join(calls, "\n")
}

// Opening, undisturbed, up to the dispatched plan: at most 8 calls to GitHub and 12
// to S3.
func TestOpeningBudget(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pass(10 * time.Second)
		w.pause()
		p := w.idleWorker()
		_, err := w.store.Create(w.t.Context(), newRequest(t, reqA, "dana", dev))
		w.must(err)
		apiCalls, bucket, names := w.spent(func() { w.must(p.Reconcile(w.t.Context(), reqA)) })
		if apiCalls > 8 || bucket > 12 {
			t.Errorf("%d calls to GitHub, %d to S3:\n%s", apiCalls, bucket, names)
		}
		if a := w.request(reqA).Runs.Plan.Current(); a == nil || a.RunID == 0 {
			t.Errorf("the plan is not dispatched: %+v", a)
		}
	})
}

// A whole life, from the request to its archived document with five runs, undisturbed. The
// sweeps and syncs of that time are part of it.
func TestLifeBudget(t *testing.T) {
	withHarness(t, setup{poll: time.Second}, func(w *harness) {
		w.pass(10 * time.Second)
		apiCalls, bucket, names := w.spent(func() { w.journey(reqA) })
		writes := strings.Count(names+"\n", "s3 PUT requests\n")
		t.Logf("%d calls to GitHub, %d to S3, %d of them write the document:\n%s", apiCalls, bucket, writes, names)
		if apiCalls > 39 || bucket > 110 || writes > 33 {
			t.Errorf("%d calls to GitHub, %d to S3, %d of them write the document:\n%s", apiCalls, bucket, writes, names)
		}
	})
}

// idleWorker is a worker whose tasks and sweep do not run: the test calls it.
func (w *harness) idleWorker() *process {
	w.gate.over.Store(true)
	p := w.startWorker()
	p.cancel()
	<-p.done
	return p
}

// hint is a webhook as the endpoint hands it on.
func (w *harness) hint(h github.Hint) []byte {
	data, err := json.Marshal(h)
	w.must(err)
	return worker.SealHint(hintKey, data)
}

func (w *harness) runHint(run int64, kind lifecycle.Kind, cid, status string,
	conclusion lifecycle.Conclusion) github.Hint {
	return github.Hint{
		Event: "workflow_run", Action: status, Delivery: "d-1", RepoID: w.request(reqA).Target.RepoID, Repo: repoName,
		Run: &github.RunHint{
			ID: run, Attempt: 1, Status: status, Conclusion: conclusion, Path: ".github/workflows/" + string(kind) + ".yml",
			Name:         string(kind),
			DisplayTitle: story.RunTitle(kind, reqA, cid), HeadBranch: "main", Event: "workflow_dispatch", Actor: bot,
			CreatedAt: time.Now(), UpdatedAt: time.Now(),
		},
	}
}

// A workflow_run webhook costs at most 4 calls to S3 and none to GitHub. One that brings a
// success costs 6, since claim and result are read and taken in with the same write, and
// posts the plan with two more and one call to GitHub. The other two events cost one call to GitHub each.
func TestWebhookBudgets(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.atWork(reqA, lifecycle.KindPlan)
		w.pause()
		p := w.idleWorker()
		a := *w.request(reqA).Runs.Plan.Current()
		w.leave(a)
		// learns its own name, as a worker does when it starts
		w.must(p.Webhook(w.t.Context(), w.hint(w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "in_progress", ""))))
		repo, number := w.request(reqA).Target.RepoID, w.request(reqA).PR.Number
		pull := &github.PullHint{Number: number}
		_, _, err := w.as("dana").PullRequests.Edit(w.t.Context(), "acme", "infra-core", number,
			&gh.PullRequest{Title: gh.String("another title")})
		w.must(err)
		for _, c := range []struct {
			name              string
			hint              github.Hint
			apiCalls, buckets int
		}{
			{"completed", w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "success"), 1, 8},
			{"completed again", w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "success"), 0, 4},
			{"of no request", w.runHint(4711, lifecycle.KindPlan, "plan-0123456789abcdef0123456789abcdef", "completed",
				"success"), 0, 4},
			{"pull request", github.Hint{Event: "pull_request", Action: "edited", RepoID: repo, Pull: pull}, 1, 4},
			{"review", github.Hint{Event: "pull_request_review", Action: "submitted", RepoID: repo, Pull: pull,
				Review: &github.ReviewHint{ID: 1}}, 1, 4},
		} {
			apiCalls, bucket, names := w.spent(func() { w.must(p.Webhook(context.Background(), w.hint(c.hint))) })
			if apiCalls > c.apiCalls || bucket > c.buckets {
				t.Errorf("%s: %d calls to GitHub, %d to S3:\n%s", c.name, apiCalls, bucket, names)
			}
		}
		if got := w.request(reqA).Runs.Plan.Current().Conclusion; got != "success" {
			t.Errorf("the webhook was not taken in: %q", got)
		}
		w.ledger.holds("plan", false)
	})
}

// A webhook about a merge that is already recorded costs one call to S3. A review is read even
// then, since it may withdraw an approval.
func TestHintOfARecordedMerge(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.merge(reqA)
		w.settled(reqA)
		w.pause()
		p, repo, number := w.idleWorker(), w.request(reqA).Target.RepoID, w.request(reqA).PR.Number
		send := func(event, action string) (apiCalls, bucket int, names string) {
			h := github.Hint{Event: event, Action: action, RepoID: repo, Pull: &github.PullHint{Number: number}}
			return w.spent(func() { w.must(p.Webhook(context.Background(), w.hint(h))) })
		}
		send("pull_request", "closed") // learns its own name, as a worker does when it starts
		if apiCalls, bucket, names := send("pull_request", "closed"); apiCalls != 0 || bucket != 1 {
			t.Errorf("%d calls to GitHub, %d to S3:\n%s", apiCalls, bucket, names)
		}
		if apiCalls, _, names := send("pull_request_review", "submitted"); apiCalls != 1 {
			t.Errorf("%d calls to GitHub for a review:\n%s", apiCalls, names)
		}
	})
}

// GitHub reports a merge of TfPilot's own before the worker that merges has recorded it. The report is
// taken up again a moment later, and then also when a person merged.
func TestHintOfAMergeThatIsBeingCarriedOut(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.settled(reqA)
		w.pause()
		p, repo, number := w.idleWorker(), w.request(reqA).Target.RepoID, w.request(reqA).PR.Number
		_, err := w.store.Update(w.t.Context(), reqA, lifecycle.Actor{Login: "omar", Source: "slack"},
			func(r lifecycle.Request) (lifecycle.Request, error) {
				r.Wanted = append(r.Wanted, lifecycle.Intent{What: lifecycle.ActionMerge, By: "omar", ByID: 1003,
					At: time.Now().UTC(), HeadSHA: r.Plan.SHA, PlanDigest: r.Plan.Digest})
				return r, nil
			})
		w.must(err)
		_, _, err = w.as("dana").PullRequests.Merge(context.Background(), "acme", "infra-core", number, "", nil)
		w.must(err)
		send := func(action string) error {
			return p.Webhook(context.Background(), w.hint(github.Hint{Event: "pull_request", Action: action, RepoID: repo,
				Pull: &github.PullHint{Number: number}}))
		}
		var later interface{ RetryAfter() time.Duration }
		apiCalls, _, names := w.spent(func() {
			if err := send("closed"); !errors.As(err, &later) || later.RetryAfter() > 5*time.Second {
				t.Errorf("it is not left for later: %v", err)
			}
		})
		if apiCalls != 0 || w.request(reqA).PR.Merged {
			t.Errorf("merged %v, %d calls to GitHub:\n%s", w.request(reqA).PR.Merged, apiCalls, names)
		}
		w.pass(5 * time.Second)
		w.must(send("closed"))
		if !w.request(reqA).PR.Merged {
			t.Error("the merge was not seen")
		}
	})
}

// Settled documents cost a sweep no read.
func TestSweepBudget(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.pass(5 * time.Minute)
		apiCalls, bucket, names := w.spent(func() { w.pass(10 * time.Minute) })
		// each minute one list of documents and one of environments; each five minutes one
		// list of pull requests, of runs and of failed deliveries
		if bucket > 10*2+2 || apiCalls > 3*3 {
			t.Errorf("%d calls to GitHub, %d to S3 in ten quiet minutes:\n%s", apiCalls, bucket, names)
		}
	})
}

// Among many requests in a repository, sync takes up the requests with news on GitHub. When they
// have no reviews, it writes nothing, and no other worker reads them again. A review after that is
// seen.
func TestSyncReadsWhatHasNews(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.open(reqB)
		w.settled(reqA)
		w.settled(reqB)
		w.pause()
		w.silent()
		p, repo := w.idleWorker(), github.Repo{Owner: "acme", Name: "infra-core"}
		w.must(p.Sweep(context.Background()))
		for range 3 {
			w.pass(time.Minute)
			w.must(p.Sync(context.Background(), repo))
		}
		w.comment("look")
		w.pass(time.Minute)
		_, bucket, names := w.spent(func() { w.must(p.Sync(context.Background(), repo)) })
		if reviews := strings.Count(names, "/reviews"); reviews != 1 || bucket != 0 {
			w.t.Errorf("%d reads of reviews, %d calls to S3 for a comment:\n%s", reviews, bucket, names)
		}
		other := w.idleWorker()
		w.must(other.Sweep(context.Background()))
		for _, sync := range []*process{p, other} {
			_, _, names := w.spent(func() { w.must(sync.Sync(context.Background(), repo)) })
			if strings.Contains(names, "/reviews") {
				w.t.Errorf("the reviews were read again:\n%s", names)
			}
		}
		w.review("omar", "APPROVE")
		w.pass(time.Minute)
		w.must(other.Sync(context.Background(), repo))
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the review was not seen")
		}
	})
}

// In a repository where much else happens, a sync reads what changed since the last one,
// not since the oldest request opened.
func TestSyncInABusyRepository(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.pause()
		w.silent()
		for i := range 120 {
			branch := fmt.Sprintf("topic-%d", i)
			main, _, err := w.as("dana").Git.GetRef(context.Background(), "acme", "infra-core", "heads/main")
			w.must(err)
			_, _, err = w.as("dana").Git.CreateRef(context.Background(), "acme", "infra-core",
				&gh.Reference{Ref: gh.String("refs/heads/" + branch), Object: main.Object})
			w.must(err)
			w.push("dana", branch, "docs/"+branch+".md", "words")
			_, _, err = w.as("dana").PullRequests.Create(context.Background(), "acme", "infra-core",
				&gh.NewPullRequest{Title: gh.String(branch), Head: gh.String(branch), Base: gh.String("main")})
			w.must(err)
			w.pass(20 * time.Second)
		}
		p, repo := w.idleWorker(), github.Repo{Owner: "acme", Name: "infra-core"}
		w.must(p.Sweep(context.Background()))
		lists := func() int {
			_, _, names := w.spent(func() { w.must(p.Sync(context.Background(), repo)) })
			return strings.Count(names+"\n", "github GET /pulls\n")
		}
		if n := lists(); n != 2 {
			w.t.Errorf("%d pages at first", n)
		}
		for range 3 {
			w.pass(3 * time.Minute)
			w.comment("look")
			if n := lists(); n != 1 {
				w.t.Errorf("%d pages for one change", n)
			}
		}
		w.review("omar", "APPROVE")
		w.pass(time.Minute)
		w.must(p.Sync(context.Background(), repo))
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the review was not seen")
		}
		w.pass(listWhole)
		w.comment("look again")
		if n := lists(); n != 2 {
			w.t.Errorf("%d pages when all are read again", n)
		}
	})
}

// listWhole is how often a worker reads all pull requests again, at least.
const listWhole = 15 * time.Minute

func (w *harness) comment(text string) {
	w.t.Helper()
	_, _, err := w.as("dana").Issues.CreateComment(context.Background(), "acme", "infra-core", w.request(reqA).PR.Number,
		&gh.IssueComment{Body: gh.String(text)})
	w.must(err)
}

// The first plan is posted without a search for an earlier comment. When the answer is lost or the
// worker is killed, the comment is found again.
func TestLostCommentIsFoundAgain(t *testing.T) {
	for _, mode := range []string{"", crashAfter, lostAnswer} {
		s := setup{}
		if mode != "" {
			s.plan = []fault{{"github POST /issues/*/comments", 1, mode}}
		}
		withHarness(t, s, func(w *harness) {
			_, _, names := w.spent(func() { w.open(reqA); w.settled(reqA) })
			if mode != "" && !strings.Contains(names, "github GET /issues/*/comments") {
				t.Errorf("%q: no search", mode)
			}
			all, _, err := w.as("dana").Issues.ListComments(context.Background(), "acme", "infra-core",
				w.request(reqA).PR.Number, nil)
			w.must(err)
			if len(all) != 1 || w.request(reqA).Plan.Posted[0].ID != all[0].GetID() {
				t.Errorf("%q: %d comments, posted %+v", mode, len(all), w.request(reqA).Plan.Posted)
			}
		})
	}
}

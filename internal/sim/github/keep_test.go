package github_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github"
)

// eventually waits for an effect of another goroutine.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 6000 { // a minute: only a bug needs that long
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

func TestStateSurvivesARestart(t *testing.T) {
	ctx := context.Background()
	cfg := config()
	cfg.DataDir = t.TempDir()
	cfg.Transport, cfg.WebhookURL, cfg.WebhookSecret = &inbox{t: t}, "http://tfpilot.test/hook", "s3cret"
	first := newFixture(t, cfg)
	head := commitFile(t, first.app, "request/a", "a.tf", "a\n")
	openPull(t, first.app, "request/a")
	id := start(t, first, "plan-1", "dev")
	eventually(t, "the run ends", func() bool { return statuses(t, first, id) == "completed/success" })
	eventually(t, "webhooks are delivered", func() bool { return len(first.server.Deliveries()) == 4 })
	must(first.as("dana").Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: gh.String("kept")}))(t)
	if err := first.server.Close(ctx); err != nil {
		t.Fatal(err)
	}

	second := newFixture(t, cfg)
	pr := must(second.app.PullRequests.Get(ctx, owner, repo, 1))(t)
	if pr.GetHead().GetSHA() != head || pr.GetComments() != 1 {
		t.Errorf("pull request: %v with %d comments", pr.GetHead().GetSHA(), pr.GetComments())
	}
	v, found := second.server.Run("acme/infra-core", id, 0)
	if !found || v.Log != "hello from .github/workflows/plan.yml\n" || v.Inputs["correlation_id"] != "plan-1" {
		t.Errorf("run: %+v", v)
	}
	if c := second.server.Counts(); c.Runs["plan-1"] != 1 || c.PullRequests["acme/infra-core request/a"] != 1 {
		t.Errorf("counts: %+v", c)
	}
	if d := second.server.Deliveries(); len(d) != 4 {
		t.Errorf("%d deliveries", len(d))
	}
	openedAgain := must(second.app.PullRequests.Edit(ctx, owner, repo, 1, &gh.PullRequest{Title: gh.String("new")}))(t)
	if openedAgain.GetTitle() != "new" {
		t.Error("the second life cannot write")
	}
}

func TestInterruptedRunIsCancelledAtTheNextStart(t *testing.T) {
	cfg := config()
	cfg.DataDir = t.TempDir()
	running := gate{make(chan string)}
	cfg.Runner = running
	w := newFixture(t, cfg)
	id := start(t, w, "plan-1", "dev")
	eventually(t, "it runs", func() bool { return statuses(t, w, id) == "in_progress" })
	var copied []byte
	state := filepath.Join(cfg.DataDir, "state.json")
	eventually(t, "the state on disk says so", func() bool {
		copied, _ = os.ReadFile(state)
		return strings.Contains(string(copied), `"status":"in_progress"`)
	})
	if err := w.server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := statuses(t, w, id); got != "completed/cancelled" {
		t.Errorf("at the end of the first life: %s", got)
	}
	// Like after a kill: the file as it was while the job ran.
	if err := os.WriteFile(state, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	again := newFixture(t, cfg)
	if got := statuses(t, again, id); got != "completed/cancelled" {
		t.Errorf("in the second life: %s", got)
	}
}

func TestPagesShowTextAsText(t *testing.T) {
	ctx := context.Background()
	cfg := config()
	cfg.Runner = runnerFunc(func(_ context.Context, job actions.Job) actions.Result {
		_, _ = job.Log.Write([]byte("<script>alert('log')</script>\n"))
		return actions.Result{Conclusion: "failure",
			Steps: []actions.Step{{Number: 1, Name: "<b>Plan</b>", Status: "completed", Conclusion: "failure"}}}
	})
	w := newFixture(t, cfg)
	commitFile(t, w.app, "request/a", "a.tf", "<script>alert('diff')</script>\n")
	openPull(t, w.app, "request/a")
	must(w.as("vic").Issues.CreateComment(ctx, owner, repo, 1,
		&gh.IssueComment{Body: gh.String("<img src=x onerror=alert(1)>")}))(t)
	must(w.as("omar").PullRequests.CreateReview(ctx, owner, repo, 1,
		&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")}))(t)
	id := start(t, w, "plan-1", "dev")
	eventually(t, "the run ends", func() bool { return statuses(t, w, id) == "completed/failure" })
	run := must(w.app.Actions.GetWorkflowRunByID(ctx, owner, repo, id))(t)
	pr := must(w.app.PullRequests.Get(ctx, owner, repo, 1))(t)
	for path, want := range map[string][]string{
		"/": {"acme/infra-core"},
		"/acme/infra-core": {"Create s3-bucket in dev/app", "tfpilot plan req_0123456789abc [plan-1]",
			"envs/dev/app/backend.tf",
			"git clone http://github.test/acme/infra-core.git"},
		strings.TrimPrefix(pr.GetHTMLURL(), "http://github.test"): {"&#43;&lt;script&gt;alert", "&lt;img src=x",
			"approved", "omar"},
		strings.TrimPrefix(run.GetHTMLURL(), "http://github.test"): {"&lt;b&gt;Plan&lt;/b&gt;",
			"&lt;script&gt;alert(&#39;log&#39;)", "failure", "correlation_id"},
		"/acme/infra-core/commit/" + pr.GetHead().GetSHA(): {"Add a.tf", "&lt;script&gt;"},
		"/acme/infra-core/blob/request/a/a.tf":             {"&lt;script&gt;", "request/a"},
		"/acme/infra-core/raw/main/README.md":              {"# infra-core"},
	} {
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		for _, text := range want {
			if !strings.Contains(rec.Body.String(), text) {
				t.Errorf("%s: %d, %q is not in\n%s", path, rec.Code, text, rec.Body)
			}
		}
		if strings.Contains(rec.Body.String(), "<script") || strings.Contains(rec.Body.String(), "<img") {
			t.Errorf("%s holds markup of a user", path)
		}
	}
	for _, path := range []string{"/acme/nope", "/acme/infra-core/pull/9", "/acme/infra-core/actions/runs/1",
		"/acme/infra-core/commit/zz", "/acme/infra-core/blob/main/nope"} {
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != 404 {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}

func TestReleaseAssetIsServed(t *testing.T) {
	cfg := config()
	file := filepath.Join(t.TempDir(), "tfpilot")
	write(t, file, "binary")
	cfg.Assets = map[string]string{"tfpilot/tfpilot/v1.0.0/tfpilot_linux_amd64": file}
	w := newFixture(t, cfg)
	for path, want := range map[string]int{
		"/tfpilot/tfpilot/releases/download/v1.0.0/tfpilot_linux_amd64": 200,
		"/tfpilot/tfpilot/releases/download/v1.0.1/tfpilot_linux_amd64": 404,
	} {
		rec := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != want || want == 200 && rec.Body.String() != "binary" {
			t.Errorf("%s: %d %q", path, rec.Code, rec.Body)
		}
	}
}

func TestViewsForThePage(t *testing.T) {
	w := newFixture(t, config())
	commitFile(t, w.app, "request/a", "a.tf", "a\n")
	openPull(t, w.app, "request/a")
	v, found := w.server.Pull("acme/infra-core", 1)
	if !found || len(v.Files) != 1 || v.Files[0].Patch != "@@ -0,0 +1 @@\n+a" || len(v.Commits) != 1 || v.State != "open" {
		t.Errorf("pull: %+v", v)
	}
	if all := w.server.Pulls("ACME/infra-core"); len(all) != 1 || all[0].Title != v.Title {
		t.Errorf("pulls: %+v", all)
	}
	if data, err := w.server.File("acme/infra-core", "request/a", "a.tf"); err != nil || string(data) != "a\n" {
		t.Errorf("file: %q %v", data, err)
	}
	if _, err := w.server.File("acme/infra-core", "main", "a.tf"); err == nil {
		t.Error("main already holds the file")
	}
	var _ []github.DeliveryView = w.server.Deliveries()
}

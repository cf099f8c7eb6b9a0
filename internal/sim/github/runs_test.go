package github_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
)

func with(inputs map[string]any, change map[string]any) map[string]any {
	body := planInputs("plan-1")
	for k, v := range inputs {
		body["inputs"].(map[string]any)[k] = v
	}
	for k, v := range change {
		if v == nil {
			delete(body, k)
			continue
		}
		body[k] = v
	}
	return body
}

func TestDispatchRefusals(t *testing.T) {
	w := newFixture(t, config())
	many := map[string]any{}
	for i := range 26 {
		many[fmt.Sprintf("i%d", i)] = "x"
	}
	for _, row := range []struct {
		name   string
		body   map[string]any
		status int
		text   string
	}{
		{"unknown input", with(map[string]any{"nope": "x"}, nil), 422, `Unexpected inputs provided: ["nope"]`},
		{"missing input", with(map[string]any{"correlation_id": ""}, nil), 422,
			"Required input 'correlation_id' not provided"},
		{"not a boolean", with(map[string]any{"dry_run": "maybe"}, nil), 422, "is not a boolean"},
		{"not a text", with(map[string]any{"request_id": []string{"a"}}, nil), 422, "Invalid value for input 'request_id'"},
		{"too many inputs", with(nil, map[string]any{"inputs": many}), 422, "No more than 25 properties are allowed"},
		{"too large", with(map[string]any{"request_id": strings.Repeat("x", 66000)}, nil), 422, "inputs are too large"},
		{"no ref", with(nil, map[string]any{"ref": nil}), 422, `"ref" wasn't supplied`},
		{"unknown ref", with(nil, map[string]any{"ref": "nope"}), 422, "No ref found for: nope"},
		{"unknown field", with(nil, map[string]any{"shade": "blue"}), 422, "is not a permitted key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := dispatch(t, w.app, row.body)
			refused(t, err, row.status, row.text)
		})
	}
	t.Run("by a reader", func(t *testing.T) {
		_, _, err := dispatch(t, w.as("vic"), planInputs("x"))
		refused(t, err, 403, "Must have admin rights")
	})
	t.Run("workflow that exists only on a branch", func(t *testing.T) {
		main := must(w.app.Git.GetRef(context.Background(), owner, repo, "heads/main"))(t).GetObject().GetSHA()
		must(w.as("dana").Git.CreateRef(context.Background(), owner, repo,
			&gh.Reference{Ref: gh.String("refs/heads/wf"), Object: &gh.GitObject{SHA: &main}}))(t)
		must(w.as("dana").Repositories.CreateFile(context.Background(), owner, repo, ".github/workflows/other.yml",
			&gh.RepositoryContentFileOptions{Message: gh.String("m"), Content: []byte(planYAML), Branch: gh.String("wf")}))(t)
		_, err := w.app.Actions.CreateWorkflowDispatchEventByFileName(context.Background(), owner, repo, "other.yml",
			gh.CreateWorkflowDispatchEventRequest{Ref: "wf"})
		refused(t, err, 404, "Not Found")
	})
	if n := len(w.server.Counts().Dispatches); n != 0 {
		t.Errorf("%d refused dispatches were counted", n)
	}
}

func TestDispatchAnswers(t *testing.T) {
	t.Run("without details", func(t *testing.T) {
		w := newFixture(t, config())
		out, resp, err := dispatch(t, w.app, with(nil, map[string]any{"return_run_details": nil}))
		if err != nil || resp.StatusCode != 204 || out.WorkflowRunID != 0 {
			t.Errorf("%v %v %v", out, resp, err)
		}
	})
	t.Run("old server", func(t *testing.T) {
		cfg := config()
		cfg.OldServer = true
		w := newFixture(t, cfg)
		_, _, err := dispatch(t, w.app, planInputs("x"))
		refused(t, err, 400, "return_run_details")
		if _, resp, err := dispatch(t, w.app, with(nil, map[string]any{"return_run_details": nil})); err != nil ||
			resp.StatusCode != 204 {
			t.Errorf("%v %v", resp, err)
		}
		many := map[string]any{}
		for i := range 11 {
			many[fmt.Sprintf("i%d", i)] = "x"
		}
		_, _, err = dispatch(t, w.app, with(nil, map[string]any{"return_run_details": nil, "inputs": many}))
		refused(t, err, 422, "No more than 10 properties are allowed; 11 were supplied")
	})
	t.Run("old server, a file with eleven inputs", func(t *testing.T) {
		for _, tt := range []struct {
			old  bool
			want string
		}{{true, "you may only define up to 10 `inputs`"}, {false, ""}} {
			cfg := config()
			cfg.OldServer = tt.old
			var b strings.Builder
			b.WriteString("on:\n  workflow_dispatch:\n    inputs:\n")
			for i := range 11 {
				fmt.Fprintf(&b, "      i%d: {type: string, default: ''}\n", i)
			}
			b.WriteString("jobs:\n  a: {runs-on: x, steps: []}\n")
			cfg.Repos[0].Files[".github/workflows/plan.yml"] = []byte(b.String())
			w := newFixture(t, cfg)
			_, _, err := dispatch(t, w.app, map[string]any{"ref": "main"})
			if tt.want == "" && err != nil {
				t.Error(err)
			}
			if tt.want != "" {
				refused(t, err, 422, tt.want)
			}
		}
	})
}

// gate runs jobs that wait until they are released or cancelled.
type gate struct{ open chan string }

func (g gate) Run(ctx context.Context, job actions.Job) actions.Result {
	_, _ = io.WriteString(job.Log, "started\n")
	job.Step(actions.Step{Number: 1, Name: "Wait", Status: "in_progress"})
	select {
	case conclusion := <-g.open:
		return actions.Result{Conclusion: conclusion}
	case <-ctx.Done():
		return actions.Result{Conclusion: "failure"}
	}
}

// stuck ignores its cancellation.
func stuck(_ context.Context, _ actions.Job) actions.Result {
	time.Sleep(time.Hour)
	return actions.Result{Conclusion: "success"}
}

func statuses(t *testing.T, w *fixture, ids ...int64) string {
	t.Helper()
	var out []string
	for _, id := range ids {
		v := must(w.app.Actions.GetWorkflowRunByID(context.Background(), owner, repo, id))(t)
		out = append(out, strings.TrimSuffix(v.GetStatus()+"/"+v.GetConclusion(), "/"))
	}
	return strings.Join(out, " ")
}

func start(t *testing.T, w *fixture, correlation, env string) int64 {
	t.Helper()
	out, _, err := dispatch(t, w.app, with(map[string]any{"correlation_id": correlation, "environment_key": env}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return out.WorkflowRunID
}

func TestConcurrencyGroupKeepsOnePending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		g := gate{make(chan string)}
		cfg.Runner = g
		w := newFixture(t, cfg)
		one, two, three := start(t, w, "a", "dev"), start(t, w, "b", "dev"), start(t, w, "c", "DEV")
		other := start(t, w, "d", "prod")
		synctest.Wait()
		if got := statuses(t, w, one, two, three, other); got != "in_progress completed/cancelled pending in_progress" {
			t.Errorf("after three dispatches: %s", got)
		}
		g.open <- "success"
		g.open <- "success"
		synctest.Wait()
		if got := statuses(t, w, one, three, other); got != "completed/success in_progress completed/success" {
			t.Errorf("after the first ended: %s", got)
		}
		g.open <- "failure"
		synctest.Wait()
		if got := statuses(t, w, three); got != "completed/failure" {
			t.Errorf("third: %s", got)
		}
		jobs := must(w.app.Actions.ListWorkflowJobs(context.Background(), owner, repo, two, nil))(t)
		if jobs.GetTotalCount() != 0 {
			t.Errorf("the cancelled pending run had %d jobs", jobs.GetTotalCount())
		}
	})
}

func TestQueueKeepsAllPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		g := gate{make(chan string)}
		cfg.Runner = g
		file := strings.Replace(planYAML, "cancel-in-progress: false", "queue: max", 1)
		cfg.Repos[0].Files[".github/workflows/plan.yml"] = []byte(file)
		w := newFixture(t, cfg)
		one, two, three := start(t, w, "a", "dev"), start(t, w, "b", "dev"), start(t, w, "c", "dev")
		for _, want := range []string{"in_progress pending pending", "completed/success in_progress pending",
			"completed/success completed/success in_progress"} {
			synctest.Wait()
			if got := statuses(t, w, one, two, three); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			g.open <- "success"
		}
	})
}

func TestRunnersAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		g := gate{make(chan string)}
		cfg.Runner, cfg.MaxJobs = g, 1
		w := newFixture(t, cfg)
		one, two := start(t, w, "a", "dev"), start(t, w, "b", "prod")
		synctest.Wait()
		if got := statuses(t, w, one, two); got != "in_progress queued" {
			t.Errorf("one machine: %s", got)
		}
		g.open <- "success"
		synctest.Wait()
		if got := statuses(t, w, one, two); got != "completed/success in_progress" {
			t.Errorf("machine given on: %s", got)
		}
		g.open <- "success"
	})
}

func TestCancelAndRerun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cfg := config()
		g := gate{make(chan string)}
		cfg.Runner = g
		w := newFixture(t, cfg)
		id := start(t, w, "a", "dev")
		synctest.Wait()
		_, err := w.app.Actions.RerunWorkflowByID(ctx, owner, repo, id)
		refused(t, err, 403, "already running")
		resp, err := w.app.Actions.CancelWorkflowRunByID(ctx, owner, repo, id)
		if _, is := err.(*gh.AcceptedError); !is || resp.StatusCode != 202 {
			t.Errorf("cancel: %v", err)
		}
		synctest.Wait()
		if got := statuses(t, w, id); got != "completed/cancelled" {
			t.Errorf("cancelled: %s", got)
		}
		_, err = w.app.Actions.CancelWorkflowRunByID(ctx, owner, repo, id)
		refused(t, err, 409, "Cannot cancel a workflow run that is completed")

		if resp, err := w.as("omar").Actions.RerunWorkflowByID(ctx, owner, repo, id); err != nil || resp.StatusCode != 201 {
			t.Fatalf("rerun: %v", err)
		}
		g.open <- "success"
		synctest.Wait()
		v := must(w.app.Actions.GetWorkflowRunByID(ctx, owner, repo, id))(t)
		if v.GetRunAttempt() != 2 || v.GetConclusion() != "success" || v.GetTriggeringActor().GetLogin() != "omar" ||
			v.GetActor().GetLogin() != "tfpilot[bot]" {
			t.Errorf("second attempt: %v", v)
		}
		first := must(w.app.Actions.GetWorkflowRunAttempt(ctx, owner, repo, id, 1, nil))(t)
		if first.GetConclusion() != "cancelled" || first.GetRunAttempt() != 1 {
			t.Errorf("first attempt: %v", first)
		}
	})
}

func TestCancelEndsAStuckJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Runner = runnerFunc(stuck)
		w := newFixture(t, cfg)
		id := start(t, w, "a", "dev")
		synctest.Wait()
		_, _ = w.app.Actions.CancelWorkflowRunByID(context.Background(), owner, repo, id) // answers 202 as an error
		time.Sleep(4 * time.Minute)
		if got := statuses(t, w, id); got != "in_progress" {
			t.Errorf("within the grace: %s", got)
		}
		time.Sleep(2 * time.Minute)
		if got := statuses(t, w, id); got != "completed/cancelled" {
			t.Errorf("after the grace: %s", got)
		}
	})
}

func TestJobTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Runner = gate{make(chan string)}
		w := newFixture(t, cfg)
		id := start(t, w, "a", "dev")
		time.Sleep(21 * time.Minute) // the file says timeout-minutes: 20
		if got := statuses(t, w, id); got != "completed/cancelled" {
			t.Errorf("after its time: %s", got)
		}
	})
}

func TestRunLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cfg := config()
		cfg.ListLag = 2 * time.Second
		w := newFixture(t, cfg)
		id := start(t, w, "a", "dev")
		synctest.Wait()
		listed := func(opts *gh.ListWorkflowRunsOptions) int {
			t.Helper()
			return must(w.app.Actions.ListRepositoryWorkflowRuns(ctx, owner, repo, opts))(t).GetTotalCount()
		}
		if n := listed(nil); n != 0 {
			t.Errorf("a list contains a new run at once: %d", n)
		}
		time.Sleep(3 * time.Second)
		for _, row := range []struct {
			opts gh.ListWorkflowRunsOptions
			want int
		}{
			{gh.ListWorkflowRunsOptions{Event: "workflow_dispatch", Branch: "main", Actor: "tfpilot[bot]", Status: "success"},
				1},
			{gh.ListWorkflowRunsOptions{Status: "completed"}, 1},
			{gh.ListWorkflowRunsOptions{Event: "push"}, 0},
			{gh.ListWorkflowRunsOptions{Branch: "request/x"}, 0},
			{gh.ListWorkflowRunsOptions{HeadSHA: strings.Repeat("0", 40)}, 0},
			{gh.ListWorkflowRunsOptions{Status: "failure"}, 0},
		} {
			if n := listed(&row.opts); n != row.want {
				t.Errorf("%+v lists %d runs, want %d", row.opts, n, row.want)
			}
		}
		jobs := must(w.app.Actions.ListWorkflowJobs(ctx, owner, repo, id, nil))(t)
		if len(jobs.Jobs) != 1 || jobs.Jobs[0].GetName() != "plan" || len(jobs.Jobs[0].Steps) != 1 ||
			jobs.Jobs[0].Steps[0].GetConclusion() != "success" {
			t.Fatalf("jobs: %+v", jobs.Jobs)
		}
	})
}

func TestRunTokenHasOnlyItsPermissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		cfg := config()
		tokens := make(chan string, 1)
		hold := make(chan struct{})
		cfg.Runner = runnerFunc(func(_ context.Context, job actions.Job) actions.Result {
			tokens <- job.Token
			<-hold
			return actions.Result{Conclusion: "success"}
		})
		w := newFixture(t, cfg)
		start(t, w, "a", "dev")
		c := w.client(w.transport()).WithAuthToken(<-tokens)
		commitFile(t, c, "cleanup/a", "a.tf", "a") // the workflow requests contents: write
		_, _, err := c.PullRequests.Create(ctx, owner, repo,
			&gh.NewPullRequest{Title: gh.String("x"), Head: gh.String("cleanup/a"), Base: gh.String("main")})
		refused(t, err, 403, "Resource not accessible by integration")
		close(hold)
		synctest.Wait()
		_, _, err = c.Repositories.Get(ctx, owner, repo)
		refused(t, err, 401, "Bad credentials")
	})
}

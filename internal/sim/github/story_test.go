package github_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gh "github.com/google/go-github/v62/github"
)

type dispatchRun struct {
	WorkflowRunID int64  `json:"workflow_run_id"`
	RunURL        string `json:"run_url"`
	HTMLURL       string `json:"html_url"`
}

func dispatch(t *testing.T, c *gh.Client, body map[string]any) (dispatchRun, *gh.Response, error) {
	t.Helper()
	req, err := c.NewRequest("POST", "repos/acme/infra-core/actions/workflows/plan.yml/dispatches", body)
	if err != nil {
		t.Fatal(err)
	}
	var out dispatchRun
	resp, err := c.Do(context.Background(), req, &out)
	return out, resp, err
}

func planInputs(correlation string) map[string]any {
	return map[string]any{
		"ref": "main", "return_run_details": true,
		"inputs": map[string]any{"request_id": "req_0123456789abc", "correlation_id": correlation},
	}
}

// inbox receives webhooks and checks their signatures with go-github.
type inbox struct {
	t  *testing.T
	mu sync.Mutex

	got    []any
	names  []string
	guids  []string
	answer int
}

func (b *inbox) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	payload, err := gh.ValidatePayload(r, []byte("s3cret"))
	if err != nil {
		b.t.Errorf("signature: %v", err)
	}
	event, err := gh.ParseWebHook(gh.WebHookType(r), payload)
	if err != nil {
		b.t.Errorf("parse: %v", err)
		return nil, err
	}
	action, _ := event.(interface{ GetAction() string })
	name := strings.ReplaceAll(gh.WebHookType(r)+"-"+action.GetAction(), "_", "-")
	official().check(b.t, name, official().Webhooks[name], payload)
	b.got, b.guids = append(b.got, event), append(b.guids, gh.DeliveryID(r))
	b.names = append(b.names, describe(event))
	status := b.answer
	if status == 0 {
		status = http.StatusAccepted
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(nil)),
		Request: r}, nil
}

func (b *inbox) list() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.names, "\n")
}

func describe(event any) string {
	switch e := event.(type) {
	case *gh.WorkflowRunEvent:
		return "workflow_run " + e.GetAction() + " " + e.WorkflowRun.GetStatus() + " " + e.WorkflowRun.GetConclusion() +
			" " + e.Workflow.GetPath()
	case *gh.PullRequestEvent:
		return "pull_request " + e.GetAction() + " " + e.PullRequest.GetState()
	case *gh.PullRequestReviewEvent:
		return "pull_request_review " + e.GetAction() + " " + e.Review.GetState()
	}
	return "unknown"
}

func TestMergeInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		box := &inbox{t: t}
		cfg := config()
		cfg.Transport, cfg.WebhookURL, cfg.WebhookSecret = box, "http://tfpilot.test/api/github/webhook", "s3cret"
		cfg.QueueDelay = 3 * time.Second
		w := newFixture(t, cfg)

		head := commitFile(t, w.app, "request/req_1", "envs/dev/app/tfpilot_req_1.tf", "module \"x\" {}\n")
		pr := openPull(t, w.app, "request/req_1")
		if pr.GetUser().GetLogin() != "tfpilot[bot]" || pr.GetHead().GetSHA() != head || pr.GetMergeableState() != "clean" {
			t.Errorf("pull request: %v %v %v", pr.GetUser().GetLogin(), pr.GetHead().GetSHA(), pr.GetMergeableState())
		}
		run, resp, err := dispatch(t, w.app, planInputs("plan-1"))
		if err != nil || resp.StatusCode != 200 || run.WorkflowRunID == 0 {
			t.Fatalf("dispatch: %v %v %v", run, resp, err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		got := must(w.app.Actions.GetWorkflowRunByID(ctx, owner, repo, run.WorkflowRunID))(t)
		if got.GetStatus() != "completed" || got.GetConclusion() != "success" ||
			got.GetDisplayTitle() != "tfpilot plan req_0123456789abc [plan-1]" {
			t.Errorf("run: %v %v %q", got.GetStatus(), got.GetConclusion(), got.GetDisplayTitle())
		}

		_, _, err = w.app.PullRequests.CreateReview(ctx, owner, repo, 1,
			&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")})
		refused(t, err, 422, "Can not approve your own pull request")
		must(w.as("omar").PullRequests.CreateReview(ctx, owner, repo, 1,
			&gh.PullRequestReviewRequest{Event: gh.String("APPROVE"), CommitID: gh.String(head)}))(t)
		merged := must(w.app.PullRequests.Merge(ctx, owner, repo, 1, "", &gh.PullRequestOptions{SHA: head}))(t)
		after := must(w.app.PullRequests.Get(ctx, owner, repo, 1))(t)
		if !after.GetMerged() || after.GetMergeCommitSHA() != merged.GetSHA() || after.GetChangedFiles() != 1 {
			t.Errorf("merged: %v %v %d", after.GetMerged(), after.GetMergeCommitSHA(), after.GetChangedFiles())
		}
		synctest.Wait()
		want := strings.Join([]string{
			"pull_request opened open",
			"workflow_run requested queued  .github/workflows/plan.yml",
			"workflow_run in_progress in_progress  .github/workflows/plan.yml",
			"workflow_run completed completed success .github/workflows/plan.yml",
			"pull_request_review submitted approved",
			"pull_request closed closed",
		}, "\n")
		if box.list() != want {
			t.Errorf("webhooks:\n%s\nwant:\n%s", box.list(), want)
		}
		c := w.server.Counts()
		if c.PullRequests["acme/infra-core request/req_1"] != 1 || c.Runs["plan-1"] != 1 ||
			c.Merges["acme/infra-core#1"] != 1 {
			t.Errorf("counts: %+v", c)
		}
	})
}

package github_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	gh "github.com/google/go-github/v62/github"
)

// These tests read what no other test reads, so that GitHub's description covers it too.

// answered returns a fixture in which everything has happened once.
func answered(t *testing.T) (w *fixture, head string) {
	t.Helper()
	w = hooked(t, &inbox{t: t})
	head = commitFile(t, w.app, "request/a", "envs/dev/app/a.tf", "a\n")
	openPull(t, w.app, "request/a")
	id := start(t, w, "plan-1", "dev")
	eventually(t, "the run ends", func() bool { return statuses(t, w, id) == "completed/success" })
	return w, head
}

func TestAppAnswers(t *testing.T) {
	ctx := context.Background()
	w, _ := answered(t)
	app := w.client(w.appTransport(testKey()))
	if in := must(app.Apps.GetInstallation(ctx, 2))(t); in.GetAppID() != 77 {
		t.Errorf("installation: %v", in)
	}
	if list := must(app.Apps.ListInstallations(ctx, nil))(t); len(list) != 1 {
		t.Errorf("installations: %v", list)
	}
	if in := must(app.Apps.FindRepositoryInstallation(ctx, owner, repo))(t); in.GetID() != 2 {
		t.Errorf("installation: %v", in)
	}
	if list := must(w.app.Apps.ListRepos(ctx, nil))(t); list.GetTotalCount() != 1 ||
		list.Repositories[0].GetDefaultBranch() != "main" {
		t.Errorf("repositories: %v", list)
	}
	if cfg := must(app.Apps.GetHookConfig(ctx))(t); cfg.GetSecret() != "********" {
		t.Errorf("hook: %v", cfg)
	}
	eventually(t, "webhooks are delivered", func() bool { return len(w.server.Deliveries()) == 4 })
	log := must(app.Apps.ListHookDeliveries(ctx, &gh.ListCursorOptions{PerPage: 1}))(t)
	one := must(app.Apps.GetHookDelivery(ctx, log[0].GetID()))(t)
	if one.GetEvent() != "workflow_run" || one.Request.Headers["X-Hub-Signature-256"] == "" ||
		!strings.Contains(string(*one.Request.RawPayload), `"completed"`) {
		t.Errorf("delivery: %v", one)
	}
}

func TestRepositoryAnswers(t *testing.T) {
	ctx := context.Background()
	w, head := answered(t)
	if all := must(w.app.Repositories.ListBranches(ctx, owner, repo, nil))(t); len(all) != 2 {
		t.Errorf("branches: %v", all)
	}
	if b := must(w.app.Repositories.GetBranch(ctx, owner, repo, "request/a", 0))(t); b.GetCommit().GetSHA() != head {
		t.Errorf("branch: %v", b)
	}
	if all := must(w.app.Repositories.ListCommits(ctx, owner, repo,
		&gh.CommitsListOptions{SHA: "request/a"}))(t); len(all) != 2 {
		t.Errorf("commits: %d", len(all))
	}
	if c := must(w.app.Repositories.GetCommit(ctx, owner, repo, head, nil))(t); len(c.Files) != 1 ||
		c.GetAuthor().GetLogin() != "tfpilot[bot]" {
		t.Errorf("commit: %v", c)
	}
	if sha := must(w.app.Repositories.GetCommitSHA1(ctx, owner, repo, "main", ""))(t); len(sha) != 40 {
		t.Errorf("sha: %q", sha)
	}
	if refs := must(w.app.Git.ListMatchingRefs(ctx, owner, repo,
		&gh.ReferenceListOptions{Ref: "heads/request/"}))(t); len(refs) != 1 {
		t.Errorf("refs: %v", refs)
	}
	blob := must(w.app.Git.CreateBlob(ctx, owner, repo,
		&gh.Blob{Content: gh.String("YQ=="), Encoding: gh.String("base64")}))(t)
	if raw := must(w.app.Git.GetBlobRaw(ctx, owner, repo, blob.GetSHA()))(t); string(raw) != "a" {
		t.Errorf("blob: %q", raw)
	}
	must(w.app.Git.GetBlob(ctx, owner, repo, blob.GetSHA()))(t)
}

func TestPullRequestAnswers(t *testing.T) {
	ctx := context.Background()
	w, _ := answered(t)
	if files := must(w.app.PullRequests.ListFiles(ctx, owner, repo, 1, nil))(t); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	if commits := must(w.app.PullRequests.ListCommits(ctx, owner, repo, 1, nil))(t); len(commits) != 1 {
		t.Errorf("commits: %v", commits)
	}
	if merged := must(w.app.PullRequests.IsMerged(ctx, owner, repo, 1))(t); merged {
		t.Error("merged already")
	}
	cm := must(w.as("vic").Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: gh.String("hi")}))(t)
	_, _, err := w.as("omar").Issues.EditComment(ctx, owner, repo, cm.GetID(),
		&gh.IssueComment{Body: gh.String("mine now")})
	refused(t, err, 404, "Not Found")
	cm = must(w.app.Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: gh.String("plan 1")}))(t)
	must(w.app.Issues.EditComment(ctx, owner, repo, cm.GetID(), &gh.IssueComment{Body: gh.String("plan 2")}))(t)
	if got := must(w.app.Issues.GetComment(ctx, owner, repo, cm.GetID()))(t); got.GetBody() != "plan 2" {
		t.Errorf("comment: %v", got)
	}
	if all := must(w.app.Issues.ListComments(ctx, owner, repo, 1, nil))(t); len(all) != 2 {
		t.Errorf("comments: %v", all)
	}
	if _, err := w.app.Issues.DeleteComment(ctx, owner, repo, cm.GetID()); err != nil {
		t.Error(err)
	}
}

func TestActionsAnswers(t *testing.T) {
	ctx := context.Background()
	w, _ := answered(t)
	all := must(w.app.Actions.ListWorkflows(ctx, owner, repo, nil))(t)
	if all.GetTotalCount() != 1 || all.Workflows[0].GetPath() != ".github/workflows/plan.yml" ||
		all.Workflows[0].GetName() != "plan" {
		t.Fatalf("workflows: %v", all)
	}
	if one := must(w.app.Actions.GetWorkflowByID(ctx, owner, repo,
		all.Workflows[0].GetID()))(t); one.GetState() != "active" {
		t.Errorf("workflow: %v", one)
	}
	if runs := must(w.app.Actions.ListWorkflowRunsByFileName(ctx, owner, repo, "plan.yml",
		nil))(t); runs.GetTotalCount() != 1 {
		t.Errorf("runs: %v", runs)
	}
	if _, err := w.as("dana").Actions.DisableWorkflowByFileName(ctx, owner, repo, "plan.yml"); err != nil {
		t.Fatal(err)
	}
	_, _, err := dispatch(t, w.app, planInputs("x"))
	refused(t, err, 422, "disabled workflow")
}

func TestUpdateBranchMergesTheBase(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	old := commitFile(t, w.app, "one", "one.tf", "1")
	commitFile(t, w.app, "two", "two.tf", "2")
	openPull(t, w.app, "one")
	openPull(t, w.app, "two")
	_, _, err := w.app.PullRequests.UpdateBranch(ctx, owner, repo, 1, nil)
	refused(t, err, 422, "no new commits on the base branch")
	must(w.app.PullRequests.Merge(ctx, owner, repo, 2, "", nil))(t)
	_, _, err = w.app.PullRequests.UpdateBranch(ctx, owner, repo, 1,
		&gh.PullRequestBranchUpdateOptions{ExpectedHeadSHA: gh.String(strings.Repeat("0", 40))})
	refused(t, err, 422, "expected head sha")
	_, _, err = w.app.PullRequests.UpdateBranch(ctx, owner, repo, 1,
		&gh.PullRequestBranchUpdateOptions{ExpectedHeadSHA: &old})
	if accepted := new(gh.AcceptedError); !errors.As(err, &accepted) {
		t.Fatal(err)
	}
	pr := must(w.app.PullRequests.Get(ctx, owner, repo, 1))(t)
	if pr.GetHead().GetSHA() == old || pr.GetChangedFiles() != 1 || pr.GetMergeableState() != "clean" {
		t.Errorf("pull request: %s, %d files, %s", pr.GetHead().GetSHA(), pr.GetChangedFiles(), pr.GetMergeableState())
	}
}

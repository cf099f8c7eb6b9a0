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
func answered(t *testing.T) *fixture {
	t.Helper()
	w := hooked(t, &inbox{t: t})
	commitFile(t, w.app, "request/a", "envs/dev/app/a.tf", "a\n")
	openPull(t, w.app, "request/a")
	id := start(t, w, "plan-1", "dev")
	eventually(t, "the run ends", func() bool { return statuses(t, w, id) == "completed/success" })
	return w
}

func TestAppAnswers(t *testing.T) {
	ctx := context.Background()
	w := answered(t)
	app := w.client(w.appTransport(testKey()))
	if in := must(app.Apps.GetInstallation(ctx, 2))(t); in.GetAppID() != 77 {
		t.Errorf("installation: %v", in)
	}
	if cfg := must(app.Apps.GetHookConfig(ctx))(t); cfg.GetSecret() != "********" {
		t.Errorf("hook: %v", cfg)
	}
	eventually(t, "webhooks are delivered", func() bool { return len(w.server.Deliveries()) == 4 })
	if log := must(app.Apps.ListHookDeliveries(ctx, &gh.ListCursorOptions{PerPage: 1}))(t); len(log) != 1 ||
		log[0].GetEvent() != "workflow_run" {
		t.Errorf("deliveries: %v", log)
	}
}

func TestRepositoryAnswers(t *testing.T) {
	ctx := context.Background()
	w := answered(t)
	if all := must(w.app.Repositories.ListCommits(ctx, owner, repo,
		&gh.CommitsListOptions{SHA: "request/a"}))(t); len(all) != 2 {
		t.Errorf("commits: %d", len(all))
	}
	if refs := must(w.app.Git.ListMatchingRefs(ctx, owner, repo,
		&gh.ReferenceListOptions{Ref: "heads/request/"}))(t); len(refs) != 1 {
		t.Errorf("refs: %v", refs)
	}
}

func TestPullRequestAnswers(t *testing.T) {
	ctx := context.Background()
	w := answered(t)
	if files := must(w.app.PullRequests.ListFiles(ctx, owner, repo, 1, nil))(t); len(files) != 1 {
		t.Errorf("files: %v", files)
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

package github_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gh "github.com/google/go-github/v62/github"
)

func runGit(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Dana", "GIT_AUTHOR_EMAIL=dana@acme.example", "GIT_COMMITTER_NAME=Dana",
		"GIT_COMMITTER_EMAIL=dana@acme.example")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := runGit(t, dir, args...)
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return out
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func withToken(url, token string) string {
	return strings.Replace(url, "http://", "http://x-access-token:"+token+"@", 1)
}

func TestRealGitClonesAndPushes(t *testing.T) {
	ctx := context.Background()
	cfg := config()
	cfg.DataDir = t.TempDir()
	w := newFixture(t, cfg)
	web := httptest.NewServer(w.server.Handler())
	t.Cleanup(web.Close)
	url := web.URL + "/acme/infra-core.git"
	dir := filepath.Join(t.TempDir(), "clone")
	mustGit(t, ".", "clone", "-q", url, dir)
	if data, err := os.ReadFile(filepath.Join(dir, "README.md")); err != nil || string(data) != "# infra-core\n" {
		t.Fatalf("clone: %q %v", data, err)
	}

	t.Run("push needs a token", func(t *testing.T) {
		mustGit(t, dir, "checkout", "-q", "-b", "feature/x")
		write(t, filepath.Join(dir, "envs/dev/app/x.tf"), "# x\n")
		mustGit(t, dir, "add", ".")
		mustGit(t, dir, "commit", "-q", "-m", "Add x")
		if out, err := runGit(t, dir, "push", "-q", url, "feature/x"); err == nil {
			t.Errorf("an anonymous push went through: %s", out)
		}
		if out, err := runGit(t, dir, "push", "-q", withToken(url, "ghp_vic"), "feature/x"); err == nil ||
			!strings.Contains(out, "403") {
			t.Errorf("a reader's push: %v %s", err, out)
		}
		mustGit(t, dir, "push", "-q", withToken(url, "ghp_dana"), "feature/x")
	})

	t.Run("a pull request follows the branch", func(t *testing.T) {
		pr := openPull(t, w.app, "feature/x")
		write(t, filepath.Join(dir, "envs/dev/app/x.tf"), "# y\n")
		mustGit(t, dir, "commit", "-q", "-a", "-m", "Change x")
		mustGit(t, dir, "push", "-q", withToken(url, "ghp_dana"), "feature/x")
		head := strings.TrimSpace(mustGit(t, dir, "rev-parse", "HEAD"))
		got := must(w.app.PullRequests.Get(ctx, owner, repo, pr.GetNumber()))(t)
		if got.GetHead().GetSHA() != head || got.GetCommits() != 2 {
			t.Errorf("head %s with %d commits, want %s with 2", got.GetHead().GetSHA(), got.GetCommits(), head)
		}
		must(w.app.PullRequests.Merge(ctx, owner, repo, pr.GetNumber(), "", &gh.PullRequestOptions{SHA: head}))(t)
		mustGit(t, dir, "pull", "-q", "origin", "main")
		if log := mustGit(t, dir, "log", "--format=%s", "-n1", "origin/main"); !strings.Contains(log,
			"Merge pull request #1 from acme/feature/x") {
			t.Errorf("main: %s", log)
		}
	})

	t.Run("the App cannot push workflows", func(t *testing.T) {
		tok := must(w.client(w.appTransport(testKey())).Apps.CreateInstallationToken(ctx, 2, nil))(t)
		mustGit(t, dir, "checkout", "-q", "-b", "evil")
		write(t, filepath.Join(dir, ".github/workflows/evil.yml"), planYAML)
		mustGit(t, dir, "add", ".")
		mustGit(t, dir, "commit", "-q", "-m", "Add a workflow")
		out, err := runGit(t, dir, "push", withToken(url, tok.GetToken()), "evil")
		if err == nil || !strings.Contains(out,
			"refusing to allow a GitHub App to create or update workflow `.github/workflows/evil.yml`") {
			t.Errorf("push of a workflow: %v\n%s", err, out)
		}
		mustGit(t, dir, "push", "-q", withToken(url, "ghp_dana"), "evil")
	})

	t.Run("a protected branch takes no push", func(t *testing.T) {
		if err := w.server.SetRequiredReviews("acme/infra-core", 1); err != nil {
			t.Fatal(err)
		}
		out, err := runGit(t, dir, "push", withToken(url, "ghp_dana"), "evil:main")
		if err == nil || !strings.Contains(out, "GH006: Protected branch update failed for refs/heads/main") {
			t.Errorf("push to a protected branch: %v\n%s", err, out)
		}
		if out, err := runGit(t, dir, "push", withToken(url, "ghp_dana"), "evil:refs/pull/1/head"); err == nil {
			t.Errorf("push to a pull request's own ref: %s", out)
		}
	})

	t.Run("a commit without a branch can be fetched", func(t *testing.T) {
		sha := commitFile(t, w.app, "gone", "a.txt", "a\n")
		if _, err := w.app.Git.DeleteRef(ctx, owner, repo, "heads/gone"); err != nil {
			t.Fatal(err)
		}
		mustGit(t, dir, "fetch", "-q", "--depth=1", url, sha)
	})
}

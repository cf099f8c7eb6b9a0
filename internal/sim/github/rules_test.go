package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/github"
)

// TestRefusals misuses the real client and checks GitHub's answers.
func TestRefusals(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	head := commitFile(t, w.app, "request/a", "a.tf", "a\n")
	commitFile(t, w.app, "request/b", "b.tf", "b\n")
	openPull(t, w.app, "request/a")
	main := must(w.app.Git.GetRef(ctx, owner, repo, "heads/main"))(t).GetObject().GetSHA()
	newPull := func(head, base, title string) error {
		_, _, err := w.app.PullRequests.Create(ctx, owner, repo, &gh.NewPullRequest{Head: &head, Base: &base, Title: &title})
		return err
	}
	newRef := func(c *gh.Client, ref, sha string) error {
		_, _, err := c.Git.CreateRef(ctx, owner, repo, &gh.Reference{Ref: &ref, Object: &gh.GitObject{SHA: &sha}})
		return err
	}
	reviewBy := func(c *gh.Client, event, body, commit string) error {
		_, _, err := c.PullRequests.CreateReview(ctx, owner, repo, 1,
			&gh.PullRequestReviewRequest{Event: &event, Body: &body, CommitID: &commit})
		return err
	}
	merge := func(c *gh.Client, n int, opts *gh.PullRequestOptions) error {
		_, _, err := c.PullRequests.Merge(ctx, owner, repo, n, "", opts)
		return err
	}
	commentBy := func(c *gh.Client, body string) error {
		_, _, err := c.Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: &body})
		return err
	}
	tree := func(c *gh.Client, path string) error {
		_, _, err := c.Git.CreateTree(ctx, owner, repo, main,
			[]*gh.TreeEntry{{Path: &path, Mode: gh.String("100644"), Content: gh.String("x")}})
		return err
	}

	for _, row := range []struct {
		name   string
		err    error
		status int
		text   string
	}{
		{"ref that exists", newRef(w.app, "refs/heads/request/a", head), 422, "Reference already exists"},
		{"ref with one slash", newRef(w.app, "x", head), 422, "at least two slashes"},
		{"ref with a bad name", newRef(w.app, "refs/heads/a..b", head), 422, "Reference name"},
		{"ref at no commit", newRef(w.app, "refs/heads/x", strings.Repeat("0", 40)), 422, "Object does not exist"},
		{"ref by a reader", newRef(w.as("vic"), "refs/heads/x", head), 404, "Not Found"},
		{"second pull request", newPull("request/a", "main", "again"), 422,
			"A pull request already exists for acme:request/a."},
		{"second pull request by owner:branch", newPull("acme:request/a", "main", "again"), 422,
			"A pull request already exists"},
		{"pull request of nothing", newPull("main", "main", "x"), 422, "No commits between main and main"},
		{"pull request from nowhere", newPull("nope", "main", "x"), 422, "invalid head"},
		{"pull request into nowhere", newPull("request/b", "nope", "x"), 422, "invalid base"},
		{"pull request without title", newPull("request/b", "main", ""), 422, "missing_field title"},
		{"own approval", reviewBy(w.app, "APPROVE", "", ""), 422, "Can not approve your own pull request"},
		{"own request for changes", reviewBy(w.app, "REQUEST_CHANGES", "no", ""), 422, "Can not request changes on your own"},
		{"request for changes without a word", reviewBy(w.as("omar"), "REQUEST_CHANGES", "", ""), 422,
			"Body can not be blank"},
		{"review of a foreign commit", reviewBy(w.as("omar"), "APPROVE", "", main), 422, "not part of the pull request"},
		{"unknown review event", reviewBy(w.as("omar"), "MAYBE", "", ""), 422, "event"},
		{"merge of another head", merge(w.app, 1, &gh.PullRequestOptions{SHA: main}), 409, "Head branch was modified"},
		{"rebase merge", merge(w.app, 1, &gh.PullRequestOptions{MergeMethod: "rebase"}), 405,
			"Rebase merges are not allowed"},
		{"merge by a reader", merge(w.as("vic"), 1, nil), 404, "Not Found"},
		{"merge of nothing", merge(w.app, 99, nil), 404, "Not Found"},
		{"endless comment", commentBy(w.app, strings.Repeat("ä", 65537)), 422,
			"Body is too long (maximum is 65536 characters)"},
		{"empty comment", commentBy(w.app, " "), 422, "missing_field body"},
		{"workflow in a tree, by the App", tree(w.app, ".github/workflows/x.yml"), 403,
			"Resource not accessible by integration"},
		{"path out of the tree", tree(w.app, "../x"), 422, "GitRPC::BadObjectState"},
	} {
		t.Run(row.name, func(t *testing.T) { refused(t, row.err, row.status, row.text) })
	}
	t.Run("longest comment", func(t *testing.T) {
		if err := commentBy(w.as("vic"), strings.Repeat("ä", 65536)); err != nil {
			t.Error(err)
		}
	})
}

func TestOnlyFastForwardsWithoutForce(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	a := commitFile(t, w.app, "a", "a.tf", "a\n")
	b := commitFile(t, w.app, "b", "b.tf", "b\n")
	ref := &gh.Reference{Ref: gh.String("refs/heads/a"), Object: &gh.GitObject{SHA: &b}}
	_, _, err := w.app.Git.UpdateRef(ctx, owner, repo, ref, false)
	refused(t, err, 422, "Update is not a fast forward")
	must(w.app.Git.UpdateRef(ctx, owner, repo, ref, true))(t)
	got := must(w.app.Git.GetRef(ctx, owner, repo, "heads/a"))(t).GetObject().GetSHA()
	if got != b || got == a {
		t.Errorf("a is at %s, want %s", got, b)
	}
}

func TestConflictIsNotMergeable(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	commitFile(t, w.app, "one", "same.tf", "one\n")
	commitFile(t, w.app, "two", "same.tf", "two\n")
	openPull(t, w.app, "one")
	openPull(t, w.app, "two")
	must(w.app.PullRequests.Merge(ctx, owner, repo, 1, "", nil))(t)
	pr := must(w.app.PullRequests.Get(ctx, owner, repo, 2))(t)
	if pr.GetMergeable() || pr.GetMergeableState() != "dirty" {
		t.Errorf("mergeable %v, state %s", pr.GetMergeable(), pr.GetMergeableState())
	}
	_, _, err := w.app.PullRequests.Merge(ctx, owner, repo, 2, "", nil)
	refused(t, err, 405, "Pull Request is not mergeable")
	_, _, err = w.app.PullRequests.Merge(ctx, owner, repo, 1, "", nil)
	refused(t, err, 405, "Pull Request is not mergeable")
}

func TestProtectedBranchNeedsReviews(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	commitFile(t, w.app, "one", "one.tf", "one\n")
	openPull(t, w.app, "one")
	if err := w.server.SetRequiredReviews("acme/infra-core", 1); err != nil {
		t.Fatal(err)
	}
	approve := &gh.PullRequestReviewRequest{Event: gh.String("APPROVE")}
	must(w.as("vic").PullRequests.CreateReview(ctx, owner, repo, 1, approve))(t) // does not count: vic has no write access
	_, _, err := w.app.PullRequests.Merge(ctx, owner, repo, 1, "", nil)
	refused(t, err, 405, "At least 1 approving review is required")
	must(w.as("omar").PullRequests.CreateReview(ctx, owner, repo, 1, approve))(t)
	must(w.app.PullRequests.Merge(ctx, owner, repo, 1, "", nil))(t)
}

func TestPullRequestLifecycle(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	commitFile(t, w.app, "one", "one.tf", "one\n")
	commitFile(t, w.app, "release", "r.tf", "r\n")
	openPull(t, w.app, "one")
	edit := func(pr *gh.PullRequest) (*gh.PullRequest, *gh.Response, error) {
		return w.app.PullRequests.Edit(ctx, owner, repo, 1, pr)
	}
	got := must(edit(&gh.PullRequest{Base: &gh.PullRequestBranch{Ref: gh.String("release")}}))(t)
	if got.GetBase().GetRef() != "release" {
		t.Errorf("base %s", got.GetBase().GetRef())
	}
	if got := must(edit(&gh.PullRequest{State: gh.String("closed")}))(t); got.GetState() != "closed" ||
		got.ClosedAt == nil {
		t.Errorf("closed: %s %v", got.GetState(), got.ClosedAt)
	}
	if got := must(edit(&gh.PullRequest{State: gh.String("open")}))(t); got.GetState() != "open" || got.ClosedAt != nil {
		t.Errorf("reopened: %s %v", got.GetState(), got.ClosedAt)
	}
	if _, err := w.app.Git.DeleteRef(ctx, owner, repo, "heads/one"); err != nil {
		t.Fatal(err)
	}
	if got := must(w.app.PullRequests.Get(ctx, owner, repo, 1))(t); got.GetState() != "closed" || got.GetMerged() {
		t.Errorf("without its branch: %s merged %v", got.GetState(), got.GetMerged())
	}
	_, _, err := edit(&gh.PullRequest{State: gh.String("open")})
	refused(t, err, 422, "branch has been deleted")
	all := must(w.app.PullRequests.List(ctx, owner, repo, &gh.PullRequestListOptions{State: "all", Head: "acme:one"}))(t)
	if len(all) != 1 {
		t.Errorf("list by head: %d", len(all))
	}
}

func TestReviewIsDismissed(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	commitFile(t, w.app, "one", "one.tf", "one\n")
	openPull(t, w.app, "one")
	rv := must(w.as("omar").PullRequests.CreateReview(ctx, owner, repo, 1,
		&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")}))(t)
	must(w.as("dana").PullRequests.DismissReview(ctx, owner, repo, 1, rv.GetID(),
		&gh.PullRequestReviewDismissalRequest{Message: gh.String("stale")}))(t)
	list := must(w.app.PullRequests.ListReviews(ctx, owner, repo, 1, nil))(t)
	if len(list) != 1 || list[0].GetState() != "DISMISSED" || list[0].GetUser().GetID() != 1003 {
		t.Errorf("reviews: %v", list)
	}
	_, _, err := w.as("dana").PullRequests.DismissReview(ctx, owner, repo, 1, rv.GetID(),
		&gh.PullRequestReviewDismissalRequest{Message: gh.String("again")})
	refused(t, err, 422, "Can not dismiss a dismissed")
}

func TestCompareAndContents(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	head := commitFile(t, w.app, "request/a", "envs/dev/app/a.tf", "a\nb\n")
	cmp := must(w.app.Repositories.CompareCommits(ctx, owner, repo, "main", "request/a", nil))(t)
	if cmp.GetStatus() != "ahead" || cmp.GetAheadBy() != 1 || len(cmp.Files) != 1 || cmp.MergeBaseCommit.GetSHA() == "" {
		t.Fatalf("compare: %+v", cmp)
	}
	f := cmp.Files[0]
	if f.GetFilename() != "envs/dev/app/a.tf" || f.GetStatus() != "added" || f.GetAdditions() != 2 ||
		f.GetPatch() != "@@ -0,0 +1,2 @@\n+a\n+b" {
		t.Errorf("file: %+v", f)
	}
	file, _, _, err := w.app.Repositories.GetContents(ctx, owner, repo, "envs/dev/app/a.tf",
		&gh.RepositoryContentGetOptions{Ref: head})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := file.GetContent(); err != nil || text != "a\nb\n" || file.GetSHA() != f.GetSHA() {
		t.Errorf("contents %q %v, blob %s and %s", text, err, file.GetSHA(), f.GetSHA())
	}
	_, dir, _, err := w.app.Repositories.GetContents(ctx, owner, repo, "envs/dev/app",
		&gh.RepositoryContentGetOptions{Ref: "request/a"})
	if err != nil || len(dir) != 2 {
		t.Errorf("directory: %v %v", dir, err)
	}
	large := commitFile(t, w.app, "request/large", "large.tf", strings.Repeat("#", 1<<20+1))
	if file, _, _, err := w.app.Repositories.GetContents(ctx, owner, repo, "large.tf",
		&gh.RepositoryContentGetOptions{Ref: large}); err != nil || file.GetEncoding() != "none" || *file.Content != "" {
		t.Errorf("a file that is too large for its answer: %v %v", file.GetEncoding(), err)
	}
	put := &gh.RepositoryContentFileOptions{Message: gh.String("m"), Content: []byte("z"),
		Branch: gh.String("request/a"), SHA: gh.String(strings.Repeat("1", 40))}
	_, _, err = w.as("dana").Repositories.UpdateFile(ctx, owner, repo, "envs/dev/app/a.tf", put)
	refused(t, err, 409, "does not match")
	put.SHA = f.SHA
	must(w.as("dana").Repositories.UpdateFile(ctx, owner, repo, "envs/dev/app/a.tf", put))(t)
}

func TestTreeDeletesWithNull(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	main := must(w.app.Git.GetRef(ctx, owner, repo, "heads/main"))(t).GetObject().GetSHA()
	tree := must(w.app.Git.CreateTree(ctx, owner, repo, main,
		[]*gh.TreeEntry{{Path: gh.String("README.md"), Mode: gh.String("100644")}}))(t)
	full := must(w.app.Git.GetTree(ctx, owner, repo, tree.GetSHA(), true))(t)
	for _, e := range full.Entries {
		if e.GetPath() == "README.md" {
			t.Error("README.md is still there")
		}
	}
}

func TestAuthentication(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	jwt := w.client(w.appTransport(testKey()))
	if app := must(jwt.Apps.Get(ctx, ""))(t); app.GetSlug() != "tfpilot" {
		t.Errorf("app: %v", app)
	}
	wrong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.client(w.appTransport(wrong)).Apps.Get(ctx, "")
	refused(t, err, 401, "could not be decoded")
	_, _, err = w.as("stranger").Users.Get(ctx, "")
	refused(t, err, 401, "Bad credentials")
	_, _, err = w.as("dana").Apps.Get(ctx, "")
	refused(t, err, 401, "could not be decoded")
	if me := must(w.as("dana").Users.Get(ctx, ""))(t); me.GetID() != 1001 {
		t.Errorf("dana: %v", me)
	}
	_, _, err = w.app.Users.Get(ctx, "")
	refused(t, err, 403, "Resource not accessible by integration")
	if bot := must(w.app.Users.Get(ctx, "tfpilot[bot]"))(t); bot.GetID() != 9001 || bot.GetType() != "Bot" {
		t.Errorf("bot: %v", bot)
	}
	_, _, err = w.app.Users.Get(ctx, "ghost-user")
	refused(t, err, 404, "Not Found")
}

func TestNarrowTokenCannotWrite(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	tr := ghinstallation.NewFromAppsTransport(w.appTransport(testKey()), 2)
	tr.InstallationTokenOptions = &gh.InstallationTokenOptions{Permissions: &gh.InstallationPermissions{Contents: gh.String("read")}}
	tr.BaseURL = "http://github.test"
	c := w.client(tr)
	main := must(c.Git.GetRef(ctx, owner, repo, "heads/main"))(t).GetObject().GetSHA()
	_, _, err := c.Git.CreateRef(ctx, owner, repo,
		&gh.Reference{Ref: gh.String("refs/heads/x"), Object: &gh.GitObject{SHA: &main}})
	refused(t, err, 403, "Resource not accessible by integration")
}

// After the App was removed from a repository, GitHub answers that it does not exist.
func TestRepositoryWithoutTheApp(t *testing.T) {
	ctx := context.Background()
	cfg := config()
	cfg.Repos[0].Outside = true
	w := newFixture(t, cfg)
	_, _, err := w.app.Git.GetRef(ctx, owner, repo, "heads/main")
	refused(t, err, 404, "Not Found")
	_, _, err = w.app.Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: gh.String("x")})
	refused(t, err, 404, "Not Found")
	must(w.as("dana").Git.GetRef(ctx, owner, repo, "heads/main"))(t)
}

func TestSuspendedInstallation(t *testing.T) {
	ctx := context.Background()
	w := newFixture(t, config())
	must(w.app.Git.GetRef(ctx, owner, repo, "heads/main"))(t)
	w.server.Suspend(true)
	_, _, err := w.app.Git.GetRef(ctx, owner, repo, "heads/main")
	refused(t, err, 403, "This installation has been suspended")
	jwt := w.client(w.appTransport(testKey()))
	_, _, err = jwt.Apps.CreateInstallationToken(ctx, 2, nil)
	refused(t, err, 403, "This installation has been suspended")
	if at := must(jwt.Apps.GetInstallation(ctx, 2))(t).SuspendedAt; at == nil {
		t.Error("the start time is missing")
	}
	w.server.Suspend(false)
	must(w.app.Git.GetRef(ctx, owner, repo, "heads/main"))(t)
}

func TestPagesLinksAndETags(t *testing.T) {
	ctx := context.Background()
	cfg := config()
	cfg.Limits.PerHour = 1000
	w := newFixture(t, cfg)
	for _, name := range []string{"a", "b", "c"} {
		commitFile(t, w.app, name, name+".tf", name)
		openPull(t, w.app, name)
	}
	list, resp, err := w.app.PullRequests.List(ctx, owner, repo,
		&gh.PullRequestListOptions{ListOptions: gh.ListOptions{PerPage: 2}})
	if err != nil || len(list) != 2 || resp.NextPage != 2 || resp.LastPage != 2 || list[0].GetNumber() != 3 {
		t.Fatalf("first page: %d %+v %v", len(list), resp, err)
	}
	req, err := w.app.NewRequest("GET", "repos/acme/infra-core/pulls?per_page=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	again, err := w.app.Do(ctx, req, nil)
	if again == nil || again.StatusCode != http.StatusNotModified {
		t.Fatalf("unchanged list: %v %v", again, err)
	}
	if again.Rate.Remaining != resp.Rate.Remaining {
		t.Errorf("an unchanged answer cost %d", resp.Rate.Remaining-again.Rate.Remaining)
	}
	must(w.app.PullRequests.Edit(ctx, owner, repo, 3, &gh.PullRequest{Title: gh.String("new")}))(t)
	req2, _ := w.app.NewRequest("GET", "repos/acme/infra-core/pulls?per_page=2", nil)
	req2.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	if changed, err := w.app.Do(ctx, req2, nil); err != nil || changed.StatusCode != 200 {
		t.Errorf("changed list: %v", err)
	}
}

func TestRateLimits(t *testing.T) {
	ctx := context.Background()
	t.Run("by the hour", func(t *testing.T) {
		cfg := config()
		cfg.Limits = github.Limits{PerHour: 3}
		w := newFixture(t, cfg)
		for range 3 {
			must(w.app.Repositories.Get(ctx, owner, repo))(t)
		}
		_, _, err := w.as("omar").Repositories.Get(ctx, owner, repo)
		if err != nil {
			t.Errorf("another principal has its own limit: %v", err)
		}
		_, _, err = w.app.Repositories.Get(ctx, owner, repo)
		if _, is := err.(*gh.RateLimitError); !is {
			t.Errorf("fourth call: %T %v", err, err)
		}
	})
	for name, limits := range map[string]github.Limits{"content by the minute": {ContentPerMin: 1},
		"content by the hour": {ContentPerHour: 1}} {
		t.Run(name, func(t *testing.T) {
			cfg := config()
			cfg.Limits = limits
			w := newFixture(t, cfg)
			commitFile(t, w.app, "a", "a.tf", "a")
			openPull(t, w.app, "a")
			_, _, err := w.app.Issues.CreateComment(ctx, owner, repo, 1, &gh.IssueComment{Body: gh.String("x")})
			limited, is := err.(*gh.AbuseRateLimitError)
			if !is || limited.RetryAfter == nil || *limited.RetryAfter <= 0 {
				t.Errorf("second content: %T %v", err, err)
			}
		})
	}
}

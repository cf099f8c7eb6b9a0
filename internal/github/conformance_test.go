package github

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	simulator "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/story"
)

func readAll(req *http.Request) []byte {
	data, _ := io.ReadAll(req.Body)
	return data
}

// The budget of opening a request up to the dispatched plan is 8 calls.
func TestOpeningTakesSevenCalls(t *testing.T) {
	w := newFixture(t)
	w.open(t)
	run, err := w.Dispatch(t.Context(), dispatchInput())
	if err != nil || run.ID == 0 || run.URL == "" {
		t.Fatalf("dispatch: %+v, %v", run, err)
	}
	if len(w.calls) != 7 {
		t.Errorf("%d calls:\n%s", len(w.calls), strings.Join(w.calls, "\n"))
	}
}

func TestTreeIsGitsOwn(t *testing.T) {
	w := newFixture(t)
	tip := must(w.Tip(t.Context(), core, "main"))(t)
	tree := must(w.Tree(t.Context(), core, tip))(t)
	want := must(w.treeOf(t.Context(), core, tip))(t)
	if tree.SHA != want || tree.Truncated {
		t.Errorf("computed tree %s, git's is %s", tree.SHA, want)
	}
	if got := tree.Entries["README.md"]; got != BlobID([]byte("# infra-core\n")) {
		t.Errorf("blob of README.md is %q", got)
	}
	f := must(w.File(t.Context(), core, "main", "envs/dev/app/backend.tf"))(t)
	if string(f.Content) != "terraform {}\n" || f.Blob != tree.Entries["envs/dev/app/backend.tf"] {
		t.Errorf("file is %q, blob %s", f.Content, f.Blob)
	}
	if _, err := w.File(t.Context(), core, "main", "nope.tf"); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := w.Tip(t.Context(), core, "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("missing branch: %v", err)
	}
}

func TestCommitIsRepeatable(t *testing.T) {
	w := newFixture(t)
	in, first, created, err := w.commit(t, "one")
	if err != nil || !created || first.Blob != BlobID([]byte("one")) {
		t.Fatalf("first: %+v created %v, %v", first, created, err)
	}
	_, again, created, err := w.commit(t, "one")
	if err != nil || created || again != first {
		t.Errorf("again: %+v created %v, %v; want %+v taken over", again, created, err, first)
	}
	later := in // another commit with the same content, as a worker with another clock would make
	later.When = when.Add(time.Hour)
	adopted, created, err := w.CommitFile(t.Context(), later)
	if err != nil || created || adopted != first {
		t.Errorf("same file in another commit: %+v created %v, %v", adopted, created, err)
	}
	later.Message = "Fixes #1 [skip ci]" // TfPilot would have written what later says; the branch says something else
	if _, _, err := w.CommitFile(t.Context(), later); !errors.Is(err, ErrForeign) {
		t.Errorf("same file under another message: %v", err)
	}
	if _, _, _, err := w.commit(t, "two"); !errors.Is(err, ErrForeign) {
		t.Errorf("other content on the branch: %v", err)
	}
	diff := must(w.Compare(t.Context(), core, "main", testBranch))(t)
	if !diff.Only(testFile, first.Blob) || diff.MergeBase != in.BaseSHA || diff.Ahead != 1 {
		t.Errorf("comparison %+v", diff)
	}
	in.BaseTree = ""
	if c, err := w.MakeCommit(t.Context(), in); err != nil || c.Blob != first.Blob {
		t.Errorf("without the tree in hand: %+v, %v", c, err)
	}
}

// What an App commits is signed by GitHub, which a branch may require, and only when
// the commit names no author. A token commits under TfPilot's own name.
func TestCommitsOfAnAppAreVerified(t *testing.T) {
	w := newFixture(t)
	verified := func(c *Client, commit Commit) (bool, string) {
		t.Helper()
		var out struct {
			Author       struct{ Name string }
			Verification struct{ Verified bool }
		}
		if _, err := c.call(t.Context(), http.MethodGet, "repos/acme/infra-core/git/commits/"+commit.SHA, nil,
			&out); err != nil {
			t.Fatal(err)
		}
		return out.Verification.Verified, out.Author.Name
	}
	in, first, _, err := w.commit(t, "one")
	if err != nil {
		t.Fatal(err)
	}
	if signed, author := verified(w.Client, first); !signed || author != "tfpilot[bot]" {
		t.Errorf("commit of the App: verified %v, author %q", signed, author)
	}
	token, err := New(Config{Token: "ghp_dana", APIURL: "http://github.test/api/v3",
		Transport: simulator.Transport(w.server.Handler())})
	if err != nil {
		t.Fatal(err)
	}
	in.Content = []byte("two")
	if signed, author := verified(token, must(token.MakeCommit(t.Context(), in))(t)); signed || author != "TfPilot" {
		t.Errorf("commit with a token: verified %v, author %q", signed, author)
	}
}

func TestRestoreAndDeleteBranch(t *testing.T) {
	w := newFixture(t)
	in, first, _, err := w.commit(t, "one")
	if err != nil {
		t.Fatal(err)
	}
	other := in
	other.Content = []byte("changed by hand")
	foreign := must(w.MakeCommit(t.Context(), other))(t)
	if err := w.UpdateBranchRef(t.Context(), core, testBranch, foreign.SHA, false); err == nil {
		t.Error("a branch was moved back without force")
	}
	for _, sha := range []string{foreign.SHA, first.SHA} {
		if err := w.UpdateBranchRef(t.Context(), core, testBranch, sha, true); err != nil {
			t.Fatal(err)
		}
	}
	if tip := must(w.Tip(t.Context(), core, testBranch))(t); tip != first.SHA {
		t.Errorf("restored branch is at %s, want %s", tip, first.SHA)
	}
	for range 2 {
		if err := w.DeleteBranch(t.Context(), core, testBranch); err != nil {
			t.Errorf("delete branch: %v", err)
		}
	}
}

func TestPullIsOpenedOnce(t *testing.T) {
	w := newFixture(t)
	p := w.open(t)
	if !p.Open || p.HeadRef != testBranch || p.BaseRef != "main" || p.By.Login != "tfpilot[bot]" || p.URL == "" {
		t.Errorf("pull request %+v", p)
	}
	again, created, err := w.OpenPull(t.Context(), pullInput())
	if err != nil || created || again.Number != p.Number {
		t.Errorf("again: number %d created %v, %v", again.Number, created, err)
	}
	if err := w.ClosePull(t.Context(), core, p.Number); err != nil {
		t.Fatal(err)
	}
	found := must(w.FindPull(t.Context(), core, testBranch))(t)
	if found.Number != p.Number || found.Open || found.ClosedAt == nil {
		t.Errorf("closed pull request %+v", found)
	}
	if _, err := w.FindPull(t.Context(), core, "request/none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no pull request: %v", err)
	}
}

func TestMergeOnlyTheApprovedHead(t *testing.T) {
	w := newFixture(t)
	p := w.open(t)
	in := MergeInput{Repo: core, Number: p.Number, HeadSHA: p.HeadSHA, Title: "Merge " + reqID}
	stale := in
	stale.HeadSHA = must(w.Tip(t.Context(), core, "main"))(t)
	if _, _, err := w.Merge(t.Context(), stale); !errors.Is(err, ErrHeadMoved) {
		t.Errorf("another head: %v", err)
	}
	if err := w.server.SetRequiredReviews(core.String(), 1); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.Merge(t.Context(), in)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Status != http.StatusMethodNotAllowed || refused.Message == "" ||
		errors.Is(err, ErrHeadMoved) {
		t.Errorf("protected branch: %v", err)
	}
	if err := w.server.SetRequiredReviews(core.String(), 0); err != nil {
		t.Fatal(err)
	}
	sha, done, err := w.Merge(t.Context(), in)
	if err != nil || !done {
		t.Fatalf("merged by this call: %v, %v", done, err)
	}
	if again, done, err := w.Merge(t.Context(), in); err != nil || done || again != sha {
		t.Errorf("merged already: %s, by this call %v, %v; want %s", again, done, err, sha)
	}
	got := must(w.Pull(t.Context(), core, p.Number))(t)
	if !got.Merged || got.MergeSHA != sha || got.MergedAt == nil || got.Open {
		t.Errorf("merged pull request %+v", got)
	}
	if tip := must(w.Tip(t.Context(), core, "main"))(t); tip != sha {
		t.Errorf("main is at %s, want the merge %s", tip, sha)
	}
}

func TestPullsAreListedConditionally(t *testing.T) {
	w := newFixture(t)
	p := w.open(t)
	first := must(w.Pulls(t.Context(), core, time.Time{}, ""))(t)
	if len(first.Items) != 1 || first.Items[0].Number != p.Number || first.ETag == "" {
		t.Fatalf("list %+v", first)
	}
	if again := must(w.Pulls(t.Context(), core, time.Time{}, first.ETag))(t); !again.Same || len(again.Items) != 0 {
		t.Errorf("nothing changed: %+v", again)
	}
	if err := w.ClosePull(t.Context(), core, p.Number); err != nil {
		t.Fatal(err)
	}
	if changed := must(w.Pulls(t.Context(), core, time.Time{}, first.ETag))(t); changed.Same ||
		len(changed.Items) != 1 || changed.Items[0].Open {
		t.Errorf("closed: %+v", changed)
	}
	if none := must(w.Pulls(t.Context(), core, time.Now().Add(time.Hour), ""))(t); len(none.Items) != 0 {
		t.Errorf("nothing is that new: %+v", none)
	}
}

func TestReviewsAndComments(t *testing.T) {
	w := newFixture(t)
	p := w.open(t)
	if _, _, err := w.as("omar").PullRequests.CreateReview(t.Context(), core.Owner, core.Name, p.Number,
		&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")}); err != nil {
		t.Fatal(err)
	}
	reviews := must(w.Reviews(t.Context(), core, p.Number))(t)
	if len(reviews) != 1 || reviews[0].By != (Actor{"omar", 1003}) || reviews[0].State != "approved" ||
		reviews[0].CommitSHA != p.HeadSHA {
		t.Errorf("reviews %+v", reviews)
	}
	// someone else's comment with our marker is not ours to change
	marker := "<!-- tfpilot:plan:" + reqID + " -->"
	if _, _, err := w.as("dana").Issues.CreateComment(t.Context(), core.Owner, core.Name, p.Number,
		&gh.IssueComment{Body: gh.String(marker + "\nhello")}); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"one", "two", "two"} {
		if _, err := w.CommentOnce(t.Context(), core, p.Number, marker, body); err != nil {
			t.Fatal(err)
		}
	}
	comments, _, err := w.as("dana").Issues.ListComments(t.Context(), core.Owner, core.Name, p.Number, nil)
	if err != nil || len(comments) != 2 || comments[0].GetBody() != marker+"\nhello" || comments[1].GetBody() != marker+
		"\ntwo" {
		t.Errorf("%d comments, %v", len(comments), err)
	}
	writes := 0
	for _, c := range w.calls {
		if strings.Contains(c, "comments") && !strings.HasPrefix(c, "GET") {
			writes++
		}
	}
	if writes != 2 {
		t.Errorf("%d writes for two texts", writes)
	}
}

func TestRunFromDispatchToWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t, func(c *simulator.Config) {
			c.Runner = endsWith("failure",
				actions.Step{Number: 1, Name: "Guard", Status: "completed", Conclusion: "success"},
				actions.Step{Number: 2, Name: "Terraform plan", Status: "completed", Conclusion: "failure"})
		})
		begun := time.Now()
		started := must(w.Dispatch(t.Context(), dispatchInput()))(t)
		time.Sleep(time.Minute)
		run := must(w.Run(t.Context(), core, started.ID))(t)
		if run.Conclusion != "failure" || run.Status != "completed" || run.CompletedAt.IsZero() || run.Attempt != 1 ||
			run.Event != "workflow_dispatch" || run.Actor.Login != "tfpilot[bot]" || run.HeadBranch != "main" ||
			run.RepoID == 0 {
			t.Errorf("run %+v", run)
		}
		if kind, _ := ClassifyRun(run.Path, run.Name); kind != lifecycle.KindPlan {
			t.Errorf("kind of %q is %q", run.Path, kind)
		}
		kind, req, cid, matches := ParseRunTitle(run.DisplayTitle)
		if !matches || kind != lifecycle.KindPlan || req != reqID || cid != planID ||
			run.DisplayTitle != story.RunTitle(kind, req, cid) {
			t.Errorf("title %q", run.DisplayTitle)
		}
		step := must(w.FailedStep(t.Context(), core, run.ID))(t)
		if step.Step != "Terraform plan" || step.Conclusion != "failure" {
			t.Errorf("failed step %+v", step)
		}
		checkRunList(t, w, run, begun)
		checkRunHints(t, w, run)
		if _, err := w.Run(t.Context(), core, 424242); !errors.Is(err, ErrNotFound) {
			t.Errorf("unknown run: %v", err)
		}
	})
}

func checkRunList(t *testing.T, w *fixture, run Run, begun time.Time) {
	t.Helper()
	list := must(w.FindRuns(t.Context(), core, RunQuery{Since: begun}))(t)
	if len(list.Items) != 1 || list.Items[0].ID != run.ID || list.Items[0].DisplayTitle != run.DisplayTitle {
		t.Errorf("runs %+v", list.Items)
	}
	if again := must(w.FindRuns(t.Context(), core, RunQuery{Since: begun, ETag: list.ETag}))(t); !again.Same {
		t.Errorf("nothing changed: %+v", again)
	}
	if later := must(w.FindRuns(t.Context(), core,
		RunQuery{Since: run.CreatedAt.Add(time.Second)}))(t); len(later.Items) != 0 {
		t.Errorf("nothing is that new: %+v", later.Items)
	}
}

func checkRunHints(t *testing.T, w *fixture, run Run) {
	t.Helper()
	hint, found := w.hooks.find(func(h Hint) bool { return h.Run != nil && h.Action == "completed" })
	if !found {
		t.Fatalf("no webhook of the end; errors %v", w.hooks.errs)
	}
	if hint.RepoID != run.RepoID || hint.Repo != core.String() || hint.Run.ID != run.ID ||
		hint.Run.Conclusion != "failure" ||
		hint.Run.Path != run.Path || hint.Run.DisplayTitle != run.DisplayTitle || hint.Run.Actor != "tfpilot[bot]" ||
		hint.Run.Attempt != 1 || !hint.Run.CompletedAt.Equal(run.CompletedAt) {
		t.Errorf("hint %+v of run %+v", hint.Run, run)
	}
}

func TestPullHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		p := w.open(t)
		if _, _, err := w.as("omar").PullRequests.CreateReview(t.Context(), core.Owner, core.Name, p.Number,
			&gh.PullRequestReviewRequest{Event: gh.String("APPROVE")}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		opened, found := w.hooks.find(func(h Hint) bool { return h.Event == "pull_request" && h.Action == "opened" })
		if !found || opened.Pull.Number != p.Number || opened.Pull.HeadSHA != p.HeadSHA ||
			opened.Pull.HeadRef != testBranch ||
			opened.Pull.BaseRef != "main" || opened.Pull.State != "open" || opened.Delivery == "" {
			t.Errorf("opened: %v %+v; errors %v", found, opened.Pull, w.hooks.errs)
		}
		review, found := w.hooks.find(func(h Hint) bool { return h.Review != nil })
		if !found || review.Review.Login != "omar" || review.Review.State != "approved" ||
			review.Review.CommitSHA != p.HeadSHA ||
			review.Pull.Number != p.Number {
			t.Errorf("review: %v %+v", found, review.Review)
		}
	})
}

func TestFailedDeliveriesAreRedelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t)
		begun := time.Now()
		if none := must(w.FailedDeliveries(t.Context(), begun))(t); len(none) != 0 {
			t.Errorf("nothing failed yet: %+v", none)
		}
		w.hooks.status = http.StatusServiceUnavailable
		w.open(t)
		time.Sleep(time.Minute)
		failed := must(w.FailedDeliveries(t.Context(), begun))(t)
		if len(failed) != 1 || failed[0].Event != "pull_request" || failed[0].Attempts != 1 {
			t.Fatalf("failed %+v", failed)
		}
		guid := failed[0].GUID
		for attempts := 2; attempts <= 3; attempts++ {
			if err := w.Redeliver(t.Context(), failed[0].ID); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			failed = must(w.FailedDeliveries(t.Context(), begun))(t)
			if len(failed) != 1 || failed[0].GUID != guid || failed[0].Attempts != attempts {
				t.Fatalf("after attempt %d: %+v", attempts, failed)
			}
		}
		w.hooks.mu.Lock()
		w.hooks.status = 0
		w.hooks.mu.Unlock()
		if err := w.Redeliver(t.Context(), failed[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if left := must(w.FailedDeliveries(t.Context(), begun))(t); len(left) != 0 {
			t.Errorf("it arrived at last, yet: %+v", left)
		}
	})
}

func TestDispatchToAnOldServer(t *testing.T) {
	w := newFixture(t, func(c *simulator.Config) { c.OldServer = true })
	for i, want := range []int{2, 1} { // the first finds out, the second knows
		w.calls = nil
		run, err := w.Dispatch(t.Context(), dispatchInput())
		if err != nil || run.ID != 0 {
			t.Fatalf("dispatch %d: %+v, %v", i, run, err)
		}
		if len(w.calls) != want {
			t.Errorf("dispatch %d took %d calls, want %d", i, len(w.calls), want)
		}
	}
	if n := len(w.server.Runs(core.String())); n != 2 {
		t.Errorf("%d runs for two dispatches", n)
	}
}

func TestDispatchRefused(t *testing.T) {
	w := newFixture(t)
	in := dispatchInput()
	in.Inputs = map[string]string{"request_id": reqID, "correlation_id": planID, "evil": "x"}
	_, err := w.Dispatch(t.Context(), in)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity || len(w.calls) != 1 {
		t.Errorf("unknown input: %v after %d calls", err, len(w.calls))
	}
	in = dispatchInput()
	in.Workflow = "nope.yml"
	if _, err := w.Dispatch(t.Context(), in); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown workflow: %v", err)
	}
	for _, bad := range []string{"../../x.yml", "plan", "a/b.yml", ""} {
		in.Workflow = bad
		if _, err := w.Dispatch(t.Context(), in); err == nil {
			t.Errorf("workflow %q was requested", bad)
		}
	}
}

// A lost answer is not a refusal: the run exists and can be found.
func TestDispatchWithALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newFixture(t, func(c *simulator.Config) { c.ListLag = 10 * time.Second })
		begun := time.Now()
		w.server.AddFault(simulator.Fault{Kind: simulator.FaultLost, Method: "POST", Path: "/repos/*/*/actions/**", Count: 1})
		_, err := w.Dispatch(t.Context(), dispatchInput())
		if !errors.Is(err, errUnknown) {
			t.Fatalf("lost answer: %v", err)
		}
		if list := must(w.FindRuns(t.Context(), core, RunQuery{Since: begun}))(t); len(list.Items) != 0 {
			t.Errorf("listed at once: %+v", list.Items)
		}
		time.Sleep(30 * time.Second)
		list := must(w.FindRuns(t.Context(), core, RunQuery{Since: begun}))(t)
		if len(list.Items) != 1 {
			t.Fatalf("%d runs", len(list.Items))
		}
		if _, _, cid, _ := ParseRunTitle(list.Items[0].DisplayTitle); cid != planID {
			t.Errorf("found %q", list.Items[0].DisplayTitle)
		}
	})
}

func TestWhoAndWhat(t *testing.T) {
	w := newFixture(t)
	if me, err := w.Self(t.Context()); err != nil || me.Login != "tfpilot[bot]" {
		t.Errorf("self %+v, %v", me, err)
	}
	if info, err := w.Repo(t.Context(), core); err != nil || info.ID == 0 || info.DefaultBranch != "main" ||
		info.FullName != "acme/infra-core" {
		t.Errorf("repository %+v, %v", info, err)
	}
	if in, err := w.Installation(t.Context()); err != nil || in.Permissions["contents"] != "write" ||
		in.Permissions["workflows"] != "" {
		t.Errorf("installation %+v, %v", in, err)
	}
	person, err := New(Config{Token: "ghp_dana", APIURL: "http://github.test/api/v3",
		Transport: simulator.Transport(w.server.Handler())})
	if err != nil {
		t.Fatal(err)
	}
	if me, err := person.Self(t.Context()); err != nil || me != (Actor{"dana", 1001}) {
		t.Errorf("token's self %+v, %v", me, err)
	}
	if _, err := person.FailedDeliveries(t.Context(), time.Time{}); !errors.Is(err, ErrNoApp) {
		t.Errorf("deliveries of a person: %v", err)
	}
}

package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/worker"
)

// facts are a request without what every write touches.
func (w *harness) facts(id string) string {
	w.t.Helper()
	r := w.request(id)
	r.Version, r.WriteNonce, r.UpdatedAt, r.Audit, r.Slack = 0, "", time.Time{}, lifecycle.Audit{}, lifecycle.Slack{}
	r.ForeignRuns, r.ForeignRunCount = nil, 0 // the runs of others are reported, and decide nothing
	if r.PR != nil {
		r.PR.SeenAt, r.PR.ReviewsSeenAt = nil, nil // how new the answers are
	}
	data, err := json.Marshal(r)
	w.must(err)
	return string(data)
}

// A task that an attacker enqueues in Redis changes nothing. A task that claims to be a webhook
// leaves an audit event; any other only makes TfPilot reconcile.
func TestForgedTasksChangeNothing(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.atWork(reqA, lifecycle.KindPlan)
		w.pass(time.Minute)
		before, a := w.facts(reqA), *w.request(reqA).Runs.Plan.Current()
		hint := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "success")
		data, err := json.Marshal(hint)
		w.must(err)
		for i, sealed := range [][]byte{
			data, append(make([]byte, 32), data...), worker.SealHint([]byte("another key"), data), worker.SealHint(nil, data),
			[]byte("{"), nil,
			append(w.hint(hint), ' '),
		} {
			w.must(w.notifier.Webhook(context.Background(), fmt.Sprintf("forged-%d", i), sealed))
			w.must(w.notifier.Reconcile(context.Background(), reqA, int64(1000+i)))
			w.must(w.notifier.Reconcile(context.Background(), "req_zzzzzzzzzzzzz", 1))
			w.must(w.notifier.Environment(context.Background(), "core", "dev", "app", int64(1000+i)))
			w.must(w.notifier.Sync(context.Background(), "evil/repo"))
			w.pass(10 * time.Second)
		}
		if after := w.facts(reqA); after != before {
			w.t.Errorf("forged tasks changed facts: %s", cmp.Diff(before, after))
		}
		w.assertEvent(reqA, "task_refused", "claimed to be a webhook")
		pull := github.Hint{Event: "pull_request", Action: "closed", RepoID: w.request(reqA).Target.RepoID,
			Pull: &github.PullHint{Number: 1, Merged: true}}
		data, err = json.Marshal(pull)
		w.must(err)
		w.must(w.notifier.Webhook(context.Background(), "forged-pull", append(make([]byte, 32), data...)))
		w.pass(10 * time.Second)
		if after := w.facts(reqA); after != before {
			w.t.Error("a forged pull request webhook changed facts")
		}
		w.ledger.holds("plan", false)
	})
}

// A person who lost the right between the click and the effect gets a refusal, and nothing
// happens on GitHub.
func TestRightsAreAskedAtTheEffect(t *testing.T) {
	demoted := func(w *harness) { w.policy.Approvers, w.policy.Viewers = []string{"ana"}, []string{"vic", "omar"} }
	unlinked := func(w *harness) {
		w.must(w.store.DeleteIdentity(context.Background(), team, people["omar"].slack))
	}
	relinked := func(w *harness) {
		unlinked(w)
		w.must(w.store.PutIdentity(context.Background(),
			lifecycle.Identity{SlackTeam: team, SlackUser: people["omar"].slack, Login: "vic", GithubID: 1005}))
	}
	upTo := map[lifecycle.Action]func(*harness){
		lifecycle.ActionApprove: func(w *harness) { w.open(reqA) },
		lifecycle.ActionReject:  func(w *harness) { w.open(reqA) },
		lifecycle.ActionClose:   func(w *harness) { w.open(reqA) },
		lifecycle.ActionPlan:    func(w *harness) { w.open(reqA) },
		lifecycle.ActionMerge:   func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana") },
		lifecycle.ActionApply:   func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana"); w.merge(reqA) },
	}
	for what, begin := range upTo {
		for name, change := range map[string]func(*harness){"role": demoted, "link": unlinked, "other link": relinked} {
			t.Run(string(what)+" without "+name, func(t *testing.T) {
				withHarness(t, setup{}, func(w *harness) {
					begin(w)
					w.settled(reqA)
					n := w.pause()
					w.click(reqA, what, "omar")
					change(w)
					before := w.effects()
					w.resume(n)
					w.served(reqA, what)
					w.pass(5 * time.Minute)
					if after := w.effects(); after != before {
						w.t.Errorf("something happened:\n%s\n%s", before, after)
					}
					p := w.request(reqA).Problem
					if p == nil || p.Step != string(what) || p.Text == "" {
						w.t.Errorf("the card does not say why: %+v", p)
					}
					w.assertEvent(reqA, "problem", "")
					w.assertEvent(reqA, "wish_gone", string(what))
				})
			})
		}
	}
}

func (w *harness) approveAs(id, by string) {
	w.click(id, lifecycle.ActionApprove, by)
	w.until(id, "approved", func(d store.Doc) bool { return d.Request.Approval.Approved })
}

// effects are what happened on GitHub besides reading.
func (w *harness) effects() string {
	c := w.github.Counts()
	return fmt.Sprint(c.PullRequests, c.Dispatches, c.Merges, c.Pushes, w.github.Pulls(repoName)[0].State)
}

// A requester who lost the right to create gets no pull request.
func TestOpeningAsksForRightsToo(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		n := w.pause()
		w.ask(reqA, "dana")
		w.policy.Viewers = append(w.policy.Viewers, "dana")
		w.resume(n)
		w.pass(30 * time.Minute)
		if r := w.request(reqA); r.PR != nil || r.Problem == nil || r.Problem.Step != "open" {
			w.t.Errorf("pull request %+v, problem %+v", r.PR, r.Problem)
		}
		w.assertEvent(reqA, "problem", "developers")
		if n := w.gate.calls("github GET /git/ref"); n != 0 {
			w.t.Errorf("%d calls to GitHub", n)
		}
		w.restart(func() { w.policy = defaultPolicy() })
		w.planned(reqA, lifecycle.PurposeOpen)
		if p := w.request(reqA).Problem; p != nil {
			w.t.Errorf("the problem stays: %+v", p)
		}
	})
}

// An approver who lost the role takes the approval with them, before the merge and
// before the apply.
func TestApprovalFallsWithTheRole(t *testing.T) {
	for _, c := range []struct {
		what  lifecycle.Action
		upTo  func(*harness)
		count func(*harness) int
	}{
		{lifecycle.ActionMerge, func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana") }, func(w *harness) int {
			return len(w.github.Counts().Merges)
		}},
		{lifecycle.ActionApply, func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana"); w.merge(reqA) },
			func(w *harness) int { return w.github.Counts().Dispatches[repoName+" apply.yml"] }},
	} {
		t.Run(string(c.what), func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				c.upTo(w)
				w.settled(reqA)
				n := w.pause()
				w.click(reqA, c.what, "omar")
				w.policy.Approvers = []string{"omar"}
				before := c.count(w)
				w.resume(n)
				w.served(reqA, c.what)
				w.assertEvent(reqA, "approval_voided", "no longer have the right to approve")
				if c.count(w) != before || w.request(reqA).Approval.Approved {
					w.t.Errorf("%d effects, %+v", c.count(w)-before, w.request(reqA).Approval)
				}
				refusedWith(w.t, w.try(reqA, c.what, "omar"), lifecycle.CodeUnapproved)
			})
		})
	}
}

// A merge on GitHub by a person makes no approval: the apply still needs one.
func TestMergedByHand(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		_, _, err := w.as("dana").PullRequests.Merge(context.Background(), "acme", "infra-core", 1, "", nil)
		w.must(err)
		w.until(reqA, "merged", func(d store.Doc) bool { return d.Request.MergedSHA != "" })
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApply, "omar"), lifecycle.CodeUnapproved)
		w.approve(reqA)
		w.apply(reqA)
		w.assertInvariants()
	})
}

// A person points the pull request at another branch: nothing is merged there.
func TestRetargetedByHand(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		ctx, c := context.Background(), w.as("dana")
		main, _, err := c.Git.GetRef(ctx, "acme", "infra-core", "heads/main")
		w.must(err)
		_, _, err = c.Git.CreateRef(ctx, "acme", "infra-core", &gh.Reference{Ref: gh.String("refs/heads/side"),
			Object: main.Object})
		w.must(err)
		n := w.pause()
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", 1,
			&gh.PullRequest{Base: &gh.PullRequestBranch{Ref: gh.String("side")}})
		w.must(err)
		w.click(reqA, lifecycle.ActionMerge, "omar")
		w.resume(n)
		w.served(reqA, lifecycle.ActionMerge)
		if r := w.request(reqA); r.MergedSHA != "" || r.Approval.Approved {
			w.t.Errorf("merged %q, %+v", r.MergedSHA, r.Approval)
		}
		_, _, err = c.PullRequests.Edit(ctx, "acme", "infra-core", 1,
			&gh.PullRequest{Base: &gh.PullRequestBranch{Ref: gh.String("main")}})
		w.must(err)
		w.until(reqA, "pointed back", func(d store.Doc) bool { return d.Request.PR.BaseRef == "main" })
		w.approve(reqA)
		w.merge(reqA)
		w.assertInvariants()
	})
}

// push puts a file on a branch as a person.
func (w *harness) push(login, branch, path, content string) {
	w.t.Helper()
	ctx, c := context.Background(), w.as(login)
	opts := &gh.RepositoryContentFileOptions{Message: gh.String("m"), Content: []byte(content), Branch: gh.String(branch)}
	if old, _, _, err := c.Repositories.GetContents(ctx, "acme", "infra-core", path,
		&gh.RepositoryContentGetOptions{Ref: branch}); err == nil {
		opts.SHA = old.SHA
	}
	_, _, err := c.Repositories.CreateFile(ctx, "acme", "infra-core", path, opts)
	w.must(err)
}

const foreignWords = "Fixes #1 [skip ci] @adam"

// reword puts a commit in place of the tip of a branch that differs from it in its message alone.
func (w *harness) reword(login, branch string) {
	w.t.Helper()
	ctx, c := context.Background(), w.as(login)
	ref, _, err := c.Git.GetRef(ctx, "acme", "infra-core", "heads/"+branch)
	w.must(err)
	tip, _, err := c.Git.GetCommit(ctx, "acme", "infra-core", ref.Object.GetSHA())
	w.must(err)
	other, _, err := c.Git.CreateCommit(ctx, "acme", "infra-core",
		&gh.Commit{Message: gh.String(foreignWords), Tree: tip.Tree, Parents: tip.Parents}, nil)
	w.must(err)
	ref.Object.SHA = other.SHA
	_, _, err = c.Git.UpdateRef(ctx, "acme", "infra-core", ref, true)
	w.must(err)
}

// noForeignWords reads every message on the default branch.
func (w *harness) noForeignWords() {
	w.t.Helper()
	commits, _, err := w.as("dana").Repositories.ListCommits(context.Background(), "acme", "infra-core", nil)
	w.must(err)
	for _, one := range commits {
		if strings.Contains(one.GetCommit().GetMessage(), foreignWords) {
			w.t.Errorf("on main: %q", one.GetCommit().GetMessage())
		}
	}
}

// What someone else pushed to the branch is never planned, approved or merged, and
// can be restored.
func TestForeignContentIsRefused(t *testing.T) {
	for name, push := range map[string]func(*harness){
		"another file": func(w *harness) { w.push("dana", "request/"+reqA, "envs/dev/app/evil.tf", "# evil\n") },
		"the file":     func(w *harness) { w.push("dana", "request/"+reqA, w.request(reqA).Target.Path, "# evil\n") },
		"other words":  func(w *harness) { w.reword("dana", "request/"+reqA) },
		"a workflow":   func(w *harness) { w.push("dana", "request/"+reqA, ".github/workflows/plan.yml", "# evil\n") },
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				w.approve(reqA)
				n := w.pause()
				push(w)
				w.click(reqA, lifecycle.ActionMerge, "omar")
				w.resume(n)
				w.until(reqA, "foreign", func(d store.Doc) bool { return d.Request.PR.Foreign })
				w.served(reqA, lifecycle.ActionMerge)
				r := w.request(reqA)
				if r.MergedSHA != "" || r.Approval.Approved || len(r.Runs.Plan.Attempts) != 1 {
					w.t.Errorf("merged %q, %+v, %d plans", r.MergedSHA, r.Approval, len(r.Runs.Plan.Attempts))
				}
				refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "omar"), lifecycle.CodeForeign)
				w.click(reqA, lifecycle.ActionRestore, "dana")
				w.until(reqA, "restored", func(d store.Doc) bool {
					return !d.Request.PR.Foreign && lifecycle.Can(d.Request, lifecycle.ActionApprove) == nil
				})
				w.approve(reqA)
				w.merge(reqA)
				w.apply(reqA)
				w.assertInvariants()
				w.noForeignWords()
				files, err := w.github.Files(repoName, "main")
				w.must(err)
				if slices.Contains(files, "envs/dev/app/evil.tf") {
					w.t.Error("foreign content was merged")
				}
			})
		})
	}
}

// Running a run again on GitHub changes no fact and leaves an audit event.
func TestRerunOnGitHub(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.merge(reqA)
		w.apply(reqA)
		before := *w.request(reqA).Runs.Apply.Current()
		_, err := w.as("adam").Actions.RerunWorkflowByID(context.Background(), "acme", "infra-core", before.RunID)
		w.must(err)
		w.pass(10 * time.Minute)
		after := *w.request(reqA).Runs.Apply.Current()
		if after.Conclusion != before.Conclusion || !after.CompletedAt.Equal(*before.CompletedAt) ||
			after.RunAttempt != 1 || after.RerunSeen != 2 {
			w.t.Errorf("%+v\n%+v", before, after)
		}
		if w.status(reqA) != lifecycle.StatusApplied || w.ledger.did("apply", reqA) != 1 {
			w.t.Errorf("status %s, effects %+v", w.status(reqA), w.ledger.done())
		}
		w.assertEvent(reqA, "run_rerun", "")
	})
}

// review reviews the pull request on GitHub as a person.
func (w *harness) review(login, event string) int64 {
	w.t.Helper()
	v, _, err := w.as(login).PullRequests.CreateReview(context.Background(), "acme", "infra-core", 1,
		&gh.PullRequestReviewRequest{Event: gh.String(event), Body: gh.String("hm")})
	w.must(err)
	return v.GetID()
}

// dispatchByHand starts a workflow as a person.
func (w *harness) dispatchByHand(login, workflow string, inputs map[string]any) {
	w.t.Helper()
	_, err := w.as(login).Actions.CreateWorkflowDispatchEventByFileName(context.Background(), "acme", "infra-core",
		workflow, gh.CreateWorkflowDispatchEventRequest{Ref: "main", Inputs: inputs})
	w.must(err)
}

// A workflow that a person dispatches by hand does nothing and is not taken for ours,
// even with the correlation id of an attempt whose own run is not known.
func TestDispatchByHandIsNotOurs(t *testing.T) {
	withHarness(t, setup{plan: []fault{{"github POST /actions/workflows/apply.yml/dispatches", 1, errorBefore}}},
		func(w *harness) {
			w.open(reqA)
			w.approve(reqA)
			w.merge(reqA)
			w.click(reqA, lifecycle.ActionApply, "omar")
			w.until(reqA, "an attempt", func(d store.Doc) bool { return d.Request.Runs.Apply.Current() != nil })
			a := *w.request(reqA).Runs.Apply.Current()
			in := map[string]any{
				"request_id": reqA, "environment_key": "dev", "environment_slug": "app", "sha": a.HeadSHA, "ref": "main",
				"correlation_id": a.CorrelationID,
				"dry_run":        "false",
			}
			w.dispatchByHand("adam", "apply.yml", in)
			w.pass(time.Minute)
			if got := w.request(reqA).Runs.Apply.Current(); got.RunID != 0 || got.Conclusion != "" {
				w.t.Errorf("the run of another account was taken for ours: %+v", got)
			}
			w.reach(reqA, lifecycle.StatusApplied)
			w.settled(reqA)
			w.assertInvariants()
			w.released(reqA)
			if w.ledger.did("apply", reqA) != 1 {
				w.t.Errorf("effects: %+v", w.ledger.done())
			}
		})
}

// Without a grant a run stops at its first step, whatever its inputs.
func TestDispatchByHandWithoutGrant(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.pass(10 * time.Minute) // and everything about the pull request is known
		before := w.facts(reqA)
		w.dispatchByHand("adam", "apply.yml", map[string]any{
			"request_id": reqA, "environment_key": "dev", "environment_slug": "app", "sha": strings.Repeat("a", 40),
			"ref":            "main",
			"correlation_id": "apply-" + strings.Repeat("0", 32), "dry_run": "false",
		})
		w.pass(10 * time.Minute)
		if after := w.facts(reqA); after != before {
			w.t.Errorf("facts changed: %s", cmp.Diff(before, after))
		}
		if len(w.ledger.done()) > 0 {
			w.t.Errorf("effects: %+v", w.ledger.done())
		}
	})
}

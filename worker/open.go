package worker

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// open creates the request on GitHub: one file in one commit on request/<id>, then the pull
// request, then the intent of its first plan. Every call finds what an earlier try created.
func (j *job) open(ctx context.Context) error {
	// A requester who had the right a moment ago may wait in the queue; the right is checked again after it.
	recent, known := j.people.recentLinks(linksRecent)
	may := known && !j.requesterMayBy(recent, rbac.Create).denied()
	if !may {
		if ok, err := j.mayOpen(ctx); err != nil || !ok {
			return err
		}
	}
	content, err := j.render()
	if err != nil {
		return j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeRender, err.Error())
	}
	if ok, err := j.turn(ctx); err != nil || !ok {
		return err
	}
	if ok, err := j.mayOpen(ctx); err != nil || !ok {
		return err
	}
	base, tree, err := j.newTip(ctx)
	if err != nil {
		return j.openFailed(ctx, err)
	}
	if text := j.missing(tree); text != "" {
		return j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeNotDeployed, text)
	}
	r := j.request()
	commit, _, err := j.GitHub.CommitFile(ctx, github.CommitInput{
		Repo: repoOf(r), BaseSHA: base, BaseTree: tree.SHA, Branch: r.Target.Branch, Path: r.Target.Path,
		Content: content, Message: subject(r), When: r.CreatedAt,
	})
	if err != nil {
		return j.openFailed(ctx, err)
	}
	pull, created, err := j.GitHub.OpenPull(ctx, github.PullInput{
		Repo: repoOf(r), Head: r.Target.Branch, Base: r.Target.Base, Title: subject(r), Body: j.pullBody(content),
	})
	if err != nil {
		return j.openFailed(ctx, err)
	}
	if ours, err := j.madeByUs(ctx, pull, created); err != nil || !ours {
		if err == nil {
			err = j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeForeign, foreignPull(r.Target.Branch, pull)+
				"TfPilot then opens its own.")
		}
		return err
	}
	return j.opened(ctx, commit, pull)
}

// mayOpen checks the requester's right, and puts the reason on the card if it is missing.
func (j *job) mayOpen(ctx context.Context) (bool, error) {
	linked, fresh := j.people.recentLinks(linksFresh)
	if !fresh {
		var err error
		if linked, err = j.linked(ctx); err != nil {
			return false, err
		}
	}
	refusal := j.requesterMayBy(linked, rbac.Create)
	if !refusal.denied() {
		return true, nil
	}
	return false, j.setProblem(ctx, lifecycle.StepOpen, refusal.code, refusal.text)
}

// madeByUs reports whether TfPilot opened the pull request from a branch of this repository. Any
// other pull request has its own title and description.
func (j *job) madeByUs(ctx context.Context, pull github.Pull, created bool) (bool, error) {
	if created {
		return true, nil
	}
	self, err := j.GitHub.Self(ctx)
	return err == nil && !pull.Fork && lifecycle.SameLogin(pull.By.Login, self.Login), err
}

func foreignPull(branch string, pull github.Pull) string {
	return fmt.Sprintf("Someone else opened a pull request for TfPilot's branch %s, so TfPilot does not use it: %s\n"+
		"Close it on GitHub. ", branch, pull.URL)
}

// mergeMessage is the message of a merge commit; it is made of TfPilot's own words alone.
func mergeMessage(r *lifecycle.Request) string { return "Request " + r.ID + " of TfPilot." }

func (j *job) opened(ctx context.Context, commit github.Commit, pull github.Pull) error {
	if err := j.Store.PutPRIndex(ctx, pull.RepoID, pull.Number, lifecycle.PRIndex{RequestID: j.id()}); err != nil {
		return err
	}
	open := pull.Open
	pr := lifecycle.PullRequest{Number: pull.Number, URL: pull.URL, Open: &open, HeadSHA: pull.HeadSHA,
		BaseRef: pull.BaseRef, SeenAt: &pull.UpdatedAt}
	if commit.SHA != pull.HeadSHA || !pull.Open || pull.BaseRef != j.request().Target.Base {
		return j.adopted(ctx, commit, pull, pr)
	}
	attempt := j.newAttempt(lifecycle.KindPlan, lifecycle.PurposeOpen, pull.HeadSHA, j.request().Requester.Login)
	attempt.Ref = j.request().Target.Branch
	err := j.patch(ctx, lifecycle.All(
		lifecycle.Opened(pull.RepoID, commit.Blob, pr),
		unlessRefused(lifecycle.Started(lifecycle.KindPlan, attempt)),
	))
	if err != nil {
		return err
	}
	return j.sendOwn(ctx, lifecycle.KindPlan, attempt)
}

// adopted records a pull request of an earlier try that a person has changed, closed or merged
// since. Its content is checked before anything is planned.
func (j *job) adopted(ctx context.Context, commit github.Commit, pull github.Pull, pr lifecycle.PullRequest) error {
	if err := j.patch(ctx, lifecycle.Opened(pull.RepoID, commit.Blob, pr)); err != nil {
		return err
	}
	foreign, err := j.foreign(ctx, pull)
	if err != nil {
		return err
	}
	return j.recordPull(ctx, pull, &foreign)
}

// unlessRefused leaves out what the facts do not allow, for example because a person closed the
// request meanwhile.
func unlessRefused(p lifecycle.Patch) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		after, err := p(r)
		var refusal *lifecycle.Refusal
		if errors.As(err, &refusal) {
			return r, nil
		}
		return after, err
	}
}

// render generates the request's file from the current catalog.
func (j *job) render() ([]byte, error) {
	r := j.request()
	m, ok := j.Catalog.Module(r.Module)
	if !ok {
		return nil, fmt.Errorf("the module %q is no longer in the catalog", r.Module)
	}
	args, err := m.Args(r.Config, catalog.Computed{RequestID: r.ID, Project: r.Project, Environment: r.Environment.Key,
		Slug: r.Environment.Slug})
	if err != nil {
		return nil, err
	}
	return terraform.Render(terraform.File{RequestID: r.ID, Module: r.Module, Args: args})
}

// missing describes for people what the environment's repository lacks; empty if nothing. A tree
// that GitHub truncated proves nothing.
func (j *job) missing(tree github.Tree) string {
	r := j.request()
	root := r.Environment.Root() + "/"
	if tree.Truncated {
		return ""
	}
	if _, ok := tree.Entries[root+"backend.tf"]; !ok {
		return fmt.Sprintf("The environment %s is not deployed: %sbackend.tf is not on the branch %s of %s. Ask your "+
			"platform team.", r.Environment, root, r.Target.Base, repoOf(r))
	}
	if !holdsModule(tree, "modules/"+r.Module) {
		return fmt.Sprintf("The module %s is not in %s: modules/%s holds no .tf file on the branch %s. Ask your "+
			"platform team.", r.Module, repoOf(r), r.Module, r.Target.Base)
	}
	return ""
}

// holdsModule reports whether a directory contains Terraform configuration, by the rules by
// which Terraform reads files.
func holdsModule(tree github.Tree, dir string) bool {
	for name := range tree.Entries {
		if path.Dir(name) == dir && strings.HasSuffix(name, ".tf") && !strings.HasPrefix(path.Base(name), ".") {
			return true
		}
	}
	return false
}

// tip reads the head of the base branch and its tree.
func (j *job) tip(ctx context.Context) (string, github.Tree, error) {
	r := j.request()
	sha, err := j.GitHub.Tip(ctx, repoOf(r), r.Target.Base)
	if err != nil {
		return "", github.Tree{}, err
	}
	if tree, ok := j.repositories.tree(repoOf(r), sha); ok {
		return sha, tree, nil
	}
	tree, err := j.GitHub.Tree(ctx, repoOf(r), sha)
	if err == nil {
		j.repositories.keepTree(repoOf(r), tree)
	}
	return sha, tree, err
}

// newTip is a tip to start a branch from: one that was read a moment ago serves many.
// What runs and what is merged is never decided by it.
func (j *job) newTip(ctx context.Context) (string, github.Tree, error) {
	r := j.request()
	if tree, ok := j.repositories.freshTip(repoOf(r), r.Target.Base); ok {
		return tree.Commit, tree, nil
	}
	sha, tree, err := j.tip(ctx)
	if err == nil {
		j.repositories.keepTip(repoOf(r), r.Target.Base, tree)
	}
	return sha, tree, err
}

func repoOf(r *lifecycle.Request) github.Repo {
	return github.Repo{Owner: r.Target.Owner, Name: r.Target.Repo}
}

// subject is the title of the commit and the pull request. It consists of names from the catalog,
// the configuration and the id, and never of text that a user typed.
func subject(r *lifecycle.Request) string {
	return fmt.Sprintf("TfPilot: %s in %s (%s)", r.Module, r.Environment, r.ID)
}

// openFailed puts a refusal on the card; every other error is tried again.
func (j *job) openFailed(ctx context.Context, err error) error {
	var refused *github.Refused
	switch {
	case errors.Is(err, github.ErrForeign):
		return j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeForeign, "The branch "+j.request().Target.Branch+
			" already exists and holds something else. Delete it on GitHub.")
	case errors.Is(err, github.ErrNotFound):
		return j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeNotFound,
			fmt.Sprintf("GitHub does not show TfPilot the repository %s or its branch %s. Ask your platform team.",
				repoOf(j.request()), j.request().Target.Base))
	case errors.As(err, &refused):
		return j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeGitHubRefused,
			"GitHub refused to open the pull request: "+refused.Message)
	}
	return err
}

func (j *job) setProblem(ctx context.Context, step lifecycle.StepName, code lifecycle.ReasonCode, text string) error {
	return j.patch(ctx, lifecycle.SetProblem(string(step), code, text, now()))
}

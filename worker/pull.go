package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// refreshPull reads the pull request and records its facts. Facts that
// grant rights are always read here, never taken from a webhook.
func (j *job) refreshPull(ctx context.Context) error {
	pull, err := j.GitHub.Pull(ctx, repoOf(j.request()), j.request().PR.Number)
	if err != nil {
		return err
	}
	return j.seePull(ctx, pull)
}

func (j *job) seePull(ctx context.Context, pull github.Pull) error {
	var found *bool
	if pr := j.request().PR; pull.HeadSHA != pr.HeadSHA || pr.Foreign {
		foreign, err := j.foreign(ctx, pull)
		if err != nil {
			return err
		}
		found = &foreign
	}
	return j.recordPull(ctx, pull, found)
}

// recordPull records a pull request. Its merge is recorded in the name of the person behind it.
func (j *job) recordPull(ctx context.Context, pull github.Pull, foreign *bool) error {
	actor, err := j.mergedBy(ctx, pull)
	if err != nil {
		return err
	}
	return j.patchAs(ctx, actor, lifecycle.SeePull(pullFacts(pull, foreign)))
}

// mergedBy is the person behind a merge that is not recorded yet: who requested it, when TfPilot
// merged, else who merged on GitHub. It is TfPilot itself where neither is known.
func (j *job) mergedBy(ctx context.Context, pull github.Pull) (lifecycle.Actor, error) {
	if !pull.Merged || j.request().PR.Merged || pull.MergedBy.Login == "" {
		return system, nil
	}
	self, err := j.GitHub.Self(ctx)
	if err != nil {
		return system, err
	}
	if !lifecycle.SameLogin(pull.MergedBy.Login, self.Login) {
		return lifecycle.Actor{Login: pull.MergedBy.Login, Source: lifecycle.SourceGitHub}, nil
	}
	if intent := j.request().Intent(lifecycle.ActionMerge); intent != nil {
		return lifecycle.Actor{Login: intent.By, Source: intent.Source}, nil
	}
	return system, nil
}

func pullFacts(pull github.Pull, foreign *bool) lifecycle.PullFacts {
	return lifecycle.PullFacts{
		Open: pull.Open, Merged: pull.Merged, MergedSHA: pull.MergeSHA, MergedAt: pull.MergedAt,
		HeadSHA: pull.HeadSHA, BaseRef: pull.BaseRef, UpdatedAt: pull.UpdatedAt, Foreign: foreign,
	}
}

// foreign reports whether the head contains anything that TfPilot did not make. Against the
// merge base, it must change exactly the request's file to exactly its bytes, in commits with a
// message of TfPilot or of GitHub's "Update branch".
func (j *job) foreign(ctx context.Context, pull github.Pull) (bool, error) {
	r := j.request()
	diff, err := j.GitHub.Compare(ctx, repoOf(r), r.Target.Base, pull.HeadSHA)
	if errors.Is(err, github.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return !diff.Only(r.Target.Path, r.Target.Blob) ||
		!diff.WrittenAs(subject(r), github.UpdateMessage(r.Target.Branch, r.Target.Base)), nil
}

// approve carries out an intent to approve: with rights as of now, and for a plan that is
// not merged yet with the pull request and its reviews as they are on GitHub now.
func (j *job) approve(ctx context.Context) error {
	intent := *j.request().Intent(lifecycle.ActionApprove)
	refusal, err := j.uncounted(ctx, approver(intent))
	if err != nil {
		return err
	}
	if refusal.denied() {
		return j.refuse(ctx, intent, refusal.code, refusal.text)
	}
	var read []lifecycle.Patch
	if pr := j.request().PR; pr != nil && !pr.Merged {
		if err := j.refreshPull(ctx); err != nil {
			return err
		}
		saw, err := j.newReviews(ctx, j.request().PR.SeenAt)
		if err != nil {
			return err
		}
		if saw != nil {
			read = append(read, saw)
		}
	}
	return j.recordApproval(ctx, intent, read...)
}

// approver is the approval that an intent to approve is for.
func approver(intent lifecycle.Intent) lifecycle.Approver {
	return lifecycle.Approver{
		Login: intent.By, GithubID: intent.ByID, SlackTeam: intent.SlackTeam, SlackUser: intent.SlackUser, At: intent.At,
		Typed:   intent.Typed,
		HeadSHA: intent.HeadSHA, PlanDigest: intent.PlanDigest, Source: intent.Source,
	}
}

// recordApproval records an approval with what was read for it.
func (j *job) recordApproval(ctx context.Context, intent lifecycle.Intent, read ...lifecycle.Patch) error {
	actor := lifecycle.Actor{Login: intent.By, Source: intent.Source}
	approve := lifecycle.All(append(read, lifecycle.Approve(approver(intent)))...)
	return j.refusal(ctx, intent, j.patchAs(ctx, actor, approve))
}

func (j *job) reject(ctx context.Context) error {
	intent := *j.request().Intent(lifecycle.ActionReject)
	if ok, err := j.permit(ctx, intent); err != nil || !ok {
		return err
	}
	return j.patchAs(ctx, lifecycle.Actor{Login: intent.By, Source: intent.Source}, lifecycle.Reject(intent))
}

// merge carries out an intent to merge: it checks rights, approvals and the pull request as
// they are now, and GitHub checks the approved head once more.
func (j *job) merge(ctx context.Context) error {
	intent := *j.request().Intent(lifecycle.ActionMerge)
	if ok, err := j.permit(ctx, intent); err != nil || !ok {
		return err
	}
	if err := j.refreshPull(ctx); err != nil {
		return err
	}
	if j.request().Intent(lifecycle.ActionMerge) == nil {
		return nil // merged already, by an earlier try or on GitHub
	}
	if err := j.recheckApprovals(ctx); err != nil {
		return err
	}
	refusal := lifecycle.Can(*j.request(), lifecycle.ActionMerge)
	if refusal == nil {
		refusal = lifecycle.Stale(*j.request(), intent)
	}
	if refusal != nil {
		return j.refuse(ctx, intent, refusal.Code, refusal.Text)
	}
	return j.mergePull(ctx, intent)
}

func (j *job) mergePull(ctx context.Context, intent lifecycle.Intent) error {
	r := j.request()
	sha, done, err := j.GitHub.Merge(ctx, github.MergeInput{Repo: repoOf(r), Number: r.PR.Number, HeadSHA: r.Plan.SHA,
		Title: subject(r), Message: mergeMessage(r)})
	var refused *github.Refused
	switch {
	case errors.Is(err, github.ErrHeadMoved):
		return j.refreshPull(ctx)
	case errors.As(err, &refused):
		return j.refuse(ctx, intent, lifecycle.CodeGitHubRefused, "GitHub refused the merge: "+refused.Message)
	case err != nil:
		return err
	case !done: // a person merged it meanwhile
		return j.refreshPull(ctx)
	}
	return j.mergedNow(ctx, intent, sha)
}

// mergedNow records the merge that GitHub just confirmed. Facts that another worker read after it
// are newer, and hold the merge.
func (j *job) mergedNow(ctx context.Context, intent lifecycle.Intent, sha string) error {
	r, at := j.request(), now()
	facts := lifecycle.PullFacts{Merged: true, MergedSHA: sha, MergedAt: &at, HeadSHA: r.Plan.SHA, BaseRef: r.PR.BaseRef}
	if r.PR.SeenAt != nil {
		facts.UpdatedAt = *r.PR.SeenAt
	}
	return j.patchAs(ctx, lifecycle.Actor{Login: intent.By, Source: intent.Source}, lifecycle.SeePull(facts))
}

// close carries out an intent to close: it closes the pull request, deletes the branch, then
// records the fact. Without an intent it closes a pull request that appeared after the request
// was closed.
func (j *job) close(ctx context.Context) error {
	actor := system
	if intent := j.request().Intent(lifecycle.ActionClose); intent != nil {
		actor = lifecycle.Actor{Login: intent.By, Source: intent.Source}
		if ok, err := j.permitClose(ctx, *intent); err != nil || !ok {
			return err
		}
	}
	merged, err := j.closePull(ctx)
	if err != nil || merged {
		return err
	}
	err = j.GitHub.DeleteBranch(ctx, repoOf(j.request()), j.request().Target.Branch)
	var refused *github.Refused
	switch {
	case errors.As(err, &refused):
		j.log.Warn("the branch stays", keyError, err) // as of a protected one: the request is closed all the same
	case err != nil:
		return err
	}
	return j.patchAs(ctx, actor, lifecycle.Closed(now()))
}

// closePull closes the pull request, also one that was opened and never recorded. merged is
// true when a person merged it meanwhile.
func (j *job) closePull(ctx context.Context) (merged bool, err error) {
	if j.request().PR == nil {
		pull, err := j.GitHub.FindPull(ctx, repoOf(j.request()), j.request().Target.Branch)
		if errors.Is(err, github.ErrNotFound) {
			return false, nil
		}
		if err != nil || !pull.Open {
			return false, err
		}
		return false, j.GitHub.ClosePull(ctx, repoOf(j.request()), pull.Number)
	}
	if err := j.refreshPull(ctx); err != nil {
		return false, err
	}
	if j.request().PR.Merged {
		return true, nil
	}
	return false, j.GitHub.ClosePull(ctx, repoOf(j.request()), j.request().PR.Number)
}

// permitClose lets the person who rejected the request close it: that right was checked with
// the rejection.
func (j *job) permitClose(ctx context.Context, intent lifecycle.Intent) (bool, error) {
	if rej := j.request().Rejection; rej != nil && rej.By == intent.By {
		return true, nil
	}
	return j.permit(ctx, intent)
}

// restore puts the generated content back on a branch that a person changed: a new commit on the
// base, which becomes the branch. It uses the original blob, because the catalog may generate
// another today.
func (j *job) restore(ctx context.Context) error {
	intent := *j.request().Intent(lifecycle.ActionRestore)
	if ok, err := j.permit(ctx, intent); err != nil || !ok {
		return err
	}
	if err := j.refreshPull(ctx); err != nil {
		return err
	}
	if refusal := lifecycle.Can(*j.request(), lifecycle.ActionRestore); refusal != nil {
		return j.refuse(ctx, intent, refusal.Code, refusal.Text)
	}
	base, tree, err := j.tip(ctx)
	if err != nil {
		return err
	}
	r := j.request()
	commit, err := j.GitHub.MakeCommit(ctx, github.CommitInput{
		Repo: repoOf(r), BaseSHA: base, BaseTree: tree.SHA, Branch: r.Target.Branch, Path: r.Target.Path,
		Blob: r.Target.Blob, Message: subject(r), When: intent.At,
	})
	if err != nil {
		return err
	}
	if err := j.GitHub.UpdateBranchRef(ctx, repoOf(r), r.Target.Branch, commit.SHA, true); err != nil {
		return err
	}
	if err := j.refreshPull(ctx); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.Served(lifecycle.ActionRestore))
}

// plan starts a plan attempt: of the branch's head before the merge, of the tip of
// the base branch after it.
func (j *job) plan(ctx context.Context, s lifecycle.Step) error {
	intent := j.intentFor(s)
	if intent == nil {
		return j.planByItself(ctx, s)
	}
	if ok, err := j.permit(ctx, *intent); err != nil || !ok {
		return err
	}
	by := intent.Person()
	return j.refusal(ctx, *intent, j.startPlan(ctx, s, &by))
}

// intentFor returns a copy of the intent that made a plan due: to plan, or to destroy, which is
// planned first.
func (j *job) intentFor(s lifecycle.Step) *lifecycle.Intent {
	for _, what := range []lifecycle.Action{lifecycle.ActionPlan, lifecycle.ActionDestroy} {
		if intent := j.request().Intent(what); intent != nil && intent.By == s.By {
			found := *intent
			return &found
		}
	}
	return nil
}

// planByItself plans a head without a person's intent, on behalf of the requester.
func (j *job) planByItself(ctx context.Context, s lifecycle.Step) error {
	denied, err := j.requesterMay(ctx, rbac.Plan)
	if err != nil {
		return err
	}
	if denied.denied() {
		return j.setProblem(ctx, lifecycle.StepPlan, denied.code, denied.text)
	}
	err = j.startPlan(ctx, s, nil)
	var refusal *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &refusal):
		return nil // the facts changed meanwhile
	case errors.As(err, &refused):
		return j.setProblem(ctx, lifecycle.StepPlan, lifecycle.CodeGitHubRefused, "GitHub refused: "+refused.Message)
	default:
		return err
	}
}

// startPlan starts a plan; by is the person who requested it, nil when no person did.
func (j *job) startPlan(ctx context.Context, s lifecycle.Step, by *lifecycle.Person) error {
	r := j.request()
	sha, ref := r.PR.HeadSHA, r.Target.Branch
	if s.Purpose == lifecycle.PurposeReapply || s.Purpose == lifecycle.PurposeDestroy {
		tip, err := j.GitHub.Tip(ctx, repoOf(r), r.Target.Base)
		if err != nil {
			return err
		}
		sha, ref = tip, r.Target.Base
	}
	a := j.newAttempt(lifecycle.KindPlan, s.Purpose, sha, s.By)
	a.Ref, a.RequestedBy = ref, by
	return j.start(ctx, lifecycle.KindPlan, a)
}

// repair checks every open run of the request on GitHub, and starts a cleanup that failed
// again.
func (j *job) repair(ctx context.Context) error {
	intent := *j.request().Intent(lifecycle.ActionRepair)
	if ok, err := j.permit(ctx, intent); err != nil || !ok {
		return err
	}
	for _, kind := range lifecycle.RequestKinds {
		a := j.request().CurrentRun(kind)
		if a == nil || !a.Lost() && !a.NeedsReconciling() {
			continue
		}
		if err := j.checkRun(ctx, lifecycle.Step{Kind: kind, CorrelationID: a.CorrelationID}); err != nil {
			return err
		}
	}
	if j.request().Cleanup.Stuck() {
		if err := j.cleanup(ctx); err != nil {
			return err
		}
	}
	return j.patch(ctx, lifecycle.Served(lifecycle.ActionRepair))
}

package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// refreshPull reads the pull request and takes in what GitHub says. What grants
// rights is always read here, never taken from a webhook.
func (j *job) refreshPull(ctx context.Context) error {
	pull, err := j.GitHub.Pull(ctx, repoOf(j.request()), j.request().PR.Number)
	if err != nil {
		return err
	}
	return j.seePull(ctx, pull)
}

func (j *job) seePull(ctx context.Context, pull github.Pull) error {
	var looked *bool
	if pr := j.request().PR; pull.HeadSHA != pr.HeadSHA || pr.Foreign {
		foreign, err := j.foreign(ctx, pull)
		if err != nil {
			return err
		}
		looked = &foreign
	}
	return j.recordPull(ctx, pull, looked)
}

// recordPull takes in a pull request. Its merge is recorded as that of the person behind it.
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
	if wish := j.request().Intent(lifecycle.ActionMerge); wish != nil {
		return lifecycle.Actor{Login: wish.By, Source: wish.Source}, nil
	}
	return system, nil
}

func pullFacts(pull github.Pull, foreign *bool) lifecycle.PullFacts {
	return lifecycle.PullFacts{
		Open: pull.Open, Merged: pull.Merged, MergedSHA: pull.MergeSHA, MergedAt: pull.MergedAt,
		HeadSHA: pull.HeadSHA, BaseRef: pull.BaseRef, UpdatedAt: pull.UpdatedAt, Foreign: foreign,
	}
}

// foreign says whether the head holds anything that TfPilot did not make: against
// the merge base it must change exactly the request's file, to exactly its bytes, in
// commits whose messages are TfPilot's or those of GitHub's "Update branch".
func (j *job) foreign(ctx context.Context, pull github.Pull) (bool, error) {
	r := j.request()
	diff, err := j.GitHub.Compare(ctx, repoOf(r), r.Target.Base, pull.HeadSHA)
	if errors.Is(err, github.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return !diff.Only(r.Target.Path, r.Target.Blob) || !diff.WrittenAs(subject(r), github.UpdateMessage(r.Target.Branch, r.Target.Base)), nil
}

// approve carries out an intent to approve: with rights as of now, and for a plan that is
// not merged yet with the pull request and its reviews as they are on GitHub now.
func (j *job) approve(ctx context.Context) error {
	wish := *j.request().Intent(lifecycle.ActionApprove)
	no, err := j.uncounted(ctx, approver(wish))
	if err != nil {
		return err
	}
	if no.denied() {
		return j.refuse(ctx, wish, no.code, no.text)
	}
	if pr := j.request().PR; pr != nil && !pr.Merged {
		if err := j.refreshPull(ctx); err != nil {
			return err
		}
		if err := j.syncReviews(ctx, j.request().PR.SeenAt); err != nil {
			return err
		}
	}
	return j.recordApproval(ctx, wish)
}

// approver is the approval that an intent to approve is for.
func approver(wish lifecycle.Intent) lifecycle.Approver {
	return lifecycle.Approver{
		Login: wish.By, GithubID: wish.ByID, SlackTeam: wish.SlackTeam, SlackUser: wish.SlackUser, At: wish.At, Typed: wish.Typed,
		HeadSHA: wish.HeadSHA, PlanDigest: wish.PlanDigest, Source: wish.Source,
	}
}

func (j *job) recordApproval(ctx context.Context, wish lifecycle.Intent) error {
	actor := lifecycle.Actor{Login: wish.By, Source: wish.Source}
	return j.refusal(ctx, wish, j.patchAs(ctx, actor, lifecycle.Approve(approver(wish))))
}

func (j *job) reject(ctx context.Context) error {
	wish := *j.request().Intent(lifecycle.ActionReject)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	return j.patchAs(ctx, lifecycle.Actor{Login: wish.By, Source: wish.Source}, lifecycle.Reject(wish))
}

// merge serves a wish to merge: rights and approvals as of now, the pull request as
// it stands on GitHub now, and then GitHub's own check of the approved head.
func (j *job) merge(ctx context.Context) error {
	wish := *j.request().Intent(lifecycle.ActionMerge)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
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
	no := lifecycle.Can(*j.request(), lifecycle.ActionMerge)
	if no == nil {
		no = lifecycle.Stale(*j.request(), wish)
	}
	if no != nil {
		return j.refuse(ctx, wish, no.Code, no.Text)
	}
	return j.mergePull(ctx, wish)
}

func (j *job) mergePull(ctx context.Context, wish lifecycle.Intent) error {
	r := j.request()
	_, err := j.GitHub.Merge(ctx, github.MergeInput{Repo: repoOf(r), Number: r.PR.Number, HeadSHA: r.Plan.SHA, Title: subject(r), Message: mergeMessage(r)})
	var no *github.Refused
	switch {
	case errors.Is(err, github.ErrHeadMoved):
		return j.refreshPull(ctx)
	case errors.As(err, &no):
		return j.refuse(ctx, wish, lifecycle.CodeGitHubRefused, "GitHub refused the merge: "+no.Message)
	case err != nil:
		return err
	}
	return j.refreshPull(ctx)
}

// close serves a wish to close: the pull request, the branch, then the fact. Without
// a wish it closes a pull request that came up after the request was closed.
func (j *job) close(ctx context.Context) error {
	actor := system
	if wish := j.request().Intent(lifecycle.ActionClose); wish != nil {
		actor = lifecycle.Actor{Login: wish.By, Source: wish.Source}
		if ok, err := j.permitClose(ctx, *wish); err != nil || !ok {
			return err
		}
	}
	merged, err := j.closePull(ctx)
	if err != nil || merged {
		return err
	}
	err = j.GitHub.DeleteBranch(ctx, repoOf(j.request()), j.request().Target.Branch)
	var no *github.Refused
	switch {
	case errors.As(err, &no):
		j.log.Warn("the branch stays", keyError, err) // as of a protected one: the request is closed all the same
	case err != nil:
		return err
	}
	return j.patchAs(ctx, actor, lifecycle.Closed(now()))
}

// closePull closes the pull request, also one that an opening left which did not get
// as far as recording it. merged says that somebody merged it meanwhile.
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

// permitClose lets whoever rejected close: the rejection, checked before, is the
// right to it.
func (j *job) permitClose(ctx context.Context, wish lifecycle.Intent) (bool, error) {
	if rej := j.request().Rejection; rej != nil && rej.By == wish.By {
		return true, nil
	}
	return j.permit(ctx, wish)
}

// restore puts the generated content back on a branch that somebody changed: a new
// commit on the base, which becomes the branch. It is the blob that was made then: the
// catalog may make another today.
func (j *job) restore(ctx context.Context) error {
	wish := *j.request().Intent(lifecycle.ActionRestore)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	if err := j.refreshPull(ctx); err != nil {
		return err
	}
	if no := lifecycle.Can(*j.request(), lifecycle.ActionRestore); no != nil {
		return j.refuse(ctx, wish, no.Code, no.Text)
	}
	base, tree, err := j.tip(ctx)
	if err != nil {
		return err
	}
	r := j.request()
	commit, err := j.GitHub.MakeCommit(ctx, github.CommitInput{
		Repo: repoOf(r), BaseSHA: base, BaseTree: tree.SHA, Branch: r.Target.Branch, Path: r.Target.Path,
		Blob: r.Target.Blob, Message: subject(r), When: wish.At,
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
	wish := j.wishFor(s)
	if wish == nil {
		return j.planByItself(ctx, s)
	}
	if ok, err := j.permit(ctx, *wish); err != nil || !ok {
		return err
	}
	by := wish.Person()
	return j.refusal(ctx, *wish, j.startPlan(ctx, s, &by))
}

// wishFor is a copy of the wish that made a plan due: for a plan, or for a destroy,
// which is planned first.
func (j *job) wishFor(s lifecycle.Step) *lifecycle.Intent {
	for _, what := range []lifecycle.Action{lifecycle.ActionPlan, lifecycle.ActionDestroy} {
		if wish := j.request().Intent(what); wish != nil && wish.By == s.By {
			found := *wish
			return &found
		}
	}
	return nil
}

// planByItself plans a head that nobody asked to plan, for the requester.
func (j *job) planByItself(ctx context.Context, s lifecycle.Step) error {
	denied, err := j.requesterMay(ctx, rbac.Plan)
	if err != nil {
		return err
	}
	if denied.denied() {
		return j.trouble(ctx, lifecycle.StepPlan, denied.code, denied.text)
	}
	err = j.startPlan(ctx, s, nil)
	var no *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &no):
		return nil // the facts went on meanwhile
	case errors.As(err, &refused):
		return j.trouble(ctx, lifecycle.StepPlan, lifecycle.CodeGitHubRefused, "GitHub refused: "+refused.Message)
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

// repair looks hard at every open run of the request, and starts a cleanup again
// that failed.
func (j *job) repair(ctx context.Context) error {
	wish := *j.request().Intent(lifecycle.ActionRepair)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	for _, kind := range lifecycle.RequestKinds {
		a := j.request().CurrentRun(kind)
		if a == nil || !a.Lost() && !a.NeedsReconciling() {
			continue
		}
		if err := j.reconcile(ctx, lifecycle.Step{Kind: kind, CorrelationID: a.CorrelationID}); err != nil {
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

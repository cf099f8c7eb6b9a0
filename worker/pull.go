package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	return j.patch(ctx, lifecycle.SeePull(pullFacts(pull, looked)))
}

func pullFacts(pull github.Pull, foreign *bool) lifecycle.PullFacts {
	return lifecycle.PullFacts{
		Open: pull.Open, Merged: pull.Merged, MergedSHA: pull.MergeSHA, MergedAt: pull.MergedAt,
		HeadSHA: pull.HeadSHA, BaseRef: pull.BaseRef, UpdatedAt: pull.UpdatedAt, Foreign: foreign,
	}
}

// foreign says whether the head holds anything that TfPilot did not make: against
// the merge base it must change exactly the request's file, to exactly its bytes.
func (j *job) foreign(ctx context.Context, pull github.Pull) (bool, error) {
	r := j.request()
	diff, err := j.GitHub.Compare(ctx, repoOf(r), r.Target.Base, pull.HeadSHA)
	if errors.Is(err, github.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return !diff.Only(r.Target.Path, r.Target.Blob), nil
}

// approve serves a wish to approve: rights as of now, and for a plan that is not
// merged yet the pull request as it stands on GitHub now.
func (j *job) approve(ctx context.Context) error {
	wish := *j.request().Wish(lifecycle.ActionApprove)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	if pr := j.request().PR; pr != nil && !pr.Merged {
		if err := j.refreshPull(ctx); err != nil {
			return err
		}
	}
	return j.recordApproval(ctx, wish)
}

func (j *job) recordApproval(ctx context.Context, wish lifecycle.Wish) error {
	a := lifecycle.Approver{
		Login: wish.By, GithubID: wish.ByID, SlackUser: wish.SlackUser, At: wish.At,
		HeadSHA: wish.HeadSHA, PlanDigest: wish.PlanDigest, Source: wish.Source,
	}
	actor := lifecycle.Actor{Login: wish.By, Source: wish.Source}
	return j.refusal(ctx, wish, j.patchAs(ctx, actor, lifecycle.Approve(a)))
}

func (j *job) reject(ctx context.Context) error {
	wish := *j.request().Wish(lifecycle.ActionReject)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	return j.patchAs(ctx, lifecycle.Actor{Login: wish.By, Source: wish.Source}, lifecycle.Reject(wish))
}

// merge serves a wish to merge: rights and approvals as of now, the pull request as
// it stands on GitHub now, and then GitHub's own check of the approved head.
func (j *job) merge(ctx context.Context) error {
	wish := *j.request().Wish(lifecycle.ActionMerge)
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	if err := j.recheckApprovals(ctx); err != nil {
		return err
	}
	if err := j.refreshPull(ctx); err != nil {
		return err
	}
	if j.request().Wish(lifecycle.ActionMerge) == nil {
		return nil // merged already, by an earlier try or on GitHub
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

func (j *job) mergePull(ctx context.Context, wish lifecycle.Wish) error {
	r := j.request()
	_, err := j.GitHub.Merge(ctx, github.MergeInput{Repo: repoOf(r), Number: r.PR.Number, HeadSHA: r.Plan.SHA, Title: subject(r)})
	var no *github.Refused
	switch {
	case errors.Is(err, github.ErrHeadMoved):
		return j.refreshPull(ctx)
	case errors.As(err, &no):
		return j.refuse(ctx, wish, "github_refused", "GitHub refused the merge: "+no.Message)
	case err != nil:
		return err
	}
	return j.refreshPull(ctx)
}

// close serves a wish to close: the pull request, the branch, then the fact. Without
// a wish it closes a pull request that came up after the request was closed.
func (j *job) close(ctx context.Context) error {
	actor := system
	if wish := j.request().Wish(lifecycle.ActionClose); wish != nil {
		actor = lifecycle.Actor{Login: wish.By, Source: wish.Source}
		if ok, err := j.permitClose(ctx, *wish); err != nil || !ok {
			return err
		}
	}
	merged, err := j.closePull(ctx)
	if err != nil || merged {
		return err
	}
	if err := j.GitHub.DeleteBranch(ctx, repoOf(j.request()), j.request().Target.Branch); err != nil {
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
func (j *job) permitClose(ctx context.Context, wish lifecycle.Wish) (bool, error) {
	if rej := j.request().Rejection; rej != nil && rej.By == wish.By {
		return true, nil
	}
	return j.permit(ctx, wish)
}

// restore puts the generated content back on a branch that somebody changed: a new
// commit on the base, which becomes the branch. It is the blob that was made then: the
// catalog may make another today.
func (j *job) restore(ctx context.Context) error {
	wish := *j.request().Wish(lifecycle.ActionRestore)
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
	return j.refusal(ctx, *wish, j.startPlan(ctx, s))
}

// wishFor is a copy of the wish that made a plan due: for a plan, or for a destroy,
// which is planned first.
func (j *job) wishFor(s lifecycle.Step) *lifecycle.Wish {
	for _, what := range []lifecycle.Action{lifecycle.ActionPlan, lifecycle.ActionDestroy} {
		if wish := j.request().Wish(what); wish != nil && wish.By == s.By {
			found := *wish
			return &found
		}
	}
	return nil
}

// planByItself plans a head that nobody asked to plan, for the requester.
func (j *job) planByItself(ctx context.Context, s lifecycle.Step) error {
	d, err := j.requesterMay(ctx, rbac.Plan)
	if err != nil {
		return err
	}
	if !d.Allowed {
		return j.trouble(ctx, lifecycle.StepPlan, d.Code, d.Reason)
	}
	err = j.startPlan(ctx, s)
	var no *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &no):
		return nil // the facts went on meanwhile
	case errors.As(err, &refused):
		return j.trouble(ctx, lifecycle.StepPlan, "github_refused", "GitHub refused: "+refused.Message)
	default:
		return err
	}
}

func (j *job) startPlan(ctx context.Context, s lifecycle.Step) error {
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
	a.Ref = ref
	return j.start(ctx, lifecycle.KindPlan, a)
}

// repair looks hard at every open run of the request, and starts a cleanup again
// that failed.
func (j *job) repair(ctx context.Context) error {
	wish := *j.request().Wish(lifecycle.ActionRepair)
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

// countReviews takes in the reviews on GitHub. One counts by the same function as a
// click; one that does not is answered in the pull request.
func (j *job) countReviews(ctx context.Context) error {
	r := j.request()
	if r.PR == nil || r.Plan == nil {
		return nil
	}
	reviews, err := j.GitHub.Reviews(ctx, repoOf(r), r.PR.Number)
	if err != nil {
		return err
	}
	for i, review := range reviews {
		if err := j.countReview(ctx, review, reviews[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

// countReview takes in one review; later are those that came after it.
func (j *job) countReview(ctx context.Context, v github.Review, later []github.Review) error {
	r := j.request()
	switch {
	case v.State == "dismissed":
		return j.patch(ctx, lifecycle.Withdraw(v.By.Login, "the review was dismissed on GitHub", v.SubmittedAt.Equal, now()))
	case v.State == "changes_requested":
		return j.patch(ctx, lifecycle.Withdraw(v.By.Login, "they requested changes on GitHub afterwards", notAfter(v.SubmittedAt), now()))
	case v.State != "approved" || takenBack(v, later) || v.CommitSHA != r.PR.HeadSHA || slices.Contains(r.PR.Answered, v.ID) || j.counted(v):
		return nil
	case r.Plan.PostedAt == nil || !v.SubmittedAt.After(*r.Plan.PostedAt): // in one second, nobody knows which was first
		return j.answerReview(ctx, v, "it was given before TfPilot showed this plan here. Approve again if you have seen the plan above.")
	}
	env, _ := j.environment(r)
	wish := lifecycle.Wish{What: lifecycle.ActionApprove, By: v.By.Login, ByID: v.By.ID, At: v.SubmittedAt, Source: lifecycle.SourceGitHub, HeadSHA: v.CommitSHA, PlanDigest: r.Plan.Digest}
	if env.Protected {
		return j.answerReview(ctx, v, "this environment is protected, and its approvals are typed in Slack.")
	}
	d, err := j.may(ctx, wish)
	if err != nil {
		return err
	}
	if !d.Allowed {
		return j.answerReview(ctx, v, d.Reason)
	}
	if no := lifecycle.Can(*r, lifecycle.ActionApprove); no != nil {
		return nil
	}
	switch why, err := j.planHidden(ctx); {
	case err != nil:
		return err
	case why != "":
		return j.answerHidden(ctx, v, why)
	}
	return j.recordApproval(ctx, wish)
}

func notAfter(limit time.Time) func(time.Time) bool {
	return func(at time.Time) bool { return !at.After(limit) }
}

// takenBack says that whoever gave this review requested changes afterwards.
func takenBack(v github.Review, later []github.Review) bool {
	return slices.ContainsFunc(later, func(l github.Review) bool {
		return l.State == "changes_requested" && strings.EqualFold(l.By.Login, v.By.Login)
	})
}

// counted says that this review is an approval in the document already, void or not.
func (j *job) counted(v github.Review) bool {
	return slices.ContainsFunc(j.request().Approval.Approvers, func(a lifecycle.Approver) bool {
		return a.Source == lifecycle.SourceGitHub && strings.EqualFold(a.Login, v.By.Login) && a.At.Equal(v.SubmittedAt)
	})
}

// answerReview says in the pull request why a review does not count, once per
// review, and leaves an audit event; that alone where GitHub takes no comment, as of a
// locked conversation: no other review waits for an answer.
func (j *job) answerReview(ctx context.Context, v github.Review, why string) error {
	text := fmt.Sprintf("The review of %s does not count as an approval: %s", v.By.Login, why)
	_, err := j.GitHub.CommentOnce(ctx, repoOf(j.request()), j.request().PR.Number, marker("review", fmt.Sprint(v.ID)), fence(text))
	var no *github.Refused
	if err != nil && !errors.As(err, &no) && !errors.Is(err, github.ErrTooLarge) {
		return err
	}
	actor := lifecycle.Actor{Login: v.By.Login, Source: lifecycle.SourceGitHub}
	return j.patchAs(ctx, actor, lifecycle.Answered(v.ID, text, actor, now()))
}

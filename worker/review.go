package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Reviews are always read from GitHub: a webhook is only a hint to read them. Each reading takes
// in three things: the reviews that object, the approvals that their reviewers withdrew, and the
// reviews that count as approvals, by the same function as a click. A review that does not count
// is answered in the pull request. While the plan is being posted, a review may be of it or of an
// older one: it is judged once the times of the comments are known.

// countReviews reads the reviews and records what follows from them.
func (j *job) countReviews(ctx context.Context) error {
	r := j.request()
	if r.PR == nil || r.Plan == nil {
		return nil
	}
	reviews, err := j.GitHub.Reviews(ctx, repoOf(r), r.PR.Number)
	if err != nil {
		return err
	}
	return j.takeReviews(ctx, reviews)
}

func (j *job) takeReviews(ctx context.Context, reviews []github.Review) error {
	if err := j.takeObjections(ctx, reviews); err != nil {
		return err
	}
	j.early = false
	for i, review := range reviews {
		if err := j.countReview(ctx, review, reviews[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

// takeObjections records the reviews that block now: a person's latest review requests changes,
// and that person may reject. Every approval of that person becomes void, on any surface.
func (j *job) takeObjections(ctx context.Context, reviews []github.Review) error {
	var open []lifecycle.Objection
	var against []github.Actor
	for i, v := range reviews {
		if v.State != "changes_requested" || decidedLater(v, reviews[i+1:]) {
			continue
		}
		against = append(against, v.By)
		if j.decide(rbac.Subject{Login: v.By.Login, GithubID: v.By.ID}, rbac.Reject).Allowed {
			open = append(open, lifecycle.Objection{Review: v.ID, Login: v.By.Login, GithubID: v.By.ID, At: v.SubmittedAt})
		}
	}
	withdrawn := func(a lifecycle.Approver) bool {
		return slices.ContainsFunc(against, func(by github.Actor) bool { return isBy(a, by) })
	}
	return j.patch(ctx, lifecycle.Objected(open, withdrawn, now()))
}

// isBy reports whether a GitHub account gave an approval.
func isBy(a lifecycle.Approver, by github.Actor) bool {
	return lifecycle.SameLogin(a.Login, by.Login) || by.ID != 0 && a.GithubID == by.ID
}

// decidedLater reports whether the person who gave this review decided again after it. A
// comment decides nothing; a decision that was dismissed was one.
func decidedLater(v github.Review, later []github.Review) bool {
	return slices.ContainsFunc(later, func(l github.Review) bool {
		same := l.By.ID != 0 && l.By.ID == v.By.ID || lifecycle.SameLogin(l.By.Login, v.By.Login)
		return same && (l.State == "approved" || l.State == "changes_requested" || l.State == "dismissed")
	})
}

// countReview records one review; later are the reviews that came after it.
func (j *job) countReview(ctx context.Context, v github.Review, later []github.Review) error {
	r := j.request()
	switch {
	case v.State == "dismissed":
		return j.patch(ctx, lifecycle.ReviewWithdrawn(v.By.Login, "the review was dismissed on GitHub", v.SubmittedAt.Equal,
			now()))
	case v.State != "approved" || decidedLater(v, later) || v.CommitSHA != r.PR.HeadSHA ||
		slices.Contains(r.PR.Answered, v.ID) || j.counted(v):
		return nil
	case r.AwaitsPosting():
		j.early = true
		return nil
	case r.Plan.PostedAt == nil || !v.SubmittedAt.After(*r.Plan.PostedAt): // within one second, their order is unknown
		return j.answerReview(ctx, v, "it was submitted before TfPilot posted this plan here. Approve again if you have seen "+
			"the plan above.")
	case j.voidedSince(v):
		return j.answerReview(ctx, v, "an approval by the same person was dismissed after it. Approve again if you "+
			"still agree.")
	}
	intent, err := j.reviewIntent(ctx, v)
	if err != nil {
		return err
	}
	refusal, err := j.uncounted(ctx, approver(intent))
	if err != nil {
		return err
	}
	if refusal.denied() {
		return j.answerReview(ctx, v, refusal.text)
	}
	if lifecycle.Can(*r, lifecycle.ActionApprove) != nil {
		return nil
	}
	switch why, err := j.planHidden(ctx); {
	case err != nil:
		return err
	case why != "":
		return j.answerHidden(ctx, v, why)
	}
	return j.recordApproval(ctx, intent)
}

// reviewIntent is a review as an intent to approve, by the person whom its account is linked
// to: without that link, the approval does not count.
func (j *job) reviewIntent(ctx context.Context, v github.Review) (lifecycle.Intent, error) {
	intent := lifecycle.Intent{
		What: lifecycle.ActionApprove, By: v.By.Login, ByID: v.By.ID, At: v.SubmittedAt, Source: lifecycle.SourceGitHub,
		HeadSHA: v.CommitSHA, PlanDigest: j.request().Plan.Digest,
	}
	linked, err := j.linked(ctx)
	if err != nil {
		return intent, err
	}
	if id, ok := linked.ofAccount(v.By.Login, v.By.ID); ok {
		intent.SlackTeam, intent.SlackUser = id.SlackTeam, id.SlackUser
	}
	return intent, nil
}

// counted reports whether this review is an approval in the document already, void or not.
func (j *job) counted(v github.Review) bool {
	return slices.ContainsFunc(j.request().Approval.Approvers, func(a lifecycle.Approver) bool {
		return a.Source == lifecycle.SourceGitHub && lifecycle.SameLogin(a.Login, v.By.Login) && a.At.Equal(v.SubmittedAt)
	})
}

// voidedSince reports whether an approval of the same person for this plan was voided after
// the review: the review is not that person's latest word then.
func (j *job) voidedSince(v github.Review) bool {
	return slices.ContainsFunc(j.request().Approval.Approvers, func(a lifecycle.Approver) bool {
		return a.VoidedAt != nil && isBy(a, v.By) && a.PlanDigest == j.request().Plan.Digest &&
			v.SubmittedAt.Before(*a.VoidedAt)
	})
}

// answerReview comments once on the pull request why a review does not count, and records an
// audit event. Where GitHub accepts no comment, as in a locked conversation, it only records
// the event: no other review waits for an answer.
func (j *job) answerReview(ctx context.Context, v github.Review, why string) error {
	text := fmt.Sprintf("The review of %s does not count as an approval: %s", v.By.Login, why)
	_, err := j.GitHub.CommentOnce(ctx, repoOf(j.request()), j.request().PR.Number, marker("review", fmt.Sprint(v.ID)),
		fence(text))
	var refused *github.Refused
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, github.ErrTooLarge) {
		return err
	}
	actor := lifecycle.Actor{Login: v.By.Login, Source: lifecycle.SourceGitHub}
	return j.patchAs(ctx, actor, lifecycle.Answered(v.ID, text, actor, now()))
}

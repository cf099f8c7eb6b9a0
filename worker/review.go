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

// Reviews on GitHub are facts that only GitHub tells: a webhook is at most a hint to read
// them. Each reading takes in three things: which reviews object, which approvals their
// givers withdrew there, and which reviews count as approvals, by the same function as a
// click. A review that does not count is answered in the pull request.

// countReviews reads the reviews and takes them in.
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
	for i, review := range reviews {
		if err := j.countReview(ctx, review, reviews[i+1:]); err != nil {
			return err
		}
	}
	return nil
}

// takeObjections records the reviews that block now: the latest word of a person on GitHub
// requests changes, and that person may reject. Whatever that person approved is void, on
// any surface.
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

// isBy reports whether an approval is of a GitHub account.
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

// countReview takes in one review; later are those that came after it.
func (j *job) countReview(ctx context.Context, v github.Review, later []github.Review) error {
	r := j.request()
	switch {
	case v.State == "dismissed":
		return j.patch(ctx, lifecycle.ReviewWithdrawn(v.By.Login, "the review was dismissed on GitHub", v.SubmittedAt.Equal, now()))
	case v.State != "approved" || decidedLater(v, later) || v.CommitSHA != r.PR.HeadSHA || slices.Contains(r.PR.Answered, v.ID) || j.counted(v):
		return nil
	case r.Plan.PostedAt == nil || !v.SubmittedAt.After(*r.Plan.PostedAt): // in one second, nobody knows which was first
		return j.answerReview(ctx, v, "it was given before TfPilot showed this plan here. Approve again if you have seen the plan above.")
	case j.voidedSince(v):
		return j.answerReview(ctx, v, "an approval of the same person stopped counting after it. Approve again if you still want that.")
	}
	wish, err := j.reviewWish(ctx, v)
	if err != nil {
		return err
	}
	no, err := j.uncounted(ctx, approver(wish))
	if err != nil {
		return err
	}
	if no.denied() {
		return j.answerReview(ctx, v, no.text)
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
	return j.recordApproval(ctx, wish)
}

// reviewWish is a review as an intent to approve, by the person whom its account is linked
// to: when that link goes, the approval goes.
func (j *job) reviewWish(ctx context.Context, v github.Review) (lifecycle.Intent, error) {
	wish := lifecycle.Intent{
		What: lifecycle.ActionApprove, By: v.By.Login, ByID: v.By.ID, At: v.SubmittedAt, Source: lifecycle.SourceGitHub,
		HeadSHA: v.CommitSHA, PlanDigest: j.request().Plan.Digest,
	}
	linked, err := j.linked(ctx)
	if err != nil {
		return wish, err
	}
	if id, ok := linked.ofAccount(v.By.Login, v.By.ID); ok {
		wish.SlackTeam, wish.SlackUser = id.SlackTeam, id.SlackUser
	}
	return wish, nil
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
		return a.VoidedAt != nil && isBy(a, v.By) && a.PlanDigest == j.request().Plan.Digest && v.SubmittedAt.Before(*a.VoidedAt)
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

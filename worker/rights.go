package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// environment is the configured environment of the request. One that is configured
// no more gives the zero value, in which rbac refuses every change.
func (w *Worker) environment(r *lifecycle.Request) (config.Environment, bool) {
	return w.Structure.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
}

// may decides, at the moment of the effect, whether whoever made the wish still has
// the right to it: the link to their GitHub account and their role as of now.
func (j *job) may(ctx context.Context, wish lifecycle.Wish) (rbac.Decision, error) {
	if no, err := j.unlinked(ctx, wish); err != nil || no.Code != "" {
		return no, err
	}
	return j.decide(rbac.Subject{Login: wish.By, GithubID: wish.ByID}, rbac.VerbOf(wish.What)), nil
}

// requesterMay decides about a step that nobody clicks for: it acts for whoever asked
// for the infrastructure.
func (j *job) requesterMay(ctx context.Context, v rbac.Verb) (rbac.Decision, error) {
	p := j.request().Requester
	no, err := j.unlinked(ctx, lifecycle.Wish{By: p.Login, ByID: p.GithubID, SlackTeam: p.SlackTeam, SlackUser: p.SlackUser})
	if err != nil || no.Code != "" {
		return no, err
	}
	env, _ := j.environment(j.request())
	s := rbac.Subject{Login: p.Login, GithubID: p.GithubID}
	scope := rbac.ScopeOf(*j.request(), s, env.Rules())
	scope.PlanByClick = false
	return j.Policy.Decide(s, v, scope), nil
}

// unlinked refuses whose Slack account is not linked to the GitHub account any more
// that the wish names.
func (j *job) unlinked(ctx context.Context, wish lifecycle.Wish) (rbac.Decision, error) {
	if wish.SlackUser != "" {
		id, err := j.Store.Identity(ctx, wish.SlackTeam, wish.SlackUser)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return rbac.Decision{Code: "identity", Reason: fmt.Sprintf("The Slack account of %s is not linked to a GitHub account any more.", wish.By)}, nil
		case err != nil:
			return rbac.Decision{}, err
		case !strings.EqualFold(id.Login, wish.By) || wish.ByID != 0 && id.GithubID != wish.ByID:
			return rbac.Decision{Code: "identity", Reason: fmt.Sprintf("The Slack account that asked is linked to %s now, not to %s.", id.Login, wish.By)}, nil
		}
	}
	return rbac.Decision{}, nil
}

func (j *job) decide(s rbac.Subject, v rbac.Verb) rbac.Decision {
	env, _ := j.environment(j.request())
	return j.Policy.Decide(s, v, rbac.ScopeOf(*j.request(), s, env.Rules()))
}

// permit checks the rights for a wish. When they are missing, the wish leaves the
// document with the reason, which is on the card and in the log.
func (j *job) permit(ctx context.Context, wish lifecycle.Wish) (bool, error) {
	d, err := j.may(ctx, wish)
	if err != nil {
		return false, err
	}
	if d.Allowed {
		return true, nil
	}
	return false, j.refuse(ctx, wish, d.Code, d.Reason)
}

// refuse takes a wish out that cannot be served.
func (j *job) refuse(ctx context.Context, wish lifecycle.Wish, code, text string) error {
	j.log.Info("wish refused", "what", wish.What, "by", wish.By, "code", code)
	return j.patch(ctx, lifecycle.RefusedWish(wish, code, text, now()))
}

// refusal takes a wish out when err is a refusal by the facts or by GitHub; other
// errors pass.
func (j *job) refusal(ctx context.Context, wish lifecycle.Wish, err error) error {
	var no *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &no):
		return j.refuse(ctx, wish, no.Code, no.Text)
	case errors.As(err, &refused):
		return j.refuse(ctx, wish, "github_refused", "GitHub refused: "+refused.Message)
	default:
		return err
	}
}

// reviewed says that this approval counts and is a review on GitHub.
func reviewed(a lifecycle.Approver) bool {
	return a.VoidedAt == nil && a.Source == lifecycle.SourceGitHub
}

// recheckApprovals asks today's policy about every approval that counts, and GitHub
// about those that were given there. An approver who may approve no more takes the
// approval with them; a review counts no more once its environment is protected.
func (j *job) recheckApprovals(ctx context.Context) error {
	if slices.ContainsFunc(j.request().Approval.Approvers, reviewed) {
		if err := j.countReviews(ctx); err != nil {
			return err
		}
	}
	hidden, err := j.hiddenFromReviewers(ctx)
	if err != nil {
		return err
	}
	for _, a := range j.request().Approval.Approvers {
		if a.VoidedAt != nil {
			continue
		}
		why := j.lapsed(a)
		if why == "" && hidden != "" && reviewed(a) {
			why = hidden
		}
		if why == "" {
			continue
		}
		if err := j.patch(ctx, lifecycle.Unapprove(a.Login, why, now())); err != nil {
			return err
		}
	}
	return nil
}

// lapsed says why an approval counts no more by today's settings; empty when it does.
func (j *job) lapsed(a lifecycle.Approver) string {
	env, _ := j.environment(j.request())
	switch {
	case !j.decide(rbac.Subject{Login: a.Login, GithubID: a.GithubID}, rbac.VerbOf(lifecycle.ActionApprove)).Allowed:
		return "their right to approve is gone"
	case env.Protected && reviewed(a):
		return "the environment is protected now, where approvals are typed in Slack"
	}
	return ""
}

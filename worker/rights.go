package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// environment is the configured environment of the request. One that is configured
// no more gives the zero value, in which rbac refuses every change.
func (w *Worker) environment(r *lifecycle.Request) (config.Environment, bool) {
	return w.Structure.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
}

// may decides, when an intent is carried out, whether the person who recorded it still has
// the right to it: the link to their GitHub account, that account, and their role.
func (j *job) may(ctx context.Context, wish lifecycle.Intent) (denial, error) {
	linked, err := j.linked(ctx)
	if err != nil {
		return denial{}, err
	}
	s, no := identify(linked, wish.Person())
	if no.denied() {
		return no, nil
	}
	if d := j.decide(s, rbac.VerbOf(wish.What)); !d.Allowed {
		return denial{code: d.Code, text: d.Reason}, nil
	}
	return j.renamed(ctx, s.Login, s.GithubID)
}

// requesterMay decides about a step that no person clicks for: it acts for the requester.
func (j *job) requesterMay(ctx context.Context, v rbac.Verb) (denial, error) {
	linked, err := j.linked(ctx)
	if err != nil {
		return denial{}, err
	}
	return j.requesterMayBy(linked, v), nil
}

func (j *job) requesterMayBy(linked links, v rbac.Verb) denial {
	s, no := identify(linked, j.request().Requester)
	if no.denied() {
		return no
	}
	env, _ := j.environment(j.request())
	scope := rbac.ScopeOf(*j.request(), s, env.Rules())
	scope.PlanByClick = false
	if d := j.Policy.Decide(s, v, scope); !d.Allowed {
		return denial{code: d.Code, text: d.Reason}
	}
	return denial{}
}

// sameAccount reports whether a linked identity is the GitHub account that a person acted
// with, by login and by id.
func sameAccount(id lifecycle.Identity, p lifecycle.Person) bool {
	return lifecycle.SameLogin(id.Login, p.Login) && p.GithubID != 0 && id.GithubID == p.GithubID
}

func (j *job) decide(s rbac.Subject, v rbac.Verb) rbac.Decision {
	env, _ := j.environment(j.request())
	return j.Policy.Decide(s, v, rbac.ScopeOf(*j.request(), s, env.Rules()))
}

// permit checks the rights for a wish. When they are missing, the wish leaves the
// document with the reason, which is on the card and in the log.
func (j *job) permit(ctx context.Context, wish lifecycle.Intent) (bool, error) {
	no, err := j.may(ctx, wish)
	if err != nil || !no.denied() {
		return err == nil, err
	}
	return false, j.refuse(ctx, wish, no.code, no.text)
}

// refuse takes a wish out that cannot be served.
func (j *job) refuse(ctx context.Context, wish lifecycle.Intent, code lifecycle.ReasonCode, text string) error {
	j.log.Info("wish refused", "what", wish.What, "by", wish.By, "code", code)
	return j.patch(ctx, lifecycle.RefuseIntent(wish, code, text, now()))
}

// refusal takes a wish out when err is a refusal by the facts or by GitHub; other
// errors pass.
func (j *job) refusal(ctx context.Context, wish lifecycle.Intent, err error) error {
	var no *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &no):
		return j.refuse(ctx, wish, no.Code, no.Text)
	case errors.As(err, &refused):
		return j.refuse(ctx, wish, lifecycle.CodeGitHubRefused, "GitHub refused: "+refused.Message)
	default:
		return err
	}
}

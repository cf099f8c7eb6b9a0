package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// environment is the configured environment of the request. An environment that is
// no longer configured gives the zero value, in which rbac refuses every change.
func (w *Worker) environment(r *lifecycle.Request) (config.Environment, bool) {
	return w.Structure.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
}

// may reports whether the person who recorded an intent still has the right to it when it is
// carried out. It checks the link to their GitHub account, that account, and their role.
func (j *job) may(ctx context.Context, intent lifecycle.Intent) (denial, error) {
	linked, err := j.linked(ctx)
	if err != nil {
		return denial{}, err
	}
	s, refusal := identify(linked, intent.Person())
	if refusal.denied() {
		return refusal, nil
	}
	if d := j.decide(s, rbac.VerbOf(intent.What)); !d.Allowed {
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
	s, refusal := identify(linked, j.request().Requester)
	if refusal.denied() {
		return refusal
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

// permit checks the rights for an intent. If they are missing, it refuses the intent with the
// reason, which is shown on the card and logged.
func (j *job) permit(ctx context.Context, intent lifecycle.Intent) (bool, error) {
	refusal, err := j.may(ctx, intent)
	if err != nil || !refusal.denied() {
		return err == nil, err
	}
	return false, j.refuse(ctx, intent, refusal.code, refusal.text)
}

// refuse removes an intent that cannot be carried out.
func (j *job) refuse(ctx context.Context, intent lifecycle.Intent, code lifecycle.ReasonCode, text string) error {
	j.log.Info("intent refused", "what", intent.What, "by", intent.By, "code", code)
	return j.patch(ctx, lifecycle.RefuseIntent(intent, code, text, now()))
}

// refusal removes an intent when err is a refusal by the facts or by GitHub. It returns other
// errors.
func (j *job) refusal(ctx context.Context, intent lifecycle.Intent, err error) error {
	var refusal *lifecycle.Refusal
	var refused *github.Refused
	switch {
	case errors.As(err, &refusal):
		return j.refuse(ctx, intent, refusal.Code, refusal.Text)
	case errors.As(err, &refused):
		return j.refuse(ctx, intent, lifecycle.CodeGitHubRefused, "GitHub refused: "+refused.Message)
	default:
		return err
	}
}

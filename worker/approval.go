package worker

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// An approval counts as long as everything that made it valid still holds. One function,
// uncounted, decides that: when the approval is recorded, when a merge, an apply or a
// destroy is carried out, and once more directly before the merge or the dispatch. A sweep
// calls it for every approval that waits for its effect.

// denial is why a person may not act, or why an approval does not count. The zero value means
// that nothing prevents it.
type denial struct {
	code lifecycle.ReasonCode
	why  string // of an approval, after "no longer counts:"
	text string // a full sentence
}

func (d denial) denied() bool { return d.code != "" }

func deny(code lifecycle.ReasonCode, why string) denial {
	return denial{code: code, why: why, text: strings.ToUpper(why[:1]) + why[1:] + "."}
}

// uncounted returns why this approval does not count.
func (j *job) uncounted(ctx context.Context, a lifecycle.Approver) (denial, error) {
	linked, err := j.linked(ctx)
	if err != nil {
		return denial{}, err
	}
	if refusal := j.uncountedBy(linked, a); refusal.denied() {
		return refusal, nil
	}
	return j.renamed(ctx, a.Login, a.GithubID)
}

// uncountedBy decides without a call to GitHub.
func (j *job) uncountedBy(linked links, a lifecycle.Approver) denial {
	s, refusal := identify(linked, lifecycle.Person{Login: a.Login, GithubID: a.GithubID, SlackTeam: a.SlackTeam,
		SlackUser: a.SlackUser})
	if refusal.denied() {
		return refusal
	}
	env, _ := j.environment(j.request())
	scope := rbac.ScopeOf(*j.request(), s, env.Rules())
	d := j.Policy.Decide(s, rbac.Approve, scope)
	switch {
	case d.Allowed && scope.Protected && !a.Typed:
		return deny(lifecycle.CodeNotTyped, "the environment is protected now, and its approvals are typed in Slack or "+
			"on the command line")
	case d.Allowed:
		return denial{}
	case d.Code == lifecycle.CodeAuthor:
		return denial{d.Code, "they wrote or edited this request", d.Reason}
	case d.Code == lifecycle.CodeRoundRequester:
		return denial{d.Code, "they requested this round", d.Reason}
	default:
		return denial{d.Code, "they no longer have the right to approve", d.Reason}
	}
}

// reviewed reports whether this approval counts and is a review on GitHub.
func reviewed(a lifecycle.Approver) bool {
	return a.VoidedAt == nil && a.Source == lifecycle.SourceGitHub
}

// identify returns the linked identity of a person. The Slack account, the login and the GitHub
// id must all match.
func identify(linked links, p lifecycle.Person) (rbac.Subject, denial) {
	id, ok := linked.ofAccount(p.Login, p.GithubID)
	if p.SlackUser != "" {
		id, ok = linked.ofSlack(p.SlackTeam, p.SlackUser)
	}
	switch {
	case !ok && p.SlackUser == "":
		return rbac.Subject{}, deny(lifecycle.CodeIdentity, "the GitHub account "+p.Login+" is not linked to a Slack account")
	case !ok:
		return rbac.Subject{}, deny(lifecycle.CodeIdentity, "the Slack account of "+p.Login+
			" is no longer linked to a GitHub account")
	case !sameAccount(id, p):
		return rbac.Subject{}, deny(lifecycle.CodeIdentity, "the Slack account is linked to "+id.Login+
			" now, not to the account that "+p.Login+" had")
	}
	return rbac.Subject{Login: p.Login, GithubID: id.GithubID, SlackTeam: id.SlackTeam, SlackUser: id.SlackUser}, denial{}
}

// renamed denies if a login now belongs to another GitHub account.
func (j *job) renamed(ctx context.Context, login string, id int64) (denial, error) {
	have, err := j.accountOf(ctx, login)
	switch {
	case err != nil:
		return denial{}, err
	case have == 0:
		return deny(lifecycle.CodeAccount, "GitHub no longer has the account "+login), nil
	case have != id:
		return deny(lifecycle.CodeAccount, "the login "+login+" belongs to another GitHub account now"), nil
	}
	return denial{}, nil
}

// linked reads the identities once for the checks of one step.
func (j *job) linked(ctx context.Context) (links, error) {
	if j.links != nil && now().Sub(j.linksAt) < linksFresh {
		return j.links, nil
	}
	at := now()
	all, err := j.readLinks(ctx)
	if err != nil {
		return nil, err
	}
	j.links, j.linksAt = all, at
	return all, nil
}

// recheckApprovals checks every approval that counts, with the reviews as GitHub has
// them now. An approval that no longer counts is void for good.
func (j *job) recheckApprovals(ctx context.Context) error {
	if j.request().OnPullRequest() {
		if err := j.countReviews(ctx); err != nil {
			return err
		}
	}
	hidden, err := j.hiddenFromReviewers(ctx)
	if err != nil {
		return err
	}
	return j.voidUncounted(ctx, hidden)
}

// voidUncounted voids the approvals that do not count. hidden is why no review counts, "" if
// reviews count.
func (j *job) voidUncounted(ctx context.Context, hidden string) error {
	for _, a := range slices.Clone(j.request().Approval.Approvers) {
		if a.VoidedAt != nil {
			continue
		}
		refusal, err := j.uncounted(ctx, a)
		if err != nil {
			return err
		}
		why := refusal.why
		if !refusal.denied() && reviewed(a) {
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

// voidLapsed voids approvals that wait for their effect and are no longer valid, for example
// because an account was unlinked. It costs one call, or none if no approval waits.
func (w *Worker) voidLapsed(ctx context.Context, requests []lifecycle.Request) error {
	requests = slices.DeleteFunc(slices.Clone(requests), func(r lifecycle.Request) bool { return !r.AwaitsEffect() })
	if len(requests) == 0 {
		return nil
	}
	linked, err := w.readLinks(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, r := range requests {
		j := &job{Worker: w, doc: store.Doc{Request: r}}
		if !slices.ContainsFunc(r.Approval.Approvers, func(a lifecycle.Approver) bool {
			return a.VoidedAt == nil && j.uncountedBy(linked, a).denied()
		}) {
			continue
		}
		failed = errors.Join(failed, w.voidIn(ctx, r.ID))
	}
	return failed
}

func (w *Worker) voidIn(ctx context.Context, id string) error {
	doc, err := w.Store.Get(ctx, id)
	if err != nil || doc.Archived {
		return ignoreGone(err)
	}
	j := &job{Worker: w, doc: doc, log: w.Log.With(keyRequest, id)}
	if err := j.voidUncounted(ctx, ""); err != nil {
		return ignoreGone(err)
	}
	w.remember(j.doc)
	if j.doc.Request.Version == doc.Request.Version {
		return nil
	}
	return w.Notifier.Changed(ctx, j.doc.Request, j.doc.Archived)
}

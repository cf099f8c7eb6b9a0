package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// wishCommand records a wish, of what the document says now.
func (k *console) wishCommand(row lifecycle.ActionRow) *cobra.Command {
	a := row.Action
	var reason, confirm string
	c := k.command(row.Command+" ID", row.Help, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		doc, err := k.get(ctx, args[0])
		if err != nil {
			return err
		}
		who, err := k.person(ctx)
		if err != nil {
			return err
		}
		if d := k.decide(doc.Request, who, a); !d.Allowed {
			return errors.New(d.Reason)
		}
		env := k.environmentOf(doc.Request)
		if err := errors.Join(checkReason(reason), reasoned(row, reason), confirmed(a, doc.Request, env, confirm)); err != nil {
			return err
		}
		doc, err = k.store.Update(ctx, doc.Request.ID, lifecycle.Actor{Login: who.Login, Source: sourceCLI}, row.Patch(intent(doc.Request, who, reason, confirm)))
		if err != nil {
			return err
		}
		k.changed(ctx, doc)
		return k.show(ctx, doc)
	})
	c.Flags().StringVar(&reason, "reason", "", "why")
	if row.ConfirmHelp != "" {
		c.Flags().StringVar(&confirm, "confirm", "", row.ConfirmHelp)
	}
	return c
}

func (k *console) environmentOf(r lifecycle.Request) config.Environment {
	env, _ := k.cfg.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
	return env
}

// decide asks the matrix about an action on a request.
func (k *console) decide(r lifecycle.Request, who lifecycle.Person, a lifecycle.Action) rbac.Decision {
	subject := rbac.SubjectOf(who)
	return k.cfg.Policy().Decide(subject, rbac.VerbOf(a), rbac.ScopeOf(r, subject, k.environmentOf(r).Rules()))
}

// option is an action that the facts allow, and whether one person may take it.
type option struct {
	lifecycle.Offer
	Allowed bool   `json:"allowed"`
	Refusal string `json:"refusal,omitempty"` // why not, and who can
}

// command is the name of the action on the command line.
func (o option) command() string {
	row, _ := o.Action.Row()
	return row.Command
}

// optionsOf asks for each action that the facts allow what would become of it if this person took it.
func (k *console) optionsOf(r lifecycle.Request, who lifecycle.Person, now time.Time) []option {
	options := []option{}
	for _, offer := range lifecycle.Actions(r, now) {
		o := option{Offer: offer, Allowed: true}
		row, _ := offer.Action.Row()
		if d := k.decide(r, who, offer.Action); !d.Allowed {
			o.Allowed, o.Refusal = false, d.Reason
		} else if patch := row.Patch(intent(r, who, "", "")); patch != nil {
			if _, err := patch(r); err != nil {
				o.Allowed, o.Refusal = false, err.Error()
			}
		}
		options = append(options, o)
	}
	return options
}

// reasoned asks for the reason of a rejection, which the requester is told.
func reasoned(row lifecycle.ActionRow, reason string) error {
	if row.NeedsReason() && strings.TrimSpace(reason) == "" {
		return usagef("--reason: say why, so that the requester knows what to change")
	}
	return nil
}

// minDigest is how much of a digest names a plan.
const minDigest = 12

// confirmed asks for what Slack asks for in a window of its own. Slack offers Approve behind the last page of a plan; here the
// digest is what `tfpilot requests plan` prints behind the whole plan, and no other command or error names it.
func confirmed(a lifecycle.Action, r lifecycle.Request, env config.Environment, given string) error {
	if a == lifecycle.ActionDestroy && env.Protected && given != env.String() {
		return usagef("%s is protected: confirm with --confirm %s", env, env)
	}
	if a != lifecycle.ActionApprove || r.Plan == nil {
		return nil
	}
	if given == "" {
		return usagef("read the plan (tfpilot requests plan %s) and confirm with --confirm and the digest behind it", r.ID)
	}
	digest := strings.TrimPrefix(given, "sha256:")
	if len(digest) < minDigest || !strings.HasPrefix(strings.TrimPrefix(r.Plan.Digest, "sha256:"), digest) {
		return fmt.Errorf("the plan is not the one that you confirm; read the one that the request has now: tfpilot requests plan %s", r.ID)
	}
	return nil
}

// intent is what a person asks for, of the plan that the document holds.
func intent(r lifecycle.Request, who lifecycle.Person, reason, confirm string) lifecycle.Wish {
	w := lifecycle.Wish{By: who.Login, ByID: who.GithubID, SlackTeam: who.SlackTeam, SlackUser: who.SlackUser, At: time.Now().UTC(), Source: sourceCLI, Reason: reason, Typed: confirm != ""}
	if r.Plan != nil {
		w.HeadSHA, w.PlanDigest = r.Plan.SHA, r.Plan.Digest
	}
	return w
}

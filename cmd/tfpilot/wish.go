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
		env, _ := k.cfg.Environment(doc.Request.Project, doc.Request.Environment.Key, doc.Request.Environment.Slug)
		subject := rbac.SubjectOf(who)
		if d := k.cfg.Policy().Decide(subject, rbac.VerbOf(a), rbac.ScopeOf(doc.Request, subject, env.Rules())); !d.Allowed {
			return errors.New(d.Reason)
		}
		if err := errors.Join(checkReason(reason), reasoned(row, reason), confirmed(a, doc.Request, env, confirm)); err != nil {
			return err
		}
		doc, err = k.store.Update(ctx, doc.Request.ID, lifecycle.Actor{Login: who.Login, Source: sourceCLI}, row.Patch(intent(doc.Request, who, reason, confirm)))
		if err != nil {
			return err
		}
		k.changed(ctx, doc)
		return k.show(doc)
	})
	c.Flags().StringVar(&reason, "reason", "", "why")
	if row.ConfirmHelp != "" {
		c.Flags().StringVar(&confirm, "confirm", "", row.ConfirmHelp)
	}
	return c
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

// confirmed asks for what Slack asks for in a window of its own: a plan by which
// something goes, and everything in a protected environment, is named once more.
func confirmed(a lifecycle.Action, r lifecycle.Request, env config.Environment, given string) error {
	switch {
	case a == lifecycle.ActionDestroy && env.Protected && given != env.String():
		return usagef("%s is protected: confirm with --confirm %s", env, env)
	case a != lifecycle.ActionApprove || r.Plan == nil:
		return nil
	case given == "" && (env.Protected || r.Plan.Destroy+r.Plan.Replace > 0):
		return usagef("read the plan (tfpilot requests plan %s) and confirm with --confirm and its digest", r.ID)
	}
	digest := strings.TrimPrefix(given, "sha256:")
	if given != "" && (len(digest) < minDigest || !strings.HasPrefix(strings.TrimPrefix(r.Plan.Digest, "sha256:"), digest)) {
		return fmt.Errorf("the plan is not the one that you confirm; it has the digest %s", r.Plan.Digest)
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

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

// wishes says what each wish is for.
var wishes = map[lifecycle.Action]string{
	lifecycle.ActionApprove:  "Approve the plan of a request; never one's own",
	lifecycle.ActionReject:   "Reject the plan of a request; before the merge that closes its pull request, later it keeps what exists",
	lifecycle.ActionMerge:    "Merge the pull request of an approved request",
	lifecycle.ActionApply:    "Apply what was approved and merged",
	lifecycle.ActionDestroy:  "Ask to destroy what a request made: a plan first, then its approval",
	lifecycle.ActionPlan:     "Start a new plan of a request",
	lifecycle.ActionClose:    "Close a request and its pull request",
	lifecycle.ActionKeep:     "Keep what exists: cancel a destroy, or dismiss a new plan",
	lifecycle.ActionWithdraw: "Withdraw your own approval, until it is used",
	lifecycle.ActionTakeBack: "Take back a merge, apply or destroy that waits",
	lifecycle.ActionRestore:  "Put the branch of a request back to what TfPilot made",
	lifecycle.ActionRepair:   "Read from GitHub how a run ended that shows no end",
}

// wishName is the command that records a wish. plan prints the plan; replan makes a new one.
func wishName(a lifecycle.Action) string {
	if a == lifecycle.ActionPlan {
		return "replan"
	}
	return string(a)
}

// wishCommand records a wish, of what the document says now.
func (k *console) wishCommand(a lifecycle.Action) *cobra.Command {
	var reason, confirm string
	c := k.command(wishName(a)+" ID", wishes[a], cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
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
		if err := errors.Join(checkReason(reason), reasoned(a, reason), confirmed(a, doc.Request, env, confirm)); err != nil {
			return err
		}
		doc, err = k.store.Update(ctx, doc.Request.ID, lifecycle.Actor{Login: who.Login, Source: sourceCLI}, wishPatch(a, doc.Request, who, reason, confirm))
		if err != nil {
			return err
		}
		k.ring(ctx, doc)
		return k.show(doc)
	})
	c.Flags().StringVar(&reason, "reason", "", "why")
	switch a {
	case lifecycle.ActionApprove:
		c.Flags().StringVar(&confirm, "confirm", "", "digest of the plan that you saw, or its first 12 digits; needed where the environment is protected or something goes")
	case lifecycle.ActionDestroy:
		c.Flags().StringVar(&confirm, "confirm", "", "the environment, key/slug; needed where it is protected")
	}
	return c
}

// reasoned asks for the reason of a rejection, which the requester is told.
func reasoned(a lifecycle.Action, reason string) error {
	if a == lifecycle.ActionReject && strings.TrimSpace(reason) == "" {
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

func wishPatch(a lifecycle.Action, r lifecycle.Request, who lifecycle.Person, reason, confirm string) lifecycle.Patch {
	switch a {
	case lifecycle.ActionTakeBack:
		return lifecycle.TakeBack()
	case lifecycle.ActionKeep:
		return lifecycle.Keep(time.Now().UTC())
	case lifecycle.ActionWithdraw:
		return lifecycle.WithdrawApproval(who, time.Now().UTC())
	}
	w := lifecycle.Wish{What: a, By: who.Login, ByID: who.GithubID, SlackTeam: who.SlackTeam, SlackUser: who.SlackUser, At: time.Now().UTC(), Source: sourceCLI, Reason: reason, Typed: confirm != ""}
	if r.Plan != nil {
		w.HeadSHA, w.PlanDigest = r.Plan.SHA, r.Plan.Digest
	}
	return lifecycle.Want(w)
}

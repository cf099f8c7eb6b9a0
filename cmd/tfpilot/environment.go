package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/worker"
)

// newEnvironments shows the lease and queue of each environment, and lets an admin release them.
func newEnvironments() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "environments", Short: "Show environment leases, force-release one, unlock a state"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login to act as")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	c.AddCommand(k.leasesCommand(), k.releaseCommand(), k.unlockCommand())
	return c
}

// leasesCommand reads each lease from the bucket and not from the index: an operator who calls it
// needs the facts.
func (k *console) leasesCommand() *cobra.Command {
	return k.command(
		"list",
		"List environments with the apply or destroy that holds each, and its queue",
		cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			all := []lifecycle.EnvironmentState{}
			for _, p := range k.Config.Projects {
				for _, e := range p.Environments {
					state, err := k.Store.Environment(ctx, p.Name, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
					if err != nil {
						return err
					}
					all = append(all, state)
				}
			}
			if k.json {
				return k.print(all)
			}
			return terminal.Environments(k.out, all)
		},
	)
}

// releaseCommand requires a reason, which the requester and the channel of the environment get.
func (k *console) releaseCommand() *cobra.Command {
	var project, name, confirm, reason string
	c := k.command(
		"release",
		"Force-release an environment",
		cobra.NoArgs,
		func(ctx context.Context, _ []string) error {
			p, err := cli.Project(k.Config, "--project", project)
			if err != nil {
				return err
			}
			env, err := cli.Environment(p, name)
			if err != nil {
				return err
			}
			by, err := k.may(ctx, rbac.ForceRelease, rbac.ScopeIn(env.Rules()))
			if err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return cli.Usagef("--reason is required; the requester and the channel of the environment will see it")
			}
			if no := request.CheckReason(reason); no != nil {
				return k.refused(no, "")
			}
			return k.release(ctx, env, confirm, by.Actor(), reason)
		},
	)
	c.Long = `Release an environment that an apply or destroy holds, so that the next run in its queue can start.

TfPilot releases a lease when GitHub reports the end of the run, or when no run can be found. Use this
command only when neither can happen, for example after the App was removed from the repository. If the
run is still active, cancel it on GitHub first. A run that is already changing resources continues, and
then only Terraform's state lock prevents a second one from running at the same time.`
	c.Flags().StringVar(&project, "project", "", "project of the environment")
	c.Flags().StringVar(&name, "env", "", "environment, as key/slug")
	c.Flags().StringVar(&confirm, "confirm", "", "ID of the request that holds the environment")
	c.Flags().StringVar(&reason, "reason", "", "reason (required)")
	return c
}

// release needs the id of the holder as a confirmation. Between the moment when the operator read
// it and the command the lease may have passed to another request, whose run must not be
// disturbed.
func (k *console) release(
	ctx context.Context,
	env config.Environment,
	confirm string,
	by lifecycle.Actor,
	reason string,
) error {
	where := lifecycle.Environment{Key: env.Key, Slug: env.Slug}
	state, err := k.Store.Environment(ctx, env.Project, where)
	switch {
	case err != nil:
		return err
	case state.Holder == nil:
		return k.say(fmt.Sprintf("%s of %s is free.", env, env.Project), state)
	case state.Holder.RequestID != confirm:
		return cli.Usagef("--confirm: %s of %s is held by %s; to release it, use --confirm %s",
			env, env.Project, terminal.Lease(*state.Holder), state.Holder.RequestID)
	}
	holder, err := worker.ForceRelease(
		ctx,
		k.Store,
		k.Notifier,
		worker.Forced{Project: env.Project, Environment: where, RequestID: confirm, By: by, Reason: reason},
	)
	switch {
	case errors.Is(err, worker.ErrNoHolder), errors.Is(err, worker.ErrOtherHolder):
		return fmt.Errorf("%s no longer holds %s; nothing was changed", confirm, env)
	case err != nil:
		return err
	}
	return k.say(fmt.Sprintf("%s was released from %s.", env, terminal.Lease(holder)),
		map[string]any{"released": holder})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/worker"
)

// newEnvironments shows who holds the environments, and lets an admin take one away.
func newEnvironments() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "environments", Short: "Show who holds and waits for the environments, release one by force, remove a lock on a state"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login whose rights count")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	c.AddCommand(k.leasesCommand(), k.releaseCommand(), k.unlockCommand())
	return c
}

func (k *console) leasesCommand() *cobra.Command {
	return k.command("list", "List the environments, who holds each, since when, and who waits", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		all := []lifecycle.EnvironmentState{}
		for _, p := range k.cfg.Projects {
			for _, e := range p.Environments {
				state, err := k.store.Environment(ctx, p.Name, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
				if err != nil {
					return err
				}
				all = append(all, state)
			}
		}
		if k.json {
			return k.print(all)
		}
		t := tabwriter.NewWriter(k.out, 0, 4, 2, ' ', 0)
		for _, e := range all {
			_, _ = fmt.Fprintf(t, "%s\t%s/%s\t%s\n", e.Project, e.Key, e.Slug, holds(e.Holder))
			if e.StateLock != nil {
				_, _ = fmt.Fprintf(t, "\t\t%s\n", stateLocked(e))
			}
			for i, q := range e.Queue {
				_, _ = fmt.Fprintf(t, "\t\t%d. waits: %s\n", i+1, entry(q))
			}
		}
		return t.Flush()
	})
}

// stateLocked says who locks the state, as the last run saw it, and what to do.
func stateLocked(e lifecycle.EnvironmentState) string {
	return fmt.Sprintf("its state is locked %s, seen %s; once the holder no longer works: tfpilot environments unlock %s %s/%s",
		e.StateLock, e.StateLock.SeenAt.UTC().Format(time.DateTime+" MST"), e.Project, e.Key, e.Slug)
}

func holds(h *lifecycle.LeaseEntry) string {
	if h == nil {
		return "free"
	}
	return "held by " + entry(*h)
}

func entry(e lifecycle.LeaseEntry) string {
	return fmt.Sprintf("the %s of %s (%s), asked for by %s, since %s", e.Kind, e.RequestID, e.Title, e.By, e.Since.UTC().Format(time.DateTime+" MST"))
}

func (k *console) releaseCommand() *cobra.Command {
	var project, name, confirm, reason string
	c := k.command("release", "Take an environment from the apply or destroy that holds it", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		p, err := projectNamed(k.cfg, "--project", project)
		if err != nil {
			return err
		}
		env, err := environmentNamed(p, name)
		if err != nil {
			return err
		}
		who, err := k.person(ctx)
		if err != nil {
			return err
		}
		if d := k.cfg.Policy().Decide(rbac.Subject{Login: who.Login, GithubID: who.GithubID}, rbac.ForceRelease, rbac.ScopeIn(env.Rules())); !d.Allowed {
			return errors.New(d.Reason)
		}
		if strings.TrimSpace(reason) == "" {
			return usagef("--reason: say why; the requester and the environment's channel are told")
		}
		if err := checkReason(reason); err != nil {
			return err
		}
		return k.release(ctx, env, confirm, lifecycle.Actor{Login: who.Login, Source: sourceCLI}, reason)
	})
	c.Long = `Take an environment from the apply or destroy that holds it, so that the next in the queue may start.

A lease ends by itself when GitHub says how the run ended, or when no run can be found. Take it away
only when neither can come any more, as of a repository that TfPilot was taken out of. Cancel the run
on GitHub first if it still works: one that has come to its effect goes on, and only Terraform's lock
on the state keeps a second one out.`
	c.Flags().StringVar(&project, "project", "", "project of the environment")
	c.Flags().StringVar(&name, "env", "", "the environment, key/slug")
	c.Flags().StringVar(&confirm, "confirm", "", "id of the request that holds it")
	c.Flags().StringVar(&reason, "reason", "", "why")
	return c
}

func (k *console) release(ctx context.Context, env config.Environment, confirm string, by lifecycle.Actor, reason string) error {
	where := lifecycle.Environment{Key: env.Key, Slug: env.Slug}
	state, err := k.store.Environment(ctx, env.Project, where)
	switch {
	case err != nil:
		return err
	case state.Holder == nil:
		return k.say(fmt.Sprintf("Nobody holds %s of %s.", env, env.Project), state)
	case state.Holder.RequestID != confirm:
		return usagef("--confirm: %s of %s is held by %s; if that is what you want to end, give --confirm %s", env, env.Project, entry(*state.Holder), state.Holder.RequestID)
	}
	holder, err := worker.ForceRelease(ctx, k.store, k.notifier, worker.Forced{Project: env.Project, Environment: where, RequestID: confirm, By: by, Reason: reason})
	switch {
	case errors.Is(err, worker.ErrNoHolder), errors.Is(err, worker.ErrOtherHolder):
		return fmt.Errorf("%s does not hold %s any more; nothing was changed", confirm, env)
	case err != nil:
		return err
	}
	return k.say(fmt.Sprintf("%s was taken from %s.", env, entry(holder)), map[string]any{"released": holder})
}

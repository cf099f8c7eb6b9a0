package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/worker"
)

// unlockCommand asks for the id of the lock, as terraform force-unlock does: it proves that the
// person means this lock and not a newer one.
func (k *console) unlockCommand() *cobra.Command {
	var u worker.Unlock
	c := k.command(
		"unlock PROJECT KEY/SLUG",
		"Remove the lock that a killed run left on an environment's state",
		cobra.ExactArgs(2),
		func(ctx context.Context, args []string) error { return k.unlock(ctx, u, args[0], args[1]) },
	)
	c.Long = `Remove the lock that a killed run left on an environment's state.

A run that ends or is canceled releases its lock. If its runner is lost, the lock stays, and every later
apply or destroy of the environment fails. This command refuses while an apply or destroy holds the
environment, and while GitHub reports an active one. First make sure that the holder of the lock has
stopped: two writers of one state lose resources.

The command reads and deletes the lock file with your own AWS credentials, which need the permissions in
manifests/iam/unlock.json. TfPilot's own role has no access to states.`
	c.Flags().StringVar(&u.Confirm, "confirm", "", "ID of the lock")
	c.Flags().StringVar(&u.Reason, "reason", "", "reason (required)")
	c.Flags().
		StringVar(&u.Profile, "aws-profile", "", "AWS profile that can remove the lock (default: the default credentials)")
	return c
}

func (k *console) unlock(ctx context.Context, u worker.Unlock, project, name string) error {
	if err := k.mayUnlock(ctx, &u, project, name); err != nil {
		return err
	}
	done, err := u.Run(ctx)
	var held *worker.HeldError
	var other *worker.OtherLock
	switch {
	case errors.As(err, &held):
		return fmt.Errorf(
			"%s of %s is held by %s, and its run may hold the lock; wait until it ends, or see tfpilot environments release "+
				"--help",
			u.Environment, u.Environment.Project, terminal.Lease(held.Holder),
		)
	case errors.As(err, &other):
		return cli.Usagef("--confirm: the state of %s is locked %s; once the holder has stopped, use --confirm %s",
			u.Environment, other.Lock, other.Lock.ID)
	case err != nil:
		return err
	}
	text := fmt.Sprintf("The state of %s is not locked.", u.Environment)
	if done.Removed != nil {
		text = fmt.Sprintf("Removed the lock on the state of %s, held %s. Re-plan the requests that it stopped.",
			u.Environment, done.Removed)
	}
	// With a table besides the lock file there can be both: a lock that was removed, and an item
	// that the person has to remove.
	if done.Removed != nil || done.Command == "" {
		if err := k.say(text, map[string]any{"removed": done.Removed}); err != nil {
			return err
		}
	}
	if done.Command == "" {
		return nil
	}
	return fmt.Errorf(
		"the lock on the state of %s is an item in the DynamoDB table %s, which TfPilot cannot access; TfPilot has no "+
			"active apply or destroy there. "+
			"Once the holder of the lock has stopped, remove the item with your own credentials:\n\n  %s",
		u.Environment, u.Environment.Backend.DynamoDBTable, done.Command,
	)
}

// mayUnlock finds the environment, checks the permissions of the person and the reason, and fills in the rest.
func (k *console) mayUnlock(ctx context.Context, u *worker.Unlock, project, name string) error {
	p, err := cli.Project(k.Config, "PROJECT", project)
	if err != nil {
		return err
	}
	if u.Environment, err = cli.Environment(p, name); err != nil {
		return err
	}
	by, err := k.may(ctx, rbac.Unlock, rbac.ScopeIn(u.Environment.Rules()))
	if err != nil {
		return err
	}
	u.By = by.Actor()
	if strings.TrimSpace(u.Reason) == "" {
		return cli.Usagef("--reason is required; it is recorded")
	}
	if no := request.CheckReason(u.Reason); no != nil {
		return k.refused(no, "")
	}
	u.Store, u.Notifier, u.Endpoint = k.Store, k.Notifier, k.Config.Store.Endpoint
	u.Repo = github.Repo{Owner: p.Owner, Name: p.Repo}
	u.GitHub, err = k.GitHub()
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
)

// unlock removes the lock that a killed run left on an environment's state. It uses the
// credentials of the person who runs the command, because app and worker have no access
// to states.
type unlock struct {
	*console
	env              config.Environment
	repo             github.Repo
	by               string
	confirm, reason  string
	profile          string
	where            lifecycle.Environment
	lock             lifecycle.StateLock
	etag             string
	lockFile, lockDB bool
}

func (k *console) unlockCommand() *cobra.Command {
	u := &unlock{console: k}
	c := k.command(
		"unlock PROJECT KEY/SLUG",
		"Remove the lock that a killed run left on an environment's state",
		cobra.ExactArgs(2),
		u.run,
	)
	c.Long = `Remove the lock that a killed run left on an environment's state.

A run that ends or is canceled releases its lock. If its runner is lost, the lock stays, and every later
apply or destroy of the environment fails. This command refuses while an apply or destroy holds the
environment, and while GitHub reports an active one. First make sure that the holder of the lock has
stopped: two writers of one state lose resources.

The command reads and deletes the lock file with your own AWS credentials, which need the permissions in
manifests/iam/unlock.json. TfPilot's own role has no access to states.`
	c.Flags().StringVar(&u.confirm, "confirm", "", "ID of the lock")
	c.Flags().StringVar(&u.reason, "reason", "", "reason (required)")
	c.Flags().
		StringVar(&u.profile, "aws-profile", "", "AWS profile that can remove the lock (default: the default credentials)")
	return c
}

func (u *unlock) run(ctx context.Context, args []string) error {
	if err := u.allow(ctx, args[0], args[1]); err != nil {
		return err
	}
	state, err := u.store.Environment(ctx, u.env.Project, u.where)
	if err != nil {
		return err
	}
	if h := state.Holder; h != nil {
		return fmt.Errorf(
			"%s of %s is held by %s, and its run may hold the lock; wait until it ends, or see tfpilot environments release --help",
			u.env,
			u.env.Project,
			entry(*h),
		)
	}
	if err := u.noActiveRuns(ctx); err != nil {
		return err
	}
	if !u.lockFile {
		return u.table(state)
	}
	return u.removeFile(ctx, state)
}

// allow finds the environment and checks the permissions of the person.
func (u *unlock) allow(ctx context.Context, project, name string) error {
	p, err := projectNamed(u.cfg, "PROJECT", project)
	if err != nil {
		return err
	}
	if u.env, err = environmentNamed(p, name); err != nil {
		return err
	}
	who, err := u.person(ctx)
	if err != nil {
		return err
	}
	if d := u.cfg.Policy().Decide(rbac.Subject{Login: who.Login, GithubID: who.GithubID}, rbac.Unlock, rbac.ScopeIn(u.env.Rules())); !d.Allowed {
		return errors.New(d.Reason)
	}
	if strings.TrimSpace(u.reason) == "" {
		return usagef("--reason is required; it is recorded")
	}
	u.by, u.repo, u.where = who.Login, github.Repo{
		Owner: p.Owner,
		Name:  p.Repo,
	}, lifecycle.Environment{
		Key:  u.env.Key,
		Slug: u.env.Slug,
	}
	u.lockFile, u.lockDB = u.env.Backend.UseLockfile, u.env.Backend.DynamoDBTable != ""
	if no := request.CheckReason(u.reason); no != nil {
		return u.refused(no, "")
	}
	return nil
}

// noActiveRuns checks with GitHub that no active run can hold the lock: after a
// force-release, a run may still be active without a lease. A run whose environment is
// unknown counts as one of this environment.
func (u *unlock) noActiveRuns(ctx context.Context) error {
	client, err := u.github()
	if err != nil {
		return err
	}
	for _, kind := range []lifecycle.Kind{lifecycle.KindApply, lifecycle.KindDestroy} {
		runs, err := client.RunsAtWork(ctx, u.repo, kind.Row().Workflow)
		if err != nil {
			return fmt.Errorf("no lock was removed: cannot list active runs on GitHub: %w", err)
		}
		for _, run := range runs {
			elsewhere, err := u.elsewhere(ctx, run)
			if err != nil {
				return err
			}
			if !elsewhere {
				return fmt.Errorf(
					"no lock was removed: the %s run %s is active and may hold it; wait until it ends, or cancel it on GitHub",
					kind,
					run.URL,
				)
			}
		}
	}
	return nil
}

// elsewhere reports whether a run is known to work on another environment.
func (u *unlock) elsewhere(ctx context.Context, run github.Run) (bool, error) {
	_, id, _, ok := github.ParseRunTitle(run.DisplayTitle)
	if !ok {
		return false, nil
	}
	doc, err := u.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || store.Damaged(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r := doc.Request
	return r.Project != u.env.Project || r.Environment.Key != u.env.Key || r.Environment.Slug != u.env.Slug, nil
}

// removeFile records the decision, removes the lock file and records the outcome. If it
// stops in between, running the command again completes it.
func (u *unlock) removeFile(ctx context.Context, state lifecycle.EnvironmentState) error {
	locks, err := store.OpenLocks(
		ctx,
		store.Config{
			Bucket:   u.env.Backend.Bucket,
			Region:   u.env.Backend.Region,
			Endpoint: u.cfg.Store.Endpoint,
			Profile:  u.profile,
		},
	)
	if err != nil {
		return err
	}
	u.lock, u.etag, err = locks.Lock(ctx, u.env.Backend.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return u.gone(ctx, state)
	case errors.Is(err, store.ErrDenied):
		return u.denied(err)
	case err != nil:
		return err
	case u.confirm != u.lock.ID:
		return usagef(
			"--confirm: the state of %s is locked %s; once the holder has stopped, use --confirm %s",
			u.env,
			u.lock,
			u.lock.ID,
		)
	}
	decided := lifecycle.StateUnlock{Lock: u.lock, By: u.by, Reason: u.reason, At: time.Now().UTC()}
	_, err = u.store.UpdateEnvironment(
		ctx,
		u.env.Project,
		u.where,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			next, refusal := e.Unlocking(decided)
			if refusal != nil {
				return e, refusal
			}
			return next, nil
		},
	)
	if err != nil {
		return err
	}
	switch err := locks.Remove(ctx, u.env.Backend.Key, u.etag); {
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("the lock changed after it was read; nothing was removed: %w", err)
	case errors.Is(err, store.ErrDenied):
		return u.denied(err)
	case err != nil:
		return err
	}
	if err := u.record(ctx, u.lock, state); err != nil {
		return err
	}
	done := fmt.Sprintf(
		"Removed the lock on the state of %s, held %s. Re-plan the requests that it stopped.",
		u.env,
		u.lock,
	)
	if err := u.say(done, map[string]any{"removed": u.lock}); err != nil {
		return err
	}
	if u.lockDB {
		return u.table(state)
	}
	return nil
}

// gone handles a lock file that no longer exists: it completes an earlier call, or
// clears a lock that was released.
func (u *unlock) gone(ctx context.Context, state lifecycle.EnvironmentState) error {
	if un := state.Unlock; un != nil && !un.Done {
		if err := u.record(ctx, un.Lock, state); err != nil {
			return err
		}
	} else if state.StateLock != nil {
		if err := u.forget(ctx, state.StateLock.ID); err != nil {
			return err
		}
	}
	if u.lockDB {
		return u.table(state)
	}
	return u.say(fmt.Sprintf("The state of %s is not locked.", u.env), map[string]any{"removed": nil})
}

// record writes the outcome to the environment and to each request that the lock stopped.
func (u *unlock) record(ctx context.Context, lock lifecycle.StateLock, state lifecycle.EnvironmentState) error {
	if met := state.StateLock; met != nil && met.ID == lock.ID {
		for _, id := range met.Requests {
			now := time.Now().UTC()
			_, err := u.store.Update(
				ctx,
				id,
				lifecycle.Actor{Login: u.by, Source: request.SourceCLI},
				lifecycle.StateUnlocked(lock, u.by, u.reason, now),
			)
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrArchived) &&
				!store.Damaged(err) {
				return fmt.Errorf(
					"the lock is removed, but recording it in %s failed: %w; run the same command again",
					id,
					err,
				)
			}
			if doc, err := u.store.Get(ctx, id); err == nil {
				_ = u.notifier.Changed(ctx, doc.Request, doc.Archived) // the sweep finds what was not enqueued
			}
		}
	}
	return u.forget(ctx, lock.ID)
}

func (u *unlock) forget(ctx context.Context, id string) error {
	_, err := u.store.UpdateEnvironment(
		ctx,
		u.env.Project,
		u.where,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.Unlocked(id), nil
		},
	)
	return err
}

func (u *unlock) denied(err error) error {
	return fmt.Errorf(
		"%w; use credentials with the permissions in manifests/iam/unlock.json (--aws-profile NAME): TfPilot's own role has no access to states",
		err,
	)
}

// table returns the command that removes a lock in DynamoDB. TfPilot has no access to that table.
func (u *unlock) table(state lifecycle.EnvironmentState) error {
	b := u.env.Backend
	if b.DynamoDBTable == "" {
		return fmt.Errorf(
			"%s of %s has neither use_lockfile nor dynamodb_table: its state is never locked",
			u.env,
			u.env.Project,
		)
	}
	command := fmt.Sprintf(
		"aws dynamodb delete-item --region %s --table-name %s --key '{\"LockID\":{\"S\":\"%s/%s\"}}'",
		b.Region,
		b.DynamoDBTable,
		b.Bucket,
		b.Key,
	)
	if l := state.StateLock; l != nil && lifecycle.NameStateLock.Valid(l.ID) {
		command += fmt.Sprintf(
			" --condition-expression 'contains(Info, :id)' --expression-attribute-values '{\":id\":{\"S\":\"%s\"}}'",
			l.ID,
		)
	}
	return fmt.Errorf(
		"the lock on the state of %s is an item in the DynamoDB table %s, which TfPilot cannot access; TfPilot has no active apply or destroy there. "+
			"Once the holder of the lock has stopped, remove the item with your own credentials:\n\n  %s",
		u.env,
		b.DynamoDBTable,
		command,
	)
}

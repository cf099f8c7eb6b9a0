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
	"github.com/tfpilot/tfpilot/internal/store"
)

// unlock removes the lock that a run which was killed left on an environment's state.
// The lock is deleted with the credentials of the person who types the command: app and worker
// have no right to states, and get none for this.
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
	c := k.command("unlock PROJECT KEY/SLUG", "Remove the lock that a killed run left on an environment's state", cobra.ExactArgs(2), u.run)
	c.Long = `Remove the lock that a killed run left on an environment's state.

A run that ends by itself, or that is canceled, releases its lock. One whose runner was lost leaves it,
and every later apply or destroy of the environment stops at it. The command refuses while an apply or
destroy holds the environment, and while GitHub has one at work. First make sure that whoever holds the
lock no longer works: two writers of one state lose resources.

The lock file is read and deleted with your own AWS credentials; manifests/iam/unlock.json is what they
need. TfPilot's own role has no right to states.`
	c.Flags().StringVar(&u.confirm, "confirm", "", "id of the lock")
	c.Flags().StringVar(&u.reason, "reason", "", "why")
	c.Flags().StringVar(&u.profile, "aws-profile", "", "AWS profile that may remove the lock; the default credentials unless set")
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
		return fmt.Errorf("%s of %s is held by %s, and its run may hold the lock; wait until it ends, or see tfpilot environments release --help", u.env, u.env.Project, entry(*h))
	}
	if err := u.nothingAtWork(ctx); err != nil {
		return err
	}
	if !u.lockFile {
		return u.table(state)
	}
	return u.removeFile(ctx, state)
}

// allow finds the environment and asks for the person's rights.
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
		return usagef("--reason: say why; it is recorded")
	}
	u.by, u.repo, u.where = who.Login, github.Repo{Owner: p.Owner, Name: p.Repo}, lifecycle.Environment{Key: u.env.Key, Slug: u.env.Slug}
	u.lockFile, u.lockDB = u.env.Backend.UseLockfile, u.env.Backend.DynamoDBTable != ""
	return checkReason(u.reason)
}

// nothingAtWork asks GitHub for runs that may hold the lock although their lease is
// gone, as after a release by force. A run that it cannot place counts as one.
func (u *unlock) nothingAtWork(ctx context.Context) error {
	hub, err := u.github()
	if err != nil {
		return err
	}
	for _, kind := range []lifecycle.Kind{lifecycle.KindApply, lifecycle.KindDestroy} {
		runs, err := hub.RunsAtWork(ctx, u.repo, kind.Row().Workflow)
		if err != nil {
			return fmt.Errorf("no lock was removed, since GitHub cannot be asked whether a run holds it: %w", err)
		}
		for _, run := range runs {
			elsewhere, err := u.elsewhere(ctx, run)
			if err != nil {
				return err
			}
			if !elsewhere {
				return fmt.Errorf("no lock was removed: the %s run %s is at work and may hold it; wait until it ends, or cancel it on GitHub", kind, run.URL)
			}
		}
	}
	return nil
}

// elsewhere reports whether a run certainly works on another environment.
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

// removeFile removes the lock file: decision, effect, outcome. Whatever stops between
// them is finished by the same command.
func (u *unlock) removeFile(ctx context.Context, state lifecycle.EnvironmentState) error {
	locks, err := store.OpenLocks(ctx, store.Config{Bucket: u.env.Backend.Bucket, Region: u.env.Backend.Region, Endpoint: u.cfg.Store.Endpoint, Profile: u.profile})
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
		return usagef("--confirm: the state of %s is locked %s; once that no longer works, give --confirm %s", u.env, u.lock, u.lock.ID)
	}
	decided := lifecycle.StateUnlock{Lock: u.lock, By: u.by, Reason: u.reason, At: time.Now().UTC()}
	_, err = u.store.UpdateEnvironment(ctx, u.env.Project, u.where, func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
		next, refusal := e.Unlocking(decided)
		if refusal != nil {
			return e, refusal
		}
		return next, nil
	})
	if err != nil {
		return err
	}
	switch err := locks.Remove(ctx, u.env.Backend.Key, u.etag); {
	case errors.Is(err, store.ErrConflict):
		return fmt.Errorf("the lock changed since it was read, and nothing was removed: %w", err)
	case errors.Is(err, store.ErrDenied):
		return u.denied(err)
	case err != nil:
		return err
	}
	if err := u.record(ctx, u.lock, state); err != nil {
		return err
	}
	if err := u.say(fmt.Sprintf("The lock on the state of %s, held %s, is removed. Requests that stopped at it are planned again with Plan.", u.env, u.lock), map[string]any{"removed": u.lock}); err != nil {
		return err
	}
	if u.lockDB {
		return u.table(state)
	}
	return nil
}

// gone ends what an earlier call began, or what ended by itself.
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

// record writes the outcome at the environment and at each request that met the lock.
func (u *unlock) record(ctx context.Context, lock lifecycle.StateLock, state lifecycle.EnvironmentState) error {
	if met := state.StateLock; met != nil && met.ID == lock.ID {
		for _, id := range met.Requests {
			now := time.Now().UTC()
			_, err := u.store.Update(ctx, id, lifecycle.Actor{Login: u.by, Source: sourceCLI}, lifecycle.StateUnlocked(lock, u.by, u.reason, now))
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrArchived) && !store.Damaged(err) {
				return fmt.Errorf("the lock is removed; record it at %s: %w; run the same command again", id, err)
			}
			if doc, err := u.store.Get(ctx, id); err == nil {
				_ = u.notifier.Changed(ctx, doc.Request, doc.Archived) // the sweep finds what was not enqueued
			}
		}
	}
	return u.forget(ctx, lock.ID)
}

func (u *unlock) forget(ctx context.Context, id string) error {
	_, err := u.store.UpdateEnvironment(ctx, u.env.Project, u.where, func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
		return e.Unlocked(id), nil
	})
	return err
}

func (u *unlock) denied(err error) error {
	return fmt.Errorf("%w; TfPilot's own role has no right to states: use credentials with the rights of manifests/iam/unlock.json, by --aws-profile NAME", err)
}

// table says how a lock in DynamoDB is removed: TfPilot never talks to that table.
func (u *unlock) table(state lifecycle.EnvironmentState) error {
	b := u.env.Backend
	if b.DynamoDBTable == "" {
		return fmt.Errorf("%s of %s names neither use_lockfile nor dynamodb_table: its state is never locked", u.env, u.env.Project)
	}
	command := fmt.Sprintf("aws dynamodb delete-item --region %s --table-name %s --key '{\"LockID\":{\"S\":\"%s/%s\"}}'", b.Region, b.DynamoDBTable, b.Bucket, b.Key)
	if l := state.StateLock; l != nil && lifecycle.NameStateLock.Valid(l.ID) {
		command += fmt.Sprintf(" --condition-expression 'contains(Info, :id)' --expression-attribute-values '{\":id\":{\"S\":\"%s\"}}'", l.ID)
	}
	return fmt.Errorf("a lock on the state of %s is an item of the DynamoDB table %s, which TfPilot cannot reach; no apply or destroy of TfPilot is at work there. "+
		"Once the holder of the lock no longer works, remove it with credentials of your own:\n\n  %s", u.env, b.DynamoDBTable, command)
}

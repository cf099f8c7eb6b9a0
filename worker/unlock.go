package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Unlock removes the lock that a killed run left on an environment's state. It uses the AWS
// credentials of the person, because app and worker have no access to states. The caller
// has checked their permissions and the reason.
type Unlock struct {
	Store       *store.Store       // required
	GitHub      *github.Client     // required
	Notifier    *queue.Notifier    // required
	Environment config.Environment // required
	Repo        github.Repo        // required; of the environment's project
	By          lifecycle.Actor    // required
	Confirm     string             // ID of the lock
	Reason      string             // required
	Endpoint    string             // of S3; empty: AWS
	Profile     string             // AWS profile; empty: the default credentials
}

// Unlocked is what unlocking did, and what is left to do.
type Unlocked struct {
	Removed *lifecycle.StateLock // nil if no lock file existed
	Command string               // removes the lock in DynamoDB, which TfPilot cannot access; empty without a table
}

// HeldError is the error when an apply or destroy holds the environment: its run may hold the lock.
type HeldError struct{ Holder lifecycle.LeaseEntry }

func (e *HeldError) Error() string {
	return fmt.Sprintf("the environment is held by the %s of %s", e.Holder.Kind, e.Holder.RequestID)
}

// OtherLock is the error when the state has another lock than the confirmed one.
type OtherLock struct{ Lock lifecycle.StateLock }

func (e *OtherLock) Error() string { return fmt.Sprintf("the state is locked %s", e.Lock) }

// Run removes the lock, unless something may still hold it.
func (u *Unlock) Run(ctx context.Context) (Unlocked, error) {
	state, err := u.Store.Environment(ctx, u.Environment.Project, u.where())
	if err != nil {
		return Unlocked{}, err
	}
	if state.Holder != nil {
		return Unlocked{}, &HeldError{*state.Holder}
	}
	if err := u.noActiveRuns(ctx); err != nil {
		return Unlocked{}, err
	}
	if !u.Environment.Backend.UseLockfile {
		command, err := u.table(state)
		return Unlocked{Command: command}, err
	}
	return u.removeFile(ctx, state)
}

func (u *Unlock) where() lifecycle.Environment {
	return lifecycle.Environment{Key: u.Environment.Key, Slug: u.Environment.Slug}
}

// noActiveRuns checks with GitHub that no active run can hold the lock: after a
// force-release, a run may still be active without a lease. A run whose environment is
// unknown counts as one of this environment.
func (u *Unlock) noActiveRuns(ctx context.Context) error {
	for _, kind := range []lifecycle.Kind{lifecycle.KindApply, lifecycle.KindDestroy} {
		runs, err := u.GitHub.RunsAtWork(ctx, u.Repo, kind.Row().Workflow)
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
func (u *Unlock) elsewhere(ctx context.Context, run github.Run) (bool, error) {
	_, id, _, ok := github.ParseRunTitle(run.DisplayTitle)
	if !ok {
		return false, nil
	}
	doc, err := u.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || store.Damaged(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r := doc.Request
	return r.Project != u.Environment.Project || r.Environment.Key != u.Environment.Key || r.Environment.Slug != u.Environment.Slug, nil
}

// removeFile records the decision, removes the lock file and records the outcome. If it
// stops in between, running the command again completes it.
func (u *Unlock) removeFile(ctx context.Context, state lifecycle.EnvironmentState) (Unlocked, error) {
	locks, err := store.OpenLocks(
		ctx,
		store.Config{
			Bucket:   u.Environment.Backend.Bucket,
			Region:   u.Environment.Backend.Region,
			Endpoint: u.Endpoint,
			Profile:  u.Profile,
		},
	)
	if err != nil {
		return Unlocked{}, err
	}
	lock, etag, err := locks.Lock(ctx, u.Environment.Backend.Key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return u.gone(ctx, state)
	case errors.Is(err, store.ErrDenied):
		return Unlocked{}, credentialsError(err)
	case err != nil:
		return Unlocked{}, err
	case u.Confirm != lock.ID:
		return Unlocked{}, &OtherLock{lock}
	}
	decided := lifecycle.StateUnlock{Lock: lock, By: u.By.Login, Reason: u.Reason, At: time.Now().UTC()}
	_, err = u.Store.UpdateEnvironment(
		ctx,
		u.Environment.Project,
		u.where(),
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			next, refusal := e.Unlocking(decided)
			if refusal != nil {
				return e, refusal
			}
			return next, nil
		},
	)
	if err != nil {
		return Unlocked{}, err
	}
	switch err := locks.Remove(ctx, u.Environment.Backend.Key, etag); {
	case errors.Is(err, store.ErrConflict):
		return Unlocked{}, fmt.Errorf("the lock changed after it was read; nothing was removed: %w", err)
	case errors.Is(err, store.ErrDenied):
		return Unlocked{}, credentialsError(err)
	case err != nil:
		return Unlocked{}, err
	}
	if err := u.record(ctx, lock, state); err != nil {
		return Unlocked{}, err
	}
	return u.alsoTable(Unlocked{Removed: &lock}, state)
}

// gone handles a lock file that no longer exists: it completes an earlier call, or
// clears a lock that was released.
func (u *Unlock) gone(ctx context.Context, state lifecycle.EnvironmentState) (Unlocked, error) {
	if un := state.Unlock; un != nil && !un.Done {
		if err := u.record(ctx, un.Lock, state); err != nil {
			return Unlocked{}, err
		}
	} else if state.StateLock != nil {
		if err := u.forget(ctx, state.StateLock.ID); err != nil {
			return Unlocked{}, err
		}
	}
	return u.alsoTable(Unlocked{}, state)
}

// alsoTable adds the command for a table that locks the state besides the lock file.
func (u *Unlock) alsoTable(done Unlocked, state lifecycle.EnvironmentState) (Unlocked, error) {
	if u.Environment.Backend.DynamoDBTable == "" {
		return done, nil
	}
	command, err := u.table(state)
	done.Command = command
	return done, err
}

// record writes the outcome to the environment and to each request that the lock stopped.
func (u *Unlock) record(ctx context.Context, lock lifecycle.StateLock, state lifecycle.EnvironmentState) error {
	if met := state.StateLock; met != nil && met.ID == lock.ID {
		for _, id := range met.Requests {
			at := time.Now().UTC()
			_, err := u.Store.Update(
				ctx,
				id,
				u.By,
				lifecycle.StateUnlocked(lock, u.By.Login, u.Reason, at),
			)
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrArchived) &&
				!store.Damaged(err) {
				return fmt.Errorf(
					"the lock is removed, but recording it in %s failed: %w; run the same command again",
					id,
					err,
				)
			}
			if doc, err := u.Store.Get(ctx, id); err == nil {
				_ = u.Notifier.Changed(ctx, doc.Request, doc.Archived) // the sweep finds what was not enqueued
			}
		}
	}
	return u.forget(ctx, lock.ID)
}

func (u *Unlock) forget(ctx context.Context, id string) error {
	_, err := u.Store.UpdateEnvironment(
		ctx,
		u.Environment.Project,
		u.where(),
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.Unlocked(id), nil
		},
	)
	return err
}

// credentialsError adds to a refusal of AWS which permissions the command needs.
func credentialsError(err error) error {
	return fmt.Errorf(
		"%w; use credentials with the permissions in manifests/iam/unlock.json (--aws-profile NAME): TfPilot's own role has no access to states",
		err,
	)
}

// table returns the command that removes a lock in DynamoDB. TfPilot has no access to that table.
func (u *Unlock) table(state lifecycle.EnvironmentState) (string, error) {
	b := u.Environment.Backend
	if b.DynamoDBTable == "" {
		return "", fmt.Errorf(
			"%s of %s has neither use_lockfile nor dynamodb_table: its state is never locked",
			u.Environment,
			u.Environment.Project,
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
	return command, nil
}

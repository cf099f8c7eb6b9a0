package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Forced is an admin's command to take the lease of an environment from its holder. The caller
// has checked the admin's rights.
type Forced struct {
	Project     string
	Environment lifecycle.Environment
	RequestID   string // of the holder; another holder that moved up since is not affected
	By          lifecycle.Actor
	Reason      string
}

// Errors of ForceRelease; nothing was changed.
var (
	ErrNoHolder    = errors.New("no request holds the environment")
	ErrOtherHolder = errors.New("another request holds the environment")
)

// ForceRelease takes the lease from its holder and passes it to the next entry. It first records
// the fact, then deletes the grant, so that a run that has not begun to apply stops, and then
// releases the lease. A run that is already applying continues; Terraform's state lock keeps a
// second one out. A repeated call completes an earlier one. A holder whose document is gone or
// unreadable loses grant and lease too.
func ForceRelease(ctx context.Context, s *store.Store, notifier *queue.Notifier,
	f Forced) (lifecycle.LeaseEntry, error) {
	state, err := s.Environment(ctx, f.Project, f.Environment)
	switch {
	case err != nil:
		return lifecycle.LeaseEntry{}, err
	case state.Holder == nil:
		return lifecycle.LeaseEntry{}, ErrNoHolder
	case state.Holder.RequestID != f.RequestID:
		return *state.Holder, ErrOtherHolder
	}
	holder := *state.Holder
	doc, err := s.Update(ctx, holder.RequestID, f.By, lifecycle.ForceReleased(holder.Kind, holder.CorrelationID,
		f.By.Login, f.Reason, now()))
	if err != nil && !unusable(err) {
		return holder, fmt.Errorf("conclude %s: %w", holder.RequestID, err)
	}
	recorded := err == nil
	if err := s.DeleteGrant(ctx, f.Project, holder.CorrelationID); err != nil {
		return holder, err
	}
	state, err = s.UpdateEnvironment(ctx, f.Project, f.Environment,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			if at := now(); e.Position(holder.CorrelationID) == 0 {
				e.ForcedAt = &at
			}
			return e.Release(holder.CorrelationID, now()), nil
		})
	if err != nil {
		return holder, err
	}
	moved := notifier.LeaseMoved(ctx, state)
	if recorded {
		moved = errors.Join(moved, notifier.Changed(ctx, doc.Request, doc.Archived))
	}
	_ = moved // the sweep finds what was not enqueued
	return holder, nil
}

// unusable reports whether err means that no document can record the fact.
func unusable(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrArchived) || store.Damaged(err)
}

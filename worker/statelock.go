package worker

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// forcedGrace is how long after a release by force its run may still begin to apply:
// the run reads its grant directly before, and the lock follows.
const forcedGrace = 10 * time.Minute

// stateLocked records in the environment which lock a run found, and returns the text about it
// for the request.
func (j *job) stateLocked(ctx context.Context, a lifecycle.Attempt, l lifecycle.StateLock) (string, error) {
	l, ok := plainLock(l)
	if !ok {
		return lifecycle.CodeStateLocked.Words(), nil
	}
	at := now()
	if a.CompletedAt != nil {
		at = *a.CompletedAt
	}
	project, env := j.request().Project, j.request().Environment
	state, err := j.Store.UpdateEnvironment(ctx, project, env,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.SawStateLock(l, j.id(), at), nil
		})
	if err != nil {
		return "", err
	}
	alone := a.LeaseToken != 0 && (state.ForcedAt == nil || l.Since.After(state.ForcedAt.Add(forcedGrace)))
	return lifecycle.StateLockText(project, env, l, alone), nil
}

// passedStateLock removes the recorded lock of an environment once a later run has written the
// state. A run that found nothing to do took no lock.
func (j *job) passedStateLock(ctx context.Context, s lifecycle.Step) error {
	a := j.attempt(s)
	if a == nil || a.Conclusion != lifecycle.ConclusionSuccess || a.DispatchedAt == nil {
		return nil
	}
	project, env := j.request().Project, j.request().Environment
	res, err := j.Store.Result(ctx, project, s.CorrelationID)
	switch {
	case errors.Is(err, store.ErrNotFound), store.Damaged(err), err == nil && res.Nothing:
		return nil
	case err != nil:
		return err
	}
	_, err = j.Store.UpdateEnvironment(ctx, project, env,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.PassedStateLock(*a.DispatchedAt), nil
		})
	return err
}

// plainLock bounds and cleans the text of a lock, which its holder chose.
func plainLock(l lifecycle.StateLock) (lifecycle.StateLock, bool) {
	if !lifecycle.NameStateLock.Valid(l.ID) {
		return l, false
	}
	plain := func(s string) string {
		return cut(strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return '?'
		}, s), 100)
	}
	return lifecycle.StateLock{ID: l.ID, Who: plain(l.Who), Operation: plain(l.Operation), Version: plain(l.Version),
		Since: l.Since}, true
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// takeTurn serves the wish to apply or destroy: rights and facts as of now, then the
// lease, then the run. While another holds the lease the wish waits.
func (j *job) takeTurn(ctx context.Context, s lifecycle.Step) error {
	wish := *j.request().Intent(lifecycle.Action(s.Kind))
	if no := lifecycle.Stale(*j.request(), wish); no != nil {
		return j.refuse(ctx, wish, no.Code, no.Text)
	}
	if queued, err := j.queued(ctx, wish); err != nil || queued {
		return err
	}
	if ok, err := j.permit(ctx, wish); err != nil || !ok {
		return err
	}
	if err := j.recheckApprovals(ctx); err != nil {
		return err
	}
	if s.Kind == lifecycle.KindApply {
		if no := lifecycle.Can(*j.request(), lifecycle.ActionApply); no != nil {
			return j.refuse(ctx, wish, no.Code, no.Text)
		}
	} else if !j.request().Approval.Approved {
		return nil // the destroy waits for a new approval
	}
	sha, text, err := j.runnable(ctx, s.Kind)
	if err != nil {
		return err
	}
	if text != "" {
		return j.refuse(ctx, wish, lifecycle.CodeBaseChanged, text)
	}
	return j.enter(ctx, s.Kind, wish, sha)
}

// queued says that others are before this wish in the lease's queue: then there is
// nothing to do until the lease is handed on.
func (j *job) queued(ctx context.Context, wish lifecycle.Intent) (bool, error) {
	if wish.CorrelationID == "" {
		return false, nil
	}
	env, err := j.Store.Environment(ctx, j.request().Project, j.request().Environment)
	j.waits = err == nil && env.Place(wish.CorrelationID) > 0
	return j.waits, err
}

// runnable gives the commit to run on: the tip of the base branch, which must hold
// the merge and, for an apply, the approved bytes. text says what does not fit.
func (j *job) runnable(ctx context.Context, kind lifecycle.Kind) (sha, text string, err error) {
	r := j.request()
	sha, tree, err := j.tip(ctx)
	if err != nil || kind == lifecycle.KindDestroy {
		return sha, "", err
	}
	if blob, ok := tree.Entries[r.Target.Path]; !tree.Truncated && (!ok || blob != r.Plan.Blob) {
		return "", fmt.Sprintf("The file %s on %s is not the one that was approved. Re-plan.", r.Target.Path, r.Target.Base), nil
	}
	if r.MergedSHA == "" || r.MergedSHA == sha {
		return sha, "", nil
	}
	since, err := j.GitHub.Compare(ctx, repoOf(r), r.MergedSHA, sha)
	if err != nil {
		return "", "", err
	}
	if since.Behind > 0 {
		return "", fmt.Sprintf("The branch %s does not contain the merge of this request any more. Ask your platform team.", r.Target.Base), nil
	}
	return sha, "", nil
}

// enter takes a place in the lease's queue and, as its holder, starts the run.
func (j *job) enter(ctx context.Context, kind lifecycle.Kind, wish lifecycle.Intent, sha string) error {
	what := lifecycle.Action(kind)
	if wish.CorrelationID == "" {
		if err := j.patch(ctx, lifecycle.Named(what, newCorrelationID(kind))); err != nil {
			return err
		}
	}
	named := j.request().Intent(what)
	if named == nil {
		return nil // taken back meanwhile
	}
	cid := named.CorrelationID
	env, err := j.join(ctx, lifecycle.LeaseEntry{CorrelationID: cid, RequestID: j.id(), Title: j.request().Title, Kind: kind, By: wish.By, Since: now()})
	if err != nil {
		return err
	}
	if env.Place(cid) != 0 {
		j.waits = true
		return j.Notifier.Card(ctx, j.id(), j.doc.Request.Version)
	}
	a := j.newAttempt(kind, j.request().Plan.Purpose, sha, wish.By)
	a.CorrelationID, a.LeaseToken = cid, env.Token
	a.Digest, a.PlanAttempt = j.request().Plan.Digest, j.request().Plan.Attempt
	a.MayBeGone = kind == lifecycle.KindDestroy && lifecycle.MayBeGone(*j.request())
	err = j.start(ctx, kind, a)
	var no *lifecycle.Refusal
	if errors.As(err, &no) {
		return errors.Join(j.refuse(ctx, wish, no.Code, no.Text), j.leave(ctx, cid))
	}
	return err
}

func (j *job) join(ctx context.Context, entry lifecycle.LeaseEntry) (lifecycle.EnvironmentState, error) {
	return j.Store.UpdateEnvironment(ctx, j.request().Project, j.request().Environment, func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
		return e.Join(entry, now()), nil
	})
}

// leaveQueue takes the entry of an intent that has gone out of the queue, at once: of an
// environment that is no longer configured no one else would.
func (j *job) leaveQueue(ctx context.Context, s lifecycle.Step) error {
	if err := j.leave(ctx, s.CorrelationID); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.Left(s.CorrelationID))
}

// leave gives a place up and rings for whoever moves up.
func (j *job) leave(ctx context.Context, cid string) error {
	_, err := j.leaveEnvironment(ctx, j.request().Project, j.request().Environment, cid)
	return err
}

func (w *Worker) leaveEnvironment(ctx context.Context, project string, env lifecycle.Environment, cid string) (lifecycle.EnvironmentState, error) {
	state, err := w.Store.UpdateEnvironment(ctx, project, env, func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
		return e.Leave(cid, now()), nil
	})
	if err != nil {
		return state, err
	}
	return state, w.Notifier.LeaseMoved(ctx, state)
}

// release ends an apply or destroy that GitHub has concluded: its grant goes, then
// the lease.
func (j *job) release(ctx context.Context, s lifecycle.Step) error {
	if err := j.Store.DeleteGrant(ctx, j.request().Project, s.CorrelationID); err != nil {
		return err
	}
	state, err := j.leaveEnvironment(ctx, j.request().Project, j.request().Environment, s.CorrelationID)
	if err != nil {
		return err
	}
	if state.StateLock != nil {
		if err := j.passedStateLock(ctx, s); err != nil {
			return err
		}
	}
	return j.patch(ctx, lifecycle.Released(s.Kind, s.CorrelationID))
}

// Environment looks at a lease: entries whose wish was taken back or whose run was
// released leave it, and the holder is rung for.
func (w *Worker) Environment(ctx context.Context, project string, env lifecycle.Environment) error {
	state, err := w.Store.Environment(ctx, project, env)
	if err != nil {
		return err
	}
	for _, entry := range entries(state) {
		stays, err := w.stays(ctx, entry)
		if err != nil {
			return err
		}
		if !stays {
			if _, err := w.leaveEnvironment(ctx, project, env, entry.CorrelationID); err != nil {
				return err
			}
		}
	}
	if state.Holder == nil {
		return nil
	}
	return w.Notifier.ReconcileHolder(ctx, state)
}

func entries(e lifecycle.EnvironmentState) []lifecycle.LeaseEntry {
	var all []lifecycle.LeaseEntry
	if e.Holder != nil {
		all = append(all, *e.Holder)
	}
	return append(all, e.Queue...)
}

// stays says whether an entry still has a reason: an attempt that is not released, or
// a wish under its correlation id that could run now. A destroy whose approval is gone
// does not keep others waiting.
func (w *Worker) stays(ctx context.Context, entry lifecycle.LeaseEntry) (bool, error) {
	doc, err := w.Store.Get(ctx, entry.RequestID)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if a := doc.Request.Attempt(entry.Kind, entry.CorrelationID); a != nil {
		return !a.Released, nil
	}
	steps := lifecycle.Next(doc.Request, lifecycle.EnvironmentState{}, now())
	return slices.ContainsFunc(steps, func(s lifecycle.Step) bool {
		return s.CorrelationID == entry.CorrelationID && (s.Name == lifecycle.StepApply || s.Name == lifecycle.StepDestroy)
	}), nil
}

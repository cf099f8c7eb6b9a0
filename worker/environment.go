package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// startWhenAcquired carries out an intent to apply or destroy: it checks rights and facts as
// of now, acquires the lease, then starts the run. While another request holds the lease, the
// intent waits.
func (j *job) startWhenAcquired(ctx context.Context, s lifecycle.Step) error {
	intent := *j.request().Intent(lifecycle.Action(s.Kind))
	if refusal := lifecycle.Stale(*j.request(), intent); refusal != nil {
		return j.refuse(ctx, intent, refusal.Code, refusal.Text)
	}
	if queued, err := j.queued(ctx, intent); err != nil || queued {
		return err
	}
	if ok, err := j.permit(ctx, intent); err != nil || !ok {
		return err
	}
	if err := j.recheckApprovals(ctx); err != nil {
		return err
	}
	if s.Kind == lifecycle.KindApply {
		if refusal := lifecycle.Can(*j.request(), lifecycle.ActionApply); refusal != nil {
			return j.refuse(ctx, intent, refusal.Code, refusal.Text)
		}
	} else if !j.request().Approval.Approved {
		return nil // the destroy waits for a new approval
	}
	sha, text, err := j.runnable(ctx, s.Kind)
	if err != nil {
		return err
	}
	if text != "" {
		return j.refuse(ctx, intent, lifecycle.CodeBaseChanged, text)
	}
	return j.acquire(ctx, s.Kind, intent, sha)
}

// queued reports whether other intents are before this one in the lease's queue. Then nothing
// is to be done until the lease passes to this one.
func (j *job) queued(ctx context.Context, intent lifecycle.Intent) (bool, error) {
	if intent.CorrelationID == "" {
		return false, nil
	}
	env, err := j.Store.Environment(ctx, j.request().Project, j.request().Environment)
	j.waits = err == nil && env.Position(intent.CorrelationID) > 0
	return j.waits, err
}

// runnable returns the commit to run on: the tip of the base branch, which must hold
// the merge and, for an apply, the approved bytes. text is the refusal when one of them
// differs.
func (j *job) runnable(ctx context.Context, kind lifecycle.Kind) (sha, text string, err error) {
	r := j.request()
	sha, tree, err := j.tip(ctx)
	if err != nil || kind == lifecycle.KindDestroy {
		return sha, "", err
	}
	if blob, ok := tree.Entries[r.Target.Path]; !tree.Truncated && (!ok || blob != r.Plan.Blob) {
		return "", fmt.Sprintf("The file %s on %s is not the one that was approved. Re-plan.", r.Target.Path,
			r.Target.Base), nil
	}
	if r.MergedSHA == "" || r.MergedSHA == sha {
		return sha, "", nil
	}
	since, err := j.GitHub.Compare(ctx, repoOf(r), r.MergedSHA, sha)
	if err != nil {
		return "", "", err
	}
	if since.Behind > 0 {
		return "", fmt.Sprintf("The branch %s no longer contains the merge of this request. Ask your platform team.",
			r.Target.Base), nil
	}
	return sha, "", nil
}

// acquire acquires the lease and starts the run, or waits in the queue of the lease.
func (j *job) acquire(ctx context.Context, kind lifecycle.Kind, intent lifecycle.Intent, sha string) error {
	what := lifecycle.Action(kind)
	if intent.CorrelationID == "" {
		if err := j.patch(ctx, lifecycle.Named(what, newCorrelationID(kind))); err != nil {
			return err
		}
	}
	named := j.request().Intent(what)
	if named == nil {
		return nil // canceled meanwhile
	}
	cid := named.CorrelationID
	env, err := j.enqueueEntry(ctx, lifecycle.LeaseEntry{CorrelationID: cid, RequestID: j.id(), Title: j.request().Title,
		Kind: kind, By: intent.By, Since: now()})
	if err != nil {
		return err
	}
	if env.Position(cid) != 0 {
		j.waits = true
		return j.Notifier.Card(ctx, j.doc.Request, false)
	}
	a := j.newAttempt(kind, j.request().Plan.Purpose, sha, intent.By)
	a.CorrelationID, a.LeaseToken = cid, env.Token
	a.Digest, a.PlanAttempt = j.request().Plan.Digest, j.request().Plan.Attempt
	a.MayBeGone = kind == lifecycle.KindDestroy && lifecycle.MayBeGone(*j.request())
	err = j.start(ctx, kind, a)
	var refusal *lifecycle.Refusal
	if errors.As(err, &refusal) {
		return errors.Join(j.refuse(ctx, intent, refusal.Code, refusal.Text), j.releaseEntry(ctx, cid))
	}
	return err
}

func (j *job) enqueueEntry(ctx context.Context, entry lifecycle.LeaseEntry) (lifecycle.EnvironmentState, error) {
	return j.Store.UpdateEnvironment(ctx, j.request().Project, j.request().Environment,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.Enqueue(entry, now()), nil
		})
}

// dequeue removes the entry of an intent that no longer exists from the queue. No sweep
// does this for an environment that is no longer configured.
func (j *job) dequeue(ctx context.Context, s lifecycle.Step) error {
	if err := j.releaseEntry(ctx, s.CorrelationID); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.Left(s.CorrelationID))
}

// releaseEntry removes an entry from the queue of the lease and enqueues the new holder.
func (j *job) releaseEntry(ctx context.Context, cid string) error {
	_, err := j.releaseLease(ctx, j.request().Project, j.request().Environment, cid)
	return err
}

func (w *Worker) releaseLease(ctx context.Context, project string, env lifecycle.Environment,
	cid string) (lifecycle.EnvironmentState, error) {
	state, err := w.Store.UpdateEnvironment(ctx, project, env,
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return e.Release(cid, now()), nil
		})
	if err != nil {
		return state, err
	}
	return state, w.Notifier.LeaseMoved(ctx, state)
}

// release ends an apply or destroy that GitHub has concluded: it deletes the grant, then
// releases the lease.
func (j *job) release(ctx context.Context, s lifecycle.Step) error {
	if err := j.Store.DeleteGrant(ctx, j.request().Project, s.CorrelationID); err != nil {
		return err
	}
	state, err := j.releaseLease(ctx, j.request().Project, j.request().Environment, s.CorrelationID)
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

// Environment reconciles a lease: it removes the entries whose intent was canceled or whose
// run was released, and enqueues the holder.
func (w *Worker) Environment(ctx context.Context, project string, env lifecycle.Environment) error {
	state, err := w.Store.Environment(ctx, project, env)
	if err != nil {
		return err
	}
	for _, entry := range entries(state) {
		current, err := w.isCurrent(ctx, entry)
		if err != nil {
			return err
		}
		if !current {
			if _, err := w.releaseLease(ctx, project, env, entry.CorrelationID); err != nil {
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

// isCurrent reports whether an entry still has a reason: an attempt that is not released, or an
// intent with its correlation id that could run now. A destroy without its approval does not
// keep others waiting.
func (w *Worker) isCurrent(ctx context.Context, entry lifecycle.LeaseEntry) (bool, error) {
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

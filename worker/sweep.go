package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

// unsettled reports whether GitHub may know something about the request that the document
// does not.
func unsettled(r *lifecycle.Request) bool {
	if len(openRuns(r)) > 0 {
		return true
	}
	if c := r.Cleanup; c != nil && c.PRNumber != 0 && c.MergedAt == nil {
		return true
	}
	return r.PR != nil && !r.PR.Merged && r.ClosedAt == nil // closed on GitHub, it may be opened again there
}

// Sweep finds what was not enqueued: it lists the documents, reads those that
// changed, and enqueues what is due, leases, and repositories to sync. Settled
// documents cost no read. Two sweeps at once do no harm.
func (w *Worker) Sweep(ctx context.Context) error {
	ids, err := w.readChanged(ctx)
	if err != nil {
		return err
	}
	for _, id := range w.documents.missing(ids) {
		w.forgetRequest(id)
	}
	requests := w.documents.requests()
	w.verifyIndex(ctx, ids)
	return errors.Join(
		w.voidLapsed(ctx, requests),
		w.expireUnanswered(ctx, requests),
		w.enqueueAged(ctx, requests),
		w.enqueueDue(ctx, requests),
		w.enqueueLeases(ctx, requests),
		w.enqueueSyncs(ctx, requests),
	)
}

// readChanged lists the documents and reads those that changed, store.Readers at once: after a
// restart, that is all of them. One that cannot be read does not block the others.
func (w *Worker) readChanged(ctx context.Context) (map[string]bool, error) {
	ids := map[string]bool{} // complete once fetch has ended
	changed := func(yield func(store.Entry, error) bool) {
		for e, err := range w.Store.List(ctx) {
			if err == nil {
				ids[e.ID] = true
				if w.documents.etag(e.ID) == e.ETag {
					continue
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
	unanswered := 0
	for f, err := range fetch(ctx, changed, w.readAgain) {
		switch {
		case err != nil:
			return nil, err
		case f.err == nil:
			w.found(ctx, f.doc)
		case errors.Is(f.err, store.ErrNotFound):
		case store.Damaged(f.err):
			w.Log.Error("a document cannot be read", keyRequest, f.entry.ID, keyError, f.err)
		case ctx.Err() != nil || unanswered == maxUnanswered:
			return nil, f.err
		default:
			unanswered++
			w.Log.Warn("a document was not read", keyRequest, f.entry.ID, keyError, f.err)
		}
	}
	return ids, nil
}

// readAgain reads a document that changed. A recently written document is in the
// cache, where its ETag proves that it is the listed one.
func (w *Worker) readAgain(ctx context.Context, e store.Entry) (store.Doc, error) {
	if now().Sub(e.Modified) < queue.CacheFor {
		if doc, _ := w.Store.Cached(ctx, e.ID); doc.ETag == e.ETag {
			return doc, nil
		}
	}
	return w.Store.Get(ctx, e.ID)
}

// found remembers a document that a sweep has read, and brings its card up to date.
func (w *Worker) found(ctx context.Context, doc store.Doc) {
	w.remember(doc)
	if err := w.Notifier.Found(ctx, doc.Request, doc.Archived); err != nil {
		w.Log.Warn("the card was not enqueued", keyRequest, doc.Request.ID, keyError, err)
	}
}

// enqueueAged enqueues the cards that changed by time alone, as when a run reports nothing for
// too long, and those with a message to send.
func (w *Worker) enqueueAged(ctx context.Context, requests []lifecycle.Request) error {
	last, t := w.sweeps.begin(), now()
	for _, r := range requests {
		same := lifecycle.DeriveLifecycleStatus(r, last) == lifecycle.DeriveLifecycleStatus(r, t) &&
			len(lifecycle.Actions(r, last)) == len(lifecycle.Actions(r, t))
		if same && (w.Owes == nil || !w.Owes(ctx, r)) {
			continue
		}
		if err := w.Notifier.Show(ctx, r, false); err != nil {
			return err
		}
	}
	return nil
}

// enqueueDue enqueues what is due. What the last sweep enqueued already is reconciled here, also
// while Redis cannot be reached.
func (w *Worker) enqueueDue(ctx context.Context, requests []lifecycle.Request) error {
	var due []lifecycle.Request
	var failed error
	waiting := w.waiting(ctx)
	for _, r := range requests {
		for _, s := range lifecycle.Next(r, lifecycle.EnvironmentState{}, now()) {
			if s.Name == lifecycle.StepReconcile || now().Before(w.backoffs.readyAt(r, s)) || s.Name == lifecycle.StepOpen &&
				waiting[r.ID] && now().Sub(r.UpdatedAt) < waitsMost {
				continue
			}
			if failed == nil { // the others would wait for the same answer
				failed = w.Notifier.Reconcile(ctx, r.ID, r.Version)
			}
			due = append(due, r)
			break
		}
	}
	return errors.Join(failed, w.reconcileOverdue(ctx, due))
}

// enqueueSyncs enqueues repositories: often while something runs, rarely while it waits.
func (w *Worker) enqueueSyncs(ctx context.Context, requests []lifecycle.Request) error {
	wait := map[github.Repo]time.Duration{}
	for _, r := range requests {
		if !unsettled(&r) {
			continue
		}
		every, quick := w.Structure.Worker.SyncSlow, w.Structure.Worker.SyncQuick
		if slices.ContainsFunc(openRuns(&r), func(o openRun) bool { return now().Sub(o.at) >= quick }) {
			every = quick // of a run that began just now, the webhook comes first
		}
		if have, ok := wait[repoOf(&r)]; !ok || every < have {
			wait[repoOf(&r)] = every
		}
	}
	var failed error
	for repo, every := range wait {
		if !w.repositories.due(repo.String(), every) {
			continue
		}
		if err := w.Notifier.SyncEvery(ctx, repo.String(), every); err != nil {
			failed = errors.Join(failed, err, w.Sync(ctx, repo)) // without Redis, no other worker does
		}
	}
	return failed
}

const redeliverEvery = 5 * time.Minute

// Run sweeps until ctx ends, and enqueues syncs between sweeps. The first sweep is at once: a
// worker that starts finds what its predecessor left.
func (w *Worker) Run(ctx context.Context) error {
	sweep, syncs := time.NewTicker(w.Structure.Worker.Sweep), time.NewTicker(syncTick(w.Structure.Worker))
	defer sweep.Stop()
	defer syncs.Stop()
	if _, err := w.GitHub.Self(ctx); err != nil && ctx.Err() == nil {
		w.Log.Warn("cannot read TfPilot's own login from GitHub", keyError, err)
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { w.callTurns(ctx) })
	w.sweepAll(ctx, &beside)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			w.sweepAll(ctx, &beside)
		case <-syncs.C:
			if err := w.enqueueSyncs(ctx, w.documents.requests()); err != nil && ctx.Err() == nil {
				w.Log.Warn("no sync was enqueued", keyError, err)
			}
		}
	}
}

// syncTick is how often a worker checks which repositories are due.
func syncTick(s config.WorkerSettings) time.Duration { return max(s.SyncQuick/3, time.Second) }

func (w *Worker) sweepAll(ctx context.Context, beside *sync.WaitGroup) {
	w.rebuildIndex(ctx, beside)
	if err := w.Sweep(ctx); err != nil && ctx.Err() == nil {
		w.Log.Error("sweep did not succeed", keyError, err)
	}
	if !w.sweeps.deliveriesDue() {
		return
	}
	if err := w.Redeliver(ctx); err != nil && ctx.Err() == nil {
		w.Log.Warn("failed deliveries were not requested again", keyError, err)
	}
}

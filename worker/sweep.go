package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// watch is what this worker last saw of every live document: enough to know which
// ones changed, what is due for them, and which repositories to ask. It is a cache
// of the bucket and is filled again after a restart.
type watch struct {
	mu    sync.Mutex
	docs  map[string]store.Doc
	next  map[string]time.Time // repository → when to sync again
	asked time.Time            // when failed deliveries were last asked for
}

func (w *watch) put(doc store.Doc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.docs == nil {
		w.docs = map[string]store.Doc{}
	}
	if doc.Archived {
		delete(w.docs, doc.Request.ID)
		return
	}
	if have, ok := w.docs[doc.Request.ID]; ok && have.Request.Version > doc.Request.Version {
		return
	}
	w.docs[doc.Request.ID] = doc
}

func (w *watch) drop(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.docs, id)
}

// forget makes the next sweep read and ring for every document.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs, w.next = nil, nil
}

func (w *watch) etag(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.docs[id].ETag
}

// retain forgets the documents that are in the bucket no more.
func (w *watch) retain(ids map[string]bool) []lifecycle.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []lifecycle.Request
	for id, doc := range w.docs {
		if !ids[id] {
			delete(w.docs, id)
			continue
		}
		left = append(left, doc.Request)
	}
	return left
}

// of gives the requests of a repository that sync could learn something about.
func (w *watch) of(repo github.Repo) []lifecycle.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []lifecycle.Request
	for _, doc := range w.docs {
		if r := doc.Request; repoOf(&r) == repo && unsettled(&r) {
			found = append(found, r)
		}
	}
	return found
}

// unsettled says that GitHub may know something about the request that the document
// does not.
func unsettled(r *lifecycle.Request) bool {
	if len(openRuns(r)) > 0 {
		return true
	}
	if c := r.Cleanup; c != nil && c.PRNumber != 0 && c.MergedAt == nil {
		return true
	}
	return r.PR != nil && r.PR.Open != nil && *r.PR.Open
}

// Sweep finds what no bell rang for: it lists the documents, reads those that
// changed, rings for what is due, for leases, and for repositories to sync. Settled
// documents cost no read. Two sweeps at once do no harm.
func (w *Worker) Sweep(ctx context.Context) error {
	w.rebuildIndex(ctx)
	ids := map[string]bool{}
	for e, err := range w.Store.List(ctx) {
		if err != nil {
			return err
		}
		ids[e.ID] = true
		if w.watch.etag(e.ID) == e.ETag {
			continue
		}
		doc, err := w.Store.Get(ctx, e.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		w.watch.put(doc)
		w.indexRow(ctx, doc)
		if err := w.Bell.Card(ctx, e.ID, doc.Request.Version); err != nil {
			return err
		}
	}
	requests := w.watch.retain(ids)
	if err := w.ringDue(ctx, requests); err != nil {
		return err
	}
	if err := w.ringLeases(ctx); err != nil {
		return err
	}
	return w.ringSyncs(ctx, requests)
}

func (w *Worker) ringDue(ctx context.Context, requests []lifecycle.Request) error {
	for _, r := range requests {
		for _, s := range lifecycle.Next(r, lifecycle.EnvironmentState{}, now()) {
			if !s.Due(now()) || s.Name == lifecycle.StepReconcile {
				continue
			}
			if err := w.Bell.Look(ctx, r.ID, r.Version); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// ringLeases looks at every configured environment whose lease is taken.
func (w *Worker) ringLeases(ctx context.Context) error {
	for _, p := range w.Structure.Projects {
		for _, e := range p.Environments {
			env := lifecycle.Environment{Key: e.Key, Slug: e.Slug}
			state, err := w.Store.Environment(ctx, p.Name, env)
			if err != nil {
				return err
			}
			if state.Holder == nil {
				continue
			}
			if err := w.Bell.Environment(ctx, p.Name, e.Key, e.Slug, state.Version); err != nil {
				return err
			}
		}
	}
	return nil
}

// ringSyncs rings for repositories: quick while something runs, slow while it waits.
func (w *Worker) ringSyncs(ctx context.Context, requests []lifecycle.Request) error {
	wait := map[github.Repo]time.Duration{}
	for _, r := range requests {
		if !unsettled(&r) {
			continue
		}
		every := w.Structure.Worker.SyncSlow
		if len(openRuns(&r)) > 0 {
			every = w.Structure.Worker.SyncQuick
		}
		if have, ok := wait[repoOf(&r)]; !ok || every < have {
			wait[repoOf(&r)] = every
		}
	}
	for repo, every := range wait {
		if !w.watch.due(repo.String(), every) {
			continue
		}
		if err := w.Bell.Sync(ctx, repo.String()); err != nil {
			return err
		}
	}
	return nil
}

// due says whether this repository's time has come, and starts the next wait.
func (w *watch) due(repo string, every time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = map[string]time.Time{}
	}
	if last, ok := w.next[repo]; ok && now().Sub(last) < every {
		return false
	}
	w.next[repo] = now()
	return true
}

const redeliverEvery = 5 * time.Minute

// Run sweeps until ctx ends. The first sweep is at once: a worker that starts finds
// what its predecessor left.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(w.Structure.Worker.Sweep)
	defer tick.Stop()
	for {
		if err := w.Sweep(ctx); err != nil && ctx.Err() == nil {
			w.Log.Error("sweep did not succeed", keyError, err)
		}
		if w.watch.askDeliveries() {
			if err := w.Redeliver(ctx); err != nil && ctx.Err() == nil {
				w.Log.Warn("failed deliveries were not asked for again", keyError, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (w *watch) askDeliveries() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now().Sub(w.asked) < redeliverEvery {
		return false
	}
	w.asked = now()
	return true
}

package worker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// leases are the states of the configured environments as the last sweep saw them, so that
// a sweep reads only those that changed. They decide nothing about a lease.
type leases struct {
	mu   sync.Mutex
	seen map[string]seenLease // by the key of the object
}

type seenLease struct {
	etag  string
	state lifecycle.EnvironmentState
}

// leasesEvery is how often a sweep lists the environments at least: a lease of a request that was
// removed by hand is found late.
const leasesEvery = 5 * time.Minute

// enqueueLeases enqueues every configured environment whose lease is taken. Without a request that
// holds one or waits for one, there is mostly none.
func (w *Worker) enqueueLeases(ctx context.Context, requests []lifecycle.Request) error {
	if !slices.ContainsFunc(requests, lifecycle.Request.ConcernsLease) && !w.sweeps.leasesDue() {
		return nil
	}
	etags, err := w.Store.EnvironmentETags(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, p := range w.Structure.Projects {
		for _, e := range p.Environments {
			state, err := w.leaseOf(ctx, etags, p.Name, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
			if err == nil && state.Holder != nil {
				err = w.Notifier.Environment(ctx, p.Name, e.Key, e.Slug, state.Version)
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// leaseOf returns the state of an environment as it is listed.
func (w *Worker) leaseOf(ctx context.Context, etags map[string]string, project string,
	env lifecycle.Environment) (lifecycle.EnvironmentState, error) {
	key, err := store.EnvironmentKey(project, env)
	if err != nil || etags[key] == "" {
		return lifecycle.EnvironmentState{}, err
	}
	if seen, ok := w.leases.get(key); ok && seen.etag == etags[key] {
		return seen.state, nil
	}
	state, err := w.Store.Environment(ctx, project, env)
	if err == nil { // one that changed since the listing is read again at the next sweep
		w.leases.put(key, seenLease{etags[key], state})
	}
	return state, err
}

func (l *leases) get(key string) (seenLease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seen, ok := l.seen[key]
	return seen, ok
}

func (l *leases) put(key string, seen seenLease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]seenLease{}
	}
	l.seen[key] = seen
}

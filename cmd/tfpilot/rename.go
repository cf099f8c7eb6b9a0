package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/store"
)

const (
	renameTimeout = 2 * time.Second // of the answer that GitHub waits ten seconds for
	maxRenames    = 1000            // repositories that are remembered
	strangerFor   = 10 * time.Minute
)

// renames finds out whether a repository with a name that is not configured is one that
// was renamed: TfPilot has opened a pull request in it. GitHub keeps a repository's id,
// and documents hold it; only the configuration names it.
type renames struct {
	store *store.Store
	log   *slog.Logger
	mu    sync.Mutex
	known map[int64]stranger
}

// stranger is what is remembered of a repository with another name.
type stranger struct {
	ours  bool
	until time.Time // of one that is not ours: a pull request may be opened there yet
}

func (x *renames) ours(id int64, name string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.known[id]; ok && (s.ours || time.Now().Before(s.until)) {
		return s.ours
	}
	ctx, cancel := context.WithTimeout(context.Background(), renameTimeout)
	defer cancel()
	ours, err := x.store.HasPulls(ctx, id)
	if err != nil {
		x.log.Warn("cannot tell whether a repository is one of ours under another name; its webhook is kept", "repository", name, "error", err)
		return true // it is signed, and a hint grants nothing
	}
	if len(x.known) >= maxRenames {
		clear(x.known)
	}
	x.known[id] = stranger{ours, time.Now().Add(strangerFor)}
	if ours {
		x.log.Error("a repository was renamed: change owner and repo in tfpilot.yaml, and the trust policies of its roles", "repository", name, "id", id)
	} else {
		x.log.Info("webhooks of a repository that is not configured are ignored", "repository", name, "id", id)
	}
	return ours
}

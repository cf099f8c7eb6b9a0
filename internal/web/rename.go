package web

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	renameTimeout = 2 * time.Second // GitHub waits ten seconds for the response to a webhook
	maxRenames    = 1000            // repositories to remember
	strangerFor   = 10 * time.Minute
)

// Renames reports whether a repository with an unknown name is a configured one that was
// renamed. GitHub keeps the ID of a repository, and the documents of pull requests contain
// it, while the configuration has only the name.
type Renames struct {
	store pulls
	log   *slog.Logger
	mu    sync.Mutex
	known map[int64]stranger
}

// pulls reports whether TfPilot opened a pull request in a repository.
type pulls interface {
	HasPulls(ctx context.Context, repoID int64) (bool, error)
}

// NewRenames recognizes renamed repositories by the documents of their pull requests.
func NewRenames(store pulls, log *slog.Logger) *Renames {
	return &Renames{store: store, log: log, known: map[int64]stranger{}}
}

// stranger is the cached answer for a repository with an unknown name.
type stranger struct {
	ours  bool
	until time.Time // if not ours: TfPilot may open a pull request there later
}

// Ours reports whether a repository that has an unknown name is a configured one.
func (x *Renames) Ours(id int64, name string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s, ok := x.known[id]; ok && (s.ours || time.Now().Before(s.until)) {
		return s.ours
	}
	ctx, cancel := context.WithTimeout(context.Background(), renameTimeout)
	defer cancel()
	ours, err := x.store.HasPulls(ctx, id)
	if err != nil {
		x.log.Warn(
			"cannot tell whether a repository was renamed; accepting its webhook",
			"repository",
			name,
			"error",
			err,
		)
		return true // the webhook is signed, and a hint grants no permission
	}
	if len(x.known) >= maxRenames {
		clear(x.known)
	}
	x.known[id] = stranger{ours, time.Now().Add(strangerFor)}
	if ours {
		x.log.Error(
			"a repository was renamed: change owner and repo in tfpilot.yaml, and the trust policies of its roles",
			"repository",
			name,
			"id",
			id,
		)
	} else {
		x.log.Info("ignoring webhooks of a repository that is not configured", "repository", name, "id", id)
	}
	return ours
}

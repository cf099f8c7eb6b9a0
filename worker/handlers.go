package worker

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Handlers are the worker's tasks. The caller adds the task of the card: this package
// does not render requests.
func (w *Worker) Handlers() queue.Handlers {
	return queue.Handlers{
		Reconcile: func(ctx context.Context, t queue.Reconcile) error {
			return pace(w.reconcileSince(ctx, t.RequestID, t.Version))
		},
		Webhook: func(ctx context.Context, t queue.Webhook) error { return pace(w.Webhook(ctx, t.Hint)) },
		Sync: func(ctx context.Context, t queue.Sync) error {
			owner, name, _ := strings.Cut(t.Repo, "/")
			if err := w.Sync(ctx, github.Repo{Owner: owner, Name: name}); err != nil && ctx.Err() == nil {
				// The sweep enqueues it again; kept in the queue, failed tasks would
				// add up in a long outage.
				w.Log.Warn("sync did not succeed", keyRepo, t.Repo, keyError, err)
			}
			return nil
		},
		Environment: func(ctx context.Context, t queue.Environment) error {
			return pace(w.Environment(ctx, t.Project, lifecycle.Environment{Key: t.Key, Slug: t.Slug}))
		},
	}
}

// errEarlyReview puts a webhook's task back until the plan is posted in the pull request.
var errEarlyReview = errors.New("a review was given while the plan is being posted")

// reviewAgain is when the task of an early review reads the reviews again. A plan is posted
// within seconds, unless GitHub's limits delay it.
const reviewAgain = 5 * time.Second

// pace delays a task until GitHub may be asked again, or accepts TfPilot's sign-in again, or
// until a plan is posted, without counting a try.
func pace(err error) error {
	var limit *github.RateLimit
	var out *github.SignIn
	switch {
	case errors.As(err, &limit):
		return queue.Later(limit.RetryAfter())
	case errors.As(err, &out):
		return queue.Later(out.RetryAfter())
	case errors.Is(err, errEarlyReview):
		return queue.Later(reviewAgain)
	}
	return err
}

// Reindex builds the index from the bucket: every live and archived document.
func (w *Worker) Reindex(ctx context.Context) error { return Reindex(ctx, w.Store, w.Index) }

// Reindex builds an index from a bucket.
func Reindex(ctx context.Context, s *store.Store, x *queue.Index) error {
	return x.Rebuild(ctx, rows(ctx, s))
}

// maxUnanswered is the number of failed reads that counts as an outage. Objects that were read
// but are not valid documents, for example after a downgrade of TfPilot, do not count.
const maxUnanswered = 20

// rows are the documents that can be read, the live ones first, since people look for those. An
// unreadable one, as from a newer version of TfPilot, must not hide the others. An error means that
// rows are missing.
func rows(ctx context.Context, s *store.Store) iter.Seq2[queue.Row, error] {
	read := func(ctx context.Context, e store.Entry) (store.Doc, error) { return s.Get(ctx, e.ID) }
	return func(yield func(queue.Row, error) bool) {
		unanswered := 0
		for _, list := range []iter.Seq2[store.Entry, error]{s.List(ctx), s.ListArchived(ctx)} {
			for f, err := range fetch(ctx, list, read) {
				switch {
				case err != nil:
				case f.err == nil:
					if !yield(queue.RowOf(f.doc.Request, f.doc.Archived), nil) {
						return
					}
					continue
				case errors.Is(f.err, store.ErrNotFound) || store.Damaged(f.err):
					continue
				case ctx.Err() == nil && unanswered < maxUnanswered:
					unanswered++
					continue
				default:
					err = f.err
				}
				yield(queue.Row{}, err)
				return
			}
		}
	}
}

// rebuildIndex builds the index when its marker is missing, as after a Redis that
// lost its data. Another worker may build it already. The queued tasks are lost with the
// index, so this worker then reads everything again, cards too. It reads every document, also
// in history, so the sweeps continue meanwhile.
func (w *Worker) rebuildIndex(ctx context.Context, beside *sync.WaitGroup) {
	built, err := w.Index.Built(ctx)
	if err != nil {
		w.Log.Warn("the index was not built", keyError, err)
		return
	}
	if built || !w.rebuilding.CompareAndSwap(false, true) {
		return
	}
	w.documents.forget()
	w.repositories.forget()
	beside.Go(func() {
		defer w.rebuilding.Store(false)
		if err := w.Reindex(ctx); err != nil && !errors.Is(err, queue.ErrRebuilding) {
			w.Log.Warn("the index was not built", keyError, err)
		}
	})
}

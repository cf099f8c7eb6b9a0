package worker

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	overdueAtOnce = 4                // requests that one sweep reconciles by itself
	overdueMost   = 40               // in one sweep; it has more to do than this
	overdueTime   = 25 * time.Second // for each
	overdueTotal  = 30 * time.Second // for all of them
)

// reconcileOverdue reconciles the requests that the last sweep enqueued already and that have not
// changed since. Their task may be held by a worker that was killed, and its id keeps every new
// task away until the queue notices, a minute or two later. Reconciling here does no harm when
// the task runs after all.
func (w *Worker) reconcileOverdue(ctx context.Context, due []lifecycle.Request) error {
	ctx, cancel := context.WithTimeout(ctx, overdueTotal)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(overdueAtOnce)
	late := w.sweeps.overdue(due)
	late = late[:min(len(late), overdueMost)]
	errs := make([]error, len(late))
	for i, r := range late {
		g.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, overdueTime)
			defer cancel()
			errs[i] = w.Reconcile(ctx, r.ID)
			return nil
		})
	}
	return errors.Join(g.Wait(), errors.Join(errs...))
}

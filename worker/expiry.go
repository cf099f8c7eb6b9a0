package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// expireUnanswered ends the rounds of plans that waited for a decision longer than their environment allows.
func (w *Worker) expireUnanswered(ctx context.Context, requests []lifecycle.Request) error {
	var failed error
	for _, r := range requests {
		env, ok := w.Structure.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
		if !ok || !env.Approvals.Expired(r, now()) {
			continue
		}
		failed = errors.Join(failed, w.expire(ctx, r.ID, env.Approvals.Patience))
	}
	return failed
}

func (w *Worker) expire(ctx context.Context, id string, p lifecycle.Patience) error {
	doc, err := w.Store.Get(ctx, id)
	if err != nil || doc.Archived {
		return ignoreGone(err)
	}
	ended, err := w.Store.Patch(ctx, doc, system, p.Expire(now()))
	if err != nil {
		return ignoreGone(err)
	}
	w.remember(ended)
	if ended.Request.Version == doc.Request.Version {
		return nil
	}
	return w.Notifier.Changed(ctx, ended.Request, ended.Archived)
}

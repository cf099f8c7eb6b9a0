package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// seenFor is how long a delivery is remembered: longer than GitHub can send it
// again.
const seenFor = 7 * 24 * time.Hour

// Notifier announces a change to the lists, the messages and the workers. After every commit of
// a request, the code that wrote it calls Changed and nothing else. A notification may come twice,
// late or never, since the fact is written before it: workers find by themselves what was not
// enqueued. Enqueuing what is in the queue already is success.
type Notifier struct {
	client *asynq.Client
	redis  *Redis
	index  *Index
	log    *slog.Logger
}

// NewNotifier makes a notifier.
func NewNotifier(r *Redis, log *slog.Logger) *Notifier {
	return &Notifier{client: asynq.NewClientFromRedisClient(r.client), redis: r, index: NewIndex(r), log: log}
}

// Changed announces a commit: lists and messages show it, and a worker does what it made due.
func (n *Notifier) Changed(ctx context.Context, r lifecycle.Request, archived bool) error {
	err := n.Show(ctx, r, archived)
	if !archived && lifecycle.IsDue(r, time.Now().UTC()) {
		err = errors.Join(err, n.Reconcile(ctx, r.ID, r.Version))
	}
	return err
}

// Show brings up to date what is shown of a request: its row in lists and its messages. It is for the
// worker that has just reconciled the request, or is about to. A row that cannot be written is no
// fault: the index is rebuilt when it is lost.
func (n *Notifier) Show(ctx context.Context, r lifecycle.Request, archived bool) error {
	n.list(ctx, r, archived)
	return n.Card(ctx, r, archived)
}

func (n *Notifier) list(ctx context.Context, r lifecycle.Request, archived bool) {
	if err := n.index.Put(ctx, RowOf(r, archived)); err != nil {
		n.log.Warn("the index was not written", "request", r.ID, "error", err)
	}
}

// Found brings up to date what is shown of a request that a sweep has read. The announcement of a recent
// change may have been lost; of an older one, at most the drawing differs, because of a release.
func (n *Notifier) Found(ctx context.Context, r lifecycle.Request, archived bool) error {
	if time.Since(r.UpdatedAt) < announcedWithin {
		return n.Show(ctx, r, archived)
	}
	n.list(ctx, r, archived)
	return cards{n.redis}.add(ctx, listedCard{RequestID: r.ID, Version: r.Version, Urgency: UrgencySpare}, 0)
}

// announcedWithin is how long the announcement of a change may take at most, with an outage.
const announcedWithin = 10 * time.Minute

// LeaseMoved announces a change of an environment's queue: the holder may start, and those who wait
// have another position.
func (n *Notifier) LeaseMoved(ctx context.Context, e lifecycle.EnvironmentState) error {
	err := n.ReconcileHolder(ctx, e)
	for _, q := range e.Queue {
		moved := listedCard{RequestID: q.RequestID, Urgency: UrgencyProgress}
		err = errors.Join(err, cards{n.redis}.add(ctx, moved, delayProgress))
	}
	return err
}

// ReconcileHolder enqueues a pass over the request that holds the lease, if any.
// The version of the environment distinguishes changes of its queue. It is unrelated to the
// version of the request.
func (n *Notifier) ReconcileHolder(ctx context.Context, e lifecycle.EnvironmentState) error {
	if e.Holder == nil {
		return nil
	}
	return n.Reconcile(ctx, e.Holder.RequestID, -e.Version)
}

// Reconcile enqueues one pass of a worker over a request that is at version now.
func (n *Notifier) Reconcile(ctx context.Context, id string, version int64) error {
	t, err := reconcileTask(Reconcile{id, version}, time.Now(), 0)
	return n.enqueue(ctx, t, err)
}

// ReconcileAfter enqueues a pass over a request for when delay has passed.
func (n *Notifier) ReconcileAfter(ctx context.Context, id string, version int64, delay time.Duration) error {
	t, err := reconcileTask(Reconcile{id, version}, time.Now(), delay)
	return n.enqueue(ctx, t, err)
}

// Card enqueues the messages of a request, to be rendered again.
func (n *Notifier) Card(ctx context.Context, r lifecycle.Request, archived bool) error {
	urgency, delay := urgencyOf(r, archived, time.Now().UTC())
	return cards{n.redis}.add(ctx, listedCard{RequestID: r.ID, Version: r.Version, Urgency: urgency}, delay)
}

// Sync enqueues reading a repository, "owner/name".
func (n *Notifier) Sync(ctx context.Context, repo string) error {
	t, err := syncTask(Sync{repo}, time.Now())
	return n.enqueue(ctx, t, err)
}

// SyncEvery enqueues reading a repository unless any process did so within this time: a list is the
// same, no matter who reads it.
func (n *Notifier) SyncEvery(ctx context.Context, repo string, every time.Duration) error {
	seen, err := NewNotes(n.redis).Seen(ctx, "sync:"+repo, every*9/10)
	if err != nil || seen {
		return err
	}
	return n.Sync(ctx, repo)
}

// Environment enqueues a pass over the lease of an environment that is at version now.
func (n *Notifier) Environment(ctx context.Context, project, key, slug string, version int64) error {
	t, err := environmentTask(Environment{project, key, slug}, version, time.Now())
	return n.enqueue(ctx, t, err)
}

// Webhook enqueues a delivery. When it returns nil the delivery is queued or was
// seen before; it counts as seen only after it was queued.
func (n *Notifier) Webhook(ctx context.Context, delivery string, hint []byte) error {
	t, err := webhookTask(Webhook{delivery, hint})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	key := prefix + "delivery:" + delivery
	if seen, err := n.redis.client.Exists(ctx, key).Result(); err == nil && seen > 0 {
		return nil
	}
	if err := n.enqueue(ctx, t, nil); err != nil {
		return err
	}
	// Not remembering it costs one more task at worst.
	_ = n.redis.client.Set(ctx, key, 1, seenFor).Err()
	return nil
}

// enqueue puts a task into Redis. An id conflict means that the task is there, or
// that the reply to this very call was lost and the call repeated.
func (n *Notifier) enqueue(ctx context.Context, t *asynq.Task, err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err = n.client.EnqueueContext(ctx, t)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return fmt.Errorf("enqueue %s: %w", t.Type(), err)
	}
	return nil
}

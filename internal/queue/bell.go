package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
)

// seenFor is how long a delivery is remembered: longer than GitHub can send it
// again.
const seenFor = 7 * 24 * time.Hour

// Bell rings for work. A ring may come twice, late or never; whoever rings has
// written the fact first. Ringing for what waits already is success.
type Bell struct {
	client *asynq.Client
	redis  *Redis
}

// NewBell makes a bell.
func NewBell(r *Redis) *Bell {
	return &Bell{client: asynq.NewClientFromRedisClient(r.client), redis: r}
}

// Look rings for a request that is at version now.
func (b *Bell) Look(ctx context.Context, id string, version int64) error {
	t, err := lookTask(Look{id, version}, time.Now(), 0)
	return b.ring(ctx, t, err)
}

// LookAfter rings for a request when delay has passed.
func (b *Bell) LookAfter(ctx context.Context, id string, version int64, delay time.Duration) error {
	t, err := lookTask(Look{id, version}, time.Now(), delay)
	return b.ring(ctx, t, err)
}

// Card rings for the messages of a request.
func (b *Bell) Card(ctx context.Context, id string, version int64) error {
	t, err := cardTask(Card{id}, version, time.Now())
	return b.ring(ctx, t, err)
}

// Sync rings for a repository, "owner/name".
func (b *Bell) Sync(ctx context.Context, repo string) error {
	t, err := syncTask(Sync{repo}, time.Now())
	return b.ring(ctx, t, err)
}

// SyncEvery rings for a repository unless any process did so within this time: a list is
// the same, no matter who reads it.
func (b *Bell) SyncEvery(ctx context.Context, repo string, every time.Duration) error {
	seen, err := NewNotes(b.redis).Seen(ctx, "sync:"+repo, every*9/10)
	if err != nil || seen {
		return err
	}
	return b.Sync(ctx, repo)
}

// Environment rings for the lease of an environment that is at version now.
func (b *Bell) Environment(ctx context.Context, project, key, slug string, version int64) error {
	t, err := environmentTask(Environment{project, key, slug}, version, time.Now())
	return b.ring(ctx, t, err)
}

// Webhook takes a delivery on. When it returns nil the delivery is queued or was
// seen before; it counts as seen only after it was queued.
func (b *Bell) Webhook(ctx context.Context, delivery string, hint []byte) error {
	t, err := webhookTask(Webhook{delivery, hint})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	key := prefix + "delivery:" + delivery
	if n, err := b.redis.client.Exists(ctx, key).Result(); err == nil && n > 0 {
		return nil
	}
	if err := b.ring(ctx, t, nil); err != nil {
		return err
	}
	// Not remembering it costs one more look at worst.
	_ = b.redis.client.Set(ctx, key, 1, seenFor).Err()
	return nil
}

// ring puts a task into Redis. An id conflict means that the task is there, or
// that the reply to this very call was lost and the call repeated.
func (b *Bell) ring(ctx context.Context, t *asynq.Task, err error) error {
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, err = b.client.EnqueueContext(ctx, t)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) && !errors.Is(err, asynq.ErrDuplicateTask) {
		return fmt.Errorf("ring for %s: %w", t.Type(), err)
	}
	return nil
}

package queue

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// The roll records which process lives and which tasks it runs. asynq takes a task away from
// a process that was killed only after one to two minutes; with the roll another process
// runs it within 15 s: a beat lasts 7 s, and the others check every 2 s. A process that only
// was paused may continue the task later. It then runs twice, as any task may: the writes are
// conditional, and each effect is searched for before it is repeated.
const (
	beatEvery  = 2 * time.Second
	beatLasts  = 7 * time.Second // after it, a silent process counts as dead; or 3.5 slower beats
	rollLasts  = time.Hour       // of what a process notes; it notes again with each task
	rollMost   = 100             // processes that one check asks about
	againSign  = ":again"        // and how often: ends the id of a task that another process ran before
	rollTimes  = 3               // how often a task is taken over
	rollWorker = prefix + "roll:worker:"
	rollTasks  = prefix + "roll:tasks:"
	rollAll    = prefix + "roll:all"
)

// rolled is a running task as the roll records it.
type rolled struct {
	Kind    string          `json:"kind"`
	Queue   string          `json:"queue"`
	Payload []byte          `json:"payload"`
	Card    json.RawMessage `json:"card,omitempty"` // instead of queue and payload
}

// roll is the entry of one process.
type rollEntry struct {
	redis  *Redis
	client *asynq.Client
	log    *slog.Logger
	every  time.Duration // between beats
}

// note keeps a task on the roll while it runs. Without Redis it only loses the quick
// take-over.
func (l *rollEntry) note(next asynq.Handler) asynq.Handler {
	return asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		queue, _ := asynq.GetQueueName(ctx)
		data, err := json.Marshal(rolled{Kind: t.Type(), Queue: queue, Payload: t.Payload()})
		if err == nil && len(t.Payload()) <= maxPayload {
			l.write(ctx, func(p redis.Pipeliner) {
				p.HSet(ctx, rollTasks+l.redis.self, id, data)
				p.Expire(ctx, rollTasks+l.redis.self, rollLasts)
			})
		}
		defer func() {
			ctx := context.WithoutCancel(ctx)
			l.write(ctx, func(p redis.Pipeliner) { p.HDel(ctx, rollTasks+l.redis.self, id) })
		}()
		return next.ProcessTask(ctx, t)
	})
}

func (l *rollEntry) write(ctx context.Context, do func(redis.Pipeliner)) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	_, _ = l.redis.client.Pipelined(ctx, func(p redis.Pipeliner) error { do(p); return nil })
}

// run announces that this process lives and takes over from those that died, until ctx ends.
func (l *rollEntry) run(ctx context.Context) {
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	for {
		l.write(ctx, func(p redis.Pipeliner) {
			p.Set(ctx, rollWorker+l.redis.self, 1, l.every*(beatLasts/time.Second)/(beatEvery/time.Second))
			p.SAdd(ctx, rollAll, l.redis.self)
		})
		l.takeOver(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// leave ends the entry of a process that stops: asynq puts back what it did not finish.
func (l *rollEntry) leave(ctx context.Context) {
	l.write(ctx, func(p redis.Pipeliner) {
		p.Del(ctx, rollWorker+l.redis.self, rollTasks+l.redis.self)
		p.SRem(ctx, rollAll, l.redis.self)
	})
}

// takeDead takes the entries of processes that are dead off the roll and gives their tasks:
// process, id, task, and so on. If two processes ask at once, only one gets them. A lock on a
// card that such a process holds ends with it. KEYS: all. ARGV: prefixes of process, tasks and
// card; how many.
var takeDead = redis.NewScript(`
local out = {}
for _, w in ipairs(redis.call('SRANDMEMBER', KEYS[1], ARGV[4])) do
  if redis.call('EXISTS', ARGV[1] .. w) == 0 then
    local tasks = redis.call('HGETALL', ARGV[2] .. w)
    for i = 1, #tasks, 2 do
      out[#out + 1] = tasks[i]
      out[#out + 1] = tasks[i + 1]
      local ok, task = pcall(cjson.decode, tasks[i + 1])
      local card = string.match(tasks[i], '^card:(req_[a-z0-9]+):')
      if ok and card then
        local holder = redis.call('GET', ARGV[3] .. card)
        if holder and string.sub(holder, 1, #w) == w then redis.call('DEL', ARGV[3] .. card) end
      end
    end
    redis.call('DEL', ARGV[2] .. w)
    redis.call('SREM', KEYS[1], w)
  end
end
return out`)

// takeOver enqueues the tasks of dead processes again.
func (l *rollEntry) takeOver(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	found, err := takeDead.Run(ctx, l.redis.client, []string{rollAll}, rollWorker, rollTasks, cardPrefix,
		rollMost).StringSlice()
	if err != nil {
		return // the next beat asks again
	}
	for i := 0; i+1 < len(found); i += 2 {
		id, data := found[i], found[i+1]
		var t rolled
		unreadable := json.Unmarshal([]byte(data), &t) != nil
		if !unreadable && t.Card != nil {
			l.takeOverCard(ctx, t.Card)
			continue
		}
		if unreadable || t.Queue != queueFast && t.Queue != queueSlow || len(id) > maxTaskID {
			l.log.Error("a task on the roll cannot be read", "task", clip(id))
			continue
		}
		l.log.Warn("a process died and left a task", "task", clip(id))
		id, ok := againID(id)
		if !ok {
			continue // it may be what kills processes: asynq runs it again, more slowly
		}
		again := asynq.NewTask(t.Kind, t.Payload, asynq.Queue(t.Queue), asynq.MaxRetry(maxRetry),
			asynq.Timeout(taskTimeout), asynq.TaskID(id))
		_, _ = l.client.EnqueueContext(ctx, again) // what is lost here, the sweep finds
	}
}

// takeOverCard puts a card back that a process left. It may be what kills processes: each time it waits
// longer.
func (l *rollEntry) takeOverCard(ctx context.Context, data []byte) {
	c, err := readWaiting(string(data))
	if err != nil {
		l.log.Error("a card on the roll cannot be read", "error", clip(err.Error()))
		return
	}
	l.log.Warn("a process died and left a card", "card", c.RequestID)
	delay := backoff(c.Tries, nil)
	c.Tries = min(c.Tries+1, maxRetry)
	_ = cards{l.redis}.add(ctx, c, delay) // what is lost here, the sweep finds
}

const maxTaskID = 300

// againID names a task that is taken over: its own id, and how often that happened. The id before is
// taken, since asynq still has that task as one that runs.
func againID(id string) (next string, ok bool) {
	base, times, again := strings.Cut(id, againSign)
	n, err := strconv.Atoi(times)
	if again && (err != nil || n < 1 || n >= rollTimes) {
		return "", false
	}
	return base + againSign + strconv.Itoa(n+1), true
}

package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hibiken/asynq"
)

const (
	pollInterval    = 100 * time.Millisecond
	delayedInterval = time.Second
	shutdownTimeout = 30 * time.Second // above the timeout of a task
	firstRetry      = time.Second
	maxBackoff      = 5 * time.Minute
	maxRetryAfter   = 2 * time.Hour // what another system may ask for
	maxErrorText    = 300
)

// Handlers are what the tasks do. Each runs at most 25 s, may run twice for one
// task and at the same time as another for the same request.
type Handlers struct {
	Reconcile   func(context.Context, Reconcile) error
	Card        func(context.Context, Card) error
	Webhook     func(context.Context, Webhook) error
	Sync        func(context.Context, Sync) error
	Environment func(context.Context, Environment) error
}

// Later is an error that puts the task back for d. It is not a failure and does not count as a
// try.
func Later(d time.Duration) error { return &later{d} }

type later struct{ after time.Duration }

func (l *later) Error() string             { return "later: in " + l.after.String() }
func (l *later) RetryAfter() time.Duration { return l.after }

// Server runs tasks.
type Server struct {
	redis       *Redis
	handlers    Handlers
	log         *slog.Logger
	concurrency int
	poll        time.Duration
}

// ServerOptions tune a server; the zero value is for production.
type ServerOptions struct {
	Concurrency int           // 10 when zero
	Poll        time.Duration // how often the server reads tasks from Redis
}

// NewServer makes a server. A kind without handler is left to fail and come back.
func NewServer(r *Redis, h Handlers, log *slog.Logger, o ServerOptions) *Server {
	s := &Server{redis: r, handlers: h, log: log, concurrency: o.Concurrency, poll: o.Poll}
	if s.concurrency <= 0 {
		s.concurrency = 10
	}
	if s.poll <= 0 {
		s.poll = pollInterval
	}
	return s
}

// Run runs tasks until ctx ends, then waits for those that run, up to 30 s.
func (s *Server) Run(ctx context.Context) error {
	srv := asynq.NewServerFromRedisClient(s.redis.client, asynq.Config{
		Concurrency:              s.concurrency,
		Queues:                   map[string]int{queueFast: 5, queueSlow: 2},
		TaskCheckInterval:        s.poll,
		DelayedTaskCheckInterval: max(delayedInterval, s.poll),
		ShutdownTimeout:          shutdownTimeout,
		RetryDelayFunc:           func(n int, err error, _ *asynq.Task) time.Duration { return backoff(n, err) },
		IsFailure:                isFailure,
		Logger:                   vendorLog{s.log},
		LogLevel:                 asynq.WarnLevel,
	})
	roll := &rollEntry{redis: s.redis, client: asynq.NewClientFromRedisClient(s.redis.client), log: s.log,
		every: max(beatEvery, s.poll)}
	mux := s.mux()
	mux.Use(roll.note)
	if err := srv.Start(mux); err != nil {
		return fmt.Errorf("start tasks: %w", err)
	}
	beating := context.WithoutCancel(ctx) // as long as tasks run
	beating, stop := context.WithCancel(beating)
	var beat sync.WaitGroup
	beat.Go(func() { roll.run(beating) })
	var drawing sync.WaitGroup
	if s.handlers.Card != nil {
		drawing.Go(func() { newCardServer(s).run(ctx) })
	}
	<-ctx.Done()
	srv.Shutdown()
	drawing.Wait()
	stop()
	beat.Wait()
	roll.leave(context.WithoutCancel(ctx))
	return nil
}

func (s *Server) mux() *asynq.ServeMux {
	mux := asynq.NewServeMux()
	mux.HandleFunc(kindReconcile, handler(s.log, s.handlers.Reconcile))
	mux.HandleFunc(kindCard, handler(s.log, func(ctx context.Context, c Card) error {
		return cards{s.redis}.add(ctx, listedCard{RequestID: c.RequestID, Urgency: UrgencyPerson}, 0)
	}))
	mux.HandleFunc(kindWebhook, handler(s.log, s.handlers.Webhook))
	mux.HandleFunc(kindSync, handler(s.log, s.handlers.Sync))
	mux.HandleFunc(kindEnvironment, handler(s.log, s.handlers.Environment))
	return mux
}

// handler decodes the payload, runs the handler and logs what went wrong, once.
func handler[T payload](log *slog.Logger, run func(context.Context, T) error) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		id, _ := asynq.GetTaskID(ctx)
		log := log.With("task", clip(id))
		t, err := decode[T](task.Payload())
		if err != nil {
			log.ErrorContext(ctx, "task dropped: unreadable", "error", clip(err.Error()))
			return fmt.Errorf("%w: %w", asynq.SkipRetry, err)
		}
		if run == nil {
			return Later(maxBackoff)
		}
		err = run(ctx, t)
		if err == nil {
			return nil
		}
		retried, _ := asynq.GetRetryCount(ctx)
		if isFailure(err) {
			log.WarnContext(ctx, "task failed, will be tried again", "error", clip(err.Error()), "retried", retried)
		} else {
			log.DebugContext(ctx, "task put back", "error", clip(err.Error()))
		}
		return &bounded{err}
	}
}

// bounded shortens the error that is stored in Redis. It hides asynq's own sentinels, so that no
// handler can have a task archived or dropped.
type bounded struct{ err error }

func (b *bounded) Error() string { return clip(b.err.Error()) }

func (b *bounded) As(target any) bool { return errors.As(b.err, target) }

func clip(s string) string {
	if len(s) > maxErrorText {
		return s[:maxErrorText] + "…"
	}
	return s
}

// waiter is an error that knows when to try again, such as a rate limit.
type waiter interface {
	error
	RetryAfter() time.Duration
}

// isFailure reports false for an error that only asks to wait, and for a lease that expired.
func isFailure(err error) bool {
	var w waiter
	return !errors.As(err, &w) && !errors.Is(err, asynq.ErrLeaseExpired)
}

// backoff doubles from one second to five minutes, with jitter, or is what the
// error asks for.
func backoff(retried int, err error) time.Duration {
	var w waiter
	if errors.As(err, &w) {
		return min(max(w.RetryAfter(), firstRetry), maxRetryAfter)
	}
	d := maxBackoff
	if retried < 9 {
		d = min(firstRetry<<max(retried, 0), maxBackoff)
	}
	return d - rand.N(d/5)
}

// vendorLog passes asynq's own log on.
type vendorLog struct{ log *slog.Logger }

func (v vendorLog) Debug(args ...any) { v.log.Debug(clip(fmt.Sprint(args...))) }
func (v vendorLog) Info(args ...any)  { v.log.Info(clip(fmt.Sprint(args...))) }
func (v vendorLog) Warn(args ...any)  { v.log.Warn(clip(fmt.Sprint(args...))) }
func (v vendorLog) Error(args ...any) { v.log.Error(clip(fmt.Sprint(args...))) }
func (v vendorLog) Fatal(args ...any) { v.log.Error(clip(fmt.Sprint(args...))) }

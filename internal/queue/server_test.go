package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const reqA, reqB = "req_aaaaaaaaaaaaa", "req_bbbbbbbbbbbbb"

// book notes what ran, and when since its start.
type book struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func newBook() *book { return &book{start: time.Now()} }

func (b *book) note(format string, args ...any) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
	return len(b.lines)
}

func (b *book) read() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

func (b *book) all() Handlers {
	return Handlers{
		Reconcile: func(_ context.Context, t Reconcile) error { b.note("look %s %d", t.RequestID, t.Version); return nil },
		Card:      func(_ context.Context, t Card) error { b.note("card %s", t.RequestID); return nil },
		Webhook:   func(_ context.Context, t Webhook) error { b.note("webhook %s %s", t.DeliveryID, t.Hint); return nil },
		Sync:      func(_ context.Context, t Sync) error { b.note("sync %s", t.Repo); return nil },
		Environment: func(_ context.Context, t Environment) error {
			b.note("environment %s %s/%s", t.Project, t.Key, t.Slug)
			return nil
		},
	}
}

// serve runs a server for as long as f runs.
func serve(t *testing.T, r *Redis, h Handlers, f func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- NewServer(r, h, quiet(), ServerOptions{Poll: 250 * time.Millisecond}).Run(ctx) }()
	f()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestEveryKindArrives(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b, notifier, ctx := newBook(), NewNotifier(r, quiet()), t.Context()
		for _, err := range []error{
			notifier.Reconcile(ctx, reqA, 3), notifier.Card(ctx, created(t), false),
			notifier.Webhook(ctx, "delivery-1", []byte(`{"x":1}`)),
			notifier.Sync(ctx, "acme/infra-core"), notifier.Environment(ctx, "core", "dev", "app", 7),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		serve(t, r, b.all(), func() { time.Sleep(5 * time.Second) })
		got := b.read()
		slices.Sort(got)
		want := []string{"card " + reqA, "environment core dev/app", "look " + reqA + " 3", "sync acme/infra-core",
			`webhook delivery-1 {"x":1}`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRingingTwiceIsOneTask(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b, notifier, ctx := newBook(), NewNotifier(r, quiet()), t.Context()
		for range 5 {
			for _, err := range []error{notifier.Reconcile(ctx, reqA, 3), notifier.Reconcile(ctx, reqA, 4),
				notifier.Reconcile(ctx, reqB, 3)} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		serve(t, r, b.all(), func() { time.Sleep(5 * time.Second) })
		if got := b.read(); len(got) != 3 {
			t.Errorf("ran %q", got)
		}
	})
}

func TestAVersionIsEnqueuedWhileTheOneBeforeRuns(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b, notifier := newBook(), NewNotifier(r, quiet())
		h := Handlers{Reconcile: func(ctx context.Context, l Reconcile) error {
			b.note("%d", l.Version)
			if l.Version == 1 {
				if err := notifier.Reconcile(ctx, l.RequestID, 2); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Second)
			}
			return nil
		}}
		if err := notifier.Reconcile(t.Context(), reqA, 1); err != nil {
			t.Fatal(err)
		}
		serve(t, r, h, func() {
			time.Sleep(5 * time.Second)
			if got := b.read(); len(got) != 2 {
				t.Errorf("version 2 waits for version 1: %q", got)
			}
		})
	})
}

func TestLookAfterWaitsAndCoalesces(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b, notifier := newBook(), NewNotifier(r, quiet())
		for range 3 {
			if err := notifier.ReconcileAfter(t.Context(), reqA, 1, 2*time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		serve(t, r, b.all(), func() {
			time.Sleep(119 * time.Second)
			if got := b.read(); len(got) != 0 {
				t.Errorf("too early: %q", got)
			}
			time.Sleep(6 * time.Second)
			if got := b.read(); len(got) != 1 {
				t.Errorf("ran %q", got)
			}
		})
	})
}

// Many processes that ask for the same list in a while are one task; when Redis does not
// answer, the caller gets the error.
func TestSyncEveryIsOneTask(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		b, notifier, ctx := newBook(), NewNotifier(r, quiet()), t.Context()
		m.SetError("OOM")
		if err := notifier.SyncEvery(ctx, "acme/infra-core", time.Minute); err == nil {
			t.Error("without Redis")
		}
		m.SetError("")
		serve(t, r, b.all(), func() {
			for range 3 {
				if err := notifier.SyncEvery(ctx, "acme/infra-core", time.Minute); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Second)
			}
		})
		if got := b.read(); len(got) != 1 {
			t.Errorf("ran %q", got)
		}
	})
}

func TestDeliveryIsSeenOnlyOnceQueued(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		b, notifier, ctx := newBook(), NewNotifier(r, quiet()), t.Context()
		m.SetError("OOM")
		if err := notifier.Webhook(ctx, "delivery-1", nil); err == nil {
			t.Fatal("a delivery that could not be queued was accepted")
		}
		m.SetError("")
		serve(t, r, b.all(), func() {
			for range 3 {
				if err := notifier.Webhook(ctx, "delivery-1", nil); err != nil {
					t.Error(err)
				}
				time.Sleep(5 * time.Second)
			}
		})
		if got := b.read(); len(got) != 1 {
			t.Errorf("ran %q", got)
		}
	})
}

// limited is how another package says when to come back.
type limited struct{}

func (limited) Error() string             { return "rate limited" }
func (limited) RetryAfter() time.Duration { return 40 * time.Second }

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		min, max time.Duration // between the first run and the second
	}{
		{"failure", errors.New("boom"), 800 * time.Millisecond, 4 * time.Second},
		{"later", fmt.Errorf("wrapped: %w", Later(20*time.Second)), 20 * time.Second, 24 * time.Second},
		{"rate limit", fmt.Errorf("wrapped: %w", limited{}), 40 * time.Second, 44 * time.Second},
		{"a handler cannot have its task dropped", fmt.Errorf("no: %w", asynq.RevokeTask), 800 * time.Millisecond,
			4 * time.Second},
		{"a handler cannot have its task archived", fmt.Errorf("no: %w", asynq.SkipRetry), 800 * time.Millisecond,
			4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
				var first, second time.Time
				h := Handlers{Reconcile: func(context.Context, Reconcile) error {
					if first.IsZero() {
						first = time.Now()
						return c.err
					}
					second = time.Now()
					return nil
				}}
				if err := NewNotifier(r, quiet()).Reconcile(t.Context(), reqA, 1); err != nil {
					t.Fatal(err)
				}
				serve(t, r, h, func() { time.Sleep(time.Minute) })
				if d := second.Sub(first); d < c.min || d > c.max {
					t.Errorf("came back after %s", d)
				}
			})
		})
	}
}

func TestAPanicIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b := newBook()
		h := Handlers{Reconcile: func(context.Context, Reconcile) error {
			if b.note("run") == 1 {
				panic("boom")
			}
			return nil
		}}
		if err := NewNotifier(r, quiet()).Reconcile(t.Context(), reqA, 1); err != nil {
			t.Fatal(err)
		}
		serve(t, r, h, func() { time.Sleep(10 * time.Second) })
		if got := b.read(); len(got) != 2 {
			t.Errorf("ran %d times", len(got))
		}
	})
}

// Waiting does not use up the tries: a task that is put back for a day still runs.
func TestLaterDoesNotCount(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b := newBook()
		h := Handlers{Reconcile: func(ctx context.Context, _ Reconcile) error {
			if n, _ := asynq.GetRetryCount(ctx); n != 0 {
				t.Errorf("counted %d", n)
			}
			if b.note("run") < 10 {
				return Later(30 * time.Second)
			}
			return nil
		}}
		if err := NewNotifier(r, quiet()).Reconcile(t.Context(), reqA, 1); err != nil {
			t.Fatal(err)
		}
		serve(t, r, h, func() { time.Sleep(6 * time.Minute) })
		if got := b.read(); len(got) != 10 {
			t.Errorf("ran %d times", len(got))
		}
	})
}

func TestForgedTasksAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b := newBook()
		client := asynq.NewClientFromRedisClient(r.client)
		for _, text := range []string{
			"", "null", "[]", `{"requestId":"../../grants/x","version":1}`, `{"requestId":"` + reqA +
				`","version":1,"approve":true}`,
			`{"requestId":"` + reqA + `"} {}`, `{"requestId":"` + reqA + strings.Repeat("a", 9000) + `"}`,
			`{"requestId":"` + reqA + `","version":1}` + strings.Repeat(" ", maxPayload), "\xff",
		} {
			if _, err := client.Enqueue(asynq.NewTask(kindReconcile, []byte(text)), asynq.Queue(queueFast)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := client.Enqueue(asynq.NewTask("sudo", nil), asynq.Queue(queueFast), asynq.MaxRetry(1)); err != nil {
			t.Fatal(err)
		}
		serve(t, r, b.all(), func() { time.Sleep(time.Minute) })
		if got := b.read(); len(got) != 0 {
			t.Errorf("ran %q", got)
		}
	})
}

// A worker continues after Redis lost everything.
func TestEmptiedRedis(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		b, notifier := newBook(), NewNotifier(r, quiet())
		serve(t, r, b.all(), func() {
			if err := notifier.Reconcile(t.Context(), reqA, 1); err != nil {
				t.Error(err)
			}
			m.FlushAll()
			time.Sleep(time.Second)
			if err := notifier.Reconcile(t.Context(), reqA, 2); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Second)
		})
		if got := b.read(); !slices.Contains(got, "look "+reqA+" 2") {
			t.Errorf("ran %q", got)
		}
	})
}

func TestShutdownWaitsForTheTask(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		finished := false
		h := Handlers{Reconcile: func(context.Context, Reconcile) error {
			time.Sleep(20 * time.Second)
			finished = true
			return nil
		}}
		if err := NewNotifier(r, quiet()).Reconcile(t.Context(), reqA, 1); err != nil {
			t.Fatal(err)
		}
		serve(t, r, h, func() { time.Sleep(2 * time.Second) })
		synctest.Wait()
		if !finished {
			t.Error("the task was cut off")
		}
	})
}

func TestBackoffIsCapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 2000).Draw(t, "n")
		d := backoff(n, errors.New("boom"))
		if d < 800*time.Millisecond || d > maxBackoff {
			t.Fatalf("%d: %s", n, d)
		}
		if n >= 9 && d < 4*time.Minute {
			t.Fatalf("%d: %s", n, d)
		}
		ask := time.Duration(rapid.Int64().Draw(t, "ask"))
		if d := backoff(n, Later(ask)); d < firstRetry || d > maxRetryAfter {
			t.Fatalf("asked %s: %s", ask, d)
		}
	})
}

func TestMakersRefuseInvalidTasks(t *testing.T) {
	now := time.Now()
	bad := map[string]func() (*asynq.Task, error){
		"id":       func() (*asynq.Task, error) { return reconcileTask(Reconcile{"req_1", 1}, now, 0) },
		"path":     func() (*asynq.Task, error) { return newTask(kindCard, queueFast, "x", Card{RequestID: "../x"}) },
		"hint":     func() (*asynq.Task, error) { return webhookTask(Webhook{"delivery-1", make([]byte, MaxHint+1)}) },
		"delivery": func() (*asynq.Task, error) { return webhookTask(Webhook{"x\n", nil}) },
		"repo":     func() (*asynq.Task, error) { return syncTask(Sync{"infra-core"}, now) },
		"env":      func() (*asynq.Task, error) { return environmentTask(Environment{"core", "Dev", "app"}, 1, now) },
	}
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if _, err := bad[name](); !errors.Is(err, errPayload) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := webhookTask(Webhook{"delivery-1", make([]byte, MaxHint)}); err != nil {
		t.Errorf("the largest hint: %v", err)
	}
}

func TestPayloadIsBounded(t *testing.T) {
	one := `{"requestId":"` + reqA + `","version":1}`
	for data, good := range map[string]bool{
		one: true, one + strings.Repeat(" ", maxPayload-len(one)): true, one +
			strings.Repeat(" ", maxPayload-len(one)+1): false,
		one + one: false, one + "x": false, "": false, `{"requestId":"` + reqA + `","more":1}`: false,
	} {
		if _, err := decode[Reconcile]([]byte(data)); (err == nil) != good || !good && !errors.Is(err, errPayload) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"requestId":"` + reqA + `","version":1}`))
	f.Add([]byte(`{"deliveryId":"delivery-1","hint":"e30="}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := decode[Reconcile](data); err == nil && !lifecycle.NameRequest.Valid(l.RequestID) {
			t.Fatalf("%q", l.RequestID)
		}
		if w, err := decode[Webhook](data); err == nil && (len(w.Hint) > MaxHint || !deliveryID.MatchString(w.DeliveryID)) {
			t.Fatalf("%+v", w)
		}
	})
}

package queue

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// cut is a Redis that a process loses when it is killed: what it sends from then on
// reaches nothing.
type cut struct {
	live, lost *miniredis.Miniredis

	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (c *cut) dial(context.Context, string, string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return c.lost.Dial()
	}
	conn, err := c.live.Dial()
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cut) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// What a process held that was killed, another runs within 15 s: asynq alone needs one to
// two minutes.
func TestAnotherProcessTakesOver(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		lost := miniredis.NewMiniRedis()
		defer lost.Close()
		way := &cut{live: m, lost: lost}
		first, err := Open("redis://redis:6379/0", way.dial)
		if err != nil {
			t.Fatal(err)
		}
		held := make(chan struct{})
		hang := func(ctx context.Context) error { held <- struct{}{}; <-ctx.Done(); return ctx.Err() }
		dying, end := context.WithCancel(t.Context())
		died := make(chan error)
		go func() {
			died <- NewServer(first, Handlers{
				Reconcile: func(ctx context.Context, _ Reconcile) error { return hang(ctx) },
				Card: func(ctx context.Context, _ Card) error {
					if _, ok, err := NewNotes(first).CardLease(ctx, reqA, 1, 40*time.Second); err != nil || !ok {
						t.Errorf("lease: %v, %v", ok, err)
					}
					return hang(ctx)
				},
			}, quiet(), ServerOptions{Poll: 250 * time.Millisecond}).Run(dying)
		}()
		notifier := NewNotifier(r, quiet())
		if err := notifier.Reconcile(t.Context(), reqA, 3); err != nil {
			t.Fatal(err)
		}
		if err := notifier.Card(t.Context(), created(t), false); err != nil {
			t.Fatal(err)
		}
		<-held
		<-held
		b := newBook()
		h := b.all()
		h.Card = func(ctx context.Context, c Card) error {
			lease, ok, err := NewNotes(r).CardLease(ctx, c.RequestID, 1, 40*time.Second)
			if err != nil || !ok {
				t.Errorf("the lease of the card is held: %v, %v", ok, err)
				return nil
			}
			b.note("card %s", c.RequestID)
			_, err = lease.Done(ctx)
			return err
		}
		serve(t, r, h, func() {
			time.Sleep(20 * time.Second)
			if got := b.read(); len(got) > 0 {
				t.Errorf("taken over from a process that lives: %v", got)
			}
			way.kill()
			end()
			time.Sleep(15 * time.Second)
			got := b.read()
			slices.Sort(got)
			if !slices.Equal(got, []string{"card " + reqA, "look " + reqA + " 3"}) {
				t.Errorf("15 s after the kill: %v", got)
			}
		})
		<-died
		_ = first.Close()
		time.Sleep(time.Minute)
	})
}

// A task that kills one process after the other is taken over each time, up to rollTimes; then
// it is left to asynq, which waits longer each time.
func TestTakenOverAgain(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		lost := miniredis.NewMiniRedis()
		defer lost.Close()
		if err := NewNotifier(r, quiet()).Reconcile(t.Context(), reqA, 3); err != nil {
			t.Fatal(err)
		}
		var died []chan error
		for n := range rollTimes + 1 {
			way, held := &cut{live: m, lost: lost}, make(chan struct{}, 100)
			dying, err := Open("redis://redis:6379/0", way.dial)
			if err != nil {
				t.Fatal(err)
			}
			ctx, end := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				done <- NewServer(dying, Handlers{Reconcile: func(ctx context.Context, _ Reconcile) error {
					held <- struct{}{}
					<-ctx.Done()
					return ctx.Err()
				}}, quiet(), ServerOptions{Poll: 250 * time.Millisecond}).Run(ctx)
			}()
			time.Sleep(15 * time.Second)
			if len(held) != 1 {
				t.Errorf("process %d has %d tasks 15 s after the kill of the one before", n, len(held))
			}
			way.kill()
			end()
			died = append(died, done)
			defer func() { _ = dying.Close() }()
		}
		b := newBook()
		serve(t, r, b.all(), func() {
			time.Sleep(15 * time.Second)
			if got := b.read(); len(got) > 1 { // the first task may be back by then
				t.Errorf("taken over too often: %v", got)
			}
		})
		for _, done := range died {
			<-done
		}
		time.Sleep(time.Minute)
	})
}

// A process that stops well leaves nothing on the roll.
func TestStoppedProcessLeavesTheRoll(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		serve(t, r, newBook().all(), func() { time.Sleep(5 * time.Second) })
		for _, k := range m.Keys() {
			if len(k) > len(prefix+"roll") && k[:len(prefix+"roll")] == prefix+"roll" {
				t.Errorf("%s stays", k)
			}
		}
	})
}

// A lock without an expiry, or with a far one, which anyone with access to Redis can set,
// blocks no longer than a lock may last. So does a budget that is overdrawn.
func TestPlantedLocksEnd(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		for _, ttl := range []time.Duration{0, 1000 * time.Hour} {
			for _, key := range []string{cardPrefix + reqA, rebuildBy, prefix + "seen:k"} {
				if err := m.Set(key, "planted"); err != nil {
					t.Fatal(err)
				}
				if ttl > 0 {
					m.SetTTL(key, ttl)
				}
			}
			if err := m.Set(prefix+"budget:b", "99999999999999"); err != nil {
				t.Fatal(err)
			}
			rebuild := func() error { return NewIndex(r).Rebuild(ctx, func(func(Row, error) bool) {}) }
			if _, ok, err := n.CardLease(ctx, reqA, 1, 40*time.Second); ok || err != nil {
				t.Errorf("card: %v, %v", ok, err)
			}
			if seen, err := n.Seen(ctx, "k", time.Minute); !seen || err != nil {
				t.Errorf("seen: %v, %v", seen, err)
			}
			if err := rebuild(); err == nil {
				t.Error("rebuilt beside the planted one")
			}
			if wait, err := n.Allow(ctx, "b", 1, 5); wait == 0 || wait > time.Minute || err != nil {
				t.Errorf("budget: %v, %v", wait, err)
			}
			time.Sleep(2 * time.Minute)
			if _, ok, err := n.CardLease(ctx, reqA, 1, 40*time.Second); !ok || err != nil {
				t.Errorf("card after two minutes: %v, %v", ok, err)
			}
			if seen, err := n.Seen(ctx, "k", time.Minute); seen || err != nil {
				t.Errorf("seen after two minutes: %v, %v", seen, err)
			}
			if err := rebuild(); err != nil {
				t.Errorf("rebuild after two minutes: %v", err)
			}
			if wait, err := n.Allow(ctx, "b", 1, 5); wait != 0 || err != nil {
				t.Errorf("budget after two minutes: %v, %v", wait, err)
			}
			m.FlushAll()
		}
	})
}

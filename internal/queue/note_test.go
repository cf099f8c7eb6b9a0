package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
)

func TestSeen(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n := NewNotes(r)
		for i, want := range []bool{false, true, true} {
			if got, err := n.Seen(t.Context(), "event-1", time.Hour); got != want || err != nil {
				t.Errorf("%d: %v %v", i, got, err)
			}
		}
		time.Sleep(time.Hour + time.Second)
		if got, _ := n.Seen(t.Context(), "event-1", time.Hour); got {
			t.Error("remembered for longer than asked")
		}
	})
}

func TestCardLease(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		first, ok, err := n.CardLease(ctx, reqA, 10*time.Second)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, ok, _ := n.CardLease(ctx, reqB, 10*time.Second); !ok {
			t.Error("another card is not free")
		}
		for range 3 {
			if _, ok, _ := n.CardLease(ctx, reqA, 10*time.Second); ok {
				t.Error("two hold one card")
			}
		}
		if again, err := first.Done(ctx); !again || err != nil {
			t.Errorf("what was asked for meanwhile is lost: %v %v", again, err)
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 10*time.Second); ok {
			t.Error("the lease was lost while rendering again")
		}
		_, _ = first.Done(ctx)
		if again, _ := first.Done(ctx); again {
			t.Error("it never ends")
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 10*time.Second); !ok {
			t.Error("the lease was not given up")
		}
	})
}

func TestCardLeaseOfACrash(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		dead, _, _ := n.CardLease(ctx, reqA, 10*time.Second)
		time.Sleep(11 * time.Second)
		alive, ok, _ := n.CardLease(ctx, reqA, 10*time.Second)
		if !ok {
			t.Fatal("a crash holds the card")
		}
		if again, _ := dead.Done(ctx); again {
			t.Error("who lost the lease still has it")
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 10*time.Second); ok {
			t.Error("the dead gave up the lease of the living")
		}
		if again, _ := alive.Done(ctx); !again {
			t.Error("what was asked for meanwhile is lost")
		}
	})
}

func TestBudget(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n := NewNotes(r)
		allow := func() time.Duration {
			wait, err := n.Allow(t.Context(), "chat.update", 2, 5)
			if err != nil {
				t.Fatal(err)
			}
			return wait
		}
		for i := range 5 {
			if w := allow(); w != 0 {
				t.Fatalf("%d of the burst waits %s", i, w)
			}
		}
		w := allow()
		if w <= 0 || w > 500*time.Millisecond {
			t.Fatalf("after the burst: %s", w)
		}
		time.Sleep(w)
		if allow() != 0 || allow() == 0 {
			t.Error("one is there after waiting, and one only")
		}
		granted := 0
		for range 600 { // a minute of asking ten times a second
			if allow() == 0 {
				granted++
			}
			time.Sleep(100 * time.Millisecond)
		}
		if granted < 118 || granted > 122 {
			t.Errorf("granted %d in a minute at 2 a second", granted)
		}
	})
}

func TestPause(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		if err := n.Pause(ctx, "chat.update", 2, 5, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(29 * time.Second)
		if w, _ := n.Allow(ctx, "chat.update", 2, 5); w <= 0 || w > time.Second {
			t.Errorf("within the pause: %s", w)
		}
		time.Sleep(2 * time.Second)
		if w, _ := n.Allow(ctx, "chat.update", 2, 5); w != 0 {
			t.Errorf("after the pause: %s", w)
		}
	})
}

func TestFeed(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		f := NewFeed(r)
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := f.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		publish := func(id string, version int64) Change {
			if err := f.Publish(t.Context(), id, version); err != nil {
				t.Fatal(err)
			}
			return <-changes
		}
		first, second := publish(reqA, 1), publish(reqB, 7)
		if first.ID != reqA || second.ID != reqB || second.Version != 7 || second.Seq != first.Seq+1 || second.Epoch != first.Epoch || second.Reset {
			t.Errorf("%+v %+v", first, second)
		}
		if recent, err := f.Recent(t.Context()); err != nil || len(recent) != 2 || recent[1].ID != reqB {
			t.Errorf("recent: %+v %v", recent, err)
		}
		m.FlushAll()
		if c := publish(reqA, 2); !c.Reset || c.Epoch == first.Epoch {
			t.Errorf("after a flush: %+v", c)
		}
		cancel()
		for range changes { // drained until it is closed
		}
	})
}

func TestSlowSubscriberIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		f := NewFeed(r)
		ctx, cancel := context.WithCancel(t.Context())
		changes, err := f.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for range feedBuffer + 20 {
			if err := f.Publish(t.Context(), reqA, 1); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for range feedBuffer {
			if c := <-changes; c.Reset {
				t.Fatalf("too early: %+v", c)
			}
		}
		if err := f.Publish(t.Context(), reqA, 2); err != nil {
			t.Fatal(err)
		}
		if c := <-changes; !c.Reset {
			t.Errorf("nothing says that changes were missed: %+v", c)
		}
		if recent, _ := f.Recent(t.Context()); len(recent) != feedKeep {
			t.Errorf("%d kept", len(recent))
		}
		cancel()
		synctest.Wait()
	})
}

func TestNotesFailWithRedis(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		n := NewNotes(r)
		m.SetError("LOADING")
		defer m.SetError("")
		_, seen := n.Seen(t.Context(), "x", time.Minute)
		_, _, lease := n.CardLease(t.Context(), reqA, time.Minute)
		_, budget := n.Allow(t.Context(), "x", 1, 1)
		if errors.Join(seen) == nil || lease == nil || budget == nil {
			t.Errorf("an answer without Redis: %v %v %v", seen, lease, budget)
		}
	})
}

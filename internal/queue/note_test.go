package queue

import (
	"errors"
	"testing"
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
		first, ok, err := n.CardLease(ctx, reqA, 1, 10*time.Second)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		if _, ok, _ := n.CardLease(ctx, reqB, 1, 10*time.Second); !ok {
			t.Error("another card is not free")
		}
		for range 3 {
			if _, ok, _ := n.CardLease(ctx, reqA, 1, 10*time.Second); ok {
				t.Error("two hold one card")
			}
		}
		if again, err := first.Done(ctx); !again || err != nil {
			t.Errorf("a request made meanwhile is lost: %v %v", again, err)
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 1, 10*time.Second); ok {
			t.Error("the lease was lost while rendering again")
		}
		_, _ = first.Done(ctx)
		if again, _ := first.Done(ctx); again {
			t.Error("it never ends")
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 1, 10*time.Second); !ok {
			t.Error("the lease was not given up")
		}
	})
}

// The holder renders the newest version that was requested meanwhile, and the document itself when
// one of the requests did not know the version.
func TestCardLeaseVersion(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		lease, ok, err := n.CardLease(ctx, reqA, 3, 10*time.Second)
		if !ok || err != nil || lease.Version != 3 {
			t.Fatal(ok, err, lease.Version)
		}
		for name, c := range map[string]struct {
			requested []int64
			want      int64
		}{
			"newest":    {[]int64{5, 7, 6}, 7},
			"not known": {[]int64{5, 0, 6}, 0},
		} {
			for _, v := range c.requested {
				if _, ok, err := n.CardLease(ctx, reqA, v, 10*time.Second); ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			if again, err := lease.Done(ctx); !again || err != nil || lease.Version != c.want {
				t.Errorf("%s: version %d, %v %v", name, lease.Version, again, err)
			}
		}
		_ = m.Set(prefix+"card-dirty:"+reqA, "planted")
		if again, err := lease.Done(ctx); !again || err != nil || lease.Version != 0 {
			t.Errorf("planted: version %d, %v %v", lease.Version, again, err)
		}
	})
}

func TestCardLeaseOfACrash(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		n, ctx := NewNotes(r), t.Context()
		dead, _, _ := n.CardLease(ctx, reqA, 1, 10*time.Second)
		time.Sleep(11 * time.Second)
		alive, ok, _ := n.CardLease(ctx, reqA, 1, 10*time.Second)
		if !ok {
			t.Fatal("a crash holds the card")
		}
		if again, _ := dead.Done(ctx); again {
			t.Error("who lost the lease still has it")
		}
		if _, ok, _ := n.CardLease(ctx, reqA, 1, 10*time.Second); ok {
			t.Error("the dead gave up the lease of the living")
		}
		if again, _ := alive.Done(ctx); !again {
			t.Error("a request made meanwhile is lost")
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

func TestNotesFailWithRedis(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		n := NewNotes(r)
		m.SetError("LOADING")
		defer m.SetError("")
		_, seen := n.Seen(t.Context(), "x", time.Minute)
		_, _, lease := n.CardLease(t.Context(), reqA, 1, time.Minute)
		_, budget := n.Allow(t.Context(), "x", 1, 1)
		if errors.Join(seen) == nil || lease == nil || budget == nil {
			t.Errorf("an answer without Redis: %v %v %v", seen, lease, budget)
		}
	})
}

package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// However the calls come, and from however many processes, no span of a window holds more
// than its limit, and a call that has to wait is allowed after that time.
func TestBudgetHoldsInEverySpan(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		type taken struct {
			at   time.Time
			cost int
		}
		for seed := range uint64(40) {
			random := rand.New(rand.NewPCG(seed, 0))
			name := fmt.Sprint(seed)
			budgets := []*Budget{NewBudget(r, name, quiet()), NewBudget(r, name, quiet())}
			window := Window{"w", time.Minute, 5 + random.IntN(25)}
			var all []taken
			for range 10 + random.IntN(50) {
				time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
				s := []Spend{{window, 1 + random.IntN(5)}}
				budget := budgets[random.IntN(2)]
				if wait := budget.Take(t.Context(), false, s); wait > 0 {
					time.Sleep(wait)
					if again := budget.Take(t.Context(), false, s); again > 0 {
						t.Fatalf("seed %d: told to wait %v, and then %v", seed, wait, again)
					}
				}
				all = append(all, taken{time.Now(), s[0].Cost})
			}
			for i, last := range all {
				sum := 0
				for _, c := range all[:i+1] {
					if last.at.Sub(c.at) < window.Span {
						sum += c.cost
					}
				}
				if sum > window.Most {
					t.Fatalf("seed %d: %d of %d within %v", seed, sum, window.Most, window.Span)
				}
			}
		}
	})
}

// What GitHub announced holds for every process; an urgent call passes where only the rest
// is spared. A planted pause without an expiry ends.
func TestPauseIsShared(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		a, b := NewBudget(r, "github", quiet()), NewBudget(r, "github", quiet())
		a.Pause(t.Context(), time.Now().Add(30*time.Second), true)
		if wait := b.Take(t.Context(), false, nil); wait != 30*time.Second {
			t.Errorf("waits %v", wait)
		}
		if wait := b.Take(t.Context(), true, nil); wait != 0 {
			t.Errorf("an urgent call waits %v", wait)
		}
		a.Pause(t.Context(), time.Now().Add(20*time.Second), false)
		if wait := b.Take(t.Context(), true, nil); wait != 20*time.Second {
			t.Errorf("an urgent call waits %v", wait)
		}
		time.Sleep(31 * time.Second)
		if wait := b.Take(t.Context(), false, nil); wait != 0 {
			t.Errorf("afterwards it waits %v", wait)
		}
		if err := m.Set(a.key("pause"), "planted"); err != nil {
			t.Fatal(err)
		}
		_ = b.Take(t.Context(), true, nil)
		time.Sleep(2 * time.Minute)
		if wait := b.Take(t.Context(), true, nil); wait != 0 {
			t.Errorf("a planted pause holds for %v", wait)
		}
	})
}

// Without Redis a process keeps to so little that eight of them stay within GitHub's 900
// points a minute although each call is a write.
func TestBudgetWithoutRedis(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, _ *Redis) {
		gone, err := Open("redis://redis:6379/0", func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("gone")
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = gone.Close() }()
		b, made := NewBudget(gone, "github", quiet()), 0
		time.Sleep(time.Minute)
		for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if b.Take(t.Context(), true, nil) == 0 {
				made++
			}
		}
		if made*8*5 > 10*900 || made < 60 {
			t.Errorf("%d calls in ten minutes", made)
		}
		time.Sleep(time.Minute)
	})
}

func turnsOf(r *Redis, perMinute int) *Turns {
	return NewTurns(r, []Window{{"minute", time.Minute, perMinute}})
}

// starts lets time pass and notes in which order requests start.
func starts(t *testing.T, q *Turns, minutes int) (order []string) {
	t.Helper()
	for range minutes * 60 {
		ids, err := q.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, ids...)
		time.Sleep(time.Second)
	}
	return order
}

// Between projects in turn, between people in turn, each person's own in order: a person with
// one request does not wait behind a person with many.
func TestTurnsAreFair(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		q := turnsOf(r, 6)
		ask := func(id, project, person string) Turn {
			turn, err := q.Ask(t.Context(), id, project, person)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
			return turn
		}
		for i := range 30 {
			ask(fmt.Sprintf("a%02d", i), "core", "dana")
		}
		ask("b00", "core", "omar")
		for i := range 10 {
			ask(fmt.Sprintf("c%02d", i), "payments", "ana")
		}
		if turn := ask("b00", "core", "omar"); turn != TurnLater {
			t.Errorf("asking again gives %v", turn)
		}
		waiting, err := q.Waiting(t.Context())
		if err != nil || len(waiting) != 35 {
			t.Errorf("%d wait, %v", len(waiting), err)
		}
		order := starts(t, q, 8)
		if len(order) != 35 {
			t.Fatalf("%d started: %v", len(order), order)
		}
		text := strings.Join(order, " ")
		if at := strings.Index(text, "b00") / 4; at > 4 {
			t.Errorf("the person with one request was number %d: %s", at+1, text)
		}
		ana, last := 0, map[string]string{}
		for i, id := range order {
			if id <= last[id[:1]] {
				t.Errorf("%s after %s", id, last[id[:1]])
			}
			last[id[:1]] = id
			if i < 20 && id[0] == 'c' {
				ana++
			}
		}
		if ana < 9 {
			t.Errorf("the other project got %d of the first 20: %s", ana, text)
		}
	})
}

// One person fills the queue only so far, and no start is given twice, no matter who asks.
func TestTurnsAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		q := turnsOf(r, 30)
		over := 0
		for i := range 30 + MaxWaiting + 5 {
			turn, err := q.Ask(t.Context(), fmt.Sprintf("a%03d", i), "core", "Dana")
			if err != nil {
				t.Fatal(err)
			}
			if turn == TurnOver {
				over++
			}
		}
		if over != 5 {
			t.Errorf("%d were over the bound", over)
		}
		if turn, err := q.Ask(t.Context(), "b", "core", "omar"); err != nil || turn != TurnLater {
			t.Errorf("another person: %v, %v", turn, err)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for _, id := range starts(t, q, 5) {
					mu.Lock()
					seen[id]++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(seen) != MaxWaiting+1 {
			t.Errorf("%d started", len(seen))
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s started %d times", id, n)
			}
		}
		if left := len(m.Keys()); left > 120 {
			t.Errorf("%d keys stay", left)
		}
	})
}

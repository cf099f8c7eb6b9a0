package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

func cardID(n int) string { return fmt.Sprintf("req_card%09d", n) }

// spendEdits takes edits from the budget.
func spendEdits(t *testing.T, r *Redis, many int) {
	t.Helper()
	for range many {
		if wait, err := NewNotes(r).AllowEdit(t.Context()); wait != 0 || err != nil {
			t.Fatalf("no edit left: %s, %v", wait, err)
		}
	}
}

// takeAll takes the cards that may be drawn now, and returns the ends of their ids.
func takeAll(t *testing.T, l cards, least Urgency) string {
	t.Helper()
	var all []string
	for {
		c, ok, err := l.next(t.Context(), least)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return strings.Join(all, " ")
		}
		all = append(all, strings.TrimLeft(c.RequestID[len("req_card"):], "0"))
	}
}

func TestCardsComeInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		l := cards{r}
		put := func(n int, u Urgency) {
			if err := l.add(t.Context(), listedCard{RequestID: cardID(n), Urgency: u}, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		put(1, UrgencySpare)
		put(2, UrgencyProgress)
		put(3, UrgencyProgress)
		put(4, UrgencyPerson)
		put(5, UrgencyPerson)
		put(6, UrgencyFirst)
		put(2, UrgencyProgress) // once more: still one card
		put(1, UrgencyPerson)   // its facts changed after all
		put(7, UrgencySpare)
		if got := takeAll(t, l, UrgencyPerson); got != "6 1 4 5" {
			t.Errorf("for people first: %s", got)
		}
		if got := takeAll(t, l, UrgencySpare); got != "3 2 7" {
			t.Errorf("then the newest progress, and what only the drawing changed: %s", got)
		}
	})
}

// A card is drawn from the newest version that was announced, or from the stored document when a change
// came without one.
func TestCardHasTheNewestVersion(t *testing.T) {
	for _, c := range []struct{ first, second, want int64 }{{5, 7, 7}, {7, 5, 7}, {5, 0, 0}, {0, 5, 0}} {
		bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
			for _, v := range []int64{c.first, c.second} {
				w := listedCard{RequestID: reqA, Version: v, Urgency: UrgencyPerson}
				if err := (cards{r}).add(t.Context(), w, 0); err != nil {
					t.Fatal(err)
				}
			}
			got, ok, err := cards{r}.next(t.Context(), UrgencySpare)
			if err != nil || !ok || got.Version != c.want {
				t.Errorf("%d, then %d: version %d, %v", c.first, c.second, got.Version, err)
			}
		})
	}
}

// What is left of the budget decides what may be drawn.
func TestCardsLeaveEditsToPeople(t *testing.T) {
	for _, c := range []struct {
		spent int
		want  string
	}{{0, "1 2 3 4"}, {1, "1 2 3"}, {2, "1 2"}, {9, "1 2"}, {10, "1"}} {
		bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
			l := cards{r}
			for n, u := range []Urgency{UrgencyFirst, UrgencyPerson, UrgencyProgress, UrgencySpare} {
				if err := l.add(t.Context(), listedCard{RequestID: cardID(n + 1), Urgency: u}, 0); err != nil {
					t.Fatal(err)
				}
			}
			spendEdits(t, r, c.spent)
			if got := takeAll(t, l, UrgencySpare); got != c.want {
				t.Errorf("after %d edits: %s, want %s", c.spent, got, c.want)
			}
		})
	}
}

// Progress is drawn although people keep all edits busy.
func TestProgressDoesNotStarve(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		l, n := cards{r}, 100
		if err := l.add(t.Context(), listedCard{RequestID: cardID(1), Urgency: UrgencyProgress}, 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		spendEdits(t, r, editBurst)
		for time.Since(began) < 2*time.Minute {
			for range 2 { // more than the budget allows
				n++
				if err := l.add(t.Context(), listedCard{RequestID: cardID(n), Urgency: UrgencyPerson}, 0); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(1250 * time.Millisecond)
			c, ok, err := l.next(t.Context(), UrgencySpare)
			if err != nil {
				t.Fatal(err)
			}
			if ok && c.RequestID == cardID(1) {
				if took := time.Since(began); took < overdueAfter {
					t.Errorf("drawn before people after %s", took)
				}
				return
			}
			if ok {
				spendEdits(t, r, 1)
			}
		}
		t.Error("not drawn within two minutes")
	})
}

// A card that could not be drawn comes again, also after a panic, and one that asks for it later.
func TestCardComesAgain(t *testing.T) {
	bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
		b := newBook()
		h := Handlers{Card: func(context.Context, Card) error {
			switch b.note("%d s", int(time.Since(b.start).Seconds())) {
			case 1:
				return errors.New("Slack is away")
			case 2:
				panic("a document that was edited by hand")
			case 3:
				return Later(20 * time.Second)
			}
			return nil
		}}
		if err := (cards{r}).add(t.Context(), listedCard{RequestID: reqA, Urgency: UrgencyPerson}, 0); err != nil {
			t.Fatal(err)
		}
		serve(t, r, h, func() { time.Sleep(2 * time.Minute) })
		got := b.read()
		if len(got) != 4 || got[0] != "0 s" {
			t.Errorf("drawn after %v, want four times", got)
		}
	})
}

// While Redis does not answer, a card that was not drawn is kept in the process.
func TestCardOutlivesAnOutageOfRedis(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		b := newBook()
		h := Handlers{Card: func(context.Context, Card) error {
			if b.note("drawn") > 1 {
				return nil
			}
			m.SetError("LOADING")
			return errors.New("Slack is away")
		}}
		if err := (cards{r}).add(t.Context(), listedCard{RequestID: reqA, Urgency: UrgencyPerson}, 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() {
			newCardServer(NewServer(r, h, quiet(), ServerOptions{})).run(ctx)
			ended <- true
		}()
		time.Sleep(time.Minute)
		m.SetError("")
		time.Sleep(time.Minute)
		cancel()
		<-ended
		if got := b.read(); len(got) != 2 {
			t.Errorf("drawn %d times", len(got))
		}
	})
}

// Anyone with access to Redis can write into the list; what is not a card is dropped.
func TestPlantedCards(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		b := newBook()
		for _, id := range []string{"../x", "", reqB, "req_1\n"} {
			if _, err := m.ZAdd(cardsPrefix+"at", 0, id); err != nil {
				t.Fatal(err)
			}
			m.HSet(cardsPrefix+"waits", id, "1 5 0 0")
		}
		m.HSet(cardsPrefix+"waits", reqB, "9 x")
		if err := (cards{r}).add(t.Context(), listedCard{RequestID: reqA, Urgency: UrgencyPerson}, 0); err != nil {
			t.Fatal(err)
		}
		serve(t, r, b.all(), func() { time.Sleep(time.Minute) })
		if diff := cmp.Diff([]string{"card " + reqA}, b.read()); diff != "" {
			t.Error(diff)
		}
	})
}

// Every status says how soon its card is drawn.
func TestUrgencies(t *testing.T) {
	shown := func(r lifecycle.Request) lifecycle.Request {
		r.Slack.Messages = []lifecycle.Message{{Role: lifecycle.RoleCard, TS: "1.0"}}
		return r
	}
	want := map[lifecycle.Status]Urgency{
		lifecycle.StatusRequestCreated: UrgencyProgress, lifecycle.StatusPlanning: UrgencyProgress,
		lifecycle.StatusPlanReady: UrgencyPerson, lifecycle.StatusApproved: UrgencyPerson,
		lifecycle.StatusMerged: UrgencyPerson, lifecycle.StatusApplying: UrgencyProgress,
		lifecycle.StatusApplied: UrgencyPerson, lifecycle.StatusDestroying: UrgencyProgress,
		lifecycle.StatusDestroyed: UrgencyPerson, lifecycle.StatusFailed: UrgencyPerson,
		lifecycle.StatusClosed: UrgencyPerson,
	}
	seen := map[lifecycle.Status]bool{}
	for name, s := range story.States(t) {
		r := shown(s.R)
		status := lifecycle.DeriveLifecycleStatus(r, s.Now)
		seen[status] = true
		u, delay := urgencyOf(r, false, s.Now)
		steps := lifecycle.IsDue(r, s.Now) && (status == lifecycle.StatusApproved || status == lifecycle.StatusMerged)
		if expected := want[status]; u != expected && r.Problem == nil && len(r.Wanted) == 0 && !steps {
			t.Errorf("%s (%s): %d, want %d", name, status, u, expected)
		}
		if len(r.Wanted) > 0 && u != UrgencyPerson {
			t.Errorf("%s: a click has urgency %d", name, u)
		}
		if u == UrgencyPerson && len(r.Wanted) == 0 && delay != 0 {
			t.Errorf("%s: what waits for a person is delayed by %s", name, delay)
		}
		if u, _ := urgencyOf(s.R, false, s.Now); len(s.R.Slack.Messages) == 0 && u != UrgencyFirst {
			t.Errorf("%s: without a card its urgency is %d", name, u)
		}
		if u, _ := urgencyOf(r, true, s.Now); u != UrgencyPerson {
			t.Errorf("%s: archived, its urgency is %d", name, u)
		}
	}
	for s := range want {
		if !seen[s] {
			t.Errorf("no story has the status %s", s)
		}
	}
}

// A click that a worker carries out at once and its outcome are one drawing, when the outcome is there. Without an
// outcome the card shows the click after 3 s; one that waits for other work, after a second.
func TestClickAndOutcomeAreOneDrawing(t *testing.T) {
	clicked := story.Ready(t).Approved("omar").Merged().Requested(lifecycle.ActionApply, "omar")
	queued := story.Ready(t).Approved("omar").Merged().Requested(lifecycle.ActionApply, "omar")
	queued.Do(lifecycle.Named(lifecycle.ActionApply, "apply-1"))
	destroy := story.Live(t).Requested(lifecycle.ActionDestroy, "adam")
	for _, c := range []struct {
		name    string
		changes []*story.Story // a second apart
		want    []string
	}{
		{"click and outcome", []*story.Story{clicked, story.Live(t)}, []string{"1 s"}},
		{"click alone", []*story.Story{clicked}, []string{"3 s"}},
		{"a click that waits for the environment", []*story.Story{queued}, []string{"1 s"}},
		{"a destroy that gets its plan", []*story.Story{destroy}, []string{"3 s"}},
		{"a person has to act", []*story.Story{story.Ready(t)}, []string{"0 s"}},
	} {
		bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
			b := newBook()
			h := Handlers{Card: func(context.Context, Card) error {
				b.note("%d s", int(time.Since(b.start).Seconds()))
				return nil
			}}
			n := NewNotifier(r, quiet())
			serve(t, r, h, func() {
				b.start = time.Now()
				for i, s := range c.changes {
					if i > 0 {
						time.Sleep(time.Second)
					}
					now := s.R
					now.Version += int64(i)
					now.Slack.Messages = []lifecycle.Message{{Role: lifecycle.RoleCard, TS: "1.0"}}
					if err := n.Card(t.Context(), now, false); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
			})
			if diff := cmp.Diff(c.want, b.read()); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
		})
	}
}

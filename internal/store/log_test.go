package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// logged are n events of one request, two at a time, so that some have equal times.
func logged(n int) []lifecycle.Event {
	var events []lifecycle.Event
	for i := range n {
		events = append(events, lifecycle.Event{Seq: int64(i + 1), At: testTime.Add(time.Duration(i/2) * time.Second),
			Type: "t", Text: fmt.Sprint(i)})
	}
	return events
}

func logObjects(t *testing.T, s *Store) (keys []string) {
	t.Helper()
	for o, err := range s.list(t.Context(), PrefixLogs) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.key)
	}
	return keys
}

// assertLog compares the log, and the number of its objects where that is certain.
func assertLog(t *testing.T, s *Store, want []lifecycle.Event, objects int) {
	t.Helper()
	got, err := s.Log(t.Context(), testID)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("log is %v, %v", got, err)
	}
	if keys := logObjects(t, s); objects > 0 && len(keys) != objects {
		t.Errorf("%d objects, want %d: %q", len(keys), objects, keys)
	}
}

// Events that are appended together are one object. What an interrupted try left is
// completed, and an older try that comes late changes nothing.
func TestLogKeepsEachEventOnce(t *testing.T) {
	s, events := openAs(t, newBucket(t), "app"), logged(25)
	for _, part := range [][]lifecycle.Event{events[:6], events[:9], events[:4], events[:9], events[9:10], events[9:25],
		events[9:12]} {
		if err := s.AppendLog(t.Context(), testID, part); err != nil {
			t.Fatal(err)
		}
	}
	assertLog(t, s, events, 4) // of 6, 3, 1 and 15 events
}

// Another event in the place of one is refused, wherever it is in an object, and nothing
// that follows it is written.
func TestLogRefusesAnotherEvent(t *testing.T) {
	for _, place := range []int{0, 3} {
		s, events := openAs(t, newBucket(t), "app"), logged(8)
		if err := s.AppendLog(t.Context(), testID, events[:6]); err != nil {
			t.Fatal(err)
		}
		forged := append([]lifecycle.Event(nil), events...)
		forged[place].Text = "something else"
		if err := s.AppendLog(t.Context(), testID, forged); !errors.Is(err, ErrExists) {
			t.Errorf("another event %d: %v", place+1, err)
		}
		assertLog(t, s, events[:6], 1)
	}
}

// A single event is an object by itself, as every event was in earlier versions, and a log
// of such objects is continued.
func TestLogOfSingleEvents(t *testing.T) {
	s, events := openAs(t, newBucket(t), "app"), logged(6)
	for i := range 4 {
		if err := s.AppendLog(t.Context(), testID, events[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	o, err := s.get(t.Context(), logObjects(t, s)[0], maxSmall)
	var first lifecycle.Event
	if err != nil || json.Unmarshal(o.data, &first) != nil || first.Seq != 1 {
		t.Errorf("%s, %v", o.data, err)
	}
	if err := s.AppendLog(t.Context(), testID, events[1:]); err != nil {
		t.Fatal(err)
	}
	assertLog(t, s, events, 5)
}

// Events that are too large for one object take several.
func TestLogObjectsAreBounded(t *testing.T) {
	s, events := openAs(t, newBucket(t), "app"), logged(9)
	for i := range events {
		events[i].Text = strings.Repeat("long ", 4000)
	}
	if err := s.AppendLog(t.Context(), testID, events); err != nil {
		t.Fatal(err)
	}
	assertLog(t, s, events, 3)
}

// Writers that know more or less of what is in the log, as one that was held up, leave a log
// in which each event is once.
func TestLogOfSeveralWriters(t *testing.T) {
	s, events := openAs(t, newBucket(t), "app"), logged(40)
	done := make(chan error)
	for writer := range 4 {
		go func() {
			for from := 0; from < 40; from += 5 {
				if err := s.AppendLog(context.Background(), testID, events[from:min(from+5+writer, 40)]); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	assertLog(t, s, events, 0)
}

package queue

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

func created(t *testing.T) lifecycle.Request {
	t.Helper()
	return lifecycle.New(lifecycle.NewRequest{
		ID: reqA, Title: "S3 bucket logs", Requester: lifecycle.Person{Login: "dana"}, Project: "core",
		Environment: lifecycle.Environment{Key: "dev", Slug: "app"}, Module: "s3-bucket",
		Target: lifecycle.Target{Owner: "acme", Repo: "infra-core", Base: "main", Branch: "request/" + reqA,
			Path: "envs/dev/app/tfpilot_" + reqA + ".tf"},
	}, lifecycle.Actor{Login: "dana", Source: "slack"}, time.Now().UTC())
}

// A commit reaches the lists and the messages, and the workers only when it made something due.
func TestChangedNotifiesAll(t *testing.T) {
	at := time.Now()
	opened := func(r lifecycle.Request) lifecycle.Request {
		open := true
		r.PR = &lifecycle.PullRequest{Number: 7, Open: &open}
		r.Runs.Plan = lifecycle.RunSet{CurrentAttempt: 1,
			Attempts: []lifecycle.Attempt{{Number: 1, CorrelationID: "plan-1", RunID: 5, DispatchedAt: &at}}}
		return r
	}
	for name, c := range map[string]struct {
		change   func(lifecycle.Request) lifecycle.Request
		archived bool
		want     []string
	}{
		"something is due":            {nil, false, []string{"card " + reqA, "look " + reqA + " 1"}},
		"only GitHub knows what next": {opened, false, []string{"card " + reqA}},
		"archived":                    {nil, true, []string{"card " + reqA}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
				if err := NewIndex(r).Rebuild(t.Context(), testRows(0)); err != nil {
					t.Fatal(err)
				}
				req := created(t)
				if c.change != nil {
					req = c.change(req)
				}
				var log bytes.Buffer
				n := NewNotifier(r, slog.New(slog.NewTextHandler(&log, nil)))
				if err := n.Changed(t.Context(), req, c.archived); err != nil || log.Len() > 0 {
					t.Fatalf("%v\n%s", err, &log)
				}
				b := newBook()
				serve(t, r, b.all(), func() { time.Sleep(5 * time.Second) })
				got := b.read()
				slices.Sort(got)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				page, err := NewIndex(r).List(t.Context(), Query{})
				if err != nil || len(page.Rows) != 1 || page.Rows[0].Title != "S3 bucket logs" ||
					page.Rows[0].Archived != c.archived {
					t.Errorf("%v %+v", err, page.Rows)
				}
			})
		})
	}
}

// A worker is notified even when Redis does not take the row.
func TestChangedWithoutAnIndex(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		if err := m.Set(indexPrefix+"rows", "planted"); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		n := NewNotifier(r, slog.New(slog.NewTextHandler(&log, nil)))
		if err := n.Changed(t.Context(), created(t), false); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "the index was not written") || !strings.Contains(log.String(), reqA) {
			t.Errorf("operators read: %s", &log)
		}
		b := newBook()
		serve(t, r, b.all(), func() { time.Sleep(5 * time.Second) })
		if got := b.read(); len(got) != 2 {
			t.Errorf("ran %q", got)
		}
	})
}

// When an environment's queue moves, a worker reconciles the holder, and the card of each request
// that waits shows its new position.
func TestLeaseMovedNotifiesHolderAndQueue(t *testing.T) {
	for name, c := range map[string]struct {
		state lifecycle.EnvironmentState
		want  []string
	}{
		"free": {lifecycle.EnvironmentState{Version: 3}, nil},
		"held": {lifecycle.EnvironmentState{Version: 3, Holder: &lifecycle.LeaseEntry{RequestID: reqA},
			Queue: []lifecycle.LeaseEntry{{RequestID: reqB}}}, []string{"card " + reqB, "look " + reqA + " -3"}},
		"requested, and not yet held": {lifecycle.EnvironmentState{Version: 3,
			Queue: []lifecycle.LeaseEntry{{RequestID: reqB}}}, []string{"card " + reqB}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, _ *miniredis.Miniredis, r *Redis) {
				if err := NewNotifier(r, quiet()).LeaseMoved(t.Context(), c.state); err != nil {
					t.Fatal(err)
				}
				b := newBook()
				serve(t, r, b.all(), func() { time.Sleep(5 * time.Second) })
				got := b.read()
				slices.Sort(got)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

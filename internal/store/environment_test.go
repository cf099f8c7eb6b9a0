package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

var devApp = lifecycle.Environment{Key: "dev", Slug: "app"}

// enqueue refuses to be applied on top of itself: a writer must recognize its own
// write.
func enqueue(cid string) func(lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
	return func(st lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
		for _, e := range st.Queue {
			if e.CorrelationID == cid {
				return st, errors.New("is in the queue already")
			}
		}
		st.Token++
		st.Queue = append(st.Queue, lifecycle.LeaseEntry{CorrelationID: cid})
		return st, nil
	}
}

func TestEnvironmentManyWriters(t *testing.T) {
	const writers = 50
	srv := newBucket(t)
	var wg sync.WaitGroup
	for i := range writers {
		s := openAs(t, srv, "app")
		wg.Go(func() {
			if _, err := s.UpdateEnvironment(t.Context(), "core", devApp, enqueue(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	st, err := openAs(t, srv, "app").Environment(t.Context(), "core", devApp)
	if err != nil || len(st.Queue) != writers || st.Token != writers || st.Version != writers {
		t.Errorf("%d in the queue, token %d, version %d, %v; want %d of each", len(st.Queue), st.Token, st.Version, err,
			writers)
	}
}

func TestEnvironmentFaults(t *testing.T) {
	for _, kind := range []s3.FaultKind{s3.FaultLost, s3.FaultConflict, s3.FaultUnavailable, s3.FaultHang} {
		for _, verb := range []string{"PutObject", "GetObject"} {
			t.Run(string(kind)+verb, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					srv := newBucket(t)
					s := openAs(t, srv, "app")
					for i := range 2 { // the creation, then a change
						inject(t, srv, s3.Fault{Kind: kind, Verb: verb, Count: 4})
						st, err := s.UpdateEnvironment(t.Context(), "core", devApp, enqueue(fmt.Sprint(i)))
						if err != nil || st.Token != int64(i+1) || st.Version != int64(i+1) {
							t.Errorf("token %d, version %d, %v; want %d", st.Token, st.Version, err, i+1)
						}
						srv.ClearFaults()
					}
				})
			})
		}
	}
}

// A change that refuses is not taken for a write whose answer was lost.
func TestEnvironmentChangeRefuses(t *testing.T) {
	s := openAs(t, newBucket(t), "app")
	asked := 0
	_, err := s.UpdateEnvironment(t.Context(), "core", devApp,
		func(st lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			asked++
			return st, fmt.Errorf("the request is gone: %w", ErrNotFound)
		})
	if !errors.Is(err, ErrNotFound) || asked != 1 {
		t.Errorf("%v after %d tries", err, asked)
	}
}

func TestEnvironmentNoChangeNoWrite(t *testing.T) {
	srv := newBucket(t)
	s := openAs(t, srv, "app")
	same := func(st lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) { return st, nil }
	st, err := s.UpdateEnvironment(t.Context(), "core", devApp, same)
	if err != nil || st.Project != "core" || st.Key != "dev" || st.Slug != "app" || calls(srv, "PutObject") != 0 {
		t.Errorf("state %+v, %v, %d writes", st, err, calls(srv, "PutObject"))
	}
	no := errors.New("no")
	if _, err := s.UpdateEnvironment(t.Context(), "core", devApp,
		func(st lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			return st, no
		}); !errors.Is(err, no) {
		t.Errorf("the change's own error: %v", err)
	}
}

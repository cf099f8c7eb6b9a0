package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	maxEvents   = 10_000 // of one request
	logParallel = 8
)

// AppendLog writes events to logs/<id>/, each under its own key and only once. An
// event that is already there is a success; another one under its key is
// ErrExists.
func (s *Store) AppendLog(ctx context.Context, id string, events []lifecycle.Event) error {
	for _, e := range events {
		key, err := LogKey(id, e.At, e.Seq)
		if err != nil {
			return err
		}
		data, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
		if err := s.writeSame(ctx, key, data, maxSmall); err != nil {
			return err
		}
	}
	return nil
}

// Log reads the events of a request in the order of their numbers.
func (s *Store) Log(ctx context.Context, id string) ([]lifecycle.Event, error) {
	prefix, err := LogPrefix(id)
	if err != nil {
		return nil, err
	}
	var keys []string
	for o, err := range s.list(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if len(keys) == maxEvents {
			return nil, fmt.Errorf("log of %s: more than %d events: %w", id, maxEvents, ErrTooLarge)
		}
		keys = append(keys, o.key)
	}
	events := make([]lifecycle.Event, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(logParallel)
	for i, key := range keys {
		group.Go(func() error { return s.readJSON(ctx, key, maxSmall, &events[i]) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(events, func(a, b lifecycle.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return events, nil
}

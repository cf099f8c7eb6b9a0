package store

import (
	"bytes"
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

// AppendLog writes events to logs/<id>/, each only once. Events that are appended together
// share objects: each object has the key of its first event, and holds that event alone or a
// list. An event that is already there is a success; another one in its place is ErrExists.
//
// A writer that knew fewer events than the one before it may leave an event in two objects.
// Log gives it once.
func (s *Store) AppendLog(ctx context.Context, id string, events []lifecycle.Event) error {
	for len(events) > 0 {
		n, err := s.appendObject(ctx, id, events)
		if err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// appendObject writes the object that begins with the first event and returns how many of
// the events are in it.
func (s *Store) appendObject(ctx context.Context, id string, events []lifecycle.Event) (int, error) {
	key, err := LogKey(id, events[0].At, events[0].Seq)
	if err != nil {
		return 0, err
	}
	data, n := encodeEvents(events)
	stored, err := s.writeOnce(ctx, key, data, maxSmall)
	if err != nil {
		return 0, err
	}
	if bytes.Equal(stored, data) {
		return n, nil
	}
	// An earlier try left it, with fewer events or with more.
	have, err := decodeEvents(stored)
	if err != nil || len(have) == 0 {
		return 0, fmt.Errorf("put %s: it holds no events: %w", key, ErrExists)
	}
	n = min(len(have), len(events))
	for i := range n {
		if !bytes.Equal(encodeEvent(have[i]), encodeEvent(events[i])) {
			return 0, fmt.Errorf("put %s: it holds another event %d: %w", key, events[i].Seq, ErrExists)
		}
	}
	return n, nil
}

// encodeEvents encodes as many of the events as fit into one object, at least one.
func encodeEvents(events []lifecycle.Event) (data []byte, n int) {
	data = encodeEvent(events[0])
	list := slices.Concat([]byte("["), data)
	for n = 1; n < len(events); n++ {
		next := encodeEvent(events[n])
		if len(list)+len(next)+2 > maxSmall {
			break
		}
		list = slices.Concat(list, []byte(","), next)
	}
	if n > 1 {
		data = append(list, ']')
	}
	return data, n
}

func encodeEvent(e lifecycle.Event) []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic("store: an event is plain data: " + err.Error())
	}
	return data
}

// decodeEvents reads one event or a list of them.
func decodeEvents(data []byte) ([]lifecycle.Event, error) {
	if !bytes.HasPrefix(data, []byte("[")) {
		var e lifecycle.Event
		err := json.Unmarshal(data, &e)
		return []lifecycle.Event{e}, err
	}
	var events []lifecycle.Event
	err := json.Unmarshal(data, &events)
	return events, err
}

// Log reads the events of a request in the order of their numbers, each once. Two different
// events with one number stay two: the chain of hashes then shows that one is false.
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
	objects := make([][]lifecycle.Event, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(logParallel)
	for i, key := range keys {
		group.Go(func() (err error) { objects[i], err = s.readEvents(ctx, key); return err })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	events := slices.Concat(objects...)
	slices.SortStableFunc(events, func(a, b lifecycle.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	events = slices.CompactFunc(events, func(a, b lifecycle.Event) bool {
		return bytes.Equal(encodeEvent(a), encodeEvent(b))
	})
	if len(events) > maxEvents {
		return nil, fmt.Errorf("log of %s: more than %d events: %w", id, maxEvents, ErrTooLarge)
	}
	return events, nil
}

func (s *Store) readEvents(ctx context.Context, key string) ([]lifecycle.Event, error) {
	o, err := s.get(ctx, key, maxSmall)
	if err != nil {
		return nil, err
	}
	events, err := decodeEvents(o.data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", key, ErrUnreadable, err)
	}
	return events, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrNotEnforced: the bucket ignores conditions, so that two writers would
// overwrite each other unseen. TfPilot must not run on it.
var ErrNotEnforced = errors.New("the bucket does not enforce conditional writes")

// Probe proves with an object of its own that the bucket refuses a second create,
// a write and a delete with a stale ETag, and accepts those with the current one.
func (s *Store) Probe(ctx context.Context) error {
	key := PrefixProbe + newNonce() + ".json"
	etag, err := s.create(ctx, key, probeBody(1))
	if err != nil {
		return fmt.Errorf("probe: create: %w", err)
	}
	err = s.probe(ctx, key, etag)
	if cleanErr := s.remove(ctx, key, ""); err == nil && cleanErr != nil {
		return fmt.Errorf("probe: clean up: %w", cleanErr)
	}
	return err
}

func (s *Store) probe(ctx context.Context, key, first string) error {
	if _, err := s.create(ctx, key, probeBody(2)); !errors.Is(err, errRefused) {
		return notRefused("a second create", err)
	}
	second, err := s.replace(ctx, key, first, probeBody(3))
	if err != nil {
		return fmt.Errorf("probe: replace: %w", err)
	}
	if _, err := s.replace(ctx, key, first, probeBody(4)); !errors.Is(err, errRefused) {
		return notRefused("a write with a stale If-Match", err)
	}
	if err := s.remove(ctx, key, first); !errors.Is(err, errRefused) {
		return notRefused("a delete with a stale If-Match", err)
	}
	o, err := s.get(ctx, key, maxSmall)
	if err != nil {
		return fmt.Errorf("probe: read: %w", err)
	}
	if o.etag != second || string(o.data) != string(probeBody(3)) {
		return fmt.Errorf("probe: a refused write changed the object: %w", ErrNotEnforced)
	}
	return nil
}

func probeBody(n int) []byte { return fmt.Appendf(nil, `{"probe":%d}`, n) }

// notRefused distinguishes a store that ignores a condition from one that cannot be reached.
func notRefused(what string, err error) error {
	if err == nil {
		return fmt.Errorf("probe: %s was accepted: %w", what, ErrNotEnforced)
	}
	return fmt.Errorf("probe: %s was not answered with 412: %w", what, err)
}

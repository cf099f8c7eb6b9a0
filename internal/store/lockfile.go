package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	lockSuffix = ".tflock"
	maxLock    = 64 << 10
)

// Locks reads and removes the lock files that Terraform's s3 backend keeps beside the
// states of one bucket. It touches nothing else there. App and worker have no right to
// that bucket: only an operator's own credentials open it.
type Locks struct{ s *Store }

// OpenLocks returns the locks of a bucket of states.
func OpenLocks(ctx context.Context, cfg Config) (*Locks, error) {
	s, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Locks{s}, nil
}

// Lock reads the lock on a state, with the ETag that Remove compares. ErrNotFound means
// that the state is not locked.
func (l *Locks) Lock(ctx context.Context, stateKey string) (lifecycle.StateLock, string, error) {
	o, err := l.s.get(ctx, stateKey+lockSuffix, maxLock)
	if err != nil {
		return lifecycle.StateLock{}, "", err
	}
	var held struct {
		ID, Operation, Who, Version string
		Created                     time.Time
	}
	if err := json.Unmarshal(o.data, &held); err != nil || held.ID == "" {
		return lifecycle.StateLock{}, "", fmt.Errorf("read %s%s: it is not a lock file of Terraform: %w", stateKey,
			lockSuffix, ErrUnreadable)
	}
	return lifecycle.StateLock{
		ID: printable(held.ID), Who: printable(held.Who), Operation: printable(held.Operation),
		Version: printable(held.Version), Since: held.Created.UTC(),
	}, o.etag, nil
}

// Remove deletes the lock if it is still the one with that ETag; ErrConflict otherwise.
func (l *Locks) Remove(ctx context.Context, stateKey, etag string) error {
	if etag == "" {
		return fmt.Errorf("remove %s%s: no ETag to compare", stateKey, lockSuffix)
	}
	err := l.s.remove(ctx, stateKey+lockSuffix, etag)
	if errors.Is(err, errRefused) || errors.Is(err, errBusy) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}

// printable bounds a word of a lock file: it is whatever its holder calls itself.
func printable(s string) string {
	const limit = 100
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?")))
	return string(runes[:min(len(runes), limit)])
}

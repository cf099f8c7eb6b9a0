package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Identity reads which GitHub account a Slack user has linked.
func (s *Store) Identity(ctx context.Context, team, user string) (lifecycle.Identity, error) {
	key, err := IdentityKey(team, user)
	if err != nil {
		return lifecycle.Identity{}, err
	}
	var id lifecycle.Identity
	if err := s.readJSON(ctx, key, maxSmall, &id); err != nil {
		return lifecycle.Identity{}, err
	}
	if id.SlackTeam != team || id.SlackUser != user {
		return lifecycle.Identity{}, fmt.Errorf("read %s: it holds the identity of %s/%s", key, id.SlackTeam, id.SlackUser)
	}
	return id, nil
}

// PutIdentity links a Slack user to a GitHub account, in place of an earlier link.
func (s *Store) PutIdentity(ctx context.Context, id lifecycle.Identity) error {
	key, err := IdentityKey(id.SlackTeam, id.SlackUser)
	if err != nil {
		return err
	}
	data, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.overwrite(ctx, key, data, maxSmall)
}

// DeleteIdentity unlinks a Slack user.
func (s *Store) DeleteIdentity(ctx context.Context, team, user string) error {
	key, err := IdentityKey(team, user)
	if err != nil {
		return err
	}
	return s.remove(ctx, key, "")
}

// Identities reads every linked identity. One that was unlinked meanwhile is left
// out.
func (s *Store) Identities(ctx context.Context) iter.Seq2[lifecycle.Identity, error] {
	return func(yield func(lifecycle.Identity, error) bool) {
		for o, err := range s.list(ctx, PrefixIdentities) {
			var id lifecycle.Identity
			if err == nil {
				err = s.readJSON(ctx, o.key, maxSmall, &id)
			}
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if !yield(id, err) || err != nil {
				return
			}
		}
	}
}

// Linked is an identity as it was read, with the ETag of its object.
type Linked struct {
	lifecycle.Identity
	ETag string
}

// LinkedNow lists the identities that are linked now, by key. It costs one call for a thousand of
// them, and one for each that changed since this process listed them last. One that cannot be used
// links no one.
func (s *Store) LinkedNow(ctx context.Context) (map[string]Linked, error) {
	s.mu.Lock()
	known := s.linked
	s.mu.Unlock()
	all := map[string]Linked{}
	for o, err := range s.list(ctx, PrefixIdentities) {
		if err != nil {
			return nil, err
		}
		if have, ok := known[o.key]; ok && have.ETag == o.etag {
			all[o.key] = have
			continue
		}
		var id lifecycle.Identity
		err := s.readJSON(ctx, o.key, maxSmall, &id)
		switch {
		case errors.Is(err, ErrNotFound) || Damaged(err):
		case err != nil:
			return nil, err
		default:
			if key, err := IdentityKey(id.SlackTeam, id.SlackUser); err == nil && key == o.key {
				all[o.key] = Linked{id, o.etag}
			}
		}
	}
	s.mu.Lock()
	s.linked = all
	s.mu.Unlock()
	return maps.Clone(all), nil
}

// overwrite stores an object in place of whatever is there. It too writes with a
// condition, so that the bucket may refuse every write without one.
func (s *Store) overwrite(ctx context.Context, key string, data []byte, limit int64) error {
	if int64(len(data)) > limit {
		return fmt.Errorf("put %s: %d bytes: %w", key, len(data), ErrTooLarge)
	}
	var last error
	for try := range onceTries {
		stored, err := s.get(ctx, key, limit)
		switch {
		case err == nil && bytes.Equal(stored.data, data):
			return nil
		case err == nil:
			_, err = s.replace(ctx, key, stored.etag, data)
		case errors.Is(err, ErrNotFound):
			_, err = s.create(ctx, key, data)
		}
		if err == nil {
			return nil
		}
		if !mayRepeat(err) {
			return err
		}
		last = err
		if err := pause(ctx, try); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
	}
	return fmt.Errorf("put %s: %w: %w", key, ErrConflict, last)
}

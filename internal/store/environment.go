package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const maxEnvironment = 1 << 20

// Environment reads the state of one Terraform root. One that was never written
// is empty, not an error.
func (s *Store) Environment(ctx context.Context, project string,
	env lifecycle.Environment) (lifecycle.EnvironmentState, error) {
	st, _, err := s.environment(ctx, project, env)
	return st, err
}

// EnvironmentETags lists the ETags of the states that are there, by key.
func (s *Store) EnvironmentETags(ctx context.Context) (map[string]string, error) {
	etags := map[string]string{}
	for o, err := range s.list(ctx, PrefixEnvironments) {
		if err != nil {
			return nil, err
		}
		etags[o.key] = o.etag
	}
	return etags, nil
}

func (s *Store) environment(ctx context.Context, project string,
	env lifecycle.Environment) (lifecycle.EnvironmentState, string, error) {
	st := lifecycle.EnvironmentState{Schema: lifecycle.Schema, Project: project, Key: env.Key, Slug: env.Slug}
	key, err := EnvironmentKey(project, env)
	if err != nil {
		return st, "", err
	}
	o, err := s.get(ctx, key, maxEnvironment)
	if errors.Is(err, ErrNotFound) {
		return st, "", nil
	}
	if err != nil {
		return st, "", err
	}
	var stored lifecycle.EnvironmentState
	if err := lifecycle.Decode(o.data, &stored); err != nil {
		return st, "", fmt.Errorf("read %s: %w", key, err)
	}
	if stored.Schema > lifecycle.Schema {
		return st, "", fmt.Errorf("read %s: schema %d: %w", key, stored.Schema, ErrSchema)
	}
	if stored.Project != project || stored.Key != env.Key || stored.Slug != env.Slug {
		return st, "", fmt.Errorf("read %s: it holds the state of %s/%s/%s", key, stored.Project, stored.Key, stored.Slug)
	}
	return stored, o.etag, nil
}

// UpdateEnvironment changes the state of one Terraform root by a pure, repeatable
// function, under the same rules as Patch. Version, nonce and updatedAt are the
// store's; a change of nothing else writes nothing.
func (s *Store) UpdateEnvironment(ctx context.Context, project string, env lifecycle.Environment,
	change func(lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error),
) (lifecycle.EnvironmentState, error) {
	var nonces []string
	var last error
	for try := range maxTries {
		st, etag, err := s.environment(ctx, project, env)
		if err == nil && slices.Contains(nonces, st.WriteNonce) {
			return st, nil
		}
		if err == nil {
			var nonce string
			if st, nonce, err = s.changeEnvironment(ctx, st, etag, change); err == nil || nonce == "" {
				return st, err // done, or refused by the change itself
			}
			nonces = append(nonces, nonce)
		}
		if !mayRepeat(err) {
			return st, err
		}
		last = err
		if err := pause(ctx, try); err != nil {
			return st, fmt.Errorf("change environment %s: %w", env, err)
		}
	}
	return lifecycle.EnvironmentState{}, fmt.Errorf("change environment %s: %w: %w", env, ErrConflict, last)
}

// changeEnvironment makes one try. The nonce belongs to the write it tried, and is empty
// when it came to none.
func (s *Store) changeEnvironment(ctx context.Context, before lifecycle.EnvironmentState, etag string,
	change func(lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error),
) (lifecycle.EnvironmentState, string, error) {
	key, err := EnvironmentKey(before.Project, lifecycle.Environment{Key: before.Key, Slug: before.Slug})
	if err != nil {
		return before, "", err
	}
	old, err := lifecycle.Encode(before) // before change, which might work in place
	if err != nil {
		return before, "", err
	}
	after, err := change(before)
	if err != nil {
		return before, "", err
	}
	data, err := lifecycle.Encode(after)
	if err != nil || bytes.Equal(old, data) {
		return after, "", err
	}
	after.Version, after.WriteNonce, after.UpdatedAt = before.Version+1, newNonce(), time.Now().UTC()
	if data, err = lifecycle.Encode(after); err != nil {
		return before, "", err
	}
	if len(data) > maxEnvironment {
		return before, "", fmt.Errorf("write %s: %w", key, ErrTooLarge)
	}
	if etag == "" {
		_, err = s.create(ctx, key, data)
	} else {
		_, err = s.replace(ctx, key, etag, data)
	}
	return after, after.WriteNonce, err
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Preferences are what a Slack user chose for themselves. They grant nothing.
type Preferences struct {
	Quiet     bool      `json:"quiet,omitempty"` // no messages but cards and questions
	UpdatedAt time.Time `json:"updatedAt"`
}

// PreferencesKey is preferences/<team>/<user>.json.
func PreferencesKey(team, user string) (string, error) {
	return join(PrefixPreferences, ".json", keyPart{"Slack team", team, slackID.MatchString},
		keyPart{"Slack user", user, slackID.MatchString})
}

// Preferences reads the choices of a Slack user; the zero value when they made none.
func (s *Store) Preferences(ctx context.Context, team, user string) (Preferences, error) {
	key, err := PreferencesKey(team, user)
	if err != nil {
		return Preferences{}, err
	}
	var p Preferences
	if err := s.readJSON(ctx, key, maxSmall, &p); err != nil && !errors.Is(err, ErrNotFound) {
		return Preferences{}, err
	}
	return p, nil
}

// PutPreferences stores the choices of a Slack user in place of earlier ones.
func (s *Store) PutPreferences(ctx context.Context, team, user string, p Preferences) error {
	key, err := PreferencesKey(team, user)
	if err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.overwrite(ctx, key, data, maxSmall)
}

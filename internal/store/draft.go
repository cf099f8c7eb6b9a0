package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
)

// MaxDraft bounds a stored conversation, in bytes.
const MaxDraft = maxSmall

// threadName is a channel, or a channel and the time stamp of a message in it.
var threadName = regexp.MustCompile(`^[A-Z0-9]{2,32}(-[0-9]{1,12}\.[0-9]{6})?$`)

// DraftKey is drafts/<team>/<user>/<thread>.json.
func DraftKey(team, user, thread string) (string, error) {
	return join(PrefixDrafts, ".json", keyPart{"Slack team", team, slackID.MatchString},
		keyPart{"Slack user", user, slackID.MatchString}, keyPart{"thread", thread, threadName.MatchString})
}

// Draft reads a person's conversation and its ETag.
func (s *Store) Draft(ctx context.Context, team, user, thread string) (data []byte, etag string, err error) {
	key, err := DraftKey(team, user, thread)
	if err != nil {
		return nil, "", err
	}
	stored, err := s.get(ctx, key, MaxDraft)
	return stored.data, stored.etag, err
}

// PutDraft writes a conversation that still has the ETag, or a new one without an ETag. ErrConflict means that it
// changed meanwhile. The data must hold a nonce, by which a write whose answer was lost is recognized.
func (s *Store) PutDraft(ctx context.Context, team, user, thread, etag string, data []byte) error {
	key, err := DraftKey(team, user, thread)
	if err != nil {
		return err
	}
	if len(data) > MaxDraft {
		return fmt.Errorf("put %s: %d bytes: %w", key, len(data), ErrTooLarge)
	}
	if etag == "" {
		_, err = s.create(ctx, key, data)
	} else {
		_, err = s.replace(ctx, key, etag, data)
	}
	if err == nil || !mayRepeat(err) {
		return err
	}
	stored, readErr := s.get(ctx, key, MaxDraft)
	switch {
	case readErr == nil && bytes.Equal(stored.data, data):
		return nil
	case readErr == nil && stored.etag != etag, errors.Is(err, errRefused), errors.Is(err, errBusy):
		return fmt.Errorf("put %s: %w", key, ErrConflict)
	default:
		return errors.Join(err, readErr)
	}
}

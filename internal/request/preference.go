package request

import (
	"context"

	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Preferences are what the caller chose for themselves.
func (s *Service) Preferences(ctx context.Context, c Caller) (store.Preferences, error) {
	if refusal := s.allow(c, rbac.Show, rbac.Scope{}); refusal != nil {
		return store.Preferences{}, refusal
	}
	p, err := s.People.Preferences(ctx, c.SlackTeam, c.SlackUser)
	if err != nil {
		return p, unavailable(err)
	}
	return p, nil
}

// SetQuiet turns the caller's notifications off or on.
func (s *Service) SetQuiet(ctx context.Context, c Caller, quiet bool) error {
	if refusal := s.allow(c, rbac.Show, rbac.Scope{}); refusal != nil {
		return refusal
	}
	p := store.Preferences{Quiet: quiet, UpdatedAt: now()}
	if err := s.People.PutPreferences(ctx, c.SlackTeam, c.SlackUser, p); err != nil {
		return unavailable(err)
	}
	return nil
}

package slackapp

import (
	"context"
	"log/slog"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fakeFacts serves summaries, and links nobody.
type fakeFacts struct{ summaries }

func (f fakeFacts) Identity(context.Context, string, string) (lifecycle.Identity, error) {
	return lifecycle.Identity{}, store.ErrNotFound
}

func (f fakeFacts) Summary(_ context.Context, cid string) ([]byte, error) {
	if data, ok := f.summaries[cid]; ok {
		return data, nil
	}
	return nil, store.ErrNotFound
}

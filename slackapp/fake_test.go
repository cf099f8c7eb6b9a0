package slackapp

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fakeFacts serves summaries, and links no one.
type fakeFacts struct{ summaries }

func (f fakeFacts) Identity(context.Context, string, string) (lifecycle.Identity, error) {
	return lifecycle.Identity{}, store.ErrNotFound
}

func (f fakeFacts) RecentSummary(_ context.Context, _, cid string) ([]byte, error) {
	if data, ok := f.summaries[cid]; ok {
		return data, nil
	}
	return nil, store.ErrNotFound
}

// broken are documents that cannot be read.
type broken struct{}

var errAway = errors.New("away")

func (broken) Get(context.Context, string) (store.Doc, error) { return store.Doc{}, errAway }

func (broken) Create(context.Context, lifecycle.Request) (store.Doc, error) {
	return store.Doc{}, errAway
}

func (broken) Cached(context.Context, string) (store.Doc, bool) { return store.Doc{}, false }

func (broken) Patch(context.Context, store.Doc, lifecycle.Actor, lifecycle.Patch) (store.Doc, error) {
	return store.Doc{}, errAway
}

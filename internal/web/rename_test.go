package web

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// openedIn is the ID of the only repository in which TfPilot opened a pull request.
type openedIn int64

func (id openedIn) HasPulls(_ context.Context, repoID int64) (bool, error) {
	return repoID == int64(id), nil
}

// A repository with another name is ours when TfPilot opened a pull request in it, and
// the log says once what to change.
func TestRenamedRepositoryIsKnownByItsID(t *testing.T) {
	var log bytes.Buffer
	names := NewRenames(openedIn(4711), slog.New(slog.NewTextHandler(&log, nil)))
	for range 3 {
		if !names.Ours(4711, "acme/infra-new") || names.Ours(47, "acme/other") || names.Ours(0, "") {
			t.Fatal("a repository is not told by its id")
		}
	}
	if n := strings.Count(log.String(), "tfpilot.yaml"); n != 1 || !strings.Contains(log.String(), "acme/infra-new") {
		t.Errorf("log:\n%s", log.String())
	}
}

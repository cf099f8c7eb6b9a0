package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// A repository with another name is ours when TfPilot opened a pull request in it, and
// the log says once what to change.
func TestRenamedRepositoryIsKnownByItsID(t *testing.T) {
	d := newDesk(t)
	if err := d.store.PutPRIndex(t.Context(), 4711, 1, lifecycle.PRIndex{RequestID: "req_abcdefghijklm"}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	names := &renames{store: d.store, log: slog.New(slog.NewTextHandler(&log, nil)), known: map[int64]stranger{}}
	for range 3 {
		if !names.ours(4711, "acme/infra-new") || names.ours(47, "acme/other") || names.ours(0, "") {
			t.Fatal("a repository is not told by its id")
		}
	}
	if n := strings.Count(log.String(), "tfpilot.yaml"); n != 1 || !strings.Contains(log.String(), "acme/infra-new") {
		t.Errorf("log:\n%s", log.String())
	}
}

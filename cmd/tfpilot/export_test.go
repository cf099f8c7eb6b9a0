package main

import (
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// An audit log that is not the one that the document counts is exported and called damaged,
// by the command and by the doctor; a log that still waits in the document is complete.
func TestDamagedLogIsReported(t *testing.T) {
	w := newFullDesk(t)
	id := w.opened()
	w.says(cli.Done, `"logComplete": true`, "requests", "export", id)
	doc, err := w.Store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	events := doc.Request.Audit.Pending
	if _, err := w.Store.Update(t.Context(), id, lifecycle.Actor{Login: "worker"},
		lifecycle.Flushed(events[len(events)-1].Seq)); err != nil {
		t.Fatal(err)
	}
	w.says(cli.Failed, id+" is damaged", "doctor")
	w.says(cli.Failed, "the log ends with event 0 of 1", "requests", "export", id)
	w.says(cli.Failed, `"logComplete": false`, "requests", "export", id)
	if err := w.Store.AppendLog(t.Context(), id, events); err != nil {
		t.Fatal(err)
	}
	w.says(cli.Done, `"logComplete": true`, "requests", "export", id)
}

package doctor_test

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// A log that still waits in the document is complete; one whose events are gone is damaged.
func TestDoctorReadsTheLogs(t *testing.T) {
	const check = "the audit logs of the newest requests (at most 20) are complete"
	w := newWard(t)
	r := story.New(t, lifecycle.Environment{Key: "dev", Slug: "app"}).R
	doc, err := w.Store.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	id := r.ID
	if failures, _ := w.examined(); len(failures) > 0 {
		t.Errorf("a log in the document: %v", failures)
	}
	events := doc.Request.Audit.Pending
	if _, err := w.Store.Update(t.Context(), id, lifecycle.Actor{Login: "worker"},
		lifecycle.Flushed(events[len(events)-1].Seq)); err != nil {
		t.Fatal(err)
	}
	if failures, _ := w.examined(); len(failures) != 1 || !strings.Contains(failures[check], id+" is damaged") {
		t.Errorf("a log without its events: %v", failures)
	}
}

func TestDoctorNamesALockedState(t *testing.T) {
	w := newWard(t)
	_, err := w.Store.UpdateEnvironment(t.Context(), "core", lifecycle.Environment{Key: "dev", Slug: "app"},
		func(e lifecycle.EnvironmentState) (lifecycle.EnvironmentState, error) {
			e.StateLock = &lifecycle.StateLock{ID: "lock-1", Who: "runner@gone"}
			return e, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	failures, _ := w.examined()
	if fault := failures["no state is locked"]; len(failures) != 1 || !strings.Contains(fault, "runner@gone") ||
		!strings.Contains(fault, "environments unlock core dev/app") {
		t.Errorf("got %v", failures)
	}
}

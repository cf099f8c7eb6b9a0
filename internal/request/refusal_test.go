package request_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

// Every refusal says why at its field, leaves the documents as they are, and notifies no one.
func TestRefusals(t *testing.T) {
	for _, c := range requesttest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			w := newFixture(t)
			var before int64
			if c.Stored != nil {
				w.put(c.Stored, c.Archive)
				before = c.Stored.Version
			}
			ids := w.ids()
			var err error
			if c.Command != nil {
				_, err = w.Act(t.Context(), w.caller(c.Who), *c.Command)
			} else {
				_, err = w.Open(t.Context(), w.caller(c.Who), *c.Draft)
			}
			var refusal *request.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Text, c.Words) {
				t.Fatalf("got %v, want %q", err, c.Words)
			}
			at := slices.ContainsFunc(refusal.Faults, func(f request.Fault) bool {
				return f.Field == c.Field && strings.Contains(f.Text, c.Words)
			})
			if c.Field != "" && !at {
				t.Errorf("no fault is at %s: %+v", c.Field, refusal.Faults)
			}
			if refusal.Class == 0 || refusal.Code == "" {
				t.Errorf("%+v", refusal)
			}
			if c.Stored != nil {
				if doc, err := w.store.Get(t.Context(), requesttest.ID); err != nil ||
					doc.Request.Version != before {
					t.Errorf("something was written: %v %+v", err, doc.Request.Wanted)
				}
			}
			if !slices.Equal(ids, w.ids()) || w.tasks() != 0 {
				t.Errorf("something was done: %v, %d tasks", w.ids(), w.tasks())
			}
		})
	}
}

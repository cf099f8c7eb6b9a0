package worker_test

import (
	"context"
	"slices"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// TestMergeIsByThePersonBehindIt: the log names who requested the merge, or who merged on GitHub.
func TestMergeIsByThePersonBehindIt(t *testing.T) {
	for name, c := range map[string]struct {
		merge      func(*harness)
		by, source string
	}{
		"requested": {func(w *harness) { w.approve(reqA); w.click(reqA, lifecycle.ActionMerge, "omar") }, "omar", "slack"},
		"on GitHub, before TfPilot's own": {func(w *harness) {
			w.approve(reqA)
			w.gate.onCall("github PUT /pulls/*/merge", func() {
				_, _, err := w.as("dana").PullRequests.Merge(context.Background(), "acme", "infra-core", 1, "", nil)
				w.must(err)
			})
			w.click(reqA, lifecycle.ActionMerge, "omar")
		}, "dana", lifecycle.SourceGitHub},
		"on GitHub": {func(w *harness) {
			_, _, err := w.as("dana").PullRequests.Merge(context.Background(), "acme", "infra-core", 1, "", nil)
			w.must(err)
		}, "dana", lifecycle.SourceGitHub},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				c.merge(w)
				w.until(reqA, "merged", func(d store.Doc) bool { return d.Request.MergedSHA != "" })
				i := slices.IndexFunc(w.events(reqA), func(e lifecycle.Event) bool { return e.Type == "merged" })
				if i < 0 {
					w.t.Fatal("the merge is not in the log")
				}
				if e := w.events(reqA)[i]; e.Actor != c.by || e.Source != c.source {
					w.t.Errorf("merged by %s from %s, want %s from %s", e.Actor, e.Source, c.by, c.source)
				}
			})
		})
	}
}

package worker

import (
	"testing"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// A run may be TfPilot's when it is of one of its workflows, was dispatched, and runs on the
// base branch; its title counts for its own kind.
func TestDispatchedRuns(t *testing.T) {
	const cid = "plan-0123456789abcdef0123456789abcdef"
	good := github.Run{ID: 7, Attempt: 1, Path: ".github/workflows/plan.yml", Event: "workflow_dispatch",
		HeadBranch: "main", DisplayTitle: story.RunTitle(lifecycle.KindPlan, "req_abcdefghijklm", cid)}
	for name, c := range map[string]struct {
		change func(*github.Run)
		ours   bool
		cid    string
	}{
		"as TfPilot dispatches": {func(*github.Run) {}, true, cid},
		"another workflow":      {func(r *github.Run) { r.Path = ".github/workflows/release.yml" }, false, ""},
		"another event":         {func(r *github.Run) { r.Event = "push" }, false, ""},
		"another branch":        {func(r *github.Run) { r.HeadBranch = "request/req_abcdefghijklm" }, false, ""},
		"another title":         {func(r *github.Run) { r.DisplayTitle = "release" }, true, ""},
		"the title of another kind": {func(r *github.Run) {
			r.DisplayTitle = story.RunTitle(lifecycle.KindApply, "req_abcdefghijklm", "apply-0123456789abcdef0123456789abcdef")
		}, true, ""},
	} {
		run := good
		c.change(&run)
		f, ours := dispatchedRun(run, "main")
		if ours != c.ours || f.CorrelationID != c.cid || ours && (f.RunID != 7 || f.Kind != lifecycle.KindPlan) {
			t.Errorf("%s: %v %+v", name, ours, f)
		}
	}
}

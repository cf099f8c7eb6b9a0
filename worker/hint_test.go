package worker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A delivery that GitHub signed is not about a request because it bears its name: the
// run must be in its repository, dispatched by TfPilot, on the base branch.
func TestSealedHintOfAnotherRun(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.ledger.holds("plan", true)
		w.ask(reqA, "dana")
		w.until(reqA, "a run", func(d store.Doc) bool {
			a := d.Request.Runs.Plan.Current()
			return a != nil && a.Status == "in_progress"
		})
		w.pass(time.Minute)
		before, a := w.facts(reqA), *w.request(reqA).Runs.Plan.Current()
		n := 0
		for name, change := range map[string]func(*github.Hint){
			"another repository": func(h *github.Hint) { h.RepoID++ },
			"no repository":      func(h *github.Hint) { h.RepoID = 0 },
			"another event":      func(h *github.Hint) { h.Run.Event = "push" },
			"another branch":     func(h *github.Hint) { h.Run.HeadBranch = "request/" + reqA },
			"somebody else":      func(h *github.Hint) { h.Run.Actor = "dana" },
			"another workflow":   func(h *github.Hint) { h.Run.Path = ".github/workflows/release.yml" },
		} {
			hint := w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure")
			change(&hint)
			n++
			w.must(w.bell.Webhook(context.Background(), fmt.Sprintf("other-%d", n), w.hint(hint)))
			w.pass(10 * time.Second)
			if after := w.facts(reqA); after != before {
				w.t.Errorf("%s: the facts changed", name)
			}
		}
		w.must(w.bell.Webhook(context.Background(), "own", w.hint(w.runHint(a.RunID, lifecycle.KindPlan, a.CorrelationID, "completed", "failure"))))
		w.until(reqA, "taken in", func(d store.Doc) bool { return d.Request.Runs.Plan.Current().Conclusion == "failure" })
		w.ledger.holds("plan", false)
	})
}

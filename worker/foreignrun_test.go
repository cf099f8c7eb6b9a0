package worker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// byHand are inputs that give a run the name of a request.
func byHand(cid string) map[string]any {
	return map[string]any{
		"request_id": reqA, "environment_key": "dev", "environment_slug": "app", "sha": strings.Repeat("a", 40),
		"ref":            "main",
		"correlation_id": cid, "dry_run": "false",
	}
}

func (w *harness) foreignEvents() int {
	n := 0
	for _, e := range w.events(reqA) {
		if e.Type == "foreign_run" {
			n++
		}
	}
	return n
}

// A run that a person starts by hand under the name of a request is reported there, whether a
// webhook or sync finds it, and changes nothing.
func TestForeignRunIsReported(t *testing.T) {
	for name, prepare := range map[string]func(*harness){"webhook": func(*harness) {}, "sync": func(w *harness) {
		w.silent()
	}} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				prepare(w)
				w.pass(10 * time.Minute)
				before := w.facts(reqA)
				w.dispatchByHand("adam", "plan.yml", byHand("plan-"+strings.Repeat("0", 32)))
				w.dispatchByHand("adam", "apply.yml", byHand("apply-"+strings.Repeat("0", 32)))
				w.pass(10 * time.Minute)
				r := w.request(reqA)
				if w.foreignEvents() != 2 || len(r.ForeignRuns) != 2 || r.ForeignRuns[0].Kind != lifecycle.KindPlan ||
					r.ForeignRuns[0].Actor != "adam" ||
					r.ForeignRuns[1].Kind != lifecycle.KindApply || !strings.Contains(r.ForeignRuns[1].URL, "/actions/runs/") {
					t.Errorf("%d events, %+v", w.foreignEvents(), r.ForeignRuns)
				}
				if after := w.facts(reqA); after != before || len(w.ledger.done()) > 0 {
					t.Errorf("facts:\n%s\n%s\neffects: %v", before, after, w.ledger.done())
				}
				if r.ForeignRun() == nil {
					t.Error("the card does not show it")
				}
				w.approve(reqA)
				w.merge(reqA)
				w.apply(reqA)
				if r := w.request(reqA); r.ForeignRun() != nil || w.foreignEvents() != 2 {
					t.Errorf("after the next run of TfPilot: %+v, %d events", r.ForeignRun(), w.foreignEvents())
				}
			})
		})
	}
}

// A run is foreign when one thing of it is not TfPilot's: account, event, branch, file, or a
// correlation id that is no attempt's. Its own runs are not foreign, also runs of old attempts.
func TestWhatMakesARunForeign(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.merge(reqA)
		w.apply(reqA)
		plan := w.request(reqA).Runs.Plan.Attempts[0]
		none := "plan-" + strings.Repeat("0", 32)
		run := int64(9_000_000)
		for _, tt := range []struct {
			name    string
			change  func(*github.Hint)
			foreign bool
		}{
			{"a second run of an attempt", func(*github.Hint) {}, false},
			{"the run of an attempt", func(h *github.Hint) { h.Run.ID = plan.RunID }, false},
			{"the run of an attempt, by another account", func(h *github.Hint) { h.Run.ID, h.Run.Actor = plan.RunID, "adam" },
				false},
			{"the name of another request", func(h *github.Hint) {
				h.Run.DisplayTitle = story.RunTitle(lifecycle.KindPlan, reqB, none)
			}, false},
			{"no name", func(h *github.Hint) { h.Run.DisplayTitle = "about " + reqA }, false},
			{"another account", func(h *github.Hint) { h.Run.Actor = "adam" }, true},
			{"another event", func(h *github.Hint) { h.Run.Event = "push" }, true},
			{"another branch", func(h *github.Hint) { h.Run.HeadBranch = "evil" }, true},
			{"another file", func(h *github.Hint) { h.Run.Path = ".github/workflows/evil.yml" }, true},
			{"the file of another kind", func(h *github.Hint) { h.Run.Path = ".github/workflows/apply.yml" }, true},
			{"another repository", func(h *github.Hint) { h.RepoID++ }, true},
			{"a correlation id that is no attempt's", func(h *github.Hint) {
				h.Run.DisplayTitle = story.RunTitle(lifecycle.KindPlan, reqA, none)
			}, true},
			{"a cleanup that no attempt started", func(h *github.Hint) {
				h.Run.Path, h.Run.DisplayTitle = ".github/workflows/cleanup.yml", story.RunTitle(lifecycle.KindCleanup, reqA,
					"cleanup-"+strings.Repeat("0", 32))
			}, true},
			{"no correlation id", func(h *github.Hint) { h.Run.DisplayTitle = "tfpilot plan " + reqA + " [x]" }, true},
		} {
			run++
			before := w.foreignEvents()
			hint := w.runHint(run, lifecycle.KindPlan, plan.CorrelationID, "completed", "failure")
			tt.change(&hint)
			for i := range 2 { // a repeated webhook adds nothing
				w.must(w.notifier.Webhook(context.Background(), fmt.Sprintf("foreign-%d-%d", run, i), w.hint(hint)))
				w.pass(10 * time.Second)
			}
			if got := w.foreignEvents() - before; got != map[bool]int{true: 1}[tt.foreign] {
				t.Errorf("%s: %d events", tt.name, got)
			}
		}
	})
}

// However many runs a person starts under the name of a request, the document is written a
// bounded number of times, and then their webhooks cost no call.
func TestForeignRunsAreCheapInNumbers(t *testing.T) {
	withHarness(t, setup{workers: 1}, func(w *harness) {
		w.open(reqA)
		w.pass(10 * time.Minute)
		flood := func(from, n int) {
			for i := range n {
				hint := w.runHint(int64(9_000_000+from+i), lifecycle.KindPlan, "plan-"+strings.Repeat("0", 32), "completed",
					"failure")
				hint.Run.Actor = "mallory"
				w.must(w.notifier.Webhook(context.Background(), fmt.Sprintf("flood-%d", from+i), w.hint(hint)))
			}
			w.pass(time.Minute)
		}
		flood(0, 60)
		if n := w.foreignEvents(); n != lifecycle.MaxForeignRuns {
			t.Errorf("%d events", n)
		}
		w.pass(10 * time.Minute)
		version, calls := w.request(reqA).Version, w.gate.calls("s3 GET")
		flood(60, 200)
		if got := w.gate.calls("s3 GET") - calls; got > 10 || w.request(reqA).Version != version {
			t.Errorf("%d reads, %d writes", got, w.request(reqA).Version-version)
		}
	})
}

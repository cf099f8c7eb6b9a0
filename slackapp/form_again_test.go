package slackapp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// A closed request starts another one: the form has what was typed, and the new request has an ID
// of its own.
func TestStartAgainWithTheSameInputs(t *testing.T) {
	withFixture(t, func(w *fixture) {
		s := story.States(t)["closed"]
		s.R.Config["noncurrent_expire_days"] = 7.0
		s.R.Config["gone"] = "x"
		w.put(s, story.Creating())
		w.click("dana", w.card("dana", devCh), "again")
		has(t, wordsIn(w.view("dana")), "Filled in from “S3 bucket acme-artifacts”", "no longer accepts it: gone.")
		got := w.entered("dana")
		if got["field.name"] != "acme-artifacts" || got["reason"] != s.R.Reason {
			t.Errorf("%v", got)
		}
		r := w.submit("dana", map[string]any{"field.name": "acme-other"})
		if len(r.Errors) > 0 {
			t.Fatalf("%v", r.Errors)
		}
		w.settle()
		all := w.requests()
		i := slices.IndexFunc(all, func(r lifecycle.Request) bool { return r.ID != story.ID })
		if len(all) != 2 || i < 0 {
			t.Fatalf("%d requests", len(all))
		}
		if c := all[i].Config; c["name"] != "acme-other" || fmt.Sprint(c["noncurrent_expire_days"]) != "7" ||
			c["gone"] != nil {
			t.Errorf("%v", c)
		}
	})
}

// Only what ended, or never had a plan that worked, can be started again: what exists is changed instead.
func TestStartAgainIsOfferedWhereNothingIsLeftToDo(t *testing.T) {
	for name, s := range story.States(t) {
		offered := strings.Contains(wordsIn(drawingOf(t, s).card().Blocks), "Start again")
		want := slices.Contains([]string{"closed", "rejected", "plan_failed", "plan_canceled", "plan_failed_closed",
			"destroyed",
			"cleaning", "cleaned", "archived"}, name)
		if offered != want {
			t.Errorf("%s: offered %v, want %v", name, offered, want)
		}
	}
}

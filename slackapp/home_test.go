package slackapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
)

// home opens the Home tab of a person and returns what they see there.
func (w *fixture) home(user string) *slack.ViewState {
	w.t.Helper()
	w.must(w.slack.OpenHome(user, "home"))
	w.settle()
	return w.shownHome(user)
}

func (w *fixture) shownHome(user string) *slack.ViewState {
	w.t.Helper()
	v := w.state(user).Home
	if v == nil {
		w.t.Fatalf("%s has no Home", user)
	}
	return v
}

// clickHome clicks a button of the Home tab.
func (w *fixture) clickHome(user, action string) {
	w.t.Helper()
	_, err := w.slack.Act(slack.ActionInput{User: user, View: w.shownHome(user).ID, ActionID: action})
	w.must(err)
	w.settle()
}

// A new person finds out how to begin, and who they are to TfPilot.
func TestFirstHome(t *testing.T) {
	withFixture(t, func(w *fixture) {
		has(t, wordsIn(w.home("dana")), "New request", "Linked to GitHub as *dana*", "Nothing waits for you.",
			"You have no requests yet.", "There are no requests yet.", "*core dev/app*", "Free")
		words := wordsIn(w.home("nora"))
		has(t, words, "not linked to a GitHub login", "https://tfpilot.acme.test/login")
		if strings.Contains(words, "Waiting for you") {
			t.Errorf("an unlinked person has nothing that waits: %s", words)
		}
		w.clickHome("dana", "start")
		has(t, wordsIn(w.view("dana")), "New request", "Choose a project")
	})
}

// What waits for a person is theirs to decide; a window shows the request.
func TestHomeListsWhatWaits(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.must(w.index.Put(w.t.Context(), queue.RowOf(w.doc().Request, false)))
		if words := wordsIn(w.home("dana")); !strings.Contains(words, "Nothing waits for you.") {
			t.Errorf("the author approves: %s", words)
		}
		words := wordsIn(w.home("omar"))
		if strings.Contains(words, "Nothing waits") {
			t.Errorf("%s", words)
		}
		has(t, words, "needs: Approve")
		_, err := w.slack.Act(slack.ActionInput{User: "omar", View: w.shownHome("omar").ID, ActionID: "review"})
		w.must(err)
		w.settle()
		has(t, wordsIn(w.view("omar")), "acme-artifacts", "You're approving this exact plan")
		w.submit("omar", nil)
		if w.doc().Request.Intent(lifecycle.ActionApprove) == nil {
			t.Error("the approval was not recorded")
		}
	})
}

// Three hundred requests, twelve that wait and many environments are within Slack's limits of a view, and one's
// own requests have pages.
func TestLongestHome(t *testing.T) {
	withFixture(t, func(w *fixture) {
		p := &w.app.Cards.Projects[0]
		for i := range 30 {
			p.Environments = append(p.Environments, config.Environment{Project: p.Name, Key: "dev", Slug: fmt.Sprintf("app-%d", i)})
		}
		w.app.Requests.Projects = w.app.Cards.Projects
		s := story.Ready(t)
		for i := range 12 {
			r := s.R
			r.ID = fmt.Sprintf("req_%013d", 900+i)
			r.CreatedAt = r.CreatedAt.AddDate(0, 0, 1)
			doc, err := w.store.Create(w.t.Context(), r)
			w.must(err)
			w.must(w.index.Put(w.t.Context(), queue.RowOf(doc.Request, false)))
		}
		for n := range 300 {
			w.must(w.index.Put(w.t.Context(), rowOf(n, fmt.Sprintf("S3 bucket number-%03d", n))))
		}
		w.home("omar")
		words := wordsIn(w.home("dana"))
		has(t, words, "Your requests: 1–10 of 162", "and 13 more", "Older")
		w.clickHome("dana", "home.older")
		has(t, wordsIn(w.shownHome("dana")), "Your requests: 11–20 of 162", "Newer")
		w.clickHome("dana", "home.newer")
		has(t, wordsIn(w.shownHome("dana")), "Your requests: 1–10 of 162")
	})
}

// A part that cannot be read says so.
func TestHomeWhileTheListIsBroken(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.redis.Close()
		has(t, wordsIn(w.home("dana")), "cannot be read right now", "*core dev/app*")
	})
}

// A plan is rejected where it is read: the window asks for the reason.
func TestRejectWhereThePlanIsRead(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.click("omar", w.card("omar", devCh), "review")
		w.act("omar", "plan.reject", nil, nil)
		has(t, wordsIn(w.view("omar")), "Your reason is posted in the thread.")
		w.submit("omar", map[string]any{"why": "The name is wrong."})
		if r := w.doc().Request.Intent(lifecycle.ActionReject); r == nil || r.Reason != "The name is wrong." {
			t.Errorf("%+v", r)
		}
		w.click("dana", w.card("dana", devCh), "review")
		if words := wordsIn(w.view("dana")); strings.Contains(words, "Reject…") || strings.Contains(words, "approving") {
			t.Errorf("the author decides: %s", words)
		}
	})
}

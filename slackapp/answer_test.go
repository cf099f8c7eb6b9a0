package slackapp

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
)

// sendAndClose submits the view in front and closes it at once, as it invites to.
func (w *fixture) sendAndClose(user string, values map[string]any) {
	w.t.Helper()
	id := w.view(user).ID
	_, err := w.slack.Submit(user, id, values)
	w.must(err)
	time.Sleep(ackGrace / 2)
	_, err = w.slack.CloseView(user, id)
	w.must(err)
	w.settle()
}

// told is the last that came to a person's messages.
func (w *fixture) told(user string) string {
	w.t.Helper()
	all := w.messages(user, "dm")
	if len(all) == 0 {
		w.t.Fatalf("nothing came to the messages of %s", user)
	}
	return all[len(all)-1].Text
}

func TestAnswerToAClosedWindowComesByMessage(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.click("omar", w.card("omar", devCh), "do.reject")
		w.sendAndClose("omar", map[string]any{"why": "It belongs into the other account."})
		has(t, w.told("omar"), "Your rejection of “S3 bucket acme-artifacts” is saved")
	})
}

func TestRequestSentAndClosedIsAnswered(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket")
		w.sendAndClose("dana", map[string]any{"field.name": "acme-x", "reason": "Because."})
		if all := w.messages("dana", "dm"); len(all) != 1 {
			t.Fatalf("%d messages", len(all)) // the card says it
		}
		has(t, w.told("dana"), "Saved: S3 bucket acme-x in core dev/app.")
		w.app.Requests.Documents = broken{}
		w.command("dana", devCh, "request s3-bucket")
		w.sendAndClose("dana", map[string]any{"field.name": "acme-y", "reason": "Because."})
		has(t, w.told("dana"), "S3 bucket acme-y in core dev/app was not saved, and nothing was created. Start again "+
			"with `/tfpilot request`.")
	})
}

func TestAnswerThatCannotBeDrawnComesByMessage(t *testing.T) {
	for _, f := range []slack.Fault{
		{Kind: slack.FaultError, Code: "invalid_arguments"},
		{Kind: slack.FaultError},
		{Kind: slack.FaultHang},
	} {
		withFixture(t, func(w *fixture) {
			w.put(story.Ready(t), story.Creating())
			w.click("omar", w.card("omar", devCh), "do.reject")
			f.Method = "views.update"
			w.must(w.slack.Inject(f))
			w.submit("omar", map[string]any{"why": "It belongs into the other account."})
			time.Sleep(callTimeout)
			w.settle()
			if w.request(story.ID).Intent(lifecycle.ActionReject) == nil {
				t.Fatal("no intent was written")
			}
			if f.Code == "" {
				has(t, wordsIn(w.view("omar")), "Your rejection of")
				return
			}
			has(t, wordsIn(w.view("omar")), "could not be shown here")
			has(t, w.told("omar"), "Your rejection of")
		})
	}
}

// TestFormThatCannotBeDrawnStays: what was entered is worth more than an excuse.
func TestFormThatCannotBeDrawnStays(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket")
		w.must(w.slack.Inject(slack.Fault{Method: "views.update", Kind: slack.FaultError, Code: "invalid_arguments"}))
		w.act("dana", "fold", nil, map[string]any{"field.name": "acme-x"})
		if v := w.view("dana"); !strings.Contains(wordsIn(v), "Bucket name") {
			t.Error(wordsIn(v))
		}
	})
}

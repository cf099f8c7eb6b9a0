package slackapp

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/openai"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
)

// write posts a message as a person and waits until it has been answered.
func (w *fixture) write(user, channel, thread, text string) sandbox.MessageState {
	w.t.Helper()
	m, err := w.slack.Say(user, channel, thread, text)
	w.must(err)
	w.settle()
	return m
}

// last is the newest message of a person's channel.
func (w *fixture) last(user, channel string) sandbox.MessageState {
	w.t.Helper()
	all := w.messages(user, channel)
	if len(all) == 0 {
		w.t.Fatalf("no message in %s", channel)
	}
	return all[len(all)-1]
}

func TestAConversationBecomesARequest(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.write("dana", "dm", "", "I need an s3 bucket named acme-builds in core dev/app")
		card := w.last("dana", "dm")
		has(t, wordsIn(card), "S3 bucket acme-builds · core dev/app", "Bucket name: ", "Create request", "Edit", "Discard",
			"Nothing is made until you create the request.")
		has(t, card.Text, "Draft: S3 bucket acme-builds · core dev/app is ready")

		w.write("dana", "dm", "", "objects expire after 30 days")
		newest := w.last("dana", "dm")
		has(t, wordsIn(newest), "30")
		if newest.TS == card.TS {
			t.Fatal("no answer to the correction")
		}
		before := w.messages("dana", "dm")[1]
		if before.TS != card.TS || strings.Contains(wordsIn(before), "Create request") {
			t.Errorf("the card before keeps its buttons: %s", wordsIn(before))
		}
		if n := len(w.requests()); n != 0 {
			t.Fatalf("%d requests without a click", n)
		}
		w.click("dana", newest, actDraftCreate)
		r := w.onlyRequest()
		if r.Config["name"] != "acme-builds" || r.Environment.String() != "dev/app" || r.Requester.Login != "dana" ||
			r.Reason != "I need an s3 bucket named acme-builds in core dev/app" {
			t.Errorf("%+v", r)
		}
		for _, m := range w.messages("dana", "dm") {
			if m.TS == newest.TS {
				has(t, wordsIn(m), "Request submitted: S3 bucket acme-builds in core dev/app.")
			}
		}
	})
}

func TestQuestionsAreAnsweredByMenusAndTheForm(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.write("dana", "dm", "", "I need an s3 bucket")
		card := w.last("dana", "dm")
		has(t, wordsIn(card), "In which environment?", "Edit")
		r, err := w.slack.Act(sandbox.ActionInput{User: "dana", Channel: card.Channel, TS: card.TS,
			ActionID: actDraftAnswer, Selected: "core dev/app"})
		w.must(err)
		if r.Outcome != sandbox.Acked {
			t.Fatal(r.Outcome)
		}
		w.settle()
		card = w.last("dana", "dm")
		has(t, wordsIn(card), "S3 bucket · core dev/app", "Bucket name is missing.")
		if strings.Contains(wordsIn(card), "Create request") {
			t.Error("an incomplete draft can be created")
		}
		w.click("dana", card, actDraftEdit)
		if got := w.chosen("dana", "environment"); got != "dev/app" {
			t.Errorf("the form has %q", got)
		}
		if r := w.submit("dana", map[string]any{"field.name": "acme-form"}); r.Outcome != sandbox.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		if r := w.onlyRequest(); r.Config["name"] != "acme-form" {
			t.Errorf("%+v", r.Config)
		}
	})
}

// TestOnlyTheWriterActsOnADraft and on nothing but the state that the card showed.
func TestOnlyTheWriterActsOnADraft(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		asked := w.write("dana", devCh, "", "@tfpilot an s3 bucket named acme-shared")
		replies := w.last("dana", devCh).Replies
		if len(replies) != 1 {
			t.Fatalf("%d answers in the thread", len(replies))
		}
		card := replies[0]
		has(t, wordsIn(card), "S3 bucket acme-shared · core dev/app")
		for _, action := range []string{actDraftCreate, actDraftEdit, actDraftDiscard} {
			w.click("omar", card, action)
			has(t, w.lastWhisper("omar"), "Only <@")
		}
		w.write("dana", devCh, asked.TS, "@tfpilot it should be named acme-other")
		if _, err := w.slack.Act(sandbox.ActionInput{User: "dana", Channel: card.Channel, TS: card.TS,
			ActionID: actDraftCreate}); err == nil {
			t.Error("the old card keeps its buttons")
		}
		if n := len(w.requests()); n != 0 {
			t.Fatalf("%d requests", n)
		}
	})
}

func TestALateClickIsRefused(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.write("dana", "dm", "", "an s3 bucket named acme-late in core dev/app")
		card := w.last("dana", "dm")
		w.must(w.slack.Inject(sandbox.Fault{Method: "chat.update", Kind: sandbox.FaultError,
			Count: 1})) // the old card keeps its buttons
		w.write("dana", "dm", "", "it should be named acme-newer")
		w.click("dana", card, actDraftCreate)
		has(t, w.lastWhisper("dana"), "This draft changed or is finished, so nothing was done.")
		if n := len(w.requests()); n != 0 {
			t.Fatalf("%d requests", n)
		}
	})
}

func TestSeveralRequestsComeOneAfterTheOther(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.write("dana", "dm", "", "an s3 bucket named acme-one in core dev/app, and also a container repository named "+
			"acme-two in core dev/app")
		first := w.last("dana", "dm")
		has(t, wordsIn(first), "S3 bucket acme-one", "1 more of your drafts follow.")
		w.click("dana", first, actDraftDiscard)
		second := w.last("dana", "dm")
		has(t, wordsIn(second), "Container repository acme-two · core dev/app")
		w.click("dana", second, actDraftCreate)
		if r := w.onlyRequest(); r.Module != "ecr-repo" {
			t.Errorf("%+v", r)
		}
	})
}

// TestAMessageIsTakenOnce delivers each event twice.
func TestAMessageIsTakenOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.must(w.slack.Inject(sandbox.Fault{Kind: sandbox.FaultDuplicateEvent, Count: 1}))
		w.write("dana", "dm", "", "an s3 bucket named acme-twice in core dev/app")
		if n := len(w.messages("dana", "dm")); n != 2 || srv.Calls() != 1 {
			t.Errorf("%d messages, the model was asked %d times", n, srv.Calls())
		}
	})
}

// TestAFailingModelStillGetsAnAnswer within two seconds, also while the model hangs.
func TestAFailingModelStillGetsAnAnswer(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.must(srv.Inject(openai.Fault{Kind: openai.FaultHang}))
		_, err := w.slack.Say("dana", "dm", "", "an s3 bucket named acme-slow in core dev/app")
		w.must(err)
		time.Sleep(2 * time.Second)
		has(t, wordsIn(w.last("dana", "dm")), "takes a moment", "Open the form")
		time.Sleep(10 * time.Second)
		has(t, wordsIn(w.last("dana", "dm")), "did not answer in time", "A keyword in your text chose the module",
			"S3 bucket · core dev/app",
			"Edit")

		w.write("ana", "dm", "", "an iam role in core dev/app")
		all := w.messages("ana", "dm")
		if len(all) != 2 {
			t.Errorf("%d messages while the model rests", len(all))
		}
		has(t, wordsIn(all[len(all)-1]), "could not be reached", "IAM role · core dev/app")
	})
}

func TestSecretsInMessagesAreNotStored(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.write("dana", "dm", "", "a bucket, my key is AKIAIOSFODNN7EXAMPLE")
		has(t, wordsIn(w.last("dana", "dm")), "looks like it holds", "delete the message")
		if srv.Calls() != 0 {
			t.Error("the model was asked")
		}
		dm := w.last("dana", "dm").Channel
		if data, _, err := w.store.Draft(w.t.Context(), teamID, story.SlackUsers["dana"], dm); err != nil ||
			strings.Contains(string(data), "AKIA") {
			t.Errorf("%s %v", data, err)
		}
	})
}

func TestPeopleWithoutRightsAreRefused(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.write("vic", "dm", "", "an s3 bucket named acme-x in core dev/app")
		has(t, wordsIn(w.last("vic", "dm")), "Only", "can request infrastructure")
		w.write("dana", "dm", "", "help")
		has(t, wordsIn(w.last("dana", "dm")), "in your own words", "Open the form")
		if srv.Calls() != 0 {
			t.Error("the model was asked")
		}
	})
}

func TestShortcutsOpenTheForm(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		m := w.write("omar", devCh, "", "we should have an s3 bucket named acme-from-message")
		r, err := w.slack.Shortcut("dana", shortcutFrom, devCh, m.TS)
		w.must(err)
		w.settle()
		if r.Outcome != sandbox.Acked {
			t.Fatal(r.Outcome)
		}
		if got := w.entered("dana")["field.name"]; got != "acme-from-message" {
			t.Errorf("name: %v", got)
		}
		r, err = w.slack.Shortcut("ana", shortcutNew, "", "")
		w.must(err)
		w.settle()
		has(t, wordsIn(w.view("ana")), "Choose a project")
	})
}

// TestASuggestionIsOneClick that changes one input, and does nothing once the draft changed.
func TestASuggestionIsOneClick(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.write("dana", "dm", "", "an s3 bucket named Acme_Builds in core dev/app")
		card := w.last("dana", "dm")
		has(t, wordsIn(card), "Use acme-builds", "S3 bucket · core dev/app")
		w.click("dana", card, actDraftUse+"name")
		card = w.last("dana", "dm")
		has(t, wordsIn(card), "S3 bucket acme-builds · core dev/app", "Create request")
		if strings.Contains(wordsIn(card), "Use acme-builds") {
			t.Error("the suggestion stays")
		}
		w.click("dana", card, actDraftCreate)
		if r := w.onlyRequest(); r.Config["name"] != "acme-builds" {
			t.Errorf("%+v", r.Config)
		}
	})
}

// TestRepliesInThreadsOfDirectMessages holds that a reply to the draft's card or to one's own words is heard, and a
// reply in the thread of a request's card is not.
func TestRepliesInThreadsOfDirectMessages(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		asked := w.write("dana", "dm", "", "an s3 bucket named acme-thread in core dev/app")
		card := w.last("dana", "dm")
		w.write("dana", "dm", card.TS, "objects expire after 30 days")
		card = w.last("dana", "dm")
		has(t, wordsIn(card), "S3 bucket acme-thread", "30")
		w.write("dana", "dm", asked.TS, "without versioning")
		card = w.last("dana", "dm")
		has(t, wordsIn(card), "S3 bucket acme-thread", "Versioning")
		w.click("dana", card, actDraftCreate)
		calls := srv.Calls()
		requestCard := w.last("dana", "dm")
		w.write("dana", "dm", requestCard.TS, "an s3 bucket named acme-other in core dev/app?")
		if srv.Calls() != calls {
			t.Error("a reply to the card of a request was read as a request")
		}
	})
}

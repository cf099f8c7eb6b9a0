package slackapp

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/sim/slack"
)

func TestRequestFromTheFirstWordToTheCard(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bucket")
		v := w.view("dana")
		has(t, wordsIn(v), "New request", "Bucket name", "Why is it needed?", "Show advanced options")
		if got := v.Values; len(got) == 0 {
			t.Fatal("no fields")
		}

		r := w.submit("dana", map[string]any{"field.name": "Not A Bucket",
			"reason": "The deploy job needs a place for artifacts."})
		if r.Outcome != slack.FieldErrors {
			t.Fatalf("a wrong name was taken: %s", r.Outcome)
		}
		has(t, wordsIn(r.Errors)+r.Errors["field:s3-bucket:name"], "3 to 63 lowercase")

		w.act("dana", "fold", nil, map[string]any{"field.name": "acme-artifacts"})
		has(t, wordsIn(w.view("dana")), "Hide advanced options", "Force destroy (delete objects)")
		if r = w.submit("dana", nil); r.Outcome != slack.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		has(t, wordsIn(w.view("dana")), "Request submitted: S3 bucket acme-artifacts in core dev/app.",
			"View in the channel")

		req := w.onlyRequest()
		if req.Config["name"] != "acme-artifacts" || req.Requester.Login != "dana" ||
			req.Environment.String() != "dev/app" {
			t.Errorf("%+v", req)
		}
		if req.Reason != "The deploy job needs a place for artifacts." ||
			req.Target.Path != "envs/dev/app/tfpilot_"+req.ID+".tf" {
			t.Errorf("%q %q", req.Reason, req.Target.Path)
		}
		if !w.notices.has("changed " + req.ID) {
			t.Error("no one was notified")
		}
		channel, dm := w.messages("dana", devCh), w.messages("dana", "dm")
		if len(channel) != 1 || len(dm) != 1 {
			t.Fatalf("%d cards in the channel, %d in the messages", len(channel), len(dm))
		}
		has(t, channel[0].Text, "Saved: S3 bucket acme-artifacts in core dev/app.")
		has(t, wordsIn(dm[0]), "View in the channel")
	})
}

func TestRefusalComesBeforeAnyForm(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("vic", devCh, "request")
		has(t, wordsIn(w.view("vic")), "Only", "can request infrastructure")
		w.command("nora", devCh, "request")
		has(t, wordsIn(w.view("nora")), "isn't linked to a GitHub login", "https://tfpilot.acme.test/login")
	})
}

func TestFormKeepsWhatWasEntered(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request")
		w.act("dana", "module", "s3-bucket", nil)
		w.act("dana", "fold", nil, map[string]any{"field.name": "one", "field.expire_days": "30", "reason": "Because."})
		w.act("dana", "fold", nil, map[string]any{"field.force_destroy": "yes", "field.tags": "Team=core"})
		if got := wordsIn(w.view("dana")); got == "" {
			t.Fatal("no view")
		}
		w.act("dana", "fold", nil, nil)
		got := map[string]any{}
		for _, block := range w.view("dana").Values {
			for action, v := range block {
				got[action] = v["value"]
			}
		}
		for action, want := range map[string]any{"field.name": "one", "field.expire_days": "30", "reason": "Because.",
			"field.tags": "Team=core"} {
			if diff := cmp.Diff(want, got[action]); diff != "" {
				t.Errorf("%s: %s", action, diff)
			}
		}
		w.act("dana", "environment", "prod/app", nil)
		r := w.submit("dana", map[string]any{"field.name": "acme-one"})
		if r.Outcome != slack.FieldErrors {
			t.Fatalf("force_destroy was taken in production: %s", r.Outcome)
		}
		w.submit("dana", map[string]any{"field.force_destroy": "no"})
		req := w.onlyRequest()
		if diff := cmp.Diff(map[string]any{"Team": "core"}, req.Config["tags"]); diff != "" ||
			req.Environment.Key != "prod" {
			t.Errorf("%s %v", diff, req.Environment)
		}
	})
}

func TestMistypedWordsGetTheNearest(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request s3-bukcet dev")
		has(t, w.lastWhisper("dana"), "s3-bukcet", "Did you mean “s3-bucket”?")
		r := w.command("dana", devCh, "lst")
		has(t, r.Reply.Text, "Did you mean `/tfpilot list`?")
		w.command("dana", devCh, "show req_nothing00000")
		has(t, w.lastWhisper("dana"), "not found")
		w.command("dana", devCh, "list")
		has(t, w.lastWhisper("dana"), "There are no requests yet.")
	})
}

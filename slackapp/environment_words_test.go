package slackapp

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sim/slack"
)

// chosen is the value of a menu in the form that a person sees.
func (w *fixture) chosen(user, action string) string {
	w.t.Helper()
	for _, block := range w.view(user).Values {
		if v, ok := block[action]; ok {
			option, _ := v["selected_option"].(map[string]any)
			value, _ := option["value"].(string)
			return value
		}
	}
	return ""
}

// TestNamedEnvironmentIsNeverReplaced types words that name an environment which the channel's
// project lacks: the form says so and chooses none, with a model and without.
func TestNamedEnvironmentIsNeverReplaced(t *testing.T) {
	for _, model := range []bool{true, false} {
		for _, tc := range []struct{ channel, text, prompt string }{
			{devCh, "request a private bucket for build artifacts in staging",
				"There is no environment “staging” in the project core."},
			{devCh, "request a staging bucket for build artifacts", "There is no environment “staging” in the project core."},
			{devCh, "request a bucket for build artifacts in the blue environment",
				"There is no environment “blue” in the project core."},
			{devCh, "request a bucket for build artifacts env=staging",
				"There is no environment “staging” in the project core."},
			{devCh, "request a bucket for build artifacts in _staging_",
				"There is no environment “staging” in the project core."},
			{devCh, "request a bucket for build artifacts in prod-eu",
				"There is no environment “prod-eu” in the project core."},
			{devCh, "request a bucket for build artifacts in live", "There is no environment “live” in the project core."},
			{payCh, "request a bucket for build artifacts in production",
				"There is no environment “production” in the project payments. It matches other environments: core prod/app."},
			{payCh, "request a private bucket for build artifacts in prod",
				"There is no environment “prod” in the project payments."},
			{payCh, "request s3-bucket prod", "There is no environment “prod” in the project payments."},
			{devCh, "request s3-bucket payments prod", "There is no environment “prod” in the project payments."},
			{devCh, "request a bucket for build artifacts in dev or in staging",
				"Your words name several environments: “dev”, “staging”."},
		} {
			withFixture(t, func(w *fixture) {
				if model {
					w.withModel()
				}
				w.command("dana", tc.channel, tc.text)
				v := w.view("dana")
				has(t, wordsIn(v), tc.prompt, "Choose")
				if got := w.chosen("dana", "environment"); got != "" {
					t.Errorf("model %v, %q: environment %v is chosen", model, tc.text, got)
				}
			})
		}
	}
}

// TestNamedEnvironmentIsChosen types words that name an environment which the project has, also in another spelling.
func TestNamedEnvironmentIsChosen(t *testing.T) {
	for _, model := range []bool{true, false} {
		for _, tc := range []struct{ channel, text, project, env string }{
			{devCh, "request a bucket for build artifacts in production", "core", "prod/app"},
			{devCh, "request a bucket for production logs in dev", "core", "dev/app"},
			{payCh, "request a bucket for build artifacts in core prod", "core", "prod/app"},
			{prodCh, "request a bucket for build artifacts in the dev environment", "core", "dev/app"},
			{payCh, "request a bucket for build artifacts in prod of core", "core", "prod/app"},
			{payCh, "request a bucket for lambda environment variables", "payments", "dev/api"},
		} {
			withFixture(t, func(w *fixture) {
				if model {
					w.withModel()
				}
				w.command("dana", tc.channel, tc.text)
				project, env := w.chosen("dana", "project"), w.chosen("dana", "environment")
				if project != tc.project || env != tc.env {
					t.Errorf("model %v, %q: %q %q, want %q %q", model, tc.text, project, env, tc.project, tc.env)
				}
			})
		}
	}
}

// TestChosenEnvironmentKeepsWhatWasFilledIn chooses the environment that the words did not name,
// and creates the request.
func TestChosenEnvironmentKeepsWhatWasFilledIn(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.command("dana", devCh, "request a private bucket for build artifacts in staging")
		w.act("dana", "environment", "dev/app", nil)
		if name, _ := w.entered("dana")["field.name"].(string); !strings.Contains(name, "artifacts") {
			t.Errorf("name: %q", name)
		}
		if r := w.submit("dana", nil); r.Outcome != slack.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
	})
}

package slackapp

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/sim/openai"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

const modelKey = "sk-sandbox"

// withModel gives the app a model, and says how to break it.
func (w *fixture) withModel() *openai.Server {
	srv := openai.New(openai.Config{Keys: []string{modelKey}})
	w.app.Intake = intake.New(intake.Config{Key: modelKey, BaseURL: "http://model.test/v1", Model: openai.Name,
		HTTP: hanging{srv}})
	return srv
}

// hanging hands requests to a handler that may never answer.
type hanging struct{ h http.Handler }

func (p hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	type result struct {
		resp *http.Response
		err  error
	}
	done := make(chan result, 1)
	go func() {
		resp, err := inprocess.To(p.h).RoundTrip(r)
		done <- result{resp, err}
	}()
	select {
	case got := <-done:
		return got.resp, got.err
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

const bucketWords = "request a private bucket for build artifacts in dev"

func TestWordsOpenThePrefilledForm(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.withModel()
		w.command("dana", devCh, bucketWords)
		v := w.view("dana")
		has(t, wordsIn(v), "AI filled in this form from your description", "AI suggestion: check it.")
		name, _ := v.Values["field:s3-bucket:name"]["field.name"]["value"].(string)
		if !strings.Contains(name, "artifacts") {
			t.Errorf("name: %q", name)
		}
		if r := w.submit("dana", nil); r.Outcome != slack.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		if r := w.onlyRequest(); r.Reason != strings.TrimPrefix(bucketWords, "request ") ||
			r.Environment.String() != "dev/app" {
			t.Errorf("%q %s", r.Reason, r.Environment)
		}
	})
}

func TestWithoutAnAnswerTheFormOpensEmptyAndSaysSo(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  openai.FaultKind
		prompt string
	}{
		{"no model", "", "No language model is set up here"},
		{"no answer", openai.FaultHang, "did not answer in time"},
		{"prose", openai.FaultRefusal, "gave no usable answer"},
		{"broken", openai.FaultInternal, "could not be reached"},
		{"cut off", openai.FaultMalformed, "gave no usable answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				if c.fault != "" {
					w.must(w.withModel().Inject(openai.Fault{Kind: c.fault}))
				}
				_, err := w.slack.Command("dana", devCh, "/tfpilot", bucketWords)
				w.must(err)
				w.settle()
				w.settle()
				w.settle()
				has(t, wordsIn(w.view("dana")), c.prompt, "Project", "Environment")
			})
		})
	}
}

func TestSecretsInWordsStayHere(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.command("dana", devCh, "request a bucket with the key AKIAIOSFODNN7EXAMPLE in dev")
		has(t, wordsIn(w.view("dana")), "looks like it holds an AWS access key")
		if strings.Contains(wordsIn(w.view("dana")), "AKIA") || srv.Calls() != 0 {
			t.Error("the key was passed on")
		}
	})
}

// Slack sends the text of a command escaped. It is unescaped once, so that nothing is escaped twice.
func TestWordsAreEscapedOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command("dana", devCh, "request a bucket for R&D <and> more")
		shown := wordsIn(w.view("dana"))
		w.command("dana", devCh, "rquest&<x>")
		whisper := fmt.Sprint(w.whispers("dana"))
		for _, text := range []string{shown, whisper} {
			if strings.Contains(text, "&amp;amp;") || strings.Contains(text, "&amp;lt;") {
				t.Errorf("escaped twice: %s", text)
			}
		}
		if !strings.Contains(whisper, "rquest&amp;&lt;x&gt;") {
			t.Errorf("not escaped: %s", whisper)
		}
	})
}

// What a reader could not see is refused where it is typed, in words and in reasons.
func TestInvisibleCharactersAreRefused(t *testing.T) {
	withFixture(t, func(w *fixture) {
		srv := w.withModel()
		w.command("dana", devCh, "request a bucket \u202e in dev")
		has(t, wordsIn(w.view("dana")), "contains the invisible character U+202E")
		if srv.Calls() != 0 {
			t.Error("the words were passed on")
		}
	})
}

func TestReadAsk(t *testing.T) {
	c, d := testCatalog(t), testDirectory()
	for text, want := range map[string]requestWords{
		"":                  {},
		"s3-bucket":         {module: "s3-bucket"},
		"S3-Bucket dev/app": {module: "s3-bucket", project: "core", env: "dev/app"},
		"s3-bucket prod":    {module: "s3-bucket", project: "core", env: "prod/app"},
		"payments dev":      {project: "payments", env: "dev/api"},
		"dev payments":      {project: "payments", env: "dev/api"},
		"dev":               {project: "core", env: "dev/app"}, // the channel's project
		"s3-bukcet dev": {project: "core", env: "dev/app", module: "", wrong: "s3-bukcet",
			near: "s3-bucket"},
		"s3 bucket dev":                 {module: "s3-bucket", project: "core", env: "dev/app"},
		"prod S3 Bucket":                {module: "s3-bucket", project: "core", env: "prod/app"},
		"IAM role payments dev":         {module: "iam-role", project: "payments", env: "dev/api"},
		"s3 bucket dve":                 {module: "s3-bucket", wrong: "dve", near: "dev"},
		"s3-bukcet dve":                 {words: "s3-bukcet dve"},
		"s3 bucketeer":                  {words: "s3 bucketeer"},
		"a bucket":                      {words: "a bucket"},
		"storage for logs":              {words: "storage for logs"},
		"one two three four five words": {words: "one two three four five words"},
	} {
		if got := parseRequestWords(c, d, devCh, text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	if got := parseRequestWords(c, d, "C0ELSEWHERE", "dev"); got.project != "" {
		t.Errorf("dev is in two projects, and %q was chosen", got.project)
	}
}

func rowOf(n int, title string) queue.Row {
	return queue.Row{
		ID: fmt.Sprintf("req_%013d", n), Version: 1, Title: title, Module: "s3-bucket", Project: "core",
		Environment: "dev/app",
		Status:      string(lifecycle.StatusPlanReady), Requester: []string{"dana", "ana"}[n%2], CreatedAt: story.Start,
	}
}

func TestThreeHundredAreListedInPages(t *testing.T) {
	withFixture(t, func(w *fixture) {
		for n := range 300 {
			r := rowOf(n, fmt.Sprintf("S3 bucket number-%03d", n))
			r.CreatedAt = story.Start.Add(-1e9 * 3600)
			w.must(w.index.Put(w.t.Context(), r))
		}
		w.command("vic", devCh, "list")
		seen := map[string]bool{}
		page := func() slack.MessageState {
			t.Helper()
			for _, c := range w.state("vic").Channels {
				if n := len(c.Ephemerals); n > 0 {
					return c.Ephemerals[n-1]
				}
			}
			t.Fatal("nothing was answered")
			return slack.MessageState{}
		}
		pages := 0
		for {
			m := page()
			words := wordsIn(m)
			for n := range 300 {
				if title := fmt.Sprintf("number-%03d*", n); strings.Contains(words, title) {
					if seen[title] {
						t.Errorf("%s comes twice", title)
					}
					seen[title] = true
				}
			}
			pages++
			if !strings.Contains(words, "Older") {
				break
			}
			w.click("vic", m, "page.older")
		}
		if pages != 30 || len(seen) != 300 {
			t.Errorf("%d pages with %d requests", pages, len(seen))
		}
		before := wordsIn(page())
		w.click("vic", page(), "page.newer")
		if wordsIn(page()) == before {
			t.Error("newer shows the same")
		}
	})
}

// TestAProblemIsSaidOnce: a failed request has one by its name.
func TestAProblemIsSaidOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		for status, want := range map[string]string{"failed": "Failed · requested",
			"applied": "Applied, with a problem · requested"} {
			r := rowOf(1, "S3 bucket other")
			r.Status, r.Problem = status, "GitHub says no."
			has(t, wordsIn(w.app.listRow(w.t.Context(), r)), want)
		}
	})
}

// TestShowFindsTheExactNameFirst: newer requests whose names only begin like it do not hide the one that is named.
func TestShowFindsTheExactNameFirst(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		w.must(w.index.Put(w.t.Context(), queue.Row{ID: story.ID, Version: 9, Title: "S3 bucket acme-artifacts",
			Project: "core", Environment: "dev/app", Status: "applied", Requester: "dana",
			CreatedAt: story.Start.Add(-time.Hour)}))
		for i := range 2 * listPage {
			w.must(w.index.Put(w.t.Context(), rowOf(i, fmt.Sprintf("S3 bucket acme-artifacts-%d", i))))
		}
		for _, what := range []string{"acme-artifacts", "ACME-artifacts", "s3 bucket acme-artifacts"} {
			w.command("vic", devCh, "show "+what)
			has(t, w.lastWhisper("vic"), "Applied: S3 bucket acme-artifacts in core dev/app.")
		}
		w.command("vic", devCh, "show acme")
		has(t, w.lastWhisper("vic"), "Requests: acme, 1–10 of 21")
	})
}

func TestShowFindsByIDAndByWords(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		w.must(w.index.Put(w.t.Context(), queue.Row{ID: story.ID, Version: 9, Title: "S3 bucket acme-artifacts",
			Project: "core", Environment: "dev/app", Status: "applied", Requester: "dana", CreatedAt: story.Start}))
		w.must(w.index.Put(w.t.Context(), rowOf(1, "S3 bucket other")))
		w.must(w.index.Put(w.t.Context(), rowOf(2, "S3 bucket else")))
		for _, what := range []string{story.ID, "`" + strings.ToUpper(story.ID) + "`", "acme-artifacts",
			"artifacts applied"} {
			w.command("vic", devCh, "show "+what)
			has(t, w.lastWhisper("vic"), "Applied: S3 bucket acme-artifacts in core dev/app.")
		}
		w.command("vic", devCh, "show bucket")
		has(t, w.lastWhisper("vic"), "Requests: bucket, 1–3 of 3")
		w.command("vic", devCh, "show dinner")
		has(t, w.lastWhisper("vic"), "No request matches “dinner”.")
		doc := w.doc()
		_, err := w.store.Archive(w.t.Context(), doc)
		w.must(err)
		w.command("vic", devCh, "show "+story.ID)
		var last slack.MessageState
		for _, c := range w.state("vic").Channels {
			if n := len(c.Ephemerals); n > 0 {
				last = c.Ephemerals[n-1]
			}
		}
		has(t, wordsIn(last), "archived")
		w.click("adam", w.card("adam", devCh), "do.sync")
		has(t, w.lastWhisper("adam"), "archive")
	})
}

func TestOnlyTheRequesterIsLedToTheirOwnMessages(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		for user, own := range map[string]bool{"dana": true, "adam": false} {
			w.command(user, devCh, "show "+story.ID)
			for _, c := range w.state(user).Channels {
				if c.ID == devCh && strings.Contains(wordsIn(c.Ephemerals), "|View in direct messages>") != own {
					t.Errorf("%s: %s", user, wordsIn(c.Ephemerals))
				}
			}
		}
	})
}

func TestListWithoutAnIndexNeverLooksEmpty(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.redis.FlushAll()
		w.command("dana", devCh, "list")
		has(t, w.lastWhisper("dana"), "is being rebuilt")
	})
}

func TestListOfAnUnlinkedPersonIsNotEverybodys(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.must(w.index.Put(w.t.Context(), rowOf(1, "S3 bucket other")))
		w.command("nora", devCh, "list mine")
		has(t, w.lastWhisper("nora"), "not linked to a GitHub login", "https://tfpilot.acme.test/login")
		w.command("nora", devCh, "list")
		has(t, w.lastWhisper("nora"), "Requests, 1–1 of 1")
	})
}

// A list finds requests by status, environment, person and words of the title, suggests the word
// that was meant, and leads to the card.
func TestListFinds(t *testing.T) {
	withFixture(t, func(w *fixture) {
		for i, c := range []struct{ title, env, status, by string }{
			{"S3 bucket alpha", "dev/app", "failed", "dana"}, {"S3 bucket beta", "prod/app", "applied", "ana"},
			{"S3 bucket gamma", "prod/app", "closed", "dana"},
		} {
			r := rowOf(i, c.title)
			r.Environment, r.Status, r.Requester, r.Settled = c.env, c.status, c.by, c.status == "closed"
			r.Channel, r.CardTS = devCh, "1767225600.000100"
			w.must(w.index.Put(w.t.Context(), r))
		}
		for typed, want := range map[string]string{"": "1–3 of 3", "prod": "1–2 of 2", "failed": "1–1 of 1",
			"@dana": "1–2 of 2",
			"OPEN":  "1–1 of 1", "gamma": "1–1 of 1", "prod applied closed": "1–2 of 2", "prod @dana": "1–1 of 1"} {
			w.command("vic", devCh, "list "+typed)
			has(t, w.lastWhisper("vic"), want)
		}
		w.command("dana", devCh, "list mien")
		has(t, w.lastWhisper("dana"), "No request matches “mien”.", "Did you mean `/tfpilot list mine`?")
		w.command("dana", devCh, "list "+strings.Repeat("a", request.MaxFilter+1))
		has(t, w.lastWhisper("dana"), "Use at most 200")
		w.command("dana", devCh, "list alpha")
		for _, c := range w.state("dana").Channels {
			if n := len(c.Ephemerals); n > 0 {
				has(t, wordsIn(c.Ephemerals[n-1]), "/archives/"+devCh+"/p1767225600000100|S3 bucket alpha", "<!date^")
			}
		}
	})
}

// What waits for a person is what that person may do next: the author does not approve.
func TestListOfWhatWaits(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.must(w.index.Put(w.t.Context(), queue.RowOf(w.doc().Request, false)))
		w.command("dana", devCh, "list waiting")
		has(t, w.lastWhisper("dana"), "No request matches “waiting”.")
		w.command("omar", devCh, "list waiting")
		has(t, w.lastWhisper("omar"), "1–1 of 1")
		w.command("nora", devCh, "list waiting")
		has(t, w.lastWhisper("nora"), "not linked to a GitHub login")
	})
}

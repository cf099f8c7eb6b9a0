package slackapp

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
)

// files are the files in the thread of the one card, with their content.
func (w *fixture) files() (all []slack.FileState, texts []string) {
	w.t.Helper()
	for _, r := range w.card("omar", devCh).Replies {
		for _, f := range r.Files {
			resp, err := w.app.HTTP.Get(f.URL)
			w.must(err)
			text, err := io.ReadAll(resp.Body)
			w.must(err)
			w.must(resp.Body.Close())
			all, texts = append(all, f), append(texts, string(text))
		}
	}
	return all, texts
}

// A plan that one page of a window shows needs no file, and is read once to find that out.
func TestShortPlanIsNoFile(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.refresh()
		if all, _ := w.files(); len(all) != 0 || w.counts().Calls["files.getUploadURLExternal"] != 0 {
			t.Errorf("%+v", all)
		}
		file := slices.IndexFunc(w.request(story.ID).Slack.Messages, func(m lifecycle.Message) bool {
			return m.Role == lifecycle.RoleFile && m.State == windowState
		})
		if file < 0 {
			t.Error("it is not recorded, so that each drawing reads the plan")
		}
		w.click("omar", w.card("omar", devCh), "do.approve")
		if v := w.view("omar"); v.Submit == nil || strings.Contains(wordsIn(v), "Page 1 of") {
			t.Errorf("the window does not show the whole plan in one page: %s", wordsIn(v))
		}
	})
}

// The thread holds a plan of several pages as a file, once.
func TestPlanIsAFileInTheThread(t *testing.T) {
	withFixture(t, func(w *fixture) {
		long := manyChanges()
		w.put(story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, long), long)
		w.refresh()
		w.refresh()
		all, texts := w.files()
		if len(all) != 1 || !strings.HasPrefix(all[0].Name, "plan-1-") {
			t.Fatalf("%+v", all)
		}
		has(t, texts[0], "Requested by dana: The deploy job needs a place.", "Bucket name: acme-artifacts", "this[0]",
			"this[499]", `"AWS": "*"`, long.Digest())
	})
}

// An upload whose answer never came is found in the thread, and not repeated when it is there.
func TestLostUploadIsFoundAgain(t *testing.T) {
	for _, method := range []string{"files.getUploadURLExternal", "files.completeUploadExternal"} {
		for _, fault := range []slack.FaultKind{slack.FaultLost, slack.FaultError, slack.FaultUnavailable,
			slack.FaultHang, slack.FaultRateLimited} {
			withFixture(t, func(w *fixture) {
				long := manyChanges()
				s := story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, long)
				_, err := w.store.Create(w.t.Context(), s.R)
				w.must(err)
				w.putSummary("core", s.R.Runs.Plan.Attempts[0].CorrelationID, long.Bytes())
				w.must(w.slack.Inject(slack.Fault{Method: method, Kind: fault, Count: 2}))
				w.until()
				if all, _ := w.files(); len(all) != 1 {
					t.Errorf("%s %s: %d files", method, fault, len(all))
				}
			})
		}
	}
}

// A workspace that did not grant the scope has its cards, and is not asked with each of them.
func TestUploadThatIsRefusedIsNotRepeated(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.must(w.slack.Inject(slack.Fault{Method: "files.getUploadURLExternal", Kind: slack.FaultError,
			Code: "missing_scope", Count: 5}))
		long := manyChanges()
		w.put(story.New(t, story.Dev()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, long), long)
		w.refresh()
		w.update(story.ID, lifecycle.Noted("note", "x", lifecycle.System("worker"), utcNow()))
		w.refresh()
		if n := w.counts().Calls["files.getUploadURLExternal"] +
			w.counts().Refused["files.getUploadURLExternal missing_scope"]; n > 2 {
			t.Errorf("asked %d times", n)
		}
		m := w.request(story.ID).Slack.Messages
		file := slices.IndexFunc(m, func(x lifecycle.Message) bool { return x.Role == lifecycle.RoleFile })
		if file < 0 || m[file].State != refusedMark+"missing_scope" {
			t.Errorf("%+v", m)
		}
		for _, x := range m {
			if x.Role == lifecycle.RoleAsk {
				t.Errorf("a channel that takes no file counts as one that cannot be reached: %+v", x)
			}
		}
		has(t, wordsIn(w.reply("omar", devCh, "Waiting for approval")), "Review plan")
	})
}

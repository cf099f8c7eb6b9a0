package slackapp

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/story"
)

var storedTime = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[\d:.]+Z"`)

// happened moves a story to the present: its last change is now.
func (w *fixture) happened(s *story.Story) lifecycle.Request {
	w.t.Helper()
	data, err := json.Marshal(s.R)
	w.must(err)
	shift := utcNow().Sub(s.Now)
	data = storedTime.ReplaceAllFunc(data, func(old []byte) []byte {
		var at time.Time
		w.must(json.Unmarshal(old, &at))
		moved, err := json.Marshal(at.Add(shift))
		w.must(err)
		return moved
	})
	var r lifecycle.Request
	w.must(json.Unmarshal(data, &r))
	return r
}

// becomes replaces the facts of the stored request by later ones, but for its messages.
func (w *fixture) becomes(s *story.Story) {
	w.t.Helper()
	later := w.happened(s)
	w.update(story.ID, func(r lifecycle.Request) (lifecycle.Request, error) {
		later.Slack, later.Version, later.WriteNonce, later.Audit = r.Slack, r.Version, r.WriteNonce, r.Audit
		later.CreatedAt, later.UpdatedAt = r.CreatedAt, r.UpdatedAt
		return later, nil
	})
	w.refresh()
}

// toldDana are the replies in the thread of the requester's card.
func (w *fixture) toldDana() []string {
	w.t.Helper()
	var all []string
	for _, r := range w.card("dana", "dm").Replies {
		all = append(all, r.Text)
		if !strings.Contains(wordsOrUsers(r), story.SlackUsers["dana"]) {
			w.t.Errorf("no mention, so Slack notifies no one: %s", r.Text)
		}
	}
	return all
}

func wordsOrUsers(m slack.MessageState) string {
	data, _ := json.Marshal(m)
	return string(data)
}

// The requester gets one message for each event of a life, in the thread of their own card, and what happened
// to others' mentions stays.
func TestRequesterIsNotifiedOfEachEvent(t *testing.T) {
	withFixture(t, func(w *fixture) {
		_, err := w.store.Create(w.t.Context(), w.happened(story.Ready(t)))
		w.must(err)
		w.refresh()
		for _, s := range []*story.Story{story.Ready(t).Approved("omar"), story.Ready(t).Approved("omar").Merged(), story.Live(t), story.Destroyed(t)} {
			time.Sleep(time.Minute)
			w.becomes(s)
			w.redis.FlushAll()
			w.refresh()
		}
		want := []string{"Plan ready for", "omar approved the plan of", "was applied.", "omar approved the destroy plan of", "was destroyed."}
		got := w.toldDana()
		if len(got) != len(want) {
			t.Fatalf("%d messages: %s", len(got), strings.Join(got, "\n"))
		}
		for i, words := range want {
			has(t, got[i], words)
		}
		applied := w.reply("dana", devCh, "was destroyed.")
		if strings.Contains(wordsOrUsers(applied), story.SlackUsers["dana"]) {
			t.Error("the requester is mentioned in the channel too")
		}
	})
}

// No one is notified of what happened long ago, and the channel mentions the requester as before.
func TestOldRequestsTellNoOne(t *testing.T) {
	withFixture(t, func(w *fixture) {
		r := w.happened(story.Live(t))
		time.Sleep(48 * time.Hour)
		_, err := w.store.Create(w.t.Context(), r)
		w.must(err)
		w.refresh()
		if all := w.toldDana(); len(all) > 0 {
			t.Errorf("%q", all)
		}
		if !strings.Contains(wordsOrUsers(w.reply("dana", devCh, "was applied.")), story.SlackUsers["dana"]) {
			t.Error("no one is mentioned")
		}
	})
}

// patient is a week without a decision.
func patient() lifecycle.Patience {
	return lifecycle.Patience{
		Hours: lifecycle.Hours{From: 9 * time.Hour, To: 17 * time.Hour}, RemindAfter: 4 * time.Hour, RemindEvery: 8 * time.Hour,
		EscalateAfter: 20 * time.Hour, ExpireAfter: 7 * 24 * time.Hour,
	}
}

// pass lets days pass, as the sweep does: each hour it draws the card when a message is due.
func (w *fixture) pass(days int, disturb func()) {
	w.t.Helper()
	for range days * 24 {
		time.Sleep(time.Hour)
		w.update(story.ID, patient().Expire(utcNow()))
		if disturb != nil {
			disturb()
		}
		if w.cards.Owes(w.t.Context(), w.request(story.ID)) {
			_ = w.cards.Refresh(w.t.Context(), story.ID, 0) // what fails is due at the next sweep
		}
	}
}

// monday begins a request on a Monday morning.
func (w *fixture) monday(a config.Approvals) {
	w.t.Helper()
	time.Sleep(2*24*time.Hour + 9*time.Hour) // the bubble's time begins on a Saturday at midnight
	a.Patience = patient()
	w.cards.Projects[0].Environments[0].Approvals = a
	_, err := w.store.Create(w.t.Context(), w.happened(story.Ready(w.t)))
	w.must(err)
	w.refresh()
}

// A week of an unanswered approval gives exactly the planned messages, also when Redis is emptied before each
// sweep and when Slack loses answers.
func TestWeekWithoutADecision(t *testing.T) {
	for name, disturb := range map[string]func(*fixture){
		"quiet": nil,
		"emptied Redis and lost answers": func(w *fixture) {
			w.redis.FlushAll()
			w.must(w.slack.Inject(slack.Fault{Method: "chat.postMessage", Kind: slack.FaultLost, Count: 1}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				w.monday(config.Approvals{})
				w.pass(8, func() {
					if disturb != nil {
						disturb(w)
					}
				})
				var channel []string
				for _, r := range w.card("dana", devCh).Replies {
					channel = append(channel, r.Text)
				}
				if all := strings.Join(channel, "\n"); len(channel) != 3 || strings.Count(all, "Reminder: the plan of") != 2 {
					t.Errorf("in the channel:\n%s", all)
				}
				for _, user := range []string{"ana", "omar"} {
					mentioned := strings.Count(wordsOrUsers(w.card("dana", devCh)), story.SlackUsers[user])
					if mentioned < 2 {
						t.Errorf("%s is mentioned %d times", user, mentioned)
					}
				}
				mine := w.toldDana()
				if len(mine) != 3 {
					t.Fatalf("dana got %q", mine)
				}
				has(t, strings.Join(mine, "\n"), "Plan ready for", "has no decision yet and expires on", "expired without a decision")
				if admin := w.card("adam", "dm"); !strings.Contains(admin.Text, "No approver has decided") {
					t.Errorf("the admin got %q", admin.Text)
				}
				for _, user := range []string{"ana", "omar"} {
					if all := w.state(user); directTo(all) > 0 {
						t.Errorf("%s has %d direct messages", user, directTo(all))
					}
				}
			})
		})
	}
}

func directTo(st slack.State) int {
	n := 0
	for _, c := range st.Channels {
		if c.Kind == "im" {
			n += len(c.Messages)
		}
	}
	return n
}

// Where the environment asks approvers directly, each has the plan with its buttons and the reminders below
// it, and the list of the environment is asked in the end.
func TestWeekOfDirectQuestions(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.monday(config.Approvals{Ask: config.AskDirect, EscalateTo: []string{"vic"}})
		w.pass(3, nil)
		for _, user := range []string{"ana", "omar"} {
			ask := w.card(user, "dm")
			if len(ask.Replies) != 2 {
				t.Errorf("%s has %d reminders", user, len(ask.Replies))
			}
			has(t, wordsIn(ask), "You get this because you can approve requests in core dev/app.")
		}
		has(t, w.card("vic", "dm").Text, "No approver has decided")
		if n := len(w.card("dana", devCh).Replies); n != 1 {
			t.Errorf("%d replies in the channel", n)
		}
	})
}

// A person whom Slack cannot reach is not tried again each minute.
func TestUnreachablePersonIsTriedOnce(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.monday(config.Approvals{EscalateTo: []string{"adam"}})
		w.must(w.store.PutIdentity(w.t.Context(), lifecycle.Identity{SlackTeam: teamID, SlackUser: "U0GONE0001", Login: "adam", GithubID: 1004}))
		time.Sleep(10 * time.Minute)
		w.pass(3, nil)
		if n := w.counts().Calls["conversations.open"]; n > 5 {
			t.Errorf("%d times", n)
		}
	})
}

// A person who turned notifications off gets their card alone, is asked again by no one, and is back after they
// turned them on.
func TestNotificationsCanBeTurnedOff(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.command(story.SlackUsers["dana"], devCh, "notify")
		has(t, w.lastWhisper("dana"), "Notifications are on.")
		w.command(story.SlackUsers["dana"], devCh, "notify off")
		has(t, w.lastWhisper("dana"), "Notifications are off.", "/tfpilot notify on")
		w.command(story.SlackUsers["dana"], devCh, "notify sometimes")
		has(t, w.lastWhisper("dana"), "Usage:")
		_, err := w.store.Create(w.t.Context(), w.happened(story.Ready(t)))
		w.must(err)
		w.refresh()
		if all := w.card("dana", "dm").Replies; len(all) > 0 || w.cards.Owes(w.t.Context(), w.request(story.ID)) {
			t.Errorf("%d messages, or one is still due", len(all))
		}
		w.command(story.SlackUsers["dana"], devCh, "notify on")
		w.becomes(story.Ready(t).Approved("omar"))
		if got := w.toldDana(); len(got) != 1 || !strings.Contains(got[0], "omar approved") {
			t.Errorf("%q", got)
		}
	})
}

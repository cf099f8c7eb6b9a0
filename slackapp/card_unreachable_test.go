package slackapp

import (
	"context"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// unreachableChannels are channels that take no card, with the word that the remedy of
// each must hold.
var unreachableChannels = map[string]string{
	"C0GONE0001": "tfpilot.yaml",
	"C0PRIVATE1": "Invite @tfpilot",
	"C0NOBOT001": "Invite @tfpilot",
	"C0ARCHIVED": "Unarchive it",
}

// Where the channel takes no card, approvers are asked in their own messages and can
// decide there, the requester's card shows the problem, and admins are notified once.
func TestUnreachableChannel(t *testing.T) {
	for channel, remedy := range unreachableChannels {
		t.Run(channel, func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				w.cards.Projects[0].Environments[0].Channel = channel
				w.put(story.Ready(t), story.Creating())
				mine := w.card("dana", "dm")
				has(t, wordsIn(mine), "can't post in the channel", channel, remedy)
				has(t, mine.Text, "can't post in the channel", remedy)
				has(t, wordsIn(w.reply("dana", "dm", "Waiting for approval")),
					"Approvers asked in direct messages: ana, omar, adam")
				told := 0
				for _, m := range w.messages("adam", "dm") {
					if strings.Contains(m.Text, "can't post in the channel "+channel) {
						has(t, m.Text, remedy, "tfpilot doctor")
						told++
					}
				}
				if told != 1 {
					t.Errorf("the admin was notified %d times", told)
				}
				calls := w.counts().Calls["chat.postMessage"]
				w.refresh()
				if n := w.counts().Calls["chat.postMessage"]; n != calls {
					t.Errorf("%d more posts without a change", n-calls)
				}
				ask := w.card("ana", "dm")
				has(t, wordsIn(ask), "Waiting for approval", "Review plan", "Approve", "You get this as a direct message")
				w.click("ana", ask, "do.approve")
				w.submit("ana", nil)
				if intent := w.request(story.ID).Intent(lifecycle.ActionApprove); intent == nil || intent.By != "ana" {
					t.Fatalf("wanted %+v", w.request(story.ID).Wanted)
				}
				w.refresh()
				has(t, w.card("omar", "dm").Text, "Approved by ana.")
				if strings.Contains(wordsIn(w.card("omar", "dm")), "do.approve") {
					t.Error("the button of an approval that was given is still there")
				}
			})
		})
	}
}

// A fixed channel gets its card with the next change, and admins who were notified
// about another request get no second message.
func TestFixedChannel(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.cards.Projects[0].Environments[0].Channel = "C0GONE0001"
		w.put(story.Ready(t), story.Creating())
		before := len(w.messages("adam", "dm"))
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something does not work.", utcNow()))
		w.refresh()
		if n := len(w.messages("adam", "dm")); n != before {
			t.Errorf("%d more messages to the admin", n-before)
		}
		w.cards.Projects[0].Environments[0].Channel = devCh
		w.update(story.ID, lifecycle.SetProblem("x", "y", "Something else does not work.", utcNow()))
		w.refresh()
		has(t, wordsIn(w.card("ana", devCh)), "Approve")
		if strings.Contains(w.card("dana", "dm").Text, "can't post in the channel") {
			t.Error("the card still reports that the channel cannot be reached")
		}
		has(t, wordsIn(w.card("ana", "dm")), "Approve") // what was sent stays good
	})
}

// Only Slack's refusal of a card or a reply in the environment's channel says something
// about that channel.
func TestRefusedMessageIsNoUnreachableChannel(t *testing.T) {
	for _, c := range []struct {
		m    lifecycle.Message
		want string
	}{
		{lifecycle.Message{Role: lifecycle.RoleCard, Channel: devCh, State: refusedMark + "is_archived:ab"}, "is_archived"},
		{lifecycle.Message{Role: lifecycle.RoleThread, Channel: devCh, State: refusedMark + "is_archived:ab"},
			"is_archived"},
		{lifecycle.Message{Role: lifecycle.RoleCard, Channel: devCh, State: refusedMark + "msg_too_long:ab"}, ""},
		{lifecycle.Message{Role: lifecycle.RoleCard, Channel: devCh, State: "is_archived"}, ""},
		{lifecycle.Message{Role: lifecycle.RoleCard, Channel: "C0OTHER001", State: refusedMark + "is_archived:ab"}, ""},
		{lifecycle.Message{Role: lifecycle.RoleAsk, Channel: devCh, State: refusedMark + "is_archived:ab"}, ""},
		{lifecycle.Message{Role: lifecycle.RoleDM, Channel: "D0DANA", State: refusedMark + "is_archived:ab"}, ""},
	} {
		r := lifecycle.Request{Slack: lifecycle.Slack{Messages: []lifecycle.Message{{Role: lifecycle.RoleCard,
			Channel: devCh}, c.m}}}
		if code := blockedCode(r, devCh); code != c.want {
			t.Errorf("%+v: blocked by %q", c.m, code)
		}
		if code := blockedCode(r, ""); code != "" {
			t.Errorf("%+v: no channel is blocked by %q", c.m, code)
		}
	}
}

func TestChannelFault(t *testing.T) {
	withFixture(t, func(w *fixture) {
		channels := Channels{w.app.API}
		for channel, remedy := range unreachableChannels {
			if err := channels.Fault(context.Background(), channel); err == nil || !strings.Contains(err.Error(), remedy) ||
				!strings.Contains(err.Error(), channel) {
				t.Errorf("%s: %v does not say %q", channel, err, remedy)
			}
		}
		if err := channels.Fault(context.Background(), devCh); err != nil {
			t.Error(err)
		}
	})
}

package slackapp

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// shownTo is what an answer to show offers a person.
func (w *fixture) shownTo(user string) string {
	w.t.Helper()
	w.command(user, devCh, "show "+story.ID)
	var last string
	for _, c := range w.state(user).Channels {
		if n := len(c.Ephemerals); c.ID == devCh && n > 0 {
			last = wordsIn(c.Ephemerals[n-1])
		}
	}
	return last
}

func lacks(t testing.TB, said string, buttons ...string) {
	t.Helper()
	for _, b := range buttons {
		for _, l := range strings.Split(said, "\n") {
			if strings.TrimSpace(l) == b {
				t.Errorf("%q is offered:\n%s", b, said)
			}
		}
	}
}

// What one person alone reads offers only what that person may do.
func TestShowOffersWhatTheReaderMayDo(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		has(t, w.shownTo("omar"), "Approve", "Reject", "Review plan")
		has(t, w.shownTo("dana"), "Close request", "Review plan")
		lacks(t, w.shownTo("dana"), "Approve", "Reject")
		has(t, w.shownTo("vic"), "Review plan")
		lacks(t, w.shownTo("vic"), "Approve", "Reject", "Re-plan", "Close request", "Sync")
		has(t, wordsIn(w.card("omar", devCh)), "Approve", "Reject")

		w.update(story.ID, approvalOf(story.Ready(t).Approved("omar")))
		has(t, w.shownTo("omar"), "Withdraw approval", "Merge")
		has(t, w.shownTo("ana"), "Merge")
		lacks(t, w.shownTo("ana"), "Withdraw approval")
	})
}

// approvalOf brings another document to the approval of a story.
func approvalOf(s *story.Story) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		r.Approval = s.R.Approval
		return r, nil
	}
}

func TestTheRequestersOwnCardOffersNoApproval(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		var own string
		for _, c := range w.state("dana").Channels {
			if c.ID != devCh && len(c.Messages) > 0 {
				own += wordsIn(c.Messages)
			}
		}
		has(t, own, "Review plan", "Re-plan", "Close request")
		lacks(t, own, "Approve", "Reject")
	})
}

func TestApprovalIsWithdrawn(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t).Approved("omar"), story.Creating())
		card := w.card("omar", devCh)
		has(t, wordsIn(card), "Withdraw approval")
		w.click("ana", card, "do.withdraw")
		has(t, w.lastWhisper("ana"), "You did not approve this.")
		w.click("dana", card, "do.withdraw")
		has(t, w.lastWhisper("dana"), "Only approvers and admins can withdraw")
		if !w.request(story.ID).Approval.Approved {
			t.Fatal("another person withdrew it")
		}
		w.click("omar", card, "do.withdraw")
		has(t, w.lastWhisper("omar"), "Your approval of “S3 bucket acme-artifacts” is withdrawn.")
		if w.request(story.ID).Approval.Approved {
			t.Error("it still counts")
		}
		w.refresh()
		has(t, wordsIn(w.reply("omar", devCh, "was dismissed")), "by omar was dismissed", "they withdrew it")
	})
}

func TestTheRequesterOfADestroyMayNotApproveIt(t *testing.T) {
	withFixture(t, func(w *fixture) {
		s := story.Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, story.Head2,
			story.Destroying())
		w.put(s, story.Destroying())
		w.click("adam", w.card("adam", devCh), "do.approve")
		has(t, w.lastWhisper("adam"), "You requested this, so someone else must approve it. Ask ana.") // omar started the plan
		if r := w.request(story.ID); r.Intent(lifecycle.ActionApprove) != nil {
			t.Errorf("wanted %+v", r.Wanted)
		}
	})
}

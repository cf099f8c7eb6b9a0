package slackapp

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// shownTo is what an answer to show offers a person.
func (w *world) shownTo(user string) string {
	w.t.Helper()
	w.command(user, devCh, "show "+testID)
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
	inWorld(t, func(w *world) {
		w.put(ready(t), creating())
		has(t, w.shownTo("omar"), "Approve", "Reject", "Review plan")
		has(t, w.shownTo("dana"), "Close request", "Review plan")
		lacks(t, w.shownTo("dana"), "Approve", "Reject")
		has(t, w.shownTo("vic"), "Review plan")
		lacks(t, w.shownTo("vic"), "Approve", "Reject", "Plan again", "Close request", "Sync")
		has(t, wordsIn(w.card("omar", devCh)), "Approve", "Reject")

		w.update(testID, ready(t).approved("omar").patches()...)
		has(t, w.shownTo("omar"), "Withdraw approval", "Merge")
		has(t, w.shownTo("ana"), "Merge")
		lacks(t, w.shownTo("ana"), "Withdraw approval")
	})
}

// patches brings another document to the approval of a story.
func (s *teller) patches() []lifecycle.Patch {
	return []lifecycle.Patch{func(r lifecycle.Request) (lifecycle.Request, error) {
		r.Approval = s.r.Approval
		return r, nil
	}}
}

func TestTheRequestersOwnCardOffersNoApproval(t *testing.T) {
	inWorld(t, func(w *world) {
		w.put(ready(t), creating())
		var own string
		for _, c := range w.state("dana").Channels {
			if c.ID != devCh && len(c.Messages) > 0 {
				own += wordsIn(c.Messages)
			}
		}
		has(t, own, "Review plan", "Plan again", "Close request")
		lacks(t, own, "Approve", "Reject")
	})
}

func TestApprovalIsWithdrawn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.put(ready(t).approved("omar"), creating())
		card := w.card("omar", devCh)
		has(t, wordsIn(card), "Withdraw approval")
		w.click("ana", card, "do.withdraw")
		has(t, w.lastWhisper("ana"), "You did not approve this.")
		w.click("dana", card, "do.withdraw")
		has(t, w.lastWhisper("dana"), "Only approvers and admins may withdraw")
		if !w.request(testID).Approval.Approved {
			t.Fatal("another person withdrew it")
		}
		w.click("omar", card, "do.withdraw")
		has(t, w.lastWhisper("omar"), "Withdrawn: your approval of “S3 bucket acme-artefacts” no longer counts.")
		if w.request(testID).Approval.Approved {
			t.Error("it still counts")
		}
		w.refresh()
		has(t, wordsIn(w.reply("omar", devCh, "was dismissed")), "by omar was dismissed", "they withdrew it")
	})
}

func TestTheRequesterOfADestroyMayNotApproveIt(t *testing.T) {
	inWorld(t, func(w *world) {
		s := live(t).want(lifecycle.ActionDestroy, "adam").planned(lifecycle.PurposeDestroy, head2, destroying())
		w.put(s, destroying())
		w.click("adam", w.card("adam", devCh), "do.approve")
		has(t, w.lastWhisper("adam"), "You requested this, so somebody else has to approve it; ask ana.") // omar started the plan
		if r := w.request(testID); r.Wish(lifecycle.ActionApprove) != nil {
			t.Errorf("wanted %+v", r.Wanted)
		}
	})
}

package slackapp

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/story"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// put stores a request as a story has told it, with what its plans left, and shows
// its card.
func (w *fixture) put(s *story.Story, sum terraform.Summary) {
	w.t.Helper()
	_, err := w.store.Create(w.t.Context(), s.R)
	w.must(err)
	for _, a := range s.R.Runs.Plan.Attempts {
		w.putSummary(s.R.Project, a.CorrelationID, sum.Bytes())
	}
	w.refresh()
}

func (w *fixture) refresh() {
	w.t.Helper()
	w.must(w.cards.Refresh(w.t.Context(), story.ID, 0))
}

// card is the one card in a channel, as a person sees it.
func (w *fixture) card(user, channel string) slack.MessageState {
	w.t.Helper()
	all := w.messages(user, channel)
	if len(all) != 1 {
		w.t.Fatalf("%d messages in %s", len(all), channel)
	}
	return all[0]
}

// reply finds the reply in the card's thread that says something.
func (w *fixture) reply(user, channel, says string) slack.MessageState {
	w.t.Helper()
	for _, r := range w.card(user, channel).Replies {
		if strings.Contains(r.Text, says) {
			return r
		}
	}
	w.t.Fatalf("no reply says %q: %s", says, wordsIn(w.card(user, channel).Replies))
	return slack.MessageState{}
}

func TestApproveFromTheThread(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		ask := w.reply("omar", devCh, "Waiting for approval")
		has(t, wordsIn(ask), "Review plan", "Approve", "Reject")

		w.click("dana", ask, "do.approve")
		has(t, w.lastWhisper("dana"), "approve", "Ask")
		w.click("vic", ask, "do.approve")
		has(t, w.lastWhisper("vic"), "Only approvers and admins can approve. Ask ana, omar or adam.")
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Fatalf("a refused click left %+v", r.Wanted)
		}

		w.click("omar", ask, "review")
		has(t, wordsIn(w.view("omar")), "2 to add", "+ create aws_s3_bucket.this", "The deploy job needs a place.",
			"Run with the whole plan")
		w.click("omar", ask, "do.approve")
		has(t, wordsIn(w.view("omar")), "You're approving this exact plan", "+ create aws_s3_bucket.this",
			"force_destroy = false")
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Fatalf("a click approved what the window did not show yet: %+v", r.Wanted)
		}
		w.submit("omar", nil)
		has(t, wordsIn(w.view("omar")), "Your approval of “S3 bucket acme-artifacts” is saved")
		r := w.request(story.ID)
		if intent := r.Intent(lifecycle.ActionApprove); intent == nil || intent.By != "omar" ||
			intent.PlanDigest != r.Plan.Digest || intent.HeadSHA != story.Head1 {
			t.Fatalf("wanted: %+v", r.Wanted)
		}
		if !w.notices.has("changed " + story.ID) {
			t.Error("no one was notified")
		}
		w.click("omar", ask, "do.approve")
		has(t, w.lastWhisper("omar"), "You already requested this")

		a := r.Intent(lifecycle.ActionApprove)
		w.update(story.ID, lifecycle.Approve(lifecycle.Approver{Login: "omar", SlackUser: story.SlackUsers["omar"],
			At: utcNow(), HeadSHA: a.HeadSHA, PlanDigest: a.PlanDigest, Source: request.SourceSlack}))
		w.click("ana", ask, "do.approve")
		has(t, w.lastWhisper("ana"), "omar already approved this plan.")
		w.refresh()
		if said := wordsIn(w.reply("omar", devCh, "Approved by omar.")); strings.Contains(said, "Approve\n") {
			t.Errorf("the button stays: %s", said)
		}
	})
}

func TestAuthorsMayNotApprove(t *testing.T) {
	withFixture(t, func(w *fixture) {
		s := story.Ready(t)
		s.R.Requester = lifecycle.Person{Login: "ana", GithubID: 1002, SlackTeam: teamID,
			SlackUser: story.SlackUsers["ana"]}
		s.R.Authors, s.R.AuthorIDs = []string{"ana"}, []int64{1002}
		w.put(s, story.Creating())
		w.click("ana", w.card("ana", devCh), "do.approve")
		has(t, w.lastWhisper("ana"), "You wrote or edited this request, so someone else must approve it. Ask omar or adam.")
	})
}

func TestStaleButtonIsRefused(t *testing.T) {
	withFixture(t, func(w *fixture) {
		s := story.Ready(t)
		w.put(s, story.Creating())
		ask := w.reply("omar", devCh, "Waiting for approval")
		w.update(story.ID, func(r lifecycle.Request) (lifecycle.Request, error) {
			sum := story.Replacing()
			r.Plan.Digest = sum.Digest()
			return r, nil
		})
		w.click("omar", ask, "do.approve")
		has(t, w.lastWhisper("omar"), "The plan has changed since you saw it.")
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Fatalf("a stale click left %+v", r.Wanted)
		}
	})
}

func TestDestructivePlanInProductionIsTyped(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.New(t, story.Prod()).Opened().Planned(lifecycle.PurposeOpen, story.Head1, story.Replacing()),
			story.Replacing())
		card := w.card("ana", prodCh)
		w.click("ana", card, "do.approve")
		has(t, wordsIn(w.view("ana")), "prod/app is protected, and you don't have permission to approve")

		w.click("omar", card, "do.approve")
		v := w.view("omar")
		has(t, wordsIn(v), "- destroy aws_s3_bucket_policy", "-/+ replace aws_s3_bucket.this", "Type prod/app to confirm.")
		r := w.submit("omar", map[string]any{"typed": "prod"})
		if r.Outcome != slack.FieldErrors || !strings.Contains(r.Errors["typed"], "Type prod/app") {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		if r := w.submit("omar", map[string]any{"typed": "prod/app"}); r.Outcome != slack.Acked {
			t.Fatalf("%s %v", r.Outcome, r.Errors)
		}
		has(t, wordsIn(w.view("omar")), "Your approval of")
		if w.request(story.ID).Intent(lifecycle.ActionApprove) == nil {
			t.Error("no intent was written")
		}
	})
}

// protect makes dev/app protected, as a new configuration would.
func (w *fixture) protect() { w.cards.Projects[0].Environments[0].Protected = true }

func TestOldButtonIsConfirmedByTodaysRules(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		card := w.card("omar", devCh)
		w.protect()
		w.click("omar", card, "do.approve")
		has(t, wordsIn(w.view("omar")), "Type dev/app to confirm.")
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Fatalf("an old button left %+v", r.Wanted)
		}
		w.submit("omar", map[string]any{"typed": "dev/app"})
		if w.request(story.ID).Intent(lifecycle.ActionApprove) == nil {
			t.Error("no intent was written")
		}
	})
}

func TestOpenWindowIsConfirmedByTodaysRules(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		card := w.card("adam", devCh)
		w.click("adam", card, "do.destroy")
		w.protect()
		w.submit("adam", nil)
		has(t, wordsIn(w.view("adam")), "dev/app is protected. Type dev/app to confirm. Nothing was done")
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Fatalf("an open window left %+v", r.Wanted)
		}
		w.click("adam", card, "do.destroy")
		w.submit("adam", map[string]any{"typed": "dev/app"})
		if w.request(story.ID).Intent(lifecycle.ActionDestroy) == nil {
			t.Error("no intent was written")
		}
	})
}

func TestRejectWantsAReason(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.click("omar", w.card("omar", devCh), "do.reject")
		w.submit("omar", map[string]any{"why": "ghp_0123456789012345678901234567890123456789"})
		if w.request(story.ID).Intent(lifecycle.ActionReject) != nil {
			t.Fatal("a secret was taken for a reason")
		}
		w.submit("omar", map[string]any{"why": "It belongs into the other account."})
		intent := w.request(story.ID).Intent(lifecycle.ActionReject)
		if intent == nil || intent.Reason != "It belongs into the other account." {
			t.Fatalf("%+v", intent)
		}
	})
}

func TestDestroyListsResourcesAndCanBeCanceled(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		w.click("omar", w.card("omar", devCh), "do.destroy")
		has(t, wordsIn(w.view("omar")), "Only", "can destroy")
		w.click("adam", w.card("adam", devCh), "do.destroy")
		has(t, wordsIn(w.view("adam")), "aws_s3_bucket_versioning.this", "Nothing is destroyed until")
		w.submit("adam", nil)
		has(t, wordsIn(w.view("adam")), "TfPilot runs a destroy plan first")
		if w.request(story.ID).Intent(lifecycle.ActionDestroy) == nil {
			t.Fatal("no intent was written")
		}
		w.refresh()
		has(t, w.card("adam", devCh).Text, "Destroy requested", "By adam.")
		w.click("adam", w.card("adam", devCh), "do.keep")
		has(t, w.lastWhisper("adam"), "stays as it is")
		if w.request(story.ID).Intent(lifecycle.ActionDestroy) != nil {
			t.Error("the intent stays")
		}
	})
}

func TestSyncAsksForTheRepository(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.click("dana", w.card("dana", devCh), "do.sync")
		has(t, w.lastWhisper("dana"), "Syncing “S3 bucket acme-artifacts” with GitHub")
		if !w.notices.has("sync acme/infra-core") {
			t.Error("no one was notified")
		}
		w.command("vic", devCh, "sync")
		has(t, w.lastWhisper("vic"), "Only developers, approvers and admins can sync")
		w.command("dana", devCh, "sync acme-artifacts")
		has(t, w.lastWhisper("dana"), "`/tfpilot show acme-artifacts` finds the ID")
		w.command("dana", devCh, "sync")
		if !w.notices.has("sync acme/infra-payments") {
			t.Error("not all repositories are asked about")
		}
	})
}

func TestStorageThatIsAwayIsSaid(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Ready(t), story.Creating())
		w.app.Requests.Documents = broken{}
		w.click("omar", w.card("omar", devCh), "do.approve")
		has(t, w.lastWhisper("omar"), "cannot reach its storage")
		w.command("dana", devCh, "request s3-bucket")
		w.submit("dana", map[string]any{"field.name": "acme-x", "reason": "Because."})
		v := w.view("dana")
		has(t, wordsIn(v), "Couldn't save")
		if got := v.Values["field:s3-bucket:name"]["field.name"]["value"]; got != "acme-x" {
			t.Errorf("the name is lost: %v", got)
		}
		w.app.Requests.Documents = w.store
		w.submit("dana", nil)
		has(t, wordsIn(w.view("dana")), "Request submitted: S3 bucket acme-x")
	})
}

// crowd occupies all handlers until the test releases it.
func (w *fixture) crowd() (leave func()) {
	w.t.Helper()
	gone := make(chan struct{})
	w.app.Requests.Documents = slow{w.store, gone}
	for range maxHandlers {
		_, err := w.slack.Command("vic", payCh, "/tfpilot", "show "+story.ID)
		w.must(err)
	}
	return func() {
		close(gone)
		w.settle()
		w.app.Requests.Documents = w.store
	}
}

// slow reads nothing before a time.
type slow struct {
	request.Documents
	until chan struct{}
}

func (s slow) Get(ctx context.Context, id string) (store.Doc, error) {
	<-s.until
	return s.Documents.Get(ctx, id)
}

func TestRefusedForWantOfRoomIsSaid(t *testing.T) {
	withFixture(t, func(w *fixture) {
		w.put(story.Live(t), story.Creating())
		card := w.card("adam", devCh)
		w.click("adam", card, "do.destroy")
		leave := w.crowd()
		w.click("dana", card, "do.sync")
		has(t, w.lastWhisper("dana"), "TfPilot is busy")
		w.submit("adam", nil)
		has(t, wordsIn(w.view("adam")), "Not done", "TfPilot is busy")
		leave()
		if r := w.request(story.ID); len(r.Wanted) != 0 {
			t.Errorf("%+v", r.Wanted)
		}
	})
}

func TestPlanCanBeReadWhileANewerOneRuns(t *testing.T) {
	withFixture(t, func(w *fixture) {
		s := story.Ready(t)
		w.put(s, story.Creating())
		card := w.card("omar", devCh)
		w.update(story.ID, lifecycle.Started(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen,
			HeadSHA: story.Head1, CorrelationID: story.Correlation(lifecycle.KindPlan, 77)}))
		w.click("omar", card, "review")
		has(t, wordsIn(w.view("omar")), "A newer plan is running or failed", "aws_s3_bucket.this",
			"Run with the whole plan")
	})
}

// A window opens with its contents when they are known at once: one call. When they take longer, it opens with a
// loading view before the trigger expires, and shows them then.
func TestWindowOpensWithItsContents(t *testing.T) {
	for _, late := range []bool{false, true} {
		withFixture(t, func(w *fixture) {
			w.put(story.Ready(t), story.Creating())
			card, updates := w.card("omar", devCh), 0
			if late {
				w.app.Requests.Documents, updates = late4s{w.store}, 1
			}
			actions := []string{"do.approve", "review"}
			if late {
				actions = []string{"review"} // it reads the stored document
			}
			for _, action := range actions {
				before := w.counts().Calls
				w.click("omar", card, action)
				time.Sleep(10 * time.Second)
				after := w.counts().Calls
				has(t, wordsIn(w.view("omar")), "+ create aws_s3_bucket.this")
				if after["views.open"] != before["views.open"]+1 || after["views.update"] != before["views.update"]+updates {
					t.Errorf("late %v, %s: %v", late, action, after)
				}
			}
			before := w.counts().Calls
			w.command("dana", devCh, "request s3-bucket")
			if after := w.counts().Calls; after["views.update"] != before["views.update"] {
				t.Errorf("the form: %v", after)
			}
		})
	}
}

// late4s answers after four seconds, later than a trigger lives.
type late4s struct{ request.Documents }

func (s late4s) Get(ctx context.Context, id string) (store.Doc, error) {
	select {
	case <-time.After(4 * time.Second):
		return s.Documents.Get(ctx, id)
	case <-ctx.Done():
		return store.Doc{}, ctx.Err()
	}
}

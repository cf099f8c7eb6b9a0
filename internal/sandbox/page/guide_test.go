package page

import (
	"bytes"
	"testing"

	"github.com/tfpilot/tfpilot/internal/testing/browser"
)

// carded returns a seeded sandbox with the request's card in #infra-dev.
func carded(t *testing.T) (*testSandbox, *browser.Page) {
	t.Helper()
	w := newTestSandbox(t)
	w.seed()
	ts := startBot(w).post(infraDev, "U0DANA0001")
	card := []byte(`"messages": [{"role": "card", "channel": "` + infraDev + `", "ts": "` + ts + `"}]`)
	w.put(requestsBucket, requestKey, bytes.Replace(fixture(t, "request.json"), []byte(`"messages": []`), card, 1))
	return w, w.open(1280, 800)
}

// The strip at the top guides a new user to the card and to an approver.
func TestNextStepsLeadToTheCard(t *testing.T) {
	_, p := carded(t)
	strip := p.In("region", "Journey of a request")
	p.Click("button", "#payments")
	p.See("heading", "#payments")
	strip.Click("button", "Open the card")
	p.See("heading", "#infra-dev")
	p.In("complementary", "Thread").Read("The plan is ready, @dana")
	p.Click("button", "Close the thread")
	p.Click("button", "#payments")
	strip.Click("button", "Switch to omar")
	p.See("heading", "#infra-dev")
	strip.Gone("button", "Switch to omar")
	p.In("complementary", "Thread").Click("button", "Approve: S3 bucket")
	p.Read("Approved by @omar.")
	p.Quiet()
}

// Any message can get a reply in a new thread.
func TestReplyInThread(t *testing.T) {
	w := newTestSandbox(t)
	if _, err := w.box.Slack.Say("ana", "#infra-dev", "", "Does anyone need a bucket?"); err != nil {
		t.Fatal(err)
	}
	p := w.open(1280, 800)
	p.Click("button", "Reply in thread")
	thread := p.In("complementary", "Thread")
	thread.Read("Does anyone need a bucket?")
	thread.Type("Reply in the thread", "I do")
	thread.Click("button", "Send")
	thread.Read("I do")
	p.See("button", "1 reply…")
	p.Quiet()
}

// One delivery can be sent again, and one of several rows can be opened.
func TestSelectOneRow(t *testing.T) {
	w, p := carded(t)
	const other = "payments/dev/api/terraform.tfstate"
	w.put(stateBucket, other, fixture(t, "state.json"))
	p.Click("tab", "Webhooks")
	p.In("tabpanel", "Webhooks").Click("button", "Send pull_request opened of…")
	p.Read("1 webhook sent again.")
	again := 0
	for _, d := range w.box.GitHub.Deliveries() {
		if d.Redelivery && d.Event == "pull_request" {
			again++
		}
	}
	if again != 1 {
		t.Errorf("%d deliveries were sent again", again)
	}
	p.Click("tab", "State")
	states := p.In("tabpanel", "State")
	states.Read("s3://" + stateBucket + "/" + stateKey)
	states.Click("button", other+"…")
	states.Read("s3://" + stateBucket + "/" + other)
	states.Unread("s3://" + stateBucket + "/" + stateKey)
	p.Quiet()
}

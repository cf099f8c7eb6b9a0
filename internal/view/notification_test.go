package view

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/story"
)

// Each state has its notifications, and no other state has any.
func TestNotificationsOfEachState(t *testing.T) {
	const plan = "plan:1 requester"
	want := map[string]string{
		"plan_ready": plan, "plan_replaces": plan, "foreign_run": plan, "withdrawn": plan, "approval_refused": plan,
		"merged_foreign": plan, "plan_failed": "failed:plan:1 requester", "plan_canceled": "failed:plan:1 requester",
		"rejected": "closed requester",
		"approved": "approved:1 requester", "merging": "approved:1 requester", "merge_refused": "approved:1 requester",
		"objected": "approved:1 requester", "merged": "approved:1 requester",
		"queued": "approved:1 requester", "applying": "approved:1 requester",
		"applied": "approved:1 requester, applied:1 requester", "drifted": "approved:1 requester, applied:1 requester",
		"unchanged": "applied:1 requester", "kept": "applied:1 requester", "kept_approved": "applied:1 requester",
		"dismissed":    "applied:1 requester, rejected:1795420822 requester",
		"apply_failed": "approved:1 requester, failed:apply:1 requester", "replanning": "failed:apply:1 requester",
		"replanned": "failed:apply:1 requester, plan:2 requester", "reapproved": "failed:apply:1 requester, approved:2 requester",
		"requeued":             "failed:apply:1 requester, approved:2 requester",
		"apply_failed_destroy": "failed:apply:1 requester",
		"destroy_asked":        "applied:1 requester", "destroy_plan": "applied:1 requester, plan:2 requester",
		"destroy_plan_failed": "applied:1 requester, failed:plan:2 requester", "destroying": "approved:2 requester",
		"destroy_rejected": "applied:1 requester, rejected:1795420822 requester", "destroy_silent": "approved:2 requester",
		"destroy_failed": "approved:2 requester, failed:destroy:1 requester", "destroy_failed_again": "failed:destroy:1 requester",
		"destroyed": "approved:2 requester, destroyed:1 requester", "cleaning": "approved:2 requester, destroyed:1 requester",
		"cleaned": "approved:2 requester, destroyed:1 requester",
	}
	for name, s := range story.States(t) {
		var got []string
		for _, n := range Notifications(factsOf(t, s), lifecycle.Patience{}) {
			got = append(got, n.Topic+" "+string(n.To))
			if n.Text == "" || n.At.IsZero() || strings.Contains(n.Text, "  ") || !strings.HasSuffix(n.Text, ".") {
				t.Errorf("%s: %+v", name, n)
			}
		}
		if all := strings.Join(got, ", "); all != want[name] {
			t.Errorf("%q: %q,", name, all)
		}
	}
}

// What happened long ago, as before an upgrade, is no news.
func TestOldEventsGetNoNotification(t *testing.T) {
	f := factsOf(t, story.Live(t))
	if len(Notifications(f, lifecycle.Patience{})) == 0 {
		t.Fatal("nothing is news")
	}
	f.Now = f.Now.Add(NewsFor)
	if all := Notifications(f, lifecycle.Patience{}); len(all) > 0 {
		t.Errorf("%+v", all)
	}
}

// A person gets no message about what they did.
func TestOwnActionsGetNoNotification(t *testing.T) {
	own := map[string]*story.Story{"approved": story.Ready(t).Approved("dana"), "closed": story.States(t)["closed"]}
	for name, s := range own {
		if all := Notifications(factsOf(t, s), lifecycle.Patience{}); len(all) > 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// A week without a decision: what is due at each hour.
func TestWaitingPlan(t *testing.T) {
	p := lifecycle.Patience{
		Hours: lifecycle.Hours{From: 9 * time.Hour, To: 17 * time.Hour}, RemindAfter: 4 * time.Hour,
		RemindEvery:   8 * time.Hour,
		EscalateAfter: 20 * time.Hour, ExpireAfter: 7 * 24 * time.Hour,
	}
	f := factsOf(t, story.Ready(t))
	var got []string
	seen := map[string]bool{}
	for h := range 8 * 24 {
		f.Now = story.Start.Add(time.Duration(h)*time.Hour + time.Minute)
		patched, err := p.Expire(f.Now)(f.Request)
		if err != nil {
			t.Fatal(err)
		}
		f.Request = patched
		for _, n := range Notifications(f, p) {
			if !seen[n.Topic] {
				seen[n.Topic] = true
				got = append(got, f.Now.Format("Mon 15")+" "+n.Topic+" "+string(n.To)+": "+n.Text)
			}
		}
	}
	want := strings.ReplaceAll(strings.Join([]string{
		"Mon 08 plan:1 requester: Plan ready for NAME: 2 to add, 0 to change, 0 to destroy. " +
			"It needs an approval.",
		"Mon 13 reminder:1:1 approvers: Reminder: the plan of NAME needs an approval. Requested by dana.",
		"Tue 13 reminder:1:2 approvers: Reminder: the plan of NAME needs an approval. Requested by dana.",
		"Wed 13 escalation:1 escalation: No approver has decided on the plan of NAME yet. " +
			"Requested by dana.",
		"Fri 09 expiring:1 requester: The plan of NAME has no decision yet and expires on " +
			"Monday, 30 November, 08:00 UTC. Ask an approver to decide.",
		"Mon 08 expired:1 requester: The plan of NAME expired without a decision. " +
			"Nothing was changed. Re-plan, then ask an approver to decide.",
	}, "\n"), "NAME", "S3 bucket acme-artifacts in core dev/app")
	if all := strings.Join(got, "\n"); all != want {
		t.Errorf("got\n%s\nwant\n%s", all, want)
	}
}

package request_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

// An action is recorded with who took it and what they saw, and workers and lists are notified.
func TestActRecordsAnIntent(t *testing.T) {
	w := newFixture(t)
	stored := requesttest.Planned("dev")
	w.put(stored, false)
	seen := request.SeenIn(*stored)
	seen.Read = true
	doc, err := w.Act(t.Context(), w.caller("omar"), request.Command{ID: requesttest.ID, Action: lifecycle.ActionApprove,
		Seen: seen})
	w.must(err)
	got := doc.Request.Intent(lifecycle.ActionApprove)
	if got == nil || got.By != "omar" || got.ByID != 1003 || got.SlackUser != requesttest.SlackUsers["omar"] ||
		got.Source != request.SourceCLI ||
		got.PlanDigest != stored.Plan.Digest || got.HeadSHA != stored.Plan.SHA || got.Typed {
		t.Fatalf("%+v", got)
	}
	page, err := w.List(t.Context(), w.caller("vic"), listAll)
	if err != nil || len(page.Rows) != 1 || w.tasks() == 0 {
		t.Errorf("%v %+v, %d tasks", err, page.Rows, w.tasks())
	}
}

// What is done at once is the change itself.
func TestActChangesAtOnceWhatNeedsNoWorker(t *testing.T) {
	w := newFixture(t)
	stored := requesttest.Planned("dev")
	stored.Wanted = []lifecycle.Intent{{What: lifecycle.ActionMerge, By: "omar", At: requesttest.At}}
	w.put(stored, false)
	doc, err := w.Act(t.Context(), w.caller("dana"),
		request.Command{ID: requesttest.ID, Action: lifecycle.ActionCancelIntent})
	if err != nil || len(doc.Request.Wanted) != 0 {
		t.Errorf("%v %+v", err, doc.Request.Wanted)
	}
}

// An action is confirmed by reading to the end or by typing what it is called, and in a protected
// environment by typing.
func TestConfirmation(t *testing.T) {
	const hex = "0123456789abcdef"
	digest := "sha256:" + strings.Repeat(hex, 4)
	approve, destroy := lifecycle.ActionApprove, lifecycle.ActionDestroy
	for name, c := range map[string]struct {
		env     string
		action  lifecycle.Action
		read    bool
		confirm string
		ok      bool
	}{
		"unread":                       {"dev", approve, false, "", false},
		"read":                         {"dev", approve, true, "", true},
		"digest":                       {"dev", approve, false, digest, true},
		"twelve digits":                {"dev", approve, false, hex[:12], true},
		"eleven digits":                {"dev", approve, false, hex[:11], false},
		"another digest":               {"dev", approve, false, "ffffffffffff", false},
		"environment, unread":          {"dev", approve, false, "dev/app", false},
		"protected, read":              {"prod", approve, true, "", false},
		"protected, read and typed":    {"prod", approve, true, "Prod/app", true},
		"protected, another name":      {"prod", approve, true, "dev/app", false},
		"protected, unread, typed":     {"prod", approve, false, "prod/app", false},
		"protected, digest":            {"prod", approve, false, digest, true},
		"destroy, unseen":              {"dev", destroy, false, "", false},
		"destroy, seen":                {"dev", destroy, true, "", true},
		"destroy, typed":               {"dev", destroy, false, "dev/app", true},
		"destroy, protected, seen":     {"prod", destroy, true, "", false},
		"destroy, protected, typed":    {"prod", destroy, false, "prod/app", true},
		"destroy, protected, a digest": {"prod", destroy, true, digest, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			stored := requesttest.Planned(c.env)
			stored.Plan.Digest = digest
			if c.action == destroy {
				stored.PR.Merged, stored.PR.Open, stored.MergedSHA = true, nil, stored.PR.HeadSHA
			}
			w.put(stored, false)
			seen := request.SeenIn(*stored)
			seen.Read = c.read
			doc, err := w.Act(t.Context(), w.caller("adam"), request.Command{
				ID: requesttest.ID, Action: c.action, Seen: seen, Answers: request.Answers{Confirm: c.confirm},
			})
			if (err == nil) != c.ok {
				t.Fatalf("%v", err)
			}
			if i := doc.Request.Intent(c.action); c.ok && (i == nil || i.Typed != (c.env == "prod")) {
				t.Errorf("%+v", i)
			}
		})
	}
}

// Prod has production rules, whatever the configuration says.
func TestProdIsProtectedInAnyCase(t *testing.T) {
	w := newFixture(t)
	w.Projects[0].Environments[1].Protected = false
	stored := requesttest.Planned("prod")
	w.put(stored, false)
	seen := request.SeenIn(*stored)
	seen.Read = true
	if _, err := w.Act(t.Context(), w.caller("omar"),
		request.Command{ID: requesttest.ID, Action: lifecycle.ActionApprove, Seen: seen}); err == nil {
		t.Error("approved without typing")
	}
}

// A draft that is sent twice makes one request; under the id of another person it makes none.
func TestOpenTwiceMakesOneRequest(t *testing.T) {
	w := newFixture(t)
	d := requesttest.Draft()
	first, err := w.Open(t.Context(), w.caller("dana"), d)
	w.must(err)
	if r := first.Request; r.Title != "S3 bucket acme-x" || r.Requester.Login != "dana" ||
		r.Target.Path != "envs/dev/app/tfpilot_"+d.ID+".tf" || r.Reason != "Because." {
		t.Errorf("%+v", r)
	}
	again, err := w.Open(t.Context(), w.caller("dana"), d)
	if err != nil || again.Request.WriteNonce != first.Request.WriteNonce || len(w.ids()) != 1 {
		t.Errorf("%v %v", err, w.ids())
	}
	var refusal *request.Refusal
	if _, err := w.Open(t.Context(), w.caller("omar"), d); !errors.As(err, &refusal) ||
		refusal.Code != lifecycle.CodeTaken {
		t.Errorf("another person's id: %v", err)
	}
	d.ID = "../../x"
	if _, err := w.Open(t.Context(), w.caller("dana"), d); !errors.As(err, &refusal) || refusal.Class != request.Invalid {
		t.Errorf("an id that is none: %v", err)
	}
}

// Whom a module is for is asked everywhere.
func TestModulesOfOthers(t *testing.T) {
	w := newFixture(t)
	m := &catalog.Module{Title: "A thing", Allow: catalog.Allow{Roles: []string{"admin"}}}
	if refusal := w.MayUse(w.caller("adam"), m, "core"); refusal != nil {
		t.Error(refusal)
	}
	if refusal := w.MayUse(w.caller("dana"), m, "core"); refusal == nil || refusal.Text != "A thing is only for admin." {
		t.Errorf("%v", refusal)
	}
}

func TestReasons(t *testing.T) {
	for reason, ok := range map[string]bool{
		"for the logs": true, "": true, strings.Repeat("ä", request.MaxReason): true,
		strings.Repeat("a", request.MaxReason+1): false,
		"\xff":                                   false, "use AKIAIOSFODNN7EXAMPLE": false, "password=Winter2026": false,
		"evil \u202e": false, "two\nlines": true,
	} {
		if refusal := request.CheckReason(reason); (refusal == nil) != ok {
			t.Errorf("%.40q: %v", reason, refusal)
		}
	}
}

// People of other workspaces see nothing, not even what everyone here may read.
func TestStrangersSeeNothing(t *testing.T) {
	w := newFixture(t)
	w.put(requesttest.Planned("dev"), false)
	c, err := w.SlackCaller(t.Context(), requesttest.Person("omar"), "T0OTHER")
	w.must(err)
	_, get := w.Get(t.Context(), c, requesttest.ID)
	_, list := w.List(t.Context(), c, listAll)
	_, sync := w.Sync(t.Context(), c, "")
	_, act := w.Act(t.Context(), c, request.Command{ID: requesttest.ID, Action: lifecycle.ActionClose})
	_, open := w.Open(t.Context(), c, requesttest.Draft())
	for name, err := range map[string]error{"get": get, "list": list, "sync": sync, "act": act, "open": open,
		"anywhere": w.MayOpenAnywhere(c)} {
		if err == nil || !strings.Contains(err.Error(), "from another workspace") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An operator holds the bucket, so they may read; without a person they change nothing.
func TestOperatorsReadOnly(t *testing.T) {
	w := newFixture(t)
	w.Policy.AllowedLogins = []string{"adam"}
	w.put(requesttest.Planned("dev"), false)
	operator := request.Caller{Source: request.SourceCLI, Operator: true}
	if _, err := w.Get(t.Context(), operator, requesttest.ID); err != nil {
		t.Error(err)
	}
	if _, _, err := w.Plan(t.Context(), operator, requesttest.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.Get(t.Context(), w.caller("dana"), requesttest.ID); err == nil {
		t.Error("one who may not use TfPilot reads")
	}
	if _, err := w.Act(t.Context(), operator,
		request.Command{ID: requesttest.ID, Action: lifecycle.ActionClose}); err == nil {
		t.Error("an operator closed a request without a person")
	}
	if _, err := w.Sync(t.Context(), operator, ""); err == nil {
		t.Error("an operator synced without a person")
	}
}

// Sync has the messages tried again that Slack refused.
func TestSyncRetriesMessages(t *testing.T) {
	w := newFixture(t)
	stored := requesttest.Planned("dev")
	stored.Slack.Messages = []lifecycle.Message{{Role: lifecycle.RoleCard, State: lifecycle.MessageRefused +
		"is_archived:1"}, {Role: lifecycle.RoleDM, TS: "1.1"}}
	w.put(stored, false)
	done, err := w.Sync(t.Context(), w.caller("dana"), requesttest.ID)
	if err != nil || len(done.Repositories) != 1 || done.Repositories[0] != "acme/infra-core" ||
		len(done.Request.Slack.Messages) != 1 {
		t.Errorf("%v %+v", err, done)
	}
}

// A plan is shown only when its bytes have the digest that an approval is bound to.
func TestPlanOfAnotherDigestIsNotShown(t *testing.T) {
	w := newFixture(t)
	stored := requesttest.Planned("dev")
	stored.Plan.Digest = "sha256:" + strings.Repeat("0", 64)
	w.put(stored, false)
	if _, _, err := w.Plan(t.Context(), w.caller("omar"), requesttest.ID); err == nil ||
		!strings.Contains(err.Error(), "does not have the digest") {
		t.Errorf("%v", err)
	}
}

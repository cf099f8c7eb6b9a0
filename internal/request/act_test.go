package request_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// An action is recorded with who took it and what they saw, and workers and lists are notified.
func TestActRecordsAnIntent(t *testing.T) {
	w := newFixture(t)
	stored := requesttest.Planned("dev")
	w.put(stored, false)
	seen := request.SeenIn(*stored)
	seen.Read = true
	doc, err := w.Act(t.Context(), w.caller("omar"), request.Command{ID: requesttest.ID,
		Action: lifecycle.ActionApprove,
		Seen:   seen})
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
	unread, stale, typed := lifecycle.CodeUnread, lifecycle.CodeStale, lifecycle.CodeUnconfirmed
	for name, c := range map[string]struct {
		env     string
		action  lifecycle.Action
		read    bool
		confirm string
		refused lifecycle.ReasonCode
	}{
		"unread":                       {"dev", approve, false, "", unread},
		"read":                         {"dev", approve, true, "", ""},
		"digest":                       {"dev", approve, false, digest, ""},
		"twelve digits":                {"dev", approve, false, " " + hex[:12] + "\n", ""},
		"eleven digits":                {"dev", approve, false, hex[:11], stale},
		"another digest":               {"dev", approve, false, "ffffffffffff", stale},
		"read, and something typed":    {"dev", approve, true, "ffffffffffff", ""},
		"environment, unread":          {"dev", approve, false, "dev/app", unread},
		"protected, read":              {"prod", approve, true, "", typed},
		"protected, read and typed":    {"prod", approve, true, " Prod/app ", ""},
		"protected, another name":      {"prod", approve, true, "dev/app", typed},
		"protected, unread":            {"prod", approve, false, "", unread},
		"protected, unread, typed":     {"prod", approve, false, "prod/app", unread},
		"protected, digest":            {"prod", approve, false, digest, ""},
		"destroy, unseen":              {"dev", destroy, false, "", typed},
		"destroy, seen":                {"dev", destroy, true, "", ""},
		"destroy, typed":               {"dev", destroy, false, "dev/app", ""},
		"destroy, protected, seen":     {"prod", destroy, true, "", typed},
		"destroy, protected, typed":    {"prod", destroy, false, "prod/app", ""},
		"destroy, protected, a digest": {"prod", destroy, true, digest, typed},
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
			if c.refused != "" {
				refusal := refused(t, name, err)
				if kind := refusal.Confirm; refusal.Code != c.refused || c.refused == typed &&
					(kind == lifecycle.ConfirmTyped) != (c.env == "prod") {
					t.Errorf("%+v", refusal)
				}
				return
			}
			if i := doc.Request.Intent(c.action); err != nil || i == nil || i.Typed != (c.env == "prod") {
				t.Errorf("%v %+v", err, i)
			}
		})
	}
}

// A window is opened for what Act would take, with the confirmation of today, and nothing is written.
func TestCheck(t *testing.T) {
	for env, want := range map[string]lifecycle.Confirmation{"dev": lifecycle.ConfirmPlan,
		"prod": lifecycle.ConfirmTyped} {
		w := newFixture(t)
		stored := requesttest.Planned(env)
		w.put(stored, false)
		cmd := request.Command{ID: requesttest.ID, Action: lifecycle.ActionApprove,
			Seen: request.SeenIn(*stored)}
		if r, how, err := w.Check(t.Context(), w.caller("omar"), cmd); err != nil || how != want ||
			r.ID != stored.ID {
			t.Errorf("%s: %v, confirmed by %q", env, err, how)
		}
		if _, _, err := w.Check(t.Context(), w.caller("vic"), cmd); refused(t, "a viewer",
			err).Class != request.Denied {
			t.Errorf("%s: a viewer: %v", env, err)
		}
		cmd.Seen.Digest = "sha256:other"
		if _, how, err := w.Check(t.Context(), w.caller("omar"), cmd); refused(t, "another plan",
			err).Code != lifecycle.CodeStale || how != lifecycle.ConfirmNone {
			t.Errorf("%s: another plan: %v", env, err)
		}
		if doc, err := w.store.Get(t.Context(), requesttest.ID); err != nil || len(doc.Request.Wanted) != 0 {
			t.Errorf("%s: %v %+v", env, err, doc.Request.Wanted)
		}
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
	if w.tasks() == 0 {
		t.Error("no worker was notified")
	}
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
	if _, err := w.Open(t.Context(), w.caller("dana"), d); !errors.As(err, &refusal) ||
		refusal.Class != request.Invalid {
		t.Errorf("an id that is none: %v", err)
	}
}

// A draft for what does not exist has a fault at its field, which lists what exists.
func TestDraftForWhatDoesNotExist(t *testing.T) {
	w := newFixture(t)
	for name, c := range map[string]struct {
		change func(*request.Draft)
		field  string
		text   string
	}{
		"no project": {func(d *request.Draft) { d.Project = "" }, request.FieldProject,
			"A project is required: core."},
		"another project": {func(d *request.Draft) { d.Project = "x" }, request.FieldProject,
			`Unknown project "x". Projects: core.`},
		"another module": {func(d *request.Draft) { d.Module = "x" }, request.FieldModule,
			`Unknown module "x". Modules: `},
	} {
		d := requesttest.Draft()
		c.change(&d)
		_, refusal := w.CheckDraft(d)
		if refusal == nil || len(refusal.Faults) != 1 || refusal.Faults[0].Field != c.field ||
			!strings.HasPrefix(refusal.Text, c.text) {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
}

// Whom a module is for is asked everywhere.
func TestModulesOfOthers(t *testing.T) {
	w := newFixture(t)
	m := &catalog.Module{Title: "A thing", Allow: catalog.Allow{Roles: []string{"admin"}}}
	if refusal := w.MayUse(w.caller("adam"), m, "core"); refusal != nil {
		t.Error(refusal)
	}
	if refusal := w.MayUse(w.caller("dana"), m, "core"); refusal == nil ||
		refusal.Text != "A thing is only for admin." {
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
		"quiet": w.SetQuiet(t.Context(), c, true), "anywhere": w.MayOpenAnywhere(c)} {
		if err == nil || !strings.Contains(err.Error(), "belong to another workspace") {
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
	if page, err := w.List(t.Context(), w.caller("vic"), listAll); err != nil || len(page.Rows) != 1 {
		t.Errorf("the list: %v %+v", err, page.Rows)
	}
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

// An action is judged by the copy that its writer left, which costs no read: the write proves that the copy
// was the stored document. What the copy would refuse, and what another wrote meanwhile, is judged by the
// stored document.
func TestActOnACopy(t *testing.T) {
	planned, other := requesttest.Planned("dev"), requesttest.Planned("dev")
	other.Plan.Digest = "sha256:" + strings.Repeat("0", 64)
	seen := request.SeenIn(*planned)
	seen.Read = true
	for name, c := range map[string]struct {
		stored, copied *lifecycle.Request
		reads          int
		refused        lifecycle.ReasonCode
	}{
		"current":               {planned, planned, 0, ""},
		"outdated, refuses":     {planned, other, 1, ""},
		"outdated, would allow": {other, planned, 1, lifecycle.CodeStale},
		"both refuse":           {other, other, 1, lifecycle.CodeStale},
	} {
		w := newFixture(t)
		plain := bucket.Open(t, bucket.App, w, nil)
		doc, err := plain.Create(t.Context(), *c.stored)
		w.must(err)
		if c.copied != c.stored {
			outdated := *c.copied
			outdated.Version--
			data, err := lifecycle.Encode(outdated)
			w.must(err)
			w.cache.Put(t.Context(), requesttest.ID, `"outdated"`, data)
		} else {
			data, err := lifecycle.Encode(doc.Request)
			w.must(err)
			w.cache.Put(t.Context(), requesttest.ID, doc.ETag, data)
		}
		omar := w.caller("omar")
		w.bucket.ResetCounts()
		_, err = w.Act(t.Context(), omar, request.Command{ID: requesttest.ID, Action: lifecycle.ActionApprove, Seen: seen})
		reads := 0
		for _, n := range w.bucket.Counts() {
			if n.Verb == "GetObject" {
				reads += n.Calls
			}
		}
		var refusal *request.Refusal
		if c.refused == "" && err != nil || c.refused != "" && (!errors.As(err, &refusal) || refusal.Code != c.refused) ||
			reads != c.reads {
			t.Errorf("%s: %d reads: %v", name, reads, err)
		}
		stored, err := plain.Get(t.Context(), requesttest.ID)
		if err != nil || (stored.Request.Intent(lifecycle.ActionApprove) != nil) != (c.refused == "") {
			t.Errorf("%s: stored %+v, %v", name, stored.Request.Wanted, err)
		}
	}
}

package request_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

// refused is the refusal that an error is.
func refused(t *testing.T, what string, err error) *request.Refusal {
	t.Helper()
	var refusal *request.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: %v", what, err)
	}
	return refusal
}

// A Slack account acts as the GitHub account that it is linked to. Without a link, it has no login.
func TestSlackCaller(t *testing.T) {
	w := newFixture(t)
	nora := lifecycle.Person{SlackTeam: requesttest.Team, SlackUser: requesttest.SlackUsers["nora"]}
	omar := lifecycle.Person{SlackTeam: requesttest.Team, SlackUser: requesttest.SlackUsers["omar"]}
	for name, c := range map[string]struct {
		p        lifecycle.Person
		home     string
		login    string
		id       int64
		stranger bool
	}{
		"linked":                  {omar, requesttest.Team, "omar", 1003, false},
		"linked, of unknown home": {omar, "", "omar", 1003, false},
		"not linked":              {nora, requesttest.Team, "", 0, false},
		"from another workspace":  {omar, "T0OTHER", "", 0, true},
	} {
		got, err := w.SlackCaller(t.Context(), c.p, c.home)
		if err != nil || got.Login != c.login || got.GithubID != c.id || got.Stranger != c.stranger ||
			got.Source != request.SourceSlack || got.SlackUser != c.p.SlackUser {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	w.down = true
	_, err := w.SlackCaller(ctx, omar, "")
	if refusal := refused(t, "an outage", err); refusal.Class != request.Unavailable {
		t.Errorf("an outage: %+v", refusal)
	}
}

// How to link an account is said to those who have none linked, and only to them.
func TestLinkHelp(t *testing.T) {
	for _, help := range []string{"", "Link it at the desk."} {
		w := newFixture(t)
		w.LinkHelp = help
		for login, linked := range map[string]bool{"nora": false, "vic": true} {
			text := w.MayOpenAnywhere(w.caller(login)).Text
			want := help != "" && !linked
			if strings.HasSuffix(text, help) != (want || help == "") || strings.HasSuffix(text, " ") {
				t.Errorf("%s, help %q: %q", login, help, text)
			}
		}
	}
}

func TestNothingCanBeOpenedWithoutAProject(t *testing.T) {
	w := newFixture(t)
	if refusal := w.MayOpenAnywhere(w.caller("dana")); refusal != nil {
		t.Error(refusal)
	}
	w.Projects = nil
	if refusal := w.MayOpenAnywhere(w.caller("dana")); refusal == nil ||
		refusal.Code != lifecycle.CodeNoProject {
		t.Errorf("%+v", refusal)
	}
}

// Each action is offered with the result that it would have for this person.
func TestOptions(t *testing.T) {
	w := newFixture(t)
	r := *requesttest.Planned("dev")
	r.Approval.Approvers = []lifecycle.Approver{{
		Login: "ana", GithubID: 1002, HeadSHA: r.Plan.SHA, Blob: r.Plan.Blob, PlanDigest: r.Plan.Digest, Purpose: r.Plan.Purpose, At: requesttest.At,
	}}
	r.Approval.Approved = true
	for login, want := range map[string]map[lifecycle.Action]bool{
		"vic":  {lifecycle.ActionReject: false, lifecycle.ActionMerge: false, lifecycle.ActionWithdraw: false},
		"omar": {lifecycle.ActionReject: true, lifecycle.ActionMerge: true, lifecycle.ActionWithdraw: false},
		"ana":  {lifecycle.ActionReject: true, lifecycle.ActionMerge: true, lifecycle.ActionWithdraw: true},
	} {
		options := w.Options(w.caller(login), r, requesttest.At.Add(time.Hour))
		for action, allowed := range want {
			i := slices.IndexFunc(options, func(o request.Option) bool { return o.Action == action })
			if i < 0 {
				t.Errorf("%s: %s is not offered", login, action)
				continue
			}
			if o := options[i]; o.Allowed != allowed || (o.Refusal == "") != allowed {
				t.Errorf("%s: %s: %+v", login, action, o)
			}
		}
	}
}

// A repository of several projects is asked once.
func TestSyncOfEverythingAsksEachRepositoryOnce(t *testing.T) {
	w := newFixture(t)
	other := config.Project{Name: "data", Owner: "acme", Repo: "infra-data"}
	same := config.Project{Name: "core2", Owner: "Acme", Repo: "Infra-Core"}
	w.Projects = append(w.Projects, other, same)
	done, err := w.Sync(t.Context(), w.caller("dana"), "")
	if err != nil || !slices.Equal(done.Repositories, []string{"acme/infra-core", "acme/infra-data"}) ||
		done.Request != nil {
		t.Errorf("%v %+v", err, done)
	}
}

// A commit counts although no worker could be notified, and the operator reads why.
func TestCommitCountsWithoutANotification(t *testing.T) {
	w := newFixture(t)
	var log bytes.Buffer
	w.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.put(requesttest.Planned("dev"), false)
	act := func(login string) {
		t.Helper()
		doc, err := w.Act(t.Context(), w.caller(login), request.Command{
			ID: requesttest.ID, Action: lifecycle.ActionReject, Seen: request.SeenIn(*requesttest.Planned("dev")), Answers: request.Answers{Reason: " No. "},
		})
		if i := doc.Request.Intent(lifecycle.ActionReject); err != nil || i == nil || i.Reason != "No." {
			t.Fatalf("%s: %v %+v", login, err, doc.Request.Wanted)
		}
	}
	act("omar")
	if log.Len() != 0 {
		t.Errorf("a notification was sent: %s", log.String())
	}
	w.redis.Close()
	d := requesttest.Draft()
	if _, err := w.Open(t.Context(), w.caller("dana"), d); err != nil || !slices.Contains(w.ids(), d.ID) {
		t.Errorf("%v %v", err, w.ids())
	}
	if !strings.Contains(log.String(), "no worker was notified") || !strings.Contains(log.String(), d.ID) {
		t.Errorf("log: %s", log.String())
	}
}

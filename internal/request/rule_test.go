package request

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A person is known by the GitHub account, and by the Slack account or the login where one has none.
func TestSamePerson(t *testing.T) {
	type person = lifecycle.Person
	for name, c := range map[string]struct {
		a, b person
		same bool
	}{
		"one account": {person{GithubID: 1}, person{GithubID: 1}, true},
		"one account, renamed": {person{GithubID: 1, Login: "dana"}, person{GithubID: 1,
			Login: "dana-2"}, true},
		"a login that another took": {person{GithubID: 1, Login: "dana"}, person{GithubID: 2,
			Login: "dana"}, false},
		"a Slack account that was relinked": {person{GithubID: 1, SlackTeam: "T", SlackUser: "U"},
			person{GithubID: 2, SlackTeam: "T", SlackUser: "U"}, false},
		"no account, one login":    {person{Login: "Dana"}, person{GithubID: 1, Login: "dana"}, true},
		"no account, other logins": {person{Login: "dana"}, person{GithubID: 1, Login: "omar"}, false},
		"only Slack": {person{SlackTeam: "T", SlackUser: "U"},
			person{SlackTeam: "T", SlackUser: "U"}, true},
		"Slack, and another login": {person{SlackTeam: "T", SlackUser: "U", Login: "dana"},
			person{SlackTeam: "T", SlackUser: "U", Login: "omar"}, true},
		"another workspace": {person{SlackTeam: "T", SlackUser: "U"},
			person{SlackTeam: "S", SlackUser: "U"}, false},
		"another user": {person{SlackTeam: "T", SlackUser: "U"},
			person{SlackTeam: "T", SlackUser: "V"}, false},
		"no Slack user": {person{SlackTeam: "T"}, person{SlackTeam: "T"}, false},
		"unknown, both": {person{}, person{}, false},
	} {
		for _, pair := range [][2]person{{c.a, c.b}, {c.b, c.a}} {
			if got := (Caller{Person: pair[0]}).is(pair[1]); got != c.same {
				t.Errorf("%s: %+v and %+v: %v", name, pair[0], pair[1], got)
			}
		}
	}
}

// An action on a plan is refused when any of what identifies the plan differs, and an action on intents when
// they changed since they were shown.
func TestStale(t *testing.T) {
	planned := lifecycle.Request{Plan: &lifecycle.Plan{Digest: "sha256:a", SHA: "head",
		Purpose: lifecycle.PurposeOpen}}
	waits := lifecycle.Request{Wanted: []lifecycle.Intent{{What: lifecycle.ActionMerge},
		{What: lifecycle.ActionApply}}}
	shown := SeenIn(planned)
	change := func(f func(*Seen)) Seen {
		s := shown
		f(&s)
		return s
	}
	for name, c := range map[string]struct {
		binds lifecycle.Binding
		r     lifecycle.Request
		seen  Seen
		stale bool
	}{
		"the plan": {lifecycle.BindPlan, planned, shown, false},
		"another digest": {lifecycle.BindPlan, planned,
			change(func(s *Seen) { s.Digest = "sha256:b" }), true},
		"no digest": {lifecycle.BindPlan, planned, change(func(s *Seen) { s.Digest = "" }), true},
		"another head": {lifecycle.BindPlan, planned,
			change(func(s *Seen) { s.HeadSHA = "tip" }), true},
		"another purpose": {lifecycle.BindPlan, planned,
			change(func(s *Seen) { s.Purpose = lifecycle.PurposeDestroy }), true},
		"the purpose not shown": {lifecycle.BindPlan, planned, change(func(s *Seen) { s.Purpose = "" }), false},
		"nothing seen":          {lifecycle.BindPlan, planned, Seen{}, true},
		"no plan": {lifecycle.BindPlan, lifecycle.Request{}, shown,
			false}, // the rule of the action refuses
		"a reason for the plan": {lifecycle.BindPlanIfNamed, planned, shown, false},
		"for another plan": {lifecycle.BindPlanIfNamed, planned,
			change(func(s *Seen) { s.Digest = "sha256:b" }), true},
		"bound to nothing":      {lifecycle.BindNothing, planned, Seen{}, false},
		"the intents":           {lifecycle.BindIntents, waits, Seen{Intents: "apply,merge"}, false},
		"other intents":         {lifecycle.BindIntents, waits, Seen{Intents: "apply"}, true},
		"intents not shown":     {lifecycle.BindIntents, waits, Seen{}, false},
		"intents, not the plan": {lifecycle.BindIntents, planned, Seen{Digest: "sha256:b"}, false},
	} {
		refusal := stale(lifecycle.ActionRow{Binds: c.binds}, c.r, c.seen)
		if (refusal != nil) != c.stale || c.stale && (refusal.Code != lifecycle.CodeStale ||
			refusal.Class != Conflict) {
			t.Errorf("%s: %+v", name, refusal)
		}
		called := false
		everyone := Caller{Person: lifecycle.Person{Login: "adam", GithubID: 1}}
		service := &Service{Policy: rbac.Policy{Admins: []string{"adam"}}}
		_, err := service.ifAllowed(everyone, lifecycle.ActionRow{Binds: c.binds},
			Command{Action: lifecycle.ActionSync, Seen: c.seen},
			func(r lifecycle.Request) (lifecycle.Request, error) {
				called = true
				return r, nil
			})(c.r)
		if (err != nil) != c.stale || called == c.stale {
			t.Errorf("%s: written: %v %v", name, called, err)
		}
	}
	if got := SeenIn(waits); got != (Seen{Intents: "apply,merge"}) {
		t.Errorf("%+v", got)
	}
}

// Only an intent of the same action by the same person is one that they requested before.
func TestIntentBy(t *testing.T) {
	r := lifecycle.Request{Wanted: []lifecycle.Intent{{What: lifecycle.ActionMerge, By: "omar"},
		{What: lifecycle.ActionApprove, By: "ana"}}}
	for name, c := range map[string]struct {
		action lifecycle.Action
		login  string
		want   bool
	}{
		"theirs": {lifecycle.ActionMerge, "Omar", true}, "another action": {lifecycle.ActionApprove,
			"omar", false},
		"another person": {lifecycle.ActionMerge, "ana", false}, "no login": {lifecycle.ActionMerge, "", false},
	} {
		if got := intentBy(r, c.action, c.login); (got != nil) != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// An error becomes the refusal that it is, and an outage when it is none.
func TestRefusalOf(t *testing.T) {
	own := denied(lifecycle.CodeModule, "Only for admins.")
	rule := &lifecycle.Refusal{Code: lifecycle.CodeRunning, Text: "100% at work."}
	for name, c := range map[string]struct {
		err   error
		class Class
		code  lifecycle.ReasonCode
		text  string
	}{
		"of a use case": {fmt.Errorf("act: %w", own), Denied, lifecycle.CodeModule, own.Text},
		"of a rule":     {fmt.Errorf("update: %w", rule), Conflict, lifecycle.CodeRunning, rule.Text},
		"of the archive": {fmt.Errorf("update: %w", store.ErrArchived), Conflict, lifecycle.CodeArchived,
			archived().Text},
		"an outage": {errors.New("no route to host"), Unavailable, lifecycle.CodeUnavailable, Unreachable},
	} {
		got := RefusalOf(c.err)
		if got == nil || got.Class != c.class || got.Code != c.code || got.Text != c.text ||
			c.class == Unavailable && got.Unwrap() == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := RefusalOf(nil); got != nil {
		t.Errorf("without an error: %+v", got)
	}
}

// The first text that has to be entered names the request.
func TestTitle(t *testing.T) {
	required := func(kind catalog.Kind, name string) catalog.Field {
		return catalog.Field{Name: name, Kind: kind, Required: true}
	}
	fields := []catalog.Field{{Name: "note", Kind: catalog.Text}, required(catalog.Number, "size"),
		required(catalog.Text, "name"), required(catalog.Text, "zone")}
	for name, c := range map[string]struct {
		config map[string]any
		want   string
	}{
		"its name": {map[string]any{"note": "n", "size": "s", "name": "logs", "zone": "a"},
			"Bucket logs"},
		"a later field":  {map[string]any{"note": "n", "size": "s", "name": "", "zone": "a"}, "Bucket a"},
		"not a text":     {map[string]any{"note": "n", "size": "s", "name": 7}, "Bucket"},
		"nothing":        {nil, "Bucket"},
		"on one line":    {map[string]any{"name": "two\n lines "}, "Bucket two lines"},
		"nothing hidden": {map[string]any{"name": "a\u202eb"}, `Bucket a\u202eb`},
		"whole": {map[string]any{"name": strings.Repeat("ä", MaxTitle-7)},
			"Bucket " + strings.Repeat("ä", MaxTitle-7)},
		"cut": {map[string]any{"name": strings.Repeat("ä", MaxTitle-6)},
			"Bucket " + strings.Repeat("ä", MaxTitle-8) + "…"},
	} {
		d := Checked{module: &catalog.Module{Title: "Bucket", Fields: fields}, config: c.config}
		if got := d.Title(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

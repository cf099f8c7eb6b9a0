package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// The command line asks for a second look where Slack does.
func TestConfirmed(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	plan := func(destroy int) lifecycle.Request {
		return lifecycle.Request{ID: "req_abcdefghijklm", Plan: &lifecycle.Plan{Digest: "sha256:" + hex, Add: 1, Destroy: destroy}}
	}
	dev, prod := config.Environment{Key: "dev", Slug: "app"}, config.Environment{Key: "prod", Slug: "app", Protected: true}
	for name, c := range map[string]struct {
		action lifecycle.Action
		r      lifecycle.Request
		env    config.Environment
		given  string
		ok     bool
	}{
		"plain":              {lifecycle.ActionApprove, plan(0), dev, "", false},
		"plain, confirmed":   {lifecycle.ActionApprove, plan(0), dev, "sha256:" + hex, true},
		"plain, another":     {lifecycle.ActionApprove, plan(0), dev, "ffffffffffff", false},
		"destroys":           {lifecycle.ActionApprove, plan(1), dev, "", false},
		"destroys, prefix":   {lifecycle.ActionApprove, plan(1), dev, hex[:12], true},
		"destroys, short":    {lifecycle.ActionApprove, plan(1), dev, hex[:11], false},
		"protected":          {lifecycle.ActionApprove, plan(0), prod, "", false},
		"protected, named":   {lifecycle.ActionApprove, plan(0), prod, hex, true},
		"destroy dev":        {lifecycle.ActionDestroy, plan(0), dev, "", true},
		"destroy prod":       {lifecycle.ActionDestroy, plan(0), prod, "", false},
		"destroy prod named": {lifecycle.ActionDestroy, plan(0), prod, "prod/app", true},
		"merge":              {lifecycle.ActionMerge, plan(1), prod, "", true},
	} {
		if err := confirmed(c.action, c.r, c.env, c.given); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whom a module is for counts on the command line, too, and a reason holds no secret.
func TestMayOpen(t *testing.T) {
	k := &console{parts: &parts{cfg: &config.Config{People: rbac.Policy{Admins: []string{"adam"}}}}}
	env := config.Environment{Project: "core", Key: "dev", Slug: "app"}
	m := &catalog.Module{Title: "A thing", Allow: catalog.Allow{Roles: []string{"admin"}}}
	if err := k.mayOpen(lifecycle.Person{Login: "adam"}, env, m); err != nil {
		t.Error(err)
	}
	if err := k.mayOpen(lifecycle.Person{Login: "dana"}, env, m); err == nil || !strings.Contains(err.Error(), "only for admin") {
		t.Errorf("got %v", err)
	}
	for reason, ok := range map[string]bool{
		"for the logs": true, "": true, strings.Repeat("ä", maxReason): true, strings.Repeat("a", maxReason+1): false,
		"\xff": false, "use AKIAIOSFODNN7EXAMPLE": false, "password=Winter2026": false, "evil \u202e": false, "two\nlines": true,
	} {
		if err := checkReason(reason); (err == nil) != ok {
			t.Errorf("%.40q: %v", reason, err)
		}
	}
}

// Linking gives the rights of a login, so it is the admins', and one account stands
// for one person.
func TestMayLink(t *testing.T) {
	k := &console{parts: &parts{cfg: &config.Config{People: rbac.Policy{Admins: []string{"adam"}, Approvers: []string{"omar"}}}}}
	for as, ok := range map[string]bool{"adam": true, "Adam": true, "omar": false, "dana": false, "": false} {
		k.as = as
		if err := k.mayLink(); (err == nil) != ok {
			t.Errorf("%q: %v", as, err)
		}
	}
	dana := lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1", Login: "dana", GithubID: 1}
	for _, c := range []struct {
		id   lifecycle.Identity
		want bool
	}{
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U1", Login: "dana2", GithubID: 1}, false}, // linked anew
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "other", GithubID: 1}, true},
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "DANA", GithubID: 2}, true},
		{lifecycle.Identity{SlackTeam: "T1", SlackUser: "U2", Login: "omar", GithubID: 3}, false},
	} {
		if got := sharesAccount(dana, c.id); got != c.want {
			t.Errorf("%+v: %v", c.id, got)
		}
	}
}

func TestDoctorSpeaksJSON(t *testing.T) {
	var out strings.Builder
	findings := []finding{{"Redis responds", nil}, {"Slack accepts the bot token", errors.New("invalid_auth")}}
	if err := writeFindingsJSON(&out, nil, findings); err != nil {
		t.Fatal(err)
	}
	want := `{"notes":[],"checks":[{"what":"Redis responds","ok":true},{"what":"Slack accepts the bot token","ok":false,"error":"invalid_auth"}]}` + "\n"
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

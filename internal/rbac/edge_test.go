package rbac

import (
	"slices"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The edges of each rule, one by one: what a condition leaves out must show.

func TestNoAccess(t *testing.T) {
	p := team()
	if d := p.Decide(Subject{}, List, Scope{}); !d.Allowed {
		t.Errorf("without a link no one lists: %+v", d)
	}
	p.AllowedLogins = []string{"dana"}
	for s, code := range map[Subject]lifecycle.ReasonCode{{}: lifecycle.CodeNotLinked, omar: lifecycle.CodeNotAllowed} {
		if d := p.Decide(s, List, Scope{}); d.Code != code {
			t.Errorf("%q: %+v", s.Login, d)
		}
	}
}

func TestProtectedWithoutBeingProd(t *testing.T) {
	r, env := request("dev")
	env.Protected = true
	for _, v := range []Verb{Approve, Merge, Apply, Plan} {
		r.Authors, r.AuthorIDs = []string{"dana"}, []int64{1001}
		if d := team().Decide(ana, v, ScopeOf(r, ana, env)); d.Code != lifecycle.CodeProtected {
			t.Errorf("%s by an approver who is not listed: %+v", v, d)
		}
		if d := team().Decide(omar, v, ScopeOf(r, omar, env)); !d.Allowed {
			t.Errorf("%s by one who is: %+v", v, d)
		}
	}
}

// A request is judged by its own environment and no other.
func TestAnotherEnvironmentAllowsNothing(t *testing.T) {
	for name, other := range map[string]func(*Environment){
		"project": func(e *Environment) { e.Project = "payments" },
		"key":     func(e *Environment) { e.Key = "stage" },
		"slug":    func(e *Environment) { e.Slug = "api" },
	} {
		r, env := request("dev")
		other(&env)
		if d := team().Decide(adam, Apply, ScopeOf(r, adam, env)); d.Code != lifecycle.CodeEnvironmentUnknown {
			t.Errorf("another %s: %+v", name, d)
		}
	}
	for _, env := range []Environment{{Key: "dev", Slug: "app"}, {Project: "core", Slug: "app"},
		{Project: "core", Key: "dev"}} {
		if sc := ScopeIn(env); sc.configured() || sc.Environment != "" || sc.Project != "" {
			t.Errorf("%+v came out as %+v", env, sc)
		}
	}
	for _, sc := range []Scope{{Project: "core"}, {Environment: "dev/app"}} {
		if d := team().Decide(adam, Apply, sc); d.Code != lifecycle.CodeEnvironmentUnknown {
			t.Errorf("%+v: %+v", sc, d)
		}
	}
}

// An id gives the right where both sides have one, else the login does.
func TestWhoseRequestItIs(t *testing.T) {
	for _, c := range []struct {
		name string
		r    lifecycle.Person
		s    Subject
		own  bool
	}{
		{"both", lifecycle.Person{Login: "dana", GithubID: 1}, Subject{Login: "dana", GithubID: 1}, true},
		{"another id", lifecycle.Person{Login: "dana", GithubID: 1}, Subject{Login: "dana", GithubID: 2}, false},
		{"a new login", lifecycle.Person{Login: "dana", GithubID: 1}, Subject{Login: "dana2", GithubID: 1}, true},
		{"no id there", lifecycle.Person{Login: "dana"}, Subject{Login: "dana", GithubID: 2}, true},
		{"no id here", lifecycle.Person{Login: "dana", GithubID: 1}, Subject{Login: "dana"}, true},
		{"no ids, other logins", lifecycle.Person{Login: "dana"}, Subject{Login: "omar"}, false},
	} {
		if got := owns(lifecycle.Request{Requester: c.r}, c.s); got != c.own {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// An account that is not known is like no other.
func TestWhoIsAlike(t *testing.T) {
	if wrote(lifecycle.Request{AuthorIDs: []int64{0}}, Subject{Login: "omar"}) {
		t.Error("an author without an id is everyone without one")
	}
	for _, c := range []struct {
		name  string
		p     lifecycle.Person
		s     Subject
		alike bool
	}{
		{"no ids", lifecycle.Person{Login: "dana"}, Subject{Login: "omar"}, false},
		{"no Slack users", lifecycle.Person{SlackTeam: "T1"}, Subject{Login: "omar", SlackTeam: "T1"}, false},
		{"another user of the workspace", lifecycle.Person{SlackTeam: "T1", SlackUser: "U1"},
			Subject{Login: "omar", SlackTeam: "T1", SlackUser: "U2"}, false},
		{"another workspace", lifecycle.Person{SlackTeam: "T1", SlackUser: "U1"},
			Subject{Login: "omar", SlackTeam: "T2", SlackUser: "U1"}, false},
		{"the same user", lifecycle.Person{SlackTeam: "T1", SlackUser: "U1"},
			Subject{Login: "omar", SlackTeam: "T1", SlackUser: "U1"}, true},
		{"the same id", lifecycle.Person{Login: "dana", GithubID: 7}, Subject{Login: "omar", GithubID: 7}, true},
		{"the same login", lifecycle.Person{Login: "Dana", GithubID: 7}, Subject{Login: "dana", GithubID: 8}, true},
	} {
		if got := alike(c.p, c.s); got != c.alike {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A round may have two requesters: who wants the destroy, and who planned it again.
func TestBothRequestersOfARoundAreBarred(t *testing.T) {
	r, env := round("dev", lifecycle.PurposeDestroy)
	r.Wanted = []lifecycle.Intent{{What: lifecycle.ActionDestroy, By: "omar", ByID: 1003}}
	for _, s := range []Subject{adam, omar} {
		if d := team().Decide(s, Approve, ScopeOf(r, s, env)); d.Code != lifecycle.CodeRoundRequester {
			t.Errorf("%s: %+v", s.Login, d)
		}
	}
	d := team().Decide(vic, Approve, ScopeOf(r, vic, env))
	if slices.Contains(d.Who, "adam") || slices.Contains(d.Who, "omar") {
		t.Errorf("who requested it is named as one who can: %v", d.Who)
	}
}

func TestNoOneIsListedTwice(t *testing.T) {
	p := team()
	p.Approvers = append(p.Approvers, "OMAR", "adam")
	r, env := request("dev")
	d := p.Decide(dana, Approve, ScopeOf(r, dana, env))
	if !slices.Equal(d.Who, []string{"omar", "adam"}) {
		t.Errorf("%v", d.Who)
	}
}

func TestRefusalsWhenNoOneCan(t *testing.T) {
	r, env := request("prod")
	p := Policy{Admins: []string{"adam"}, Approvers: []string{"omar"}, ProdAllowed: []string{"nora"}}
	for _, c := range []struct {
		name string
		p    Policy
		s    Subject
		v    Verb
		want string
	}{
		{"no one of the list has the role", p, omar, Apply, "prod/app is protected, and you don't have permission to " +
			"apply this request there. No one can do this right now. Ask the operator of TfPilot."},
		{"the destroy list is empty", p, adam, Destroy, "prod/app is protected, and you don't have permission to destroy " +
			"the resources of this request there. TFPILOT_DESTROY_PROD_ALLOWED_USERS is empty. Ask the operator of TfPilot " +
			"to add people to it."},
		{"only the other list is empty", Policy{Admins: []string{"adam"}, DestroyProdAllowed: []string{"nora"}}, adam,
			Destroy, "prod/app is protected, and you don't have permission to destroy the resources of this request there. " +
				"No one can do this right now. Ask the operator of TfPilot."},
		{"the role is missing, and a list is empty", Policy{}, dana, Approve, "Only approvers and admins can approve. No " +
			"one can do this right now. Ask the operator of TfPilot."},
	} {
		if d := c.p.Decide(c.s, c.v, ScopeOf(r, c.s, env)); d.Reason != c.want {
			t.Errorf("%s: %q", c.name, d.Reason)
		}
	}
}

func TestLoginsAreComparedInASCII(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{{"AZaz-09", "azAZ-09", true}, {" dana ", "Dana", true}, {"a@", "a`", false}, {"a[", "a{", false},
		{"a", "b", false}} {
		if got := lifecycle.SameLogin(c.a, c.b); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}

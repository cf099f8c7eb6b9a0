package rbac

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

var slackUsers = []string{"", "U1", "U2"}

var logins = []string{"dana", "ana", "omar", "adam", "vic", ""}

func genPolicy(t *rapid.T) Policy {
	list := func(name string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(logins), 0, 4).Draw(t, name)
	}
	return Policy{list("admins"), list("approvers"), list("viewers"), list("allowed"), list("prod"), list("destroyProd")}
}

func genSubject(t *rapid.T) Subject {
	return Subject{
		Login: rapid.SampledFrom(logins).Draw(t, "login"), GithubID: rapid.Int64Range(0, 3).Draw(t, "id"),
		SlackTeam: "T1", SlackUser: rapid.SampledFrom(slackUsers).Draw(t, "slack"),
	}
}

func genVerb(t *rapid.T) Verb { return rapid.SampledFrom(Matrix()).Draw(t, "row").Verb }

func genCase(t *rapid.T) (lifecycle.Request, Environment) {
	login := rapid.SampledFrom(logins)
	r := lifecycle.Request{
		Project:     "core",
		Environment: lifecycle.Environment{Key: rapid.SampledFrom([]string{"dev", "prod"}).Draw(t, "key"), Slug: "app"},
		Requester: lifecycle.Person{
			Login: login.Draw(t, "requester"), GithubID: rapid.Int64Range(0, 3).Draw(t, "requesterId"),
			SlackTeam: "T1", SlackUser: rapid.SampledFrom(slackUsers).Draw(t, "requesterSlack"),
		},
		Authors: rapid.SliceOfN(login, 0, 3).Draw(t, "authors"),
	}
	if rapid.Bool().Draw(t, "round") {
		by := lifecycle.Person{
			Login: login.Draw(t, "by"), GithubID: rapid.Int64Range(0, 3).Draw(t, "byId"),
			SlackTeam: "T1", SlackUser: rapid.SampledFrom(slackUsers).Draw(t, "bySlack"),
		}
		r.Runs.Plan.Attempts = []lifecycle.Attempt{{Number: 1, RequestedBy: &by}}
		r.Plan = &lifecycle.Plan{Attempt: 1, Purpose: rapid.SampledFrom([]lifecycle.Purpose{
			lifecycle.PurposeOpen, lifecycle.PurposeReapply, lifecycle.PurposeDestroy,
		}).Draw(t, "purpose")}
	}
	by := rapid.SampledFrom([]string{"", Requester, "approvers"})
	env := Environment{
		Project: "core", Key: r.Environment.Key, Slug: "app",
		Protected:    rapid.Bool().Draw(t, "protected"),
		Apply:        by.Draw(t, "apply"),
		Destroy:      by.Draw(t, "destroy"),
		SelfApproval: rapid.Bool().Draw(t, "selfApproval"),
	}
	return r, env
}

func changes(v Verb) bool { return v != List && v != Show }

func TestDecideProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, v := genPolicy(t), genSubject(t), genVerb(t)
		r, env := genCase(t)
		sc := ScopeOf(r, s, env)
		d := p.Decide(s, v, sc)
		protected := env.Protected || env.Key == "prod"
		switch {
		case d.Allowed != (d.Reason == "") || d.Allowed != (d.Code == ""):
			t.Fatalf("a refusal has a code and a reason, and nothing else has: %+v", d)
		case d.Allowed && s.Login == "" && changes(v):
			t.Fatalf("no one in particular may %s", v)
		case d.Allowed && names(p.Viewers, s.Login) && !names(p.Admins, s.Login) && !names(p.Approvers, s.Login) &&
			changes(v):
			t.Fatalf("a viewer may %s", v)
		case d.Allowed && len(p.AllowedLogins) > 0 && !names(p.AllowedLogins, s.Login):
			t.Fatalf("someone who is not allowed in may %s", v)
		case d.Allowed && v == Approve && sc.Author && (protected || !env.SelfApproval):
			t.Fatalf("an author approves")
		case d.Allowed && v == Approve && requestedBy(r, s) && (protected || !env.SelfApproval):
			t.Fatalf("the person who requested this round approves it")
		case d.Allowed && v == Approve && s.SlackUser != "" && s.SlackUser == r.Requester.SlackUser &&
			(protected || !env.SelfApproval):
			t.Fatalf("the requester approves under another login")
		case d.Allowed && (v == Apply || v == Merge) && p.Role(s) == Developer && (!owns(r, s) || env.Apply != Requester):
			t.Fatalf("a developer may %s what is not theirs, or not here", v)
		case d.Allowed && v == Destroy && p.Role(s) == Developer && (!owns(r, s) || env.Destroy != Requester):
			t.Fatalf("a developer destroys what is not theirs, or not here")
		case d.Allowed && protected && needsProd(v) && !names(p.ProdAllowed, s.Login):
			t.Fatalf("%s in production by someone who is not listed", v)
		case d.Allowed && protected && v == Destroy && !names(p.DestroyProdAllowed, s.Login):
			t.Fatalf("%s in production by someone who is not listed", v)
		}
	})
}

// requestedBy is written out a second time, so that it does not follow the rule it checks.
func requestedBy(r lifecycle.Request, s Subject) bool {
	if r.Plan == nil || r.Plan.Purpose == lifecycle.PurposeOpen {
		return false
	}
	by := *r.Runs.Plan.Attempts[0].RequestedBy
	return s.Login != "" && by.Login == s.Login || s.GithubID != 0 && by.GithubID == s.GithubID || s.SlackUser != "" &&
		by.SlackUser == s.SlackUser
}

func needsProd(v Verb) bool {
	return slices.Contains([]Verb{Plan, Approve, Merge, Apply}, v)
}

// The people that a refusal lists are allowed what was refused.
func TestWhoCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, v := genPolicy(t), genSubject(t), genVerb(t)
		r, env := genCase(t)
		r.Requester.GithubID = 0
		s.SlackUser, s.SlackTeam = "", ""
		d := p.Decide(s, v, ScopeOf(r, s, env))
		if d.Code == lifecycle.CodeNotAllowed || d.Code == lifecycle.CodeNotLinked {
			v = LinkIdentity // they are asked to grant access
		}
		for _, login := range d.Who {
			c := Subject{Login: login}
			if lifecycle.SameLogin(login, s.Login) {
				t.Fatalf("%s should ask themselves", login)
			}
			if again := p.Decide(c, v, ScopeOf(r, c, env)); !again.Allowed {
				t.Fatalf("%s is named for %s but refused: %s", login, v, again.Reason)
			}
		}
	})
}

// A person who is moved up loses nothing, and one who is added to a list neither.
func TestMoreRightsNeverTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, v := genPolicy(t), genVerb(t)
		s := Subject{Login: "dana", GithubID: 1}
		r, env := genCase(t)
		sc := ScopeOf(r, s, env)
		before := p.Decide(s, v, sc)
		if v == Destroy && p.Role(s) == Developer {
			return // becomes an approver, who asks for no destroy
		}
		more := p
		switch rapid.IntRange(0, 3).Draw(t, "more") {
		case 0:
			more.Admins = append(slices.Clone(p.Admins), "dana")
		case 1:
			if p.Role(s) != Viewer {
				more.Approvers = append(slices.Clone(p.Approvers), "dana")
			}
		case 2:
			more.ProdAllowed = append(slices.Clone(p.ProdAllowed), "dana")
		default:
			more.DestroyProdAllowed = append(slices.Clone(p.DestroyProdAllowed), "dana")
		}
		if before.Allowed && !more.Decide(s, v, sc).Allowed {
			t.Fatalf("more rights took %s away", v)
		}
	})
}

// A stronger role may do whatever the one before it may, but for destroy.
func TestRolesGrow(t *testing.T) {
	for _, row := range Matrix() {
		if row.Verb == Destroy {
			continue
		}
		for i, role := range Roles()[1:] {
			for _, own := range []bool{false, true} {
				for _, by := range []string{"", Requester} {
					sc := Scope{Own: own, ApplyBy: by, DestroyBy: by}
					if covers(row.Grant(Roles()[i]), sc) && !covers(row.Grant(role), sc) {
						t.Errorf("%s: %s may not what %s may", row.Verb, role, Roles()[i])
					}
				}
			}
		}
	}
}

// The zero scope lets no one change anything in an environment.
func TestZeroScopeIsClosed(t *testing.T) {
	p := Policy{Admins: []string{"adam"}, ProdAllowed: []string{"adam"}, DestroyProdAllowed: []string{"adam"}}
	for _, row := range Matrix() {
		d := p.Decide(adam, row.Verb, Scope{})
		if d.Allowed != (row.Needs == NeedsNothing) {
			t.Errorf("%s: allowed %v", row.Verb, d.Allowed)
		}
	}
}

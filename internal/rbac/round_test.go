package rbac

import (
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// round is a request of dana whose current plan is for a purpose and was requested by adam.
func round(key string, purpose lifecycle.Purpose) (lifecycle.Request, Environment) {
	r, env := request(key)
	by := lifecycle.Person{Login: "adam", GithubID: 1004, SlackTeam: "T1", SlackUser: "U4"}
	r.Plan = &lifecycle.Plan{Attempt: 2, Purpose: purpose}
	r.Runs.Plan.Attempts = []lifecycle.Attempt{{Number: 1, Actor: "dana"}, {Number: 2, Actor: "adam", RequestedBy: &by}}
	return r, env
}

// The person who requested a destroy or a new plan of what exists never approves it, by
// login, by GitHub id, or from the same Slack account.
func TestRequesterOfARoundMayNotApproveIt(t *testing.T) {
	self := func(e *Environment) { e.SelfApproval = true }
	for _, c := range []struct {
		name    string
		purpose lifecycle.Purpose
		key     string
		env     func(*Environment)
		s       Subject
		code    lifecycle.ReasonCode
	}{
		{"destroy", lifecycle.PurposeDestroy, "dev", nil, adam, lifecycle.CodeRoundRequester},
		{"new plan", lifecycle.PurposeReapply, "dev", nil, adam, lifecycle.CodeRoundRequester},
		{"first plan, planned again", lifecycle.PurposeOpen, "dev", nil, adam, ""},
		{"by id under a new login", lifecycle.PurposeDestroy, "dev", nil, Subject{Login: "omar", GithubID: 1004},
			lifecycle.CodeRoundRequester},
		{"by Slack account under a new login", lifecycle.PurposeDestroy, "dev", nil,
			Subject{Login: "omar", GithubID: 1003, SlackTeam: "T1", SlackUser: "U4"}, lifecycle.CodeRoundRequester},
		{"the same user id in another workspace", lifecycle.PurposeDestroy, "dev", nil,
			Subject{Login: "omar", GithubID: 1003, SlackTeam: "T2", SlackUser: "U4"}, ""},
		{"another person", lifecycle.PurposeDestroy, "dev", nil, omar, ""},
		{"where that is allowed", lifecycle.PurposeDestroy, "dev", self, adam, ""},
		{"in production though configured", lifecycle.PurposeDestroy, "prod", self, adam, lifecycle.CodeRoundRequester},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, env := round(c.key, c.purpose)
			if c.env != nil {
				c.env(&env)
			}
			d := team().Decide(c.s, Approve, ScopeOf(r, c.s, env))
			if d.Code != c.code {
				t.Fatalf("got %+v", d)
			}
			for _, login := range d.Who {
				if login == "adam" {
					t.Error("the person who requested it is named as one who can approve it")
				}
			}
			if d := team().Decide(c.s, Reject, ScopeOf(r, c.s, env)); !d.Allowed {
				t.Errorf("cannot dismiss the round: %+v", d)
			}
		})
	}
}

// While the plan of a destroy runs, the one who wants the destroy is known already; a
// document of an older version names only the login of the person who started the plan.
func TestWhoRequestedARound(t *testing.T) {
	r, env := round("dev", lifecycle.PurposeDestroy)
	r.Runs.Plan.Attempts[1].RequestedBy = nil
	if d := team().Decide(adam, Approve, ScopeOf(r, adam, env)); d.Code != lifecycle.CodeRoundRequester {
		t.Errorf("by the actor of the plan: %+v", d)
	}
	r.Runs.Plan.Attempts[1].Actor = "ana"
	r.Wanted = []lifecycle.Intent{{What: lifecycle.ActionDestroy, By: "adam", ByID: 1004}}
	if d := team().Decide(adam, Approve, ScopeOf(r, adam, env)); d.Code != lifecycle.CodeRoundRequester {
		t.Errorf("by the intent to destroy: %+v", d)
	}
}

// The requester's Slack account does not approve under another login.
func TestRequesterUnderAnotherLogin(t *testing.T) {
	r, env := request("dev")
	r.Requester.SlackTeam, r.Requester.SlackUser = "T1", "U1"
	s := Subject{Login: "omar", GithubID: 1003, SlackTeam: "T1", SlackUser: "U1"}
	if d := team().Decide(s, Approve, ScopeOf(r, s, env)); d.Code != lifecycle.CodeAuthor {
		t.Errorf("got %+v", d)
	}
	if ScopeOf(r, s, env).Own {
		t.Error("another login gains a right from the Slack account")
	}
}

// Withdrawing needs no list: it only takes away.
func TestWhoWithdraws(t *testing.T) {
	r, env := request("prod")
	for s, allowed := range map[Subject]bool{ana: true, omar: true, adam: true, dana: false, vic: false, {}: false} {
		if d := team().Decide(s, Withdraw, ScopeOf(r, s, env)); d.Allowed != allowed {
			t.Errorf("%s: %+v", s.Login, d)
		}
	}
}

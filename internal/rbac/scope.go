package rbac

import (
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Requester is the value of Environment.Apply and Destroy that gives the person
// who asked for something the right to apply or destroy it.
const Requester = "requester"

// Environment is what the rules need to know of a configured environment.
type Environment struct {
	Project, Key, Slug string
	Protected          bool
	Apply, Destroy     string // Requester, or else not by the requester as such
	SelfApproval       bool   // authors may approve; never in a protected environment
}

// Scope is what a decision is about: the environment, and how the subject stands
// to the request. The zero Scope fits verbs that are about no environment; for the
// others it stands for an environment that is not configured, where nothing may
// be changed.
type Scope struct {
	Own                bool // the subject asked for it
	Author             bool // the subject wrote or edited its config
	Requested          bool // the subject requested this round: the destroy, or the new plan
	Protected          bool
	ApplyBy, DestroyBy string // Requester or ""
	SelfApproval       bool
	PlanByClick        bool // a person asks for the plan, rather than a change that makes one due
	Project            string
	Environment        string   // "dev/app"
	RequesterLogin     string   // to name who can
	Authors            []string // logins, to name who can
	Requesters         []string // of this round: logins, to name who can
}

// ScopeOf gives the scope of what s does to r, whose environment is configured as
// env. When env is another environment than r's, nothing may be changed.
func ScopeOf(r lifecycle.Request, s Subject, env Environment) Scope {
	if r.Project != env.Project || r.Environment.Key != env.Key || r.Environment.Slug != env.Slug {
		return Scope{}
	}
	sc := ScopeIn(env)
	sc.Own = owns(r, s)
	sc.Author = wrote(r, s)
	for _, p := range r.RoundRequesters() {
		sc.Requested = sc.Requested || alike(p, s)
		sc.Requesters = append(sc.Requesters, p.Login)
	}
	sc.RequesterLogin = r.Requester.Login
	sc.Authors = append([]string{r.Requester.Login}, r.Authors...)
	return sc
}

// ScopeIn gives the scope of what is done in an environment, but not to a request
// that exists already.
func ScopeIn(env Environment) Scope {
	if env.Project == "" || env.Key == "" || env.Slug == "" {
		return Scope{}
	}
	return Scope{
		Protected:    lifecycle.Protected(env.Key, env.Protected),
		ApplyBy:      env.Apply,
		DestroyBy:    env.Destroy,
		SelfApproval: env.SelfApproval,
		PlanByClick:  true,
		Project:      env.Project,
		Environment:  env.Key + "/" + env.Slug,
	}
}

// owns gives a right, so an id decides where both are known: a login that was
// given up may belong to somebody else by now.
func owns(r lifecycle.Request, s Subject) bool {
	if r.Requester.GithubID != 0 && s.GithubID != 0 {
		return r.Requester.GithubID == s.GithubID
	}
	return lifecycle.SameLogin(r.Requester.Login, s.Login)
}

// wrote takes a right away, so any likeness will do.
func wrote(r lifecycle.Request, s Subject) bool {
	if s.GithubID != 0 && slices.Contains(r.AuthorIDs, s.GithubID) {
		return true
	}
	return alike(r.Requester, s) || names(r.Authors, s.Login)
}

// alike reports whether a person may be the subject: by GitHub login, by GitHub id, or by
// the Slack account, which may be linked to another login by now.
func alike(p lifecycle.Person, s Subject) bool {
	return lifecycle.SameLogin(p.Login, s.Login) ||
		s.GithubID != 0 && p.GithubID == s.GithubID ||
		s.SlackUser != "" && p.SlackUser == s.SlackUser && p.SlackTeam == s.SlackTeam
}

// configured says whether the scope names an environment.
func (sc Scope) configured() bool { return sc.Project != "" && sc.Environment != "" }

// protected is true for prod whatever the caller says.
func (sc Scope) protected() bool {
	key, _, _ := strings.Cut(sc.Environment, "/")
	return lifecycle.Protected(key, sc.Protected)
}

// as gives the scope as another login would have it, to find out who can.
func (sc Scope) as(login string) Scope {
	sc.Own = lifecycle.SameLogin(sc.RequesterLogin, login)
	sc.Author = names(sc.Authors, login)
	sc.Requested = names(sc.Requesters, login)
	return sc
}

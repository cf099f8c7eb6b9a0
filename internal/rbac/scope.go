package rbac

import (
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Requester is the value of Environment.Apply and Destroy that allows requesters to
// apply or destroy their own requests.
const Requester = "requester"

// Environment is what the rules need to know of a configured environment.
type Environment struct {
	Project, Key, Slug string
	Protected          bool
	Apply, Destroy     string // Requester: requesters may; otherwise they need the role
	SelfApproval       bool   // authors may approve; never in a protected environment
}

// Scope is what a decision applies to: the environment, and the relation of the subject
// to the request. The zero Scope is for verbs without an environment. For all other verbs
// it means an environment that is not configured, where nothing may be changed.
type Scope struct {
	Own                bool // the subject created the request
	Author             bool // the subject wrote or edited its config
	Requested          bool // the subject requested this round: the destroy, or the new plan
	Protected          bool
	ApplyBy, DestroyBy string // Requester or ""
	SelfApproval       bool
	PlanByClick        bool // a person requested the plan; otherwise a change made it due
	Project            string
	Environment        string   // "dev/app"
	RequesterLogin     string   // to list who can do it instead
	Authors            []string // logins, to list who can do it instead
	Requesters         []string // logins of this round's requesters, to list who can do it instead
}

// ScopeOf returns the scope of an action by s on r. env is the configured environment of
// r. If env is a different environment, the scope is zero and nothing may be changed.
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

// ScopeIn returns the scope of an action in an environment that is not about an existing
// request.
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

// owns reports whether s created the request. It grants a permission, so the GitHub ID
// decides where both are known: a login may belong to another person by now.
func owns(r lifecycle.Request, s Subject) bool {
	if r.Requester.GithubID != 0 && s.GithubID != 0 {
		return r.Requester.GithubID == s.GithubID
	}
	return lifecycle.SameLogin(r.Requester.Login, s.Login)
}

// wrote reports whether s wrote the config. It removes a permission, so any match counts.
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

// configured reports whether the scope names an environment.
func (sc Scope) configured() bool { return sc.Project != "" && sc.Environment != "" }

// protected reports whether the environment is protected. prod always is.
func (sc Scope) protected() bool {
	key, _, _ := strings.Cut(sc.Environment, "/")
	return lifecycle.Protected(key, sc.Protected)
}

// as returns the scope for another login, to find out who can do it instead.
func (sc Scope) as(login string) Scope {
	sc.Own = lifecycle.SameLogin(sc.RequesterLogin, login)
	sc.Author = names(sc.Authors, login)
	sc.Requested = names(sc.Requesters, login)
	return sc
}

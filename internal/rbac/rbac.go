// Package rbac owns who may do what: the matrix of roles and verbs as data, and
// one function, Policy.Decide, that says yes or no with the reason and with who
// can instead. It is pure and fails closed. What may be done next at all is
// lifecycle's question, who somebody is the caller's.
package rbac

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Role of a person, weakest first. The empty role may do nothing at all.
type Role string

// The roles. Each may do what the one before it may, but for destroy: that is the
// developer's who asked for something, where the environment says so, and the
// admins'. Whoever approves destroying does not ask for it.
const (
	Nobody    Role = ""
	Viewer    Role = "viewer"
	Developer Role = "developer"
	Approver  Role = "approver"
	Admin     Role = "admin"
)

// Roles lists the roles, weakest first.
func Roles() []Role { return []Role{Viewer, Developer, Approver, Admin} }

// Policy is the six lists of GitHub logins that rights come from. Logins are
// compared without case.
type Policy struct {
	Admins             []string
	Approvers          []string
	Viewers            []string
	AllowedLogins      []string // who may use TfPilot at all; empty: every linked identity
	ProdAllowed        []string // protected environments; empty: nobody
	DestroyProdAllowed []string // destroy in protected environments; empty: nobody
}

// Subject is who asks. Without a login the identity is not linked, and nobody
// without a linked identity is more than a viewer.
type Subject struct {
	Login     string
	GithubID  int64
	SlackTeam string // with SlackUser: the Slack account, where it is known
	SlackUser string
}

// SubjectOf is a person as the rules see them.
func SubjectOf(p lifecycle.Person) Subject {
	return Subject{Login: p.Login, GithubID: p.GithubID, SlackTeam: p.SlackTeam, SlackUser: p.SlackUser}
}

// Role gives the first of admins, approvers and viewers that names the login, else
// developer.
func (p Policy) Role(s Subject) Role {
	if len(p.AllowedLogins) > 0 && !names(p.AllowedLogins, s.Login) {
		return Nobody
	}
	switch {
	case s.Login == "":
		return Viewer
	case names(p.Admins, s.Login):
		return Admin
	case names(p.Approvers, s.Login):
		return Approver
	case names(p.Viewers, s.Login):
		return Viewer
	default:
		return Developer
	}
}

// names says whether list holds the login. Nobody is named by an empty entry.
func names(list []string, login string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return lifecycle.SameLogin(l, login) })
}

// Package rbac owns permissions: the matrix of roles and verbs as data, and one
// function, Policy.Decide, that allows or refuses an action. A refusal has a reason
// and the people who can do it instead. The package is pure and fails closed. It does
// not own which actions a request allows (lifecycle does) or how a person is
// identified (the caller does).
package rbac

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Role is the role of a person. The empty role has no permissions.
type Role string

// The roles, weakest first. Each has the permissions of the one before it, except for
// destroy: only admins have it, and developers for their own requests where the
// environment allows it. Approvers approve a destroy, so they do not request it.
const (
	NoRole    Role = ""
	Viewer    Role = "viewer"
	Developer Role = "developer"
	Approver  Role = "approver"
	Admin     Role = "admin"
)

// Roles lists the roles, weakest first.
func Roles() []Role { return []Role{Viewer, Developer, Approver, Admin} }

// Policy is the six lists of GitHub logins that permissions come from. Logins are
// compared without case.
type Policy struct {
	Admins             []string
	Approvers          []string
	Viewers            []string
	AllowedLogins      []string // who may use TfPilot at all; empty: every linked identity
	ProdAllowed        []string // protected environments; empty: no one
	DestroyProdAllowed []string // destroy in protected environments; empty: no one
}

// Subject is the person who wants to act. Without a login their identity is not linked,
// and they are at most a viewer.
type Subject struct {
	Login     string
	GithubID  int64
	SlackTeam string // with SlackUser: the Slack account, where it is known
	SlackUser string
}

// SubjectOf returns the subject for a person.
func SubjectOf(p lifecycle.Person) Subject {
	return Subject{Login: p.Login, GithubID: p.GithubID, SlackTeam: p.SlackTeam, SlackUser: p.SlackUser}
}

// Role returns the role of a subject: the first of admin, approver and viewer whose list
// contains the login, otherwise developer.
func (p Policy) Role(s Subject) Role {
	if len(p.AllowedLogins) > 0 && !names(p.AllowedLogins, s.Login) {
		return NoRole
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

// names reports whether a list contains the login. An empty entry matches no login.
func names(list []string, login string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return lifecycle.SameLogin(l, login) })
}

package request

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Rights tell a surface which actions to offer to whom. They give no right: each action is checked again
// when a person takes it.
type Rights struct{ Policy rbac.Policy }

// Offered returns which actions a person may take on a request of an environment under the current rules.
func (x Rights) Offered(r lifecycle.Request, e config.Environment, p lifecycle.Person) func(lifecycle.Action) bool {
	s := rbac.SubjectOf(p)
	scope := rbac.ScopeOf(r, s, e.Rules())
	return func(a lifecycle.Action) bool {
		if a == lifecycle.ActionWithdraw && r.Approver(p.Login, p.GithubID) == nil {
			return false
		}
		return x.Policy.Decide(s, rbac.VerbOf(a), scope).Allowed
	}
}

// Approvers lists the logins that may approve a request of an environment, as far as the configuration
// names them.
func (x Rights) Approvers(r lifecycle.Request, e config.Environment) []string {
	var found []string
	for _, login := range slices.Concat(x.Policy.Approvers, x.Policy.Admins) {
		same := func(other string) bool { return lifecycle.SameLogin(login, other) }
		subject := rbac.Subject{Login: login}
		if !slices.ContainsFunc(found, same) &&
			x.Policy.Decide(subject, rbac.Approve, rbac.ScopeOf(r, subject, e.Rules())).Allowed {
			found = append(found, login)
		}
	}
	return found
}

// Admins are the logins of the admins.
func (x Rights) Admins() []string { return x.Policy.Admins }

package slackapp

import (
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// A card in a channel has many readers, so it offers every action that the rules allow to
// anyone. A message with one reader, such as the requester's own card or the answer to show,
// offers only the actions of that person. A button gives no right: the click is checked again.

// mayOf returns which actions a person may take on a request under the current rules.
func (c *Cards) mayOf(r lifecycle.Request, p lifecycle.Person) func(lifecycle.Action) bool {
	s := rbac.SubjectOf(p)
	scope := rbac.ScopeOf(r, s, c.Projects.of(r).Rules())
	return func(a lifecycle.Action) bool {
		if a == lifecycle.ActionWithdraw && r.Approver(p.Login, p.GithubID) == nil {
			return false
		}
		return c.Policy.Decide(s, rbac.VerbOf(a), scope).Allowed
	}
}

// offers reports whether an action is shown to the reader.
func (d drawing) offers(a lifecycle.Action) bool { return d.may == nil || d.may(a) }

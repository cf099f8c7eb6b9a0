package request

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Sources are the surfaces, as they are stored with intents and audit events.
const (
	SourceSlack = "slack"
	SourceCLI   = "cli"
)

// Caller is who calls a use case, and on which surface.
type Caller struct {
	lifecycle.Person
	Source   string
	Stranger bool // from another Slack workspace, and not linked here
	Operator bool // holds the app's own access to the bucket: reads what everyone may read, and changes nothing as such
}

// Subject is the caller as the rules see them.
func (c Caller) Subject() rbac.Subject { return rbac.SubjectOf(c.Person) }

// Actor is the caller as the log names them.
func (c Caller) Actor() lifecycle.Actor { return lifecycle.Actor{Login: c.Login, Source: c.Source} }

// Is reports whether the caller is this person: by Slack account or GitHub login, whichever both have.
func (c Caller) is(p lifecycle.Person) bool {
	if c.GithubID != 0 && p.GithubID != 0 {
		return c.GithubID == p.GithubID
	}
	sameSlack := c.SlackUser != "" && c.SlackUser == p.SlackUser && c.SlackTeam == p.SlackTeam
	return sameSlack || lifecycle.SameLogin(c.Login, p.Login)
}

// SlackCaller finds the GitHub account behind a Slack account. Without a link, the caller has no login
// and may only read. homeTeam is the workspace that the account belongs to, as far as Slack says it.
func (s *Service) SlackCaller(ctx context.Context, p lifecycle.Person, homeTeam string) (Caller, error) {
	c := Caller{Person: p, Source: SourceSlack}
	if homeTeam != "" && homeTeam != p.SlackTeam {
		c.Stranger = true
		return c, nil
	}
	id, err := s.People.Identity(ctx, p.SlackTeam, p.SlackUser)
	if errors.Is(err, store.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return c, unavailable(err)
	}
	c.Login, c.GithubID = id.Login, id.GithubID
	return c, nil
}

// LoginCaller finds the linked identity of a GitHub login. Without one, the caller has no login and
// may only read.
func (s *Service) LoginCaller(ctx context.Context, login, source string) (Caller, error) {
	c := Caller{Source: source}
	for id, err := range s.People.Identities(ctx) {
		if err != nil {
			return c, unavailable(err)
		}
		if lifecycle.SameLogin(id.Login, login) {
			c.Person = lifecycle.Person{
				Login: id.Login, GithubID: id.GithubID, SlackTeam: id.SlackTeam, SlackUser: id.SlackUser, Name: id.Login,
			}
			return c, nil
		}
	}
	return c, nil
}

// allow asks the rules whether the caller has a right: nil, or why not and who has.
func (s *Service) allow(c Caller, verb rbac.Verb, sc rbac.Scope) *Refusal {
	if c.Stranger { // first: some things are open to everyone here
		return denied(lifecycle.CodeOtherWorkspace, "You belong to another workspace, and only members of this one "+
			"can use TfPilot.")
	}
	d := s.Policy.Decide(c.Subject(), verb, sc)
	switch {
	case d.Allowed:
		return nil
	case d.Code == lifecycle.CodeNotLinked && s.LinkHelp != "":
		return denied(d.Code, d.Reason+" "+s.LinkHelp)
	default:
		return denied(d.Code, d.Reason)
	}
}

// May reports why the caller may not do what is about no request, nil when they may.
func (s *Service) May(c Caller, verb rbac.Verb, sc rbac.Scope) error {
	if refusal := s.allow(c, verb, sc); refusal != nil {
		return refusal
	}
	return nil
}

// MayRead reports why the caller may not read requests, nil when they may.
func (s *Service) MayRead(c Caller) *Refusal {
	if c.Operator {
		return nil
	}
	return s.allow(c, rbac.Show, rbac.Scope{})
}

// MayOpen reports why the caller may not open requests in an environment, nil when they may.
func (s *Service) MayOpen(c Caller, e config.Environment) *Refusal {
	return s.allow(c, rbac.Create, rbac.ScopeIn(e.Rules()))
}

// MayOpenAnywhere reports why the caller may open requests nowhere, nil when there is an environment.
func (s *Service) MayOpenAnywhere(c Caller) *Refusal {
	var first *Refusal
	for _, p := range s.Projects {
		for _, e := range p.Environments {
			refusal := s.MayOpen(c, e)
			if refusal == nil {
				return nil
			}
			if first == nil {
				first = refusal
			}
		}
	}
	if first == nil {
		first = denied(lifecycle.CodeNoProject, "No project is configured yet, so there is nothing to request. "+
			"Ask the operator of TfPilot to add one to tfpilot.yaml.")
	}
	return first
}

// MayUse reports why the caller may not request a module in a project, nil when they may.
func (s *Service) MayUse(c Caller, m *catalog.Module, project string) *Refusal {
	if ok, why := m.Allows(string(s.Policy.Role(c.Subject())), project); !ok {
		return denied(lifecycle.CodeModule, why+".")
	}
	return nil
}

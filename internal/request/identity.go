package request

import (
	"context"
	"fmt"
	"regexp"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

var (
	slackTeam = regexp.MustCompile(`^[TE][A-Z0-9]{1,31}$`)
	slackUser = regexp.MustCompile(`^[UW][A-Z0-9]{1,31}$`)
)

// Link links a Slack user to a GitHub account, whose rights they get from then on. by is the login of an
// admin; it needs no linked identity, so that the first one can be linked.
func (s *Service) Link(ctx context.Context, by string, id lifecycle.Identity) (lifecycle.Identity, error) {
	if refusal := invalid(append(slackFaults(id), accountFaults(id)...)...); refusal != nil {
		return id, refusal
	}
	if refusal := s.mayLink(by); refusal != nil {
		return id, refusal
	}
	for have, err := range s.People.Identities(ctx) {
		if err != nil {
			return id, err
		}
		if sharesAccount(have, id) {
			return id, conflict(lifecycle.CodeIdentity,
				"%s (%d) is already linked to the Slack user %s; unlink that user first",
				have.Login, have.GithubID, have.SlackUser)
		}
	}
	id.LinkedAt, id.LinkedBy = now(), by
	return id, s.People.PutIdentity(ctx, id)
}

// Unlink removes the link of a Slack user.
func (s *Service) Unlink(ctx context.Context, by string, id lifecycle.Identity) error {
	if refusal := invalid(slackFaults(id)...); refusal != nil {
		return refusal
	}
	if refusal := s.mayLink(by); refusal != nil {
		return refusal
	}
	return s.People.DeleteIdentity(ctx, id.SlackTeam, id.SlackUser)
}

// mayLink refuses everyone but admins: a linked user gets the permissions of the login.
func (s *Service) mayLink(by string) *Refusal {
	d := s.Policy.Decide(rbac.Subject{Login: by}, rbac.LinkIdentity, rbac.Scope{})
	if d.Allowed {
		return nil
	}
	return denied(d.Code, d.Reason)
}

func slackFaults(id lifecycle.Identity) (faults []Fault) {
	if !slackTeam.MatchString(id.SlackTeam) {
		faults = append(faults, Fault{FieldTeam, fmt.Sprintf(
			"invalid Slack workspace ID %q: want one such as T0ACME0001", id.SlackTeam)})
	}
	if !slackUser.MatchString(id.SlackUser) {
		faults = append(faults, Fault{FieldUser, fmt.Sprintf(
			"invalid Slack user ID %q: want one such as U0DANA0001, from the profile of the person", id.SlackUser)})
	}
	return faults
}

func accountFaults(id lifecycle.Identity) (faults []Fault) {
	if !lifecycle.NameLogin.Valid(id.Login) {
		faults = append(faults, Fault{FieldLogin, fmt.Sprintf("invalid GitHub login %q: omit the @", id.Login)})
	}
	if id.GithubID <= 0 {
		faults = append(faults, Fault{FieldGithubID, fmt.Sprintf(
			"invalid GitHub user ID %d: get it with gh api users/LOGIN -q .id", id.GithubID)})
	}
	return faults
}

// sharesAccount reports whether two Slack users would be linked to one GitHub account, by ID or by login.
// One person could then approve their own request.
func sharesAccount(have, id lifecycle.Identity) bool {
	same := have.GithubID == id.GithubID || lifecycle.SameLogin(have.Login, id.Login)
	return same && (have.SlackTeam != id.SlackTeam || have.SlackUser != id.SlackUser)
}

package request

import (
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Option is an action that the facts allow, and whether one person may take it.
type Option struct {
	lifecycle.Offer
	Allowed bool   `json:"allowed"`
	Refusal string `json:"refusal,omitempty"` // why not, and who can
}

// Options lists the actions that the facts allow, each with its result if the caller took it now.
func (s *Service) Options(c Caller, r lifecycle.Request, at time.Time) []Option {
	options := []Option{}
	scope := rbac.ScopeOf(r, c.Subject(), s.environmentOf(r).Rules())
	for _, offer := range lifecycle.Actions(r, at) {
		o := Option{Offer: offer, Allowed: true}
		row, _ := offer.Action.Row()
		if refusal := s.allow(c, rbac.VerbOf(offer.Action), scope); refusal != nil {
			o.Allowed, o.Refusal = false, refusal.Text
		} else if patch := row.Patch(intentOf(c, row, SeenIn(r), Answers{}, false)); patch != nil {
			if _, err := patch(r); err != nil {
				o.Allowed, o.Refusal = false, err.Error()
			}
		}
		options = append(options, o)
	}
	return options
}

// intentOf is the intent of an action.
func intentOf(c Caller, row lifecycle.ActionRow, seen Seen, in Answers, typed bool) lifecycle.Intent {
	return lifecycle.Intent{
		What: row.Action, By: c.Login, ByID: c.GithubID, SlackTeam: c.SlackTeam, SlackUser: c.SlackUser,
		At: now(), Source: c.Source,
		HeadSHA: seen.HeadSHA, PlanDigest: seen.Digest, Reason: in.Reason, Typed: typed,
	}
}

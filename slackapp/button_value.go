package slackapp

import (
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// buttonValue is the value of a button: the request, and the state that the person saw. It
// gives no right; it is used only to detect a stale button.
type buttonValue struct {
	ID      string
	Purpose lifecycle.Purpose
	HeadSHA string
	Digest  string
	Confirm lifecycle.Confirmation
	Intents string // the waiting intents, for an action that cancels them
}

func (g buttonValue) String() string {
	parts := []string{g.ID, string(g.Purpose), g.HeadSHA, g.Digest, string(g.Confirm)}
	if g.Intents != "" {
		parts = append(parts, g.Intents)
	}
	return strings.Join(parts, "|")
}

func readButtonValue(value string) (buttonValue, error) {
	parts := strings.Split(value, "|")
	if len(parts) < 5 || len(parts) > 6 || parts[0] == "" {
		return buttonValue{}, errors.New("not the value of a button")
	}
	g := buttonValue{
		ID: parts[0], Purpose: lifecycle.Purpose(parts[1]), HeadSHA: parts[2], Digest: parts[3],
		Confirm: lifecycle.Confirmation(parts[4]),
	}
	if len(parts) == 6 {
		g.Intents = parts[5]
	}
	return g, nil
}

// confirmationFor returns how a person confirms an action in an environment.
func confirmationFor(action lifecycle.Action, p config.Environment) lifecycle.Confirmation {
	row, _ := action.Row()
	return row.ConfirmationIn(p.IsProtected())
}

// button draws an offer as a button. Its label for screen readers names the request.
func button(r lifecycle.Request, o lifecycle.Offer, p config.Environment) *slack.ButtonBlockElement {
	g := buttonValue{
		ID:      r.ID,
		Purpose: o.Purpose,
		HeadSHA: o.HeadSHA,
		Digest:  o.Digest,
		Confirm: confirmationFor(o.Action, p),
	}
	if row, _ := o.Action.Row(); row.Binds == lifecycle.BindIntents {
		g.Intents = request.IntentsOf(r)
	}
	b := blocks.Button(doing(o.Action), g.String(), o.Label)
	b.Style = slack.Style(o.Style)
	b.AccessibilityLabel = blocks.Cut(o.Label+": "+r.Title, blocks.MaxButton)
	return b
}

// reviewButton opens the plan.
func reviewButton(r lifecycle.Request) *slack.ButtonBlockElement {
	g := buttonValue{ID: r.ID, Purpose: r.Plan.Purpose, HeadSHA: r.Plan.SHA, Digest: r.Plan.Digest}
	b := blocks.Button(actReview, g.String(), "Review plan")
	b.AccessibilityLabel = blocks.Cut("Review plan: "+r.Title, blocks.MaxButton)
	return b
}

package slackapp

import (
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// How a click is confirmed before it counts: as its offer says, or stricter. Every approval leads through the plan.
const (
	confirmNone   = ""
	confirmPlan   = "list"   // the modal shows the plan
	confirmTyped  = "typed"  // the modal also asks to type the environment
	confirmReason = "reason" // a modal asks for a reason
)

// grip is what a button carries: which request, and what the person saw of it. It
// gives no right and is believed for nothing but staleness.
type grip struct {
	ID      string
	Purpose lifecycle.Purpose
	HeadSHA string
	Digest  string
	Confirm string
}

func (g grip) String() string {
	return strings.Join([]string{g.ID, string(g.Purpose), g.HeadSHA, g.Digest, g.Confirm}, "|")
}

func readGrip(value string) (grip, error) {
	parts := strings.Split(value, "|")
	if len(parts) != 5 || parts[0] == "" {
		return grip{}, errors.New("not the value of a button")
	}
	return grip{ID: parts[0], Purpose: lifecycle.Purpose(parts[1]), HeadSHA: parts[2], Digest: parts[3], Confirm: parts[4]}, nil
}

// confirmOf says how an offer is confirmed in an environment.
func confirmOf(o lifecycle.Offer, p config.Environment) string {
	switch {
	case o.Confirm == confirmReason:
		return confirmReason
	case o.Action == lifecycle.ActionApprove && o.Confirm == confirmNone && !protected(p):
		return confirmPlan
	case protected(p) && (o.Action == lifecycle.ActionApprove || o.Action == lifecycle.ActionDestroy):
		return confirmTyped
	default:
		return o.Confirm
	}
}

// button is an offer as a button. Its label for screen readers names the request.
func button(r lifecycle.Request, o lifecycle.Offer, p config.Environment) *slack.ButtonBlockElement {
	g := grip{ID: r.ID, Purpose: o.Purpose, HeadSHA: o.HeadSHA, Digest: o.Digest, Confirm: confirmOf(o, p)}
	b := slack.NewButtonBlockElement(doing(o.Action), g.String(), plain(o.Label, limitButton))
	b.Style = slack.Style(o.Style)
	b.AccessibilityLabel = cut(o.Label+": "+r.Title, limitButton)
	return b
}

// reviewButton opens the plan.
func reviewButton(r lifecycle.Request) *slack.ButtonBlockElement {
	g := grip{ID: r.ID, Purpose: r.Plan.Purpose, HeadSHA: r.Plan.SHA, Digest: r.Plan.Digest}
	b := slack.NewButtonBlockElement(actReview, g.String(), plain("Review plan", limitButton))
	b.AccessibilityLabel = cut("Review plan: "+r.Title, limitButton)
	return b
}

// quietActions stand in a row of their own, below what is waited for.
var quietActions = map[lifecycle.Action]bool{
	lifecycle.ActionDestroy: true, lifecycle.ActionClose: true, lifecycle.ActionSync: true, lifecycle.ActionWithdraw: true,
}

// rows are the buttons of the card.
func (s scene) rows() []slack.Block {
	var main, quiet []slack.BlockElement
	if s.plan() != nil && !s.over() {
		main = append(main, reviewButton(s.r))
	}
	for _, o := range lifecycle.Actions(s.r, s.now) {
		switch b := button(s.r, o, s.place); {
		case o.Action == lifecycle.ActionSync && s.over(), !s.offers(o.Action):
		case quietActions[o.Action]:
			quiet = append(quiet, b)
		default:
			main = append(main, b)
		}
	}
	var rows []slack.Block
	if len(main) > 0 {
		rows = append(rows, slack.NewActionBlock("do", main...))
	}
	if len(quiet) > 0 {
		rows = append(rows, slack.NewActionBlock("more", quiet...))
	}
	return rows
}

// row is the same buttons for a reply, only those that it is about.
func (s scene) row(review bool, actions ...lifecycle.Action) []slack.Block {
	var elements []slack.BlockElement
	if review && s.plan() != nil {
		elements = append(elements, reviewButton(s.r))
	}
	for _, o := range lifecycle.Actions(s.r, s.now) {
		for _, a := range actions {
			if o.Action == a {
				elements = append(elements, button(s.r, o, s.place))
			}
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("do", elements...)}
}

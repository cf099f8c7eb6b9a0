package slackapp

import (
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// drawing holds the data of a request's messages: its view, which is the same on every surface, and what
// only Slack needs. The same drawing always gives the same messages.
type drawing struct {
	view        view.Request
	facts       view.Facts
	r           lifecycle.Request
	environment config.Environment
	askable     []lifecycle.Person          // caller can approve, as far as known
	account     map[string]string           // GitHub login in lower case → Slack user
	links       []hyperlink                 // to the request's other messages
	may         func(lifecycle.Action) bool // what the one reader may do; nil when many people read it
	details     string                      // address of the request's page, "" without one
	blocked     string                      // Slack's code when the environment's channel takes no message
	escalateTo  []lifecycle.Person          // who is asked when approvers do not decide
	told        map[string]bool             // topics of events that the requester gets in direct messages
}

// hyperlink is an address with its words.
type hyperlink struct{ url, label string }

// draw builds the drawing of a request. Without the environment's state it shows no queue position.
func draw(
	r lifecycle.Request,
	environment config.Environment,
	module *catalog.Module,
	env lifecycle.EnvironmentState,
	at time.Time,
) drawing {
	f := view.Facts{Request: r, Environment: env, Module: module, Protected: environment.IsProtected(), Now: at}
	return drawing{view: view.OfRequest(f), facts: f, r: r, environment: environment}
}

// emojis are Slack's names of the view's icons.
var emojis = map[view.Icon]string{
	view.IconSaved: "inbox_tray", view.IconRunning: "hourglass_flowing_sand", view.IconReview: "mag",
	view.IconDone:   "white_check_mark",
	view.IconMerged: "twisted_rightwards_arrows", view.IconApplying: "gear", view.IconLive: "large_green_circle",
	view.IconDrift: "large_orange_circle", view.IconDestroy: "wastebasket", view.IconFailed: "x",
	view.IconClosed:  "no_entry_sign",
	view.IconBlocked: "no_entry", view.IconAttention: "warning", view.IconUnknown: "grey_question",
}

// stepEmojis are Slack's names of the icons of a step's state; the state is also shown in words.
var stepEmojis = map[view.StepState]string{
	view.StepPending: "white_circle", view.StepWaiting: "large_blue_circle", view.StepRunning: "hourglass_flowing_sand",
	view.StepDone: "white_check_mark", view.StepFailed: "x", view.StepSkipped: "white_circle",
}

func icon(i view.Icon) blocks.Run { return blocks.Emoji(emojis[i]) }

// user finds the Slack user of a login.
func (d drawing) user(login string) string { return d.account[lifecycle.FoldLogin(login)] }

// notice draws a notice: a title in bold, the people, and the consequence.
func (d drawing) notice(n view.Notice, limit int) slack.Block {
	runs := []blocks.Run{icon(n.Icon), blocks.Text(" "), blocks.Bold(blocks.OneLine(n.Title, blocks.MaxSection))}
	for i, p := range n.People[:min(len(n.People), maxMentions)] {
		separator := ", "
		if i == 0 {
			separator = " by "
		}
		runs = append(runs, blocks.Text(separator), blocks.User(d.user(p.Login), p.Login))
	}
	end := ": "
	if len(n.People) > 0 {
		end = ". "
	}
	return blocks.Rich(blocks.Line(append(runs, blocks.Text(end+blocks.Cut(n.Text, limit)))...))
}

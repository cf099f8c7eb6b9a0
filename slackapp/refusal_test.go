package slackapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
	sandbox "github.com/tfpilot/tfpilot/internal/sim/slack"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// TestRefusals plays every refusal through Slack: a button in the channel, its window where it has
// one, or the form. The text comes from the use case.
func TestRefusals(t *testing.T) {
	for _, c := range requesttest.Cases() {
		if c.Except[requesttest.Slack] != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			withFixture(t, func(w *fixture) {
				w.app.Requests.LinkHelp = "Link it at the desk."
				if c.Stored != nil {
					w.storeCase(c)
				}
				var said string
				if c.Command != nil {
					said = w.playCommand(c)
				} else {
					said = w.playDraft(c)
				}
				has(t, said, c.Words)
				if c.Stored != nil && len(w.request(requesttest.ID).Wanted) != len(c.Stored.Wanted) {
					t.Errorf("something was requested: %+v", w.request(requesttest.ID).Wanted)
				}
			})
		})
	}
}

func (w *fixture) storeCase(c requesttest.Case) {
	w.t.Helper()
	doc, err := w.store.Create(w.t.Context(), *c.Stored)
	w.must(err)
	s := requesttest.Summary()
	w.putSummary(c.Stored.Project, requesttest.Correlation(), s.Bytes())
	if c.Archive {
		_, err := w.store.Archive(w.t.Context(), doc)
		w.must(err)
	}
}

// playCommand presses a button, confirms its window if one opens, and gives all that was said.
func (w *fixture) playCommand(c requesttest.Case) string {
	w.t.Helper()
	row, _ := c.Command.Action.Row()
	p := testDirectory()[0].Environments[0]
	if c.Stored != nil {
		p = testDirectory().of(*c.Stored)
	}
	g := buttonValue{
		ID: c.Command.ID, Purpose: c.Command.Seen.Purpose, HeadSHA: c.Command.Seen.HeadSHA, Digest: c.Command.Seen.Digest,
		Confirm: row.ConfirmationIn(p.IsProtected()), Intents: c.Command.Seen.Intents,
	}
	b := blocks.Button(doing(c.Command.Action), g.String(), row.Label)
	_, ts, err := w.app.API.PostMessageContext(w.t.Context(), devCh, slack.MsgOptionText("a button", false),
		slack.MsgOptionBlocks(slack.NewActionBlock("do", b)))
	w.must(err)
	user := requesttest.SlackUsers[c.Who]
	r, err := w.slack.Act(sandbox.ActionInput{User: user, Channel: devCh, TS: ts, ActionID: doing(c.Command.Action)})
	w.must(err)
	if r.Outcome != sandbox.Acked {
		w.t.Fatalf("the click: %s", r.Outcome)
	}
	w.settle()
	values := map[string]any{}
	if row.Confirm == lifecycle.ConfirmReason {
		values[actWhy] = c.Command.Reason
	}
	if g.Confirm == lifecycle.ConfirmTyped {
		values[actTyped] = c.Command.Confirm
	}
	return strings.Join([]string{w.sendView(user, values), strings.Join(w.whispers(user), "\n")}, "\n")
}

// playDraft fills in the form, as far as one opens.
func (w *fixture) playDraft(c requesttest.Case) string {
	w.t.Helper()
	user := requesttest.SlackUsers[c.Who]
	r, err := w.slack.Command(user, devCh, "/tfpilot", fmt.Sprintf("request %s %s", c.Draft.Module, c.Draft.Environment))
	w.must(err)
	if r.Outcome != sandbox.Acked {
		w.t.Fatalf("the command: %s", r.Outcome)
	}
	w.settle()
	values := map[string]any{actReason: c.Draft.Reason}
	for name, v := range c.Draft.Inputs {
		values[actField+name] = v
	}
	return w.sendView(user, values)
}

// sendView submits the view in front, if it can be, and gives what it said before and says now.
func (w *fixture) sendView(user string, values map[string]any) string {
	w.t.Helper()
	views := w.state(user).Views
	if len(views) == 0 {
		return ""
	}
	said := wordsIn(views[len(views)-1])
	r, err := w.slack.Submit(user, views[len(views)-1].ID, values)
	if err != nil { // a view that only says something
		return said
	}
	w.settle()
	for _, text := range r.Errors {
		said += "\n" + text
	}
	if views = w.state(user).Views; len(views) > 0 {
		said += "\n" + wordsIn(views[len(views)-1])
	}
	return said
}

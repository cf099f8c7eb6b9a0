package slackapp

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// Interaction answers clicks, menus and forms.
func (a *App) Interaction(ctx context.Context, cb slack.InteractionCallback, ack Ack) {
	switch cb.Type {
	case slack.InteractionTypeBlockActions:
		ack(nil)
		for _, action := range cb.ActionCallback.BlockActions {
			a.clicked(ctx, cb, action)
		}
	case slack.InteractionTypeViewSubmission:
		a.submitted(ctx, cb, ack)
	case slack.InteractionTypeShortcut, slack.InteractionTypeMessageAction:
		ack(nil)
		a.shortcut(ctx, cb)
	default:
		ack(nil)
	}
}

// shortcut opens the form: empty, or from the words of a message.
func (a *App) shortcut(ctx context.Context, cb slack.InteractionCallback) {
	s := a.start(requestWords{}, cb.Channel.ID, "")
	if cb.CallbackID == shortcutFrom {
		text := blocks.Cut(withoutMention(cb.Message.Text), maxWords)
		s = a.start(requestWords{words: text}, cb.Channel.ID, text)
	} else if cb.CallbackID != shortcutNew {
		return
	}
	s.trigger, s.responseURL = cb.TriggerID, cb.ResponseURL
	a.begin(ctx, s, func(ctx context.Context) (request.Caller, error) { return a.clickCaller(ctx, cb) })
}

// Busy tells the person who clicked that no handler is free. A click in a window gets no
// answer: only the window could show it, and it stays as it is.
func (a *App) Busy(ctx context.Context, cb slack.InteractionCallback) {
	if cb.ResponseURL != "" {
		a.replyTo(ctx, cb, tooMany)
	}
}

func (a *App) clicked(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	id := action.ActionID
	switch {
	case cb.View.CallbackID == viewRequest:
		a.changed(ctx, cb, action)
	case id == actStart:
		a.startAgain(ctx, cb, action.Value)
	case id == actAgain:
		a.requestAgain(ctx, cb, action.Value)
	case id == actHome, strings.HasPrefix(id, actHome+"."):
		a.homeClicked(ctx, cb, action.Value)
	case id == actShow && cb.View.Type == slack.VTHomeTab:
		a.showInWindow(ctx, cb, action.Value)
	case id == actShow:
		a.showRow(ctx, cb, action.Value)
	case strings.HasPrefix(id, actDraft):
		a.draftClicked(ctx, cb, action)
	case strings.HasPrefix(id, actPage+"."):
		a.turnPage(ctx, cb, action.Value)
	case id == actPlanNo:
		a.rejectPlan(ctx, cb)
	case id == actPlanNext, id == actPlanBack, id == actPlanLast:
		a.turnPlan(ctx, cb, id)
	case id == actReview:
		a.review(ctx, cb, action.Value)
	case strings.HasPrefix(id, actDo):
		a.do(ctx, cb, lifecycle.Action(strings.TrimPrefix(id, actDo)), action.Value)
	default:
		a.replyTo(
			ctx,
			cb,
			"This button is from an older version of TfPilot and no longer works. Use the newest card of the request.",
		)
	}
}

func (a *App) submitted(ctx context.Context, cb slack.InteractionCallback, ack Ack) {
	switch cb.View.CallbackID {
	case viewRequest:
		a.submit(ctx, cb, ack)
	case viewApprove, viewReject, viewDestroy:
		a.confirmed(ctx, cb, ack)
	default:
		ack(nil)
	}
}

// startAgain opens the form from a button, which brings a fresh trigger.
func (a *App) startAgain(ctx context.Context, cb slack.InteractionCallback, text string) {
	ask := parseRequestWords(a.Requests.Catalog, a.directory(), cb.Container.ChannelID, text)
	if ask.wrong != "" {
		a.suggest(ctx, cb.ResponseURL, ask, text)
		return
	}
	s := a.start(ask, cb.Container.ChannelID, text)
	s.trigger, s.responseURL = cb.TriggerID, cb.ResponseURL
	a.begin(ctx, s, func(ctx context.Context) (request.Caller, error) { return a.clickCaller(ctx, cb) })
}

// do handles a click on an action of a request.
func (a *App) do(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, value string) {
	g, err := readButtonValue(value)
	if err != nil {
		a.replyTo(ctx, cb, "This button no longer works. Use the newest card of the request.")
		return
	}
	clicked := time.Now()
	if g.Confirm != lifecycle.ConfirmNone {
		seen, refusal := a.quickCheck(ctx, cb, action, g)
		if refusal != "" {
			a.replyTo(ctx, cb, refusal)
			a.redrawCard(ctx, g.ID)
			return
		}
		a.ask(ctx, cb, action, g, seen, clicked)
		return
	}
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.replyTo(ctx, cb, blocks.Escape(a.refusal(err).Text))
		return
	}
	doc, err := a.Requests.Act(ctx, v, g.command(action))
	switch refusal := a.refusal(err, keyRequest, g.ID); {
	case refusal == nil:
		a.replyTo(ctx, cb, nextStep(doc.Request, action))
	case refusal.Confirm != lifecycle.ConfirmNone:
		a.ask(ctx, cb, action, g, nil, clicked) // the button is from before it had to be confirmed
	default:
		a.replyTo(ctx, cb, blocks.Escape(refusal.Text))
		a.redrawCard(ctx, g.ID)
	}
}

// checkedClick is a click that may be confirmed now.
type checkedClick struct {
	request      lifecycle.Request
	confirmation lifecycle.Confirmation
}

// redrawCard has the card drawn again on which a click was refused: it may show what is no longer so.
func (a *App) redrawCard(ctx context.Context, id string) {
	if err := a.Cards.Notes.CardClicked(ctx, id); err != nil {
		a.Log.Warn("enqueue card", keyRequest, id, keyError, err)
	}
}

// quickCheck checks a click before a window opens: a refusal that is known at once needs no window. It
// returns neither a refusal nor what it checked when there is no answer in time; the window then checks
// the click.
func (a *App) quickCheck(
	ctx context.Context,
	cb slack.InteractionCallback,
	action lifecycle.Action,
	g buttonValue,
) (seen *checkedClick, refusal string) {
	if action != lifecycle.ActionApprove || g.Confirm == lifecycle.ConfirmTyped {
		return nil, ""
	}
	ctx, cancel := context.WithTimeout(ctx, quickTime)
	defer cancel()
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		return nil, ""
	}
	seen, err = a.check(ctx, v, action, g)
	switch {
	case err == nil:
		return seen, ""
	case ctx.Err() != nil:
		return nil, ""
	}
	return nil, blocks.Escape(a.refusal(err, keyRequest, g.ID).Text)
}

// check checks a click by the request as it is now.
func (a *App) check(ctx context.Context, v request.Caller, action lifecycle.Action, g buttonValue) (*checkedClick,
	error) {
	r, confirmation, err := a.Requests.Check(ctx, v, g.command(action))
	return &checkedClick{r, confirmation}, err
}

// command is the action of a button, with the state that the person saw.
func (g buttonValue) command(action lifecycle.Action) request.Command {
	seen := request.Seen{Purpose: g.Purpose, HeadSHA: g.HeadSHA, Digest: g.Digest, Intents: g.Intents}
	return request.Command{ID: g.ID, Action: action, Seen: seen}
}

// nextStep describes what follows from a click.
func nextStep(r lifecycle.Request, action lifecycle.Action) string {
	row, _ := action.Row()
	return row.Saved(r, "“"+blocks.Escape(blocks.OneLine(r.Title, maxTitle))+"”")
}

package slackapp

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A click that decides something opens a window first: to read the plan, to give a reason, or to
// type the name of a protected environment. The rights and facts are checked three times: when
// the window is drawn, so that a refusal is seen before anything is typed; when it is submitted;
// and by the worker at the moment of the effect, because minutes can pass in between.

var confirmViews = map[lifecycle.Action]string{
	lifecycle.ActionApprove: viewApprove, lifecycle.ActionReject: viewReject, lifecycle.ActionDestroy: viewDestroy,
}

// titleOf is the title of the view that confirms an action.
func titleOf(action lifecycle.Action) string {
	row, _ := action.Row()
	return cmp.Or(row.Label, "TfPilot")
}

func actionOf(callback string) lifecycle.Action {
	for action, view := range confirmViews {
		if view == callback {
			return action
		}
	}
	return ""
}

// ask opens the view in which a person confirms a click, with either the refusal or the question. seen is nil when
// the click is not checked yet.
func (a *App) ask(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g buttonValue,
	seen *checkedClick, clicked time.Time) {
	waiting := loading(titleOf(action), "Checking the request…")
	err := a.openDrawn(ctx, cb.TriggerID, clicked, waiting, func(ctx context.Context) slack.ModalViewRequest {
		return a.question(ctx, cb, action, g, seen)
	})
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
		a.replyTo(
			ctx,
			cb,
			"The window could not be opened in time, and nothing was done. Click the button again.",
		)
	}
}

// question is the view in which a person confirms a click, or the refusal.
func (a *App) question(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g buttonValue,
	seen *checkedClick) slack.ModalViewRequest {
	if seen == nil {
		v, err := a.clickCaller(ctx, cb)
		if err == nil {
			seen, err = a.check(ctx, v, action, g)
		}
		if refusal := a.refusal(err, keyRequest, g.ID); refusal != nil {
			a.redrawCard(ctx, g.ID)
			return notice(titleOf(action), blocks.Paragraph(refusal.Text))
		}
	}
	g.Confirm = seen.confirmation
	return a.confirmView(ctx, seen.request, action, g)
}

// confirmView draws the question. An approval is asked in the window of the plan itself.
func (a *App) confirmView(
	ctx context.Context,
	r lifecycle.Request,
	action lifecycle.Action,
	g buttonValue,
) slack.ModalViewRequest {
	d := a.drawing(r)
	if action == lifecycle.ActionApprove {
		return a.planView(ctx, d, reading{buttonValue: g, approve: true})
	}
	body := []slack.Block{blocks.Header(d.view.Name())}
	title := titleOf(action)
	row, _ := action.Row()
	switch action {
	case lifecycle.ActionReject:
		body = append(body, blocks.Paragraph("Your reason is posted in the thread. "+rejectMeans(d)), whyInput())
	case lifecycle.ActionDestroy:
		body = append(body, a.destroyBlocks(ctx, d)...)
	}
	if g.Confirm == lifecycle.ConfirmTyped {
		body = append(body, typedInput(d.environment))
	}
	v := blocks.Modal(confirmViews[action], title, row.Submit, body...)
	v.PrivateMetadata = g.String()
	return v
}

func rejectMeans(d drawing) string {
	if d.view.Merged {
		return "The resources stay as they are."
	}
	return "The request will be closed."
}

// whyInput asks for the reason of a rejection. The placeholder is an example of a useful one.
func whyInput() slack.Block {
	e := slack.NewPlainTextInputBlockElement(blocks.Placeholder("The bucket should be in the other account"), actWhy)
	e.Multiline = true
	e.MaxLength = maxReason
	return slack.NewInputBlock(blockWhy, blocks.Plain("Reason", blocks.MaxLabel), nil, e)
}

// typedInput asks the person to type the environment. It prevents a click by habit in the wrong
// window.
func typedInput(p config.Environment) slack.Block {
	e := slack.NewPlainTextInputBlockElement(blocks.Placeholder(p.String()), actTyped)
	label := fmt.Sprintf("%s is protected. Type %s to confirm.", p.String(), p.String())
	return slack.NewInputBlock(blockTyped, blocks.Plain(label, blocks.MaxLabel), nil, e)
}

// destroyBlocks list what will be destroyed and what happens before.
func (a *App) destroyBlocks(ctx context.Context, d drawing) []slack.Block {
	what := blocks.Rich(
		blocks.Line(blocks.Emoji("warning"), blocks.Text(" "),
			blocks.Bold("This destroys everything that the request created:")),
		a.existing(ctx, d.r),
	)
	if !d.view.Attempted {
		what = blocks.Rich(blocks.Line(blocks.Bold("This request applied nothing. Only its code is removed.")))
	}
	body := []slack.Block{what}
	if out := d.outputs(); out != nil {
		body = append(body, out)
	}
	return append(
		body,
		blocks.Paragraph("TfPilot runs a destroy plan first. Nothing is destroyed until an approver approves that plan."),
	)
}

// confirmed handles a view in which a person confirmed a click. Faults are shown at their
// fields, in the ack; the action runs after the ack.
func (a *App) confirmed(ctx context.Context, cb slack.InteractionCallback, ack Ack) {
	action := actionOf(cb.View.CallbackID)
	g, read, err := confirmedValue(action, cb.View.PrivateMetadata)
	if err != nil {
		view := notice(
			"TfPilot",
			blocks.Paragraph("This window has expired, and nothing was done. Click the button again."),
		)
		ack(slack.NewUpdateViewSubmissionResponse(&view))
		return
	}
	if !read {
		ack(
			errorAtFirstInput(
				cb.View,
				"Nothing was done: open the last page of the plan first, then approve it there.",
			),
		)
		return
	}
	if wrong := a.wrongConfirm(cb.View, g, action); len(wrong) > 0 {
		ack(slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	title := titleOf(action)
	saving(ack, "Saving…", "Saving. You can close this window.")
	outcome := a.act(ctx, cb, action, g)
	a.answer(ctx, cb, notice(title, blocks.Section(outcome)), outcome)
}

// act runs the action that a view confirmed, and returns its outcome in mrkdwn.
func (a *App) act(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g buttonValue) string {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		return blocks.Escape(a.refusal(err).Text)
	}
	cmd := g.command(action)
	// The view was checked before the ack: the last page of its plan was open.
	cmd.Seen.Read = g.Confirm != lifecycle.ConfirmNone
	cmd.Answers = answersOf(cb.View)
	doc, err := a.Requests.Act(ctx, v, cmd)
	switch refusal := a.refusal(err, keyRequest, g.ID); {
	case refusal == nil:
		return nextStep(doc.Request, action)
	case refusal.Confirm != lifecycle.ConfirmNone: // the rules changed while the view was open
		return blocks.Escape(refusal.Text + " Nothing was done: click the button again.")
	default:
		a.redrawCard(ctx, g.ID)
		return blocks.Escape(refusal.Text)
	}
}

// answersOf reads what a person entered to confirm an action.
func answersOf(view slack.View) request.Answers {
	return request.Answers{
		Reason:  strings.TrimSpace(blocks.Typed(view.State, actWhy)),
		Confirm: strings.TrimSpace(blocks.Typed(view.State, actTyped)),
	}
}

// confirmedValue reads the value of a window. read reports whether the person opened the last page of its plan,
// where an action needs that.
func confirmedValue(action lifecycle.Action, metadata string) (g buttonValue, read bool, err error) {
	if action != lifecycle.ActionApprove {
		g, err = readButtonValue(metadata)
		return g, true, err
	}
	x, err := readReading(metadata)
	return x.buttonValue, x.approve && x.seen, err
}

// wrongConfirm returns the faults of a confirmation, by block.
func (a *App) wrongConfirm(view slack.View, g buttonValue, action lifecycle.Action) map[string]string {
	wrong := map[string]string{}
	if refusal := request.CheckAnswers(action, answersOf(view)); refusal != nil {
		for _, f := range refusal.Faults {
			wrong[blockWhy] = blocks.Cut(f.Text, blocks.MaxFieldError)
		}
	}
	if g.Confirm == lifecycle.ConfirmTyped {
		want := expectedTyped(view)
		if refusal := request.CheckTyped(cmp.Or(want, "the environment"), true, answersOf(view).Confirm); refusal != nil {
			wrong[blockTyped] = blocks.Cut(refusal.Text, blocks.MaxFieldError)
		}
	}
	return wrong
}

// expectedTyped is the text that the view asks the person to type: the placeholder of its
// input, which Slack sends back with the view.
func expectedTyped(view slack.View) string {
	for _, b := range view.Blocks.BlockSet {
		in, ok := b.(*slack.InputBlock)
		if !ok || in.BlockID != blockTyped {
			continue
		}
		if e, ok := in.Element.(*slack.PlainTextInputBlockElement); ok && e.Placeholder != nil {
			return e.Placeholder.Text
		}
	}
	return ""
}

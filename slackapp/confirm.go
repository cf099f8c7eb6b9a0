package slackapp

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

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

// ask opens the view in which a click is confirmed: loading at once, then either
// why not, or what it is about.
func (a *App) ask(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g grip) {
	title := titleOf(action)
	opened, err := a.open(ctx, cb.TriggerID, loading(title, "One moment: TfPilot is looking at the request."))
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
		a.tell(ctx, cb, "The window could not be opened in time, and nothing was done. Please press the button again.")
		return
	}
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.redraw(ctx, opened.ID, "", notice(title, words(a.refusal(err).Text)))
		return
	}
	r, confirmation, err := a.Requests.Check(ctx, v, g.command(action))
	if no := a.refusal(err, keyRequest, g.ID); no != nil {
		a.redraw(ctx, opened.ID, "", notice(title, words(no.Text)))
		return
	}
	g.Confirm = confirmation
	a.redraw(ctx, opened.ID, "", a.confirmView(ctx, r, action, g))
}

func (a *App) confirmView(ctx context.Context, r lifecycle.Request, action lifecycle.Action, g grip) slack.ModalViewRequest {
	d := a.drawing(r)
	if action == lifecycle.ActionApprove {
		return a.planView(ctx, d, reading{grip: g, approve: true})
	}
	blocks := []slack.Block{header(d.view.Name())}
	title := titleOf(action)
	row, _ := action.Row()
	switch action {
	case lifecycle.ActionReject:
		blocks = append(blocks, words("Your reason is posted in the thread. "+rejectMeans(d)), whyInput())
	case lifecycle.ActionDestroy:
		blocks = append(blocks, a.destroyBlocks(ctx, d)...)
	}
	if g.Confirm == lifecycle.ConfirmTyped {
		blocks = append(blocks, typedInput(d.place))
	}
	v := modal(confirmViews[action], title, row.Submit, blocks...)
	v.PrivateMetadata = g.String()
	return v
}

func rejectMeans(d drawing) string {
	if d.view.Merged {
		return "The resources stay as they are."
	}
	return "The request will be closed."
}

func whyInput() slack.Block {
	e := slack.NewPlainTextInputBlockElement(placeholder("The bucket should be in the other account"), actWhy)
	e.Multiline = true
	e.MaxLength = maxReason
	return slack.NewInputBlock(blockWhy, plain("Reason", limitLabel), nil, e)
}

func typedInput(p config.Environment) slack.Block {
	e := slack.NewPlainTextInputBlockElement(placeholder(p.String()), actTyped)
	label := fmt.Sprintf("%s is protected. Type %s to confirm.", p.String(), p.String())
	return slack.NewInputBlock(blockTyped, plain(label, limitLabel), nil, e)
}

// destroyBlocks list what will be destroyed and what happens before.
func (a *App) destroyBlocks(ctx context.Context, d drawing) []slack.Block {
	what := rich(line(emoji("warning"), text(" "), bold("This destroys everything that the request created:")), a.existing(ctx, d.r))
	if !d.view.Attempted {
		what = rich(line(bold("Nothing of this request was applied. Only its code is removed.")))
	}
	blocks := []slack.Block{what}
	if out := d.outputs(); out != nil {
		blocks = append(blocks, out)
	}
	return append(blocks, words("TfPilot runs a destroy plan first. Nothing is destroyed until an approver approves that plan."))
}

// confirmed takes a view in which a click was confirmed. What is wrong with it is
// said at its field, before the ack; the deed comes after it.
func (a *App) confirmed(ctx context.Context, cb slack.InteractionCallback, ack Ack) {
	action := actionOf(cb.View.CallbackID)
	g, read, err := confirmedGrip(action, cb.View.PrivateMetadata)
	if err != nil {
		view := notice("TfPilot", words("This window cannot be read any more, and nothing was done. Please press the button again."))
		ack(slack.NewUpdateViewSubmissionResponse(&view))
		return
	}
	if !read {
		ack(errorAtFirstInput(cb.View, "Nothing was done: open the last page of the plan first, then approve it there."))
		return
	}
	if wrong := a.wrongConfirm(cb.View, g, action); len(wrong) > 0 {
		ack(slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	title := titleOf(action)
	saving(ack, "Saving…", "Saving. You can close this window: it goes on.")
	said := a.act(ctx, cb, action, g)
	a.answer(ctx, cb, notice(title, section(said)), said)
}

// act takes the action that a view confirmed, and says in mrkdwn how that ended.
func (a *App) act(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g grip) string {
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		return escape(a.refusal(err).Text)
	}
	cmd := g.command(action)
	cmd.Seen.Read = g.Confirm != lifecycle.ConfirmNone // of a plan, its last page was open: the view was checked before the ack
	cmd.Answers = entered(cb.View)
	doc, err := a.Requests.Act(ctx, v, cmd)
	switch no := a.refusal(err, keyRequest, g.ID); {
	case no == nil:
		return saidNext(doc.Request, action)
	case no.Confirm != lifecycle.ConfirmNone: // the rules changed while the view was open
		return escape(no.Text + " Nothing was done: press the button again.")
	default:
		return escape(no.Text)
	}
}

// entered is what a person entered to confirm an action.
func entered(view slack.View) request.Answers {
	return request.Answers{Reason: strings.TrimSpace(typed(view.State, actWhy)), Confirm: strings.TrimSpace(typed(view.State, actTyped))}
}

// confirmedGrip reads what a window is about. read reports whether its plan was opened to the end, where that is needed.
func confirmedGrip(action lifecycle.Action, metadata string) (g grip, read bool, err error) {
	if action != lifecycle.ActionApprove {
		g, err = readGrip(metadata)
		return g, true, err
	}
	x, err := readReading(metadata)
	return x.grip, x.approve && x.seen, err
}

// wrongConfirm finds what is wrong with a confirmation, by block.
func (a *App) wrongConfirm(view slack.View, g grip, action lifecycle.Action) map[string]string {
	wrong := map[string]string{}
	if no := request.CheckAnswers(action, entered(view)); no != nil {
		for _, f := range no.Faults {
			wrong[blockWhy] = cut(f.Text, limitFieldError)
		}
	}
	if g.Confirm == lifecycle.ConfirmTyped {
		want := wantTyped(view)
		if no := request.CheckTyped(cmp.Or(want, "the environment"), true, entered(view).Confirm); no != nil {
			wrong[blockTyped] = cut(no.Text, limitFieldError)
		}
	}
	return wrong
}

// wantTyped is what the view asks to be typed: the placeholder of its input, which
// Slack sends back with the view.
func wantTyped(view slack.View) string {
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

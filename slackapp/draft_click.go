package slackapp

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const staleDraft = "This draft changed or is finished, so nothing was done. Use its newest card, or write what you " +
	"need again."

// draftClicked handles a click on the card of a draft. Only the person who wrote it acts on it, and only on the state
// that the card showed.
func (a *App) draftClicked(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	value := action.Value
	if action.ActionID == actDraftAnswer {
		value = action.BlockID
	}
	ref, ok := readDraftRef(value)
	if !ok {
		a.replyTo(ctx, cb, staleDraft)
		return
	}
	if ref.User != cb.User.ID {
		a.replyTo(ctx, cb, fmt.Sprintf("Only <@%s> can use this draft. Write to TfPilot to begin your own.",
			blocks.Escape(ref.User)))
		return
	}
	at := spotOf(cb.Team.ID, cb.User.ID, ref.Key)
	c, _, err := a.loadConversation(ctx, at)
	if err != nil {
		a.Log.Error("load conversation", keyError, err)
		a.replyTo(ctx, cb, request.Unreachable)
		return
	}
	d, ok := c.Current()
	if !ok || d.ID != ref.ID || d.Hash() != ref.Hash {
		a.replyTo(ctx, cb, staleDraft)
		return
	}
	switch action.ActionID {
	case actDraftEdit:
		a.editDraft(ctx, cb, ref, d)
	case actDraftCreate:
		a.createDraft(ctx, cb, at, d)
	case actDraftDiscard:
		a.endDraft(ctx, at, d.ID, "Discarded. Nothing was made.")
	case actDraftAnswer:
		a.answerDraft(ctx, cb, at, ref, func(s intake.Scope, d intake.Draft) (intake.Draft, bool) {
			return s.Answer(d, ref.Field, action.SelectedOption.Value)
		})
	default:
		a.answerDraft(ctx, cb, at, ref, func(s intake.Scope, d intake.Draft) (intake.Draft, bool) {
			return s.Use(d, ref.Field)
		})
	}
}

// editDraft opens the form with the draft in it.
func (a *App) editDraft(ctx context.Context, cb slack.InteractionCallback, ref draftRef, d intake.Draft) {
	waiting := loading(titleRequest, "Loading the form…")
	err := a.openDrawn(ctx, cb.TriggerID, time.Now(), waiting, func(ctx context.Context) slack.ModalViewRequest {
		v, err := a.clickCaller(ctx, cb)
		if err != nil {
			return notice(titleRequest, blocks.Paragraph(a.refusal(err).Text))
		}
		f := a.fill(form{ID: d.ID, Conversation: ref.Key, Reason: blocks.Cut(d.Words, maxReason)}, d)
		f, filled := a.prefilled(f, d)
		return a.formView(v, formPage{form: f, values: filled})
	})
	if err != nil {
		a.Log.Warn("open form", keyCode, errorCode(err), keyError, err)
		a.replyTo(ctx, cb, "The form could not be opened in time. Please click Edit again.")
	}
}

// createDraft creates the request of a draft. The draft has its id, so that clicking twice creates one.
func (a *App) createDraft(ctx context.Context, cb slack.InteractionCallback, at spot, d intake.Draft) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.replyTo(ctx, cb, blocks.Escape(a.refusal(err).Text))
		return
	}
	doc, err := a.Requests.Open(ctx, v, requestDraft(d))
	if refusal := a.refusal(err, keyRequest, d.ID); refusal != nil {
		a.replyTo(ctx, cb, "Nothing was created. "+blocks.Escape(refusal.Text))
		return
	}
	if err := a.Cards.Refresh(ctx, doc.Request.ID, doc.Request.Version); err != nil {
		a.Log.Warn("first card", keyRequest, doc.Request.ID, keyError, err)
	}
	a.draftCreated(ctx, at, doc.Request)
}

// draftCreated ends the draft that became a request.
func (a *App) draftCreated(ctx context.Context, at spot, r lifecycle.Request) {
	a.endDraft(ctx, at, r.ID, "Request submitted: "+view.Name(r)+". "+savedNext)
}

// endDraft takes a draft out of its conversation, says the result on its card, and shows the next one.
func (a *App) endDraft(ctx context.Context, at spot, id, what string) {
	var left intake.Conversation
	card, title, found := "", "Draft", false
	err := a.changeConversation(ctx, at, func(c *intake.Conversation) bool {
		card = c.Card
		if d, ok := c.Current(); ok && d.ID == id {
			title = a.draftCard(at, intake.Scope{}, *c, d, "").title()
		}
		found = c.Remove(id)
		left = *c
		return found
	})
	if err != nil {
		a.Log.Warn("end draft", keyRequest, id, keyError, err)
	}
	if !found {
		return
	}
	if card != "" {
		a.redrawDraft(ctx, at, card, endedMessage(title, what))
	}
	if len(left.Drafts) == 0 {
		return
	}
	v, err := a.caller(ctx, at.team, at.user, "", "")
	if err != nil {
		return // a click on nothing: the next message shows the next draft
	}
	here, _ := a.directory().inChannel(at.channel)
	a.showDraft(ctx, at, a.scope(v, here), left, "")
}

// answerDraft applies the answer of a menu or a suggestion to the draft that the card showed.
func (a *App) answerDraft(
	ctx context.Context,
	cb slack.InteractionCallback,
	at spot,
	ref draftRef,
	apply func(intake.Scope, intake.Draft) (intake.Draft, bool),
) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.replyTo(ctx, cb, blocks.Escape(a.refusal(err).Text))
		return
	}
	here, _ := a.directory().inChannel(at.channel)
	scope, done := a.scope(v, here), false
	var after intake.Conversation
	err = a.changeConversation(ctx, at, func(c *intake.Conversation) bool {
		done = false
		d, ok := c.Current()
		if !ok || d.ID != ref.ID || d.Hash() != ref.Hash {
			return false
		}
		if d, done = apply(scope, d); done {
			c.Drafts[0] = d
			after = *c
		}
		return done
	})
	switch {
	case err != nil:
		a.Log.Error("save conversation", keyError, err)
		a.replyTo(ctx, cb, request.Unreachable)
	case !done:
		a.replyTo(ctx, cb, staleDraft)
	default:
		a.redrawDraft(ctx, at, cb.Container.MessageTs, a.draftCard(at, scope, after, after.Drafts[0], "").message())
	}
}

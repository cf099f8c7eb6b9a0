package slackapp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
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
	default:
		ack(nil)
	}
}

// Busy tells whoever clicked that there is no time for it. A click in a window has no
// place for an answer but the window, which stays as it is.
func (a *App) Busy(ctx context.Context, cb slack.InteractionCallback) {
	if cb.ResponseURL != "" {
		a.tell(ctx, cb, tooMany)
	}
}

func (a *App) clicked(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	id := action.ActionID
	switch {
	case cb.View.CallbackID == viewRequest:
		a.changed(ctx, cb, action)
	case id == actStart:
		a.startAgain(ctx, cb, action.Value)
	case id == actShow:
		a.showRow(ctx, cb, action.Value)
	case strings.HasPrefix(id, actPage+"."):
		a.turnPage(ctx, cb, action.Value)
	case id == actPlanNext, id == actPlanBack, id == actPlanLast:
		a.turnPlan(ctx, cb, id)
	case id == actReview:
		a.review(ctx, cb, action.Value)
	case strings.HasPrefix(id, actDo):
		a.do(ctx, cb, lifecycle.Action(strings.TrimPrefix(id, actDo)), action.Value)
	default:
		a.tell(ctx, cb, "This button is from an older version of TfPilot and does nothing any more. The newest card of the request has current ones.")
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
	ask := readAsk(a.Catalog, a.Projects, cb.Container.ChannelID, text)
	if ask.wrong != "" {
		a.suggest(ctx, cb.ResponseURL, ask, text)
		return
	}
	s := a.start(ask, cb.Container.ChannelID, text)
	s.trigger, s.responseURL = cb.TriggerID, cb.ResponseURL
	a.begin(ctx, s, func() (visitor, error) { return a.whoClicked(ctx, cb) })
}

// do takes a click on an action of a request.
func (a *App) do(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, value string) {
	g, err := readGrip(value)
	if err != nil {
		a.tell(ctx, cb, "This button cannot be read any more. The newest card of the request has current ones.")
		return
	}
	if g.Confirm != lifecycle.ConfirmNone {
		if no := a.quickRefusal(ctx, cb, action, g); no != "" {
			a.tell(ctx, cb, no)
			return
		}
		a.ask(ctx, cb, action, g)
		return
	}
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.tell(ctx, cb, trouble)
		return
	}
	r, no := a.gate(ctx, v, action, g.ID)
	switch {
	case no != "":
		a.tell(ctx, cb, no)
	case a.confirmNow(r, action) != lifecycle.ConfirmNone:
		a.ask(ctx, cb, action, g) // the button is from before it had to be confirmed
	default:
		a.tell(ctx, cb, a.effect(ctx, v, r, action, g, answers{}))
	}
}

// quickRefusal looks for a refusal in the time that a window can wait for: one that comes at once needs no window. Whatever is not
// known by then is checked again in the window.
func (a *App) quickRefusal(ctx context.Context, cb slack.InteractionCallback, action lifecycle.Action, g grip) string {
	if action != lifecycle.ActionApprove || g.Confirm == lifecycle.ConfirmTyped {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, quickTime)
	defer cancel()
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		return ""
	}
	r, no := a.gate(ctx, v, action, g.ID)
	switch {
	case ctx.Err() != nil:
		return ""
	case no == "" && staleGrip(r, action, g):
		return stalePlan
	default:
		return no
	}
}

// quickTime is well below the three seconds in which Slack opens a window.
const quickTime = time.Second

// gate reads the request afresh and says why v may not do this now, "" if v may.
func (a *App) gate(ctx context.Context, v visitor, action lifecycle.Action, id string) (lifecycle.Request, string) {
	doc, err := a.Documents.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrKey):
		return doc.Request, "This request does not exist any more."
	case err != nil:
		a.Log.Error("read request", keyRequest, id, keyError, err)
		return doc.Request, trouble
	}
	r := doc.Request
	verb := rbac.VerbOf(action)
	if verb == "" {
		return r, "This button is from another version of TfPilot and does nothing."
	}
	if no := a.refusal(v, verb, rbac.ScopeOf(r, v.subject(), a.Projects.of(r).Rules())); no != "" {
		return r, no
	}
	if doc.Archived {
		return r, "This request is in the archive: everything about it is done, and nothing is left to do."
	}
	if action == lifecycle.ActionSync {
		return r, ""
	}
	if w := r.Wish(action); w != nil && lifecycle.SameLogin(w.By, v.Login) {
		return r, "You asked for this already; it is on its way. " + follow
	}
	if no := lifecycle.Can(r, action); no != nil {
		return r, no.Text
	}
	return r, ""
}

const follow = lifecycle.FollowCard

// perform does what was clicked: it writes the wish, rings, and says what comes
// next. The effect is the workers', who check everything again.
func (a *App) perform(ctx context.Context, v visitor, action lifecycle.Action, g grip, in answers) string {
	r, no := a.gate(ctx, v, action, g.ID)
	if no != "" {
		return no
	}
	return a.effect(ctx, v, r, action, g, in)
}

// effect does what the gate has let through, if it was confirmed as it must be now.
func (a *App) effect(ctx context.Context, v visitor, r lifecycle.Request, action lifecycle.Action, g grip, in answers) string {
	if action == lifecycle.ActionSync {
		return a.syncing(ctx, v, r.ID)
	}
	if no := a.unconfirmed(r, action, g, in); no != "" {
		return no
	}
	row, _ := action.Row() // the gate knew it
	doc, err := a.Documents.Update(ctx, r.ID, v.actor(), row.Patch(a.intent(v, r, action, g, in)))
	var refused *lifecycle.Refusal
	switch {
	case errors.As(err, &refused):
		return refused.Text
	case errors.Is(err, store.ErrArchived):
		return "This request went into the archive a moment ago: nothing is left to do."
	case err != nil:
		a.Log.Error("write wish", keyRequest, r.ID, keyError, err)
		return trouble
	}
	a.told(ctx, doc.Request)
	return saidNext(doc.Request, row)
}

// intent is what a person asks for by a click.
func (a *App) intent(v visitor, r lifecycle.Request, action lifecycle.Action, g grip, in answers) lifecycle.Wish {
	return lifecycle.Wish{
		What: action, By: v.Login, ByID: v.GithubID, SlackTeam: v.SlackTeam, SlackUser: v.SlackUser,
		At: now(), Source: source, HeadSHA: g.HeadSHA, PlanDigest: g.Digest, Reason: in.reason,
		Typed: a.confirmNow(r, action) == lifecycle.ConfirmTyped, // without the words it would not have come here
	}
}

// saidNext tells what a click leads to.
func saidNext(r lifecycle.Request, row lifecycle.ActionRow) string {
	return row.Saved(r, "“"+escape(oneLine(r.Title, maxTitle))+"”")
}

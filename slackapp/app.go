package slackapp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// App answers commands and clicks. It is a Handler.
type App struct {
	API      *slack.Client    // required
	HTTP     *http.Client     // required; for response URLs
	Requests *request.Service // required: what is done and refused
	Intake   *intake.Model    // nil: free text is not understood, and the form says so
	Drafts   Drafts           // required: conversations
	Cards    *Cards           // required; draws, and posts the first card without waiting
	Slash    string           // the slash command; empty is Command
	Log      *slog.Logger     // required
}

// caller finds the GitHub account behind a Slack account.
func (a *App) caller(ctx context.Context, team, user, name, homeTeam string) (request.Caller, error) {
	return a.Requests.SlackCaller(
		ctx,
		lifecycle.Person{SlackTeam: team, SlackUser: user, Name: blocks.OneLine(name, blocks.MaxOption)},
		homeTeam,
	)
}

func (a *App) commandCaller(ctx context.Context, cmd slack.SlashCommand) (request.Caller, error) {
	return a.caller(ctx, cmd.TeamID, cmd.UserID, cmd.UserName, "")
}

func (a *App) clickCaller(ctx context.Context, cb slack.InteractionCallback) (request.Caller, error) {
	return a.caller(ctx, cb.Team.ID, cb.User.ID, cb.User.Name, cb.User.TeamID)
}

// refusal turns an error of a use case into the refusal that the person reads; it is nil without an
// error. It logs the cause when an outside system failed.
func (a *App) refusal(err error, about ...any) *request.Refusal {
	if err == nil {
		return nil
	}
	refusal := request.RefusalOf(err)
	if refusal.Class == request.Unavailable {
		a.Log.Error("a request of Slack was not handled", append(about, keyError, err, "cause", errors.Unwrap(refusal))...)
	}
	return refusal
}

// respond answers through the response URL of a command or click.
func (a *App) respond(ctx context.Context, url string, msg *slack.WebhookMessage) {
	if url == "" {
		a.Log.Warn("no response URL for an answer")
		return
	}
	if err := slack.PostWebhookCustomHTTPContext(ctx, url, a.HTTP, msg); err != nil {
		a.Log.Error("respond", keyError, err)
	}
}

// replyTo answers a click where the person made it: in a thread, if the click was in one.
func (a *App) replyTo(ctx context.Context, cb slack.InteractionCallback, text string) {
	// A card with replies names itself as its thread; the person who clicks there sees
	// the channel.
	if thread := cb.Container.ThreadTs; thread != "" && thread != cb.Container.MessageTs &&
		cb.Container.ChannelID != "" {
		opts := []slack.MsgOption{slack.MsgOptionText(blocks.Cut(text, blocks.MaxMessageText), false),
			slack.MsgOptionTS(thread)}
		_, err := a.API.PostEphemeralContext(ctx, cb.Container.ChannelID, cb.User.ID, opts...)
		if err == nil {
			return
		}
		a.Log.Warn("answer in thread", keyCode, errorCode(err), keyError, err)
	}
	a.respond(ctx, cb.ResponseURL, blocks.Ephemeral(text))
}

// quickTime is well below the three seconds in which Slack opens a window.
const quickTime = time.Second

// openDrawn opens a window with what contents returns. If that takes longer than quickTime from the click on, a
// loading view opens first, since a trigger expires. contents changes nothing, and may be called twice.
func (a *App) openDrawn(ctx context.Context, trigger string, clicked time.Time, waiting slack.ModalViewRequest,
	contents func(context.Context) slack.ModalViewRequest) error {
	if left := quickTime - time.Since(clicked); left > 0 {
		quick, cancel := context.WithTimeout(ctx, left)
		v := contents(quick)
		inTime := quick.Err() == nil
		cancel()
		if inTime {
			_, err := a.open(ctx, trigger, v)
			return err
		}
	}
	opened, err := a.open(ctx, trigger, waiting)
	if err != nil {
		return err
	}
	a.redraw(ctx, opened.ID, "", contents(ctx))
	return nil
}

// open shows a view at once. A trigger lives for three seconds and opens one view.
func (a *App) open(ctx context.Context, trigger string, v slack.ModalViewRequest) (slack.View, error) {
	resp, err := a.API.OpenViewContext(ctx, trigger, v)
	if err != nil {
		return slack.View{}, err
	}
	return resp.View, nil
}

// ackGrace is how long Slack may take to apply an ack. The ack and views.update take
// different routes: if the update arrived first, the "Saving…" of the ack would
// replace it and stay.
const ackGrace = 700 * time.Millisecond

// saving answers a submit with a waiting view, and waits until it has arrived.
func saving(ack Ack, title, what string) {
	v := loading(title, what)
	ack(slack.NewUpdateViewSubmissionResponse(&v))
	time.Sleep(ackGrace)
}

// redraw replaces a view and reports whether it was shown. If a person clicks twice,
// the later drawing wins: when the view changed meanwhile, redraw sends it again without
// the hash, from the newer state that came with this click.
func (a *App) redraw(ctx context.Context, id, hash string, v slack.ModalViewRequest) bool {
	err := a.updateView(ctx, id, hash, v)
	if errorCode(err) == "hash_conflict" {
		err = a.updateView(ctx, id, "", v)
	}
	if err == nil || closedView(err) {
		return err == nil
	}
	a.Log.Error("update view", keyCode, errorCode(err), keyError, err)
	switch {
	case unknownOutcome(err):
		return a.updateView(ctx, id, "", v) == nil
	case hash == "": // the open view only waits; a form stays as it is
		_ = a.updateView(ctx, id, "", notice("TfPilot", blocks.Paragraph(unshown)))
	}
	return false
}

// unshown is the text of a window whose answer Slack did not accept.
const unshown = "The answer could not be shown here. If you submitted something, check your direct messages. If " +
	"not, close this window and try again."

// updateView has its own timeout: the answer to a person must arrive even when the time of the work is up.
func (a *App) updateView(ctx context.Context, id, hash string, v slack.ModalViewRequest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, err := a.API.UpdateViewContext(ctx, v, "", hash, id)
	return err
}

// closedView reports whether the person closed the view.
func closedView(err error) bool {
	code := errorCode(err)
	return code == "not_found" || code == "view_not_found"
}

// answer shows the outcome of a submit: in its window, or in the person's direct messages
// when the window is closed or cannot be drawn.
func (a *App) answer(ctx context.Context, cb slack.InteractionCallback, v slack.ModalViewRequest, mrkdwn string) {
	if !a.redraw(ctx, cb.View.ID, "", v) {
		a.direct(ctx, cb.User.ID, mrkdwn)
	}
}

// direct posts to a person's direct messages.
func (a *App) direct(ctx context.Context, user, mrkdwn string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, _, err := a.API.PostMessageContext(
		ctx,
		user,
		slack.MsgOptionText(blocks.Cut(mrkdwn, blocks.MaxMessageText), false),
		slack.MsgOptionDisableLinkUnfurl(),
	)
	if err != nil {
		logRefusal(a.Log, err, "post answer")
	}
}

// utcNow returns the time in the form that documents store.
func utcNow() time.Time { return time.Now().UTC() }

// directory lists the projects of the use cases, which the form offers.
func (a *App) directory() Directory { return Directory(a.Requests.Projects) }

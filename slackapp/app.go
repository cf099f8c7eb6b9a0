package slackapp

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// App answers commands and clicks. It is a Handler.
type App struct {
	API      *slack.Client    // required
	HTTP     *http.Client     // required; for response URLs
	Requests *request.Service // required: what is done and refused
	Projects Directory        // required
	Intake   *intake.Model    // nil: free text is not understood, and the form says so
	Cards    *Cards           // required; draws, and posts the first card without waiting
	Slash    string           // the slash command; empty is Command
	Log      *slog.Logger     // required
}

// Event takes an event of the Events API. The app subscribes to none, so whatever
// comes is left over from another configuration.
func (a *App) Event(context.Context, json.RawMessage) error { return nil }

// visitor is who typed or clicked.
type visitor = request.Caller

// who finds the GitHub account behind a Slack account.
func (a *App) who(ctx context.Context, team, user, name, homeTeam string) (visitor, error) {
	return a.Requests.SlackCaller(ctx, lifecycle.Person{SlackTeam: team, SlackUser: user, Name: oneLine(name, limitOption)}, homeTeam)
}

func (a *App) whoTyped(ctx context.Context, cmd slack.SlashCommand) (visitor, error) {
	return a.who(ctx, cmd.TeamID, cmd.UserID, cmd.UserName, "")
}

func (a *App) whoClicked(ctx context.Context, cb slack.InteractionCallback) (visitor, error) {
	return a.who(ctx, cb.Team.ID, cb.User.ID, cb.User.Name, cb.User.TeamID)
}

// refusal takes an error of a use case for what a person is told; nil without one. What went wrong outside is logged here.
func (a *App) refusal(err error, about ...any) *request.Refusal {
	if err == nil {
		return nil
	}
	no := request.RefusalOf(err)
	if no.Class == request.Unavailable && no.Code != lifecycle.CodeRebuilding {
		a.Log.Error("a request could not be served", append(about, keyError, err, "cause", errors.Unwrap(no))...)
	}
	return no
}

// trouble is what people are told when something outside does not work.
const trouble = request.Unreachable

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

// tell answers a click where it was made: in its thread when it was in one.
func (a *App) tell(ctx context.Context, cb slack.InteractionCallback, text string, blocks ...slack.Block) {
	// A card that has replies names itself as its thread; who clicks there looks at the
	// channel.
	if thread := cb.Container.ThreadTs; thread != "" && thread != cb.Container.MessageTs && cb.Container.ChannelID != "" {
		opts := []slack.MsgOption{slack.MsgOptionText(cut(text, limitMessageText), false), slack.MsgOptionTS(thread)}
		if len(blocks) > 0 {
			opts = append(opts, slack.MsgOptionBlocks(blocks...))
		}
		_, err := a.API.PostEphemeralContext(ctx, cb.Container.ChannelID, cb.User.ID, opts...)
		if err == nil {
			return
		}
		a.Log.Warn("answer in thread", keyCode, errorCode(err), keyError, err)
	}
	msg := ephemeral(text)
	if len(blocks) > 0 {
		msg = ephemeralBlocks(text, blocks)
	}
	a.respond(ctx, cb.ResponseURL, msg)
}

// open shows a view at once. A trigger lives for three seconds and opens one view.
func (a *App) open(ctx context.Context, trigger string, v slack.ModalViewRequest) (slack.View, error) {
	resp, err := a.API.OpenViewContext(ctx, trigger, v)
	if err != nil {
		return slack.View{}, err
	}
	return resp.View, nil
}

// ackGrace is how long an ack may take to be worked off. It travels on another way
// than views.update: a view that overtook the "Saving…" of its own ack would be
// covered by it for good.
const ackGrace = 700 * time.Millisecond

// saving answers a submit with a view that waits, and lets that arrive.
func saving(ack Ack, title, what string) {
	v := loading(title, what)
	ack(slack.NewUpdateViewSubmissionResponse(&v))
	time.Sleep(ackGrace)
}

// redraw replaces a view and says whether it was shown. Between a person's two clicks
// the later drawing wins: a view that changed meanwhile is drawn again without its
// hash, from the newer state that came with this click.
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
	case hash == "": // what is in front only waits; a form stays as it is
		_ = a.updateView(ctx, id, "", notice("TfPilot", words(unshown)))
	}
	return false
}

// unshown stands in a window whose answer Slack did not take.
const unshown = "The answer could not be shown here. If you sent something, it is in your messages; else please close this window and try again."

// updateView has its own time: the answer to a person is the last to be given up.
func (a *App) updateView(ctx context.Context, id, hash string, v slack.ModalViewRequest) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, err := a.API.UpdateViewContext(ctx, v, "", hash, id)
	return err
}

// closedView says that the person closed the view.
func closedView(err error) bool {
	code := errorCode(err)
	return code == "not_found" || code == "view_not_found"
}

// answer shows how a submit ended: in its window, or in the person's messages when
// that is closed, as it may be, or cannot be drawn.
func (a *App) answer(ctx context.Context, cb slack.InteractionCallback, v slack.ModalViewRequest, mrkdwn string) {
	if !a.redraw(ctx, cb.View.ID, "", v) {
		a.direct(ctx, cb.User.ID, mrkdwn)
	}
}

// direct posts to a person's messages.
func (a *App) direct(ctx context.Context, user, mrkdwn string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	_, _, err := a.API.PostMessageContext(ctx, user, slack.MsgOptionText(cut(mrkdwn, limitMessageText), false), slack.MsgOptionDisableLinkUnfurl())
	if err != nil {
		logRefusal(a.Log, err, "post answer")
	}
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC() }

package slackapp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// source names Slack in the audit log and in wishes.
const source = "slack"

// Documents are the stored requests.
type Documents interface {
	Get(ctx context.Context, id string) (store.Doc, error)
	Create(ctx context.Context, r lifecycle.Request) (store.Doc, error)
	Update(ctx context.Context, id string, actor lifecycle.Actor, patch lifecycle.Patch) (store.Doc, error)
}

// Facts is what else is read for an answer.
type Facts interface {
	Identity(ctx context.Context, team, user string) (lifecycle.Identity, error)
	Summaries
}

// Notifier tells lists, cards and workers of a change. It may fail: workers find by themselves what was not enqueued.
type Notifier interface {
	Changed(ctx context.Context, r lifecycle.Request, archived bool) error
	Sync(ctx context.Context, repo string) error
}

// App answers commands and clicks. It is a Handler.
type App struct {
	API       *slack.Client // required
	HTTP      *http.Client  // required; for response URLs
	Documents Documents     // required
	Facts     Facts         // required
	Index     Index         // required
	Notifier  Notifier      // required
	Policy    rbac.Policy
	Catalog   *catalog.Catalog // required
	Projects  Directory        // required
	Intake    *intake.Model    // nil: free text is not understood, and the form says so
	Cards     *Cards           // required; draws, and posts the first card without waiting
	Slash     string           // the slash command; empty is Command
	LinkHelp  string           // one sentence on how to link a GitHub account
	Log       *slog.Logger     // required
}

// Event takes an event of the Events API. The app subscribes to none, so whatever
// comes is left over from another configuration.
func (a *App) Event(context.Context, json.RawMessage) error { return nil }

// visitor is who typed or clicked.
type visitor struct {
	lifecycle.Person
	stranger bool // from another workspace
}

func (v visitor) subject() rbac.Subject {
	return rbac.SubjectOf(v.Person)
}

func (v visitor) actor() lifecycle.Actor { return lifecycle.Actor{Login: v.Login, Source: source} }

// who finds the GitHub account behind a Slack account. Without a link it is a
// visitor without a login, who may look and no more.
func (a *App) who(ctx context.Context, team, user, name, homeTeam string) (visitor, error) {
	v := visitor{Person: lifecycle.Person{SlackTeam: team, SlackUser: user, Name: oneLine(name, limitOption)}}
	if homeTeam != "" && homeTeam != team {
		v.stranger = true // a shared channel brings people whom nobody here has linked
		return v, nil
	}
	id, err := a.Facts.Identity(ctx, team, user)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	if err != nil {
		return v, err
	}
	v.Login, v.GithubID = id.Login, id.GithubID
	return v, nil
}

func (a *App) whoTyped(ctx context.Context, cmd slack.SlashCommand) (visitor, error) {
	return a.who(ctx, cmd.TeamID, cmd.UserID, cmd.UserName, "")
}

func (a *App) whoClicked(ctx context.Context, cb slack.InteractionCallback) (visitor, error) {
	return a.who(ctx, cb.Team.ID, cb.User.ID, cb.User.Name, cb.User.TeamID)
}

// refusal says why not, who can, and how to get linked. It is empty when v may.
func (a *App) refusal(v visitor, verb rbac.Verb, sc rbac.Scope) string {
	if v.stranger { // first: some things are open to whoever asks
		return "You are here from another workspace, and only people of this one can use TfPilot."
	}
	d := a.Policy.Decide(v.subject(), verb, sc)
	switch {
	case d.Allowed:
		return ""
	case d.Code == rbac.CodeNotLinked && a.LinkHelp != "":
		return d.Reason + " " + a.LinkHelp
	default:
		return d.Reason
	}
}

// told tells of a change. That it did not work is only logged, since workers find the change by themselves.
func (a *App) told(ctx context.Context, r lifecycle.Request) {
	if err := a.Notifier.Changed(ctx, r, false); err != nil {
		a.Log.Warn("notify", keyRequest, r.ID, keyError, err)
	}
}

// newID draws a request id: 13 of [a-z2-7], 65 random bits.
func newID() string { return "req_" + strings.ToLower(rand.Text()[:13]) }

// trouble is what people are told when something outside does not work.
const trouble = "TfPilot cannot reach its storage at this moment, so nothing was changed. Please try again in a minute."

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

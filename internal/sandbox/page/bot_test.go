package page

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// bot replaces the product in the workspace: it shows a form, a card with its thread, and a reply to
// one person.
type bot struct {
	*testSandbox
	sm   *socketmode.Client
	form json.RawMessage

	mu    sync.Mutex
	card  string // time stamp
	given map[string]map[string]slack.BlockAction
	acted []string
}

func startBot(w *testSandbox) *bot {
	w.t.Helper()
	env := w.box.Access.Env
	api := slack.New(env["SLACK_BOT_TOKEN"], slack.OptionAppLevelToken(env["SLACK_APP_TOKEN"]),
		slack.OptionAPIURL(env["SLACK_API_URL"]))
	b := &bot{testSandbox: w, sm: socketmode.New(api), form: fixture(w.t, "form.json")}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var running sync.WaitGroup
	connected := make(chan struct{}, 100)
	running.Go(func() { _ = b.sm.RunContext(ctx) })
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-b.sm.Events:
				if e.Type == socketmode.EventTypeHello {
					connected <- struct{}{}
				} else if e.Request != nil {
					running.Go(func() { b.handle(e) })
				}
			}
		}
	})
	w.t.Cleanup(func() { cancel(); running.Wait() })
	select {
	case <-connected:
	case <-w.t.Context().Done():
		w.t.Fatal("the bot could not connect")
	}
	return b
}

func (b *bot) handle(e socketmode.Event) {
	switch data := e.Data.(type) {
	case slack.SlashCommand:
		b.command(e, data)
	case slack.InteractionCallback:
		b.interact(e, data)
	case slackevents.EventsAPIEvent:
		_ = b.sm.Ack(*e.Request)
		if home, ok := data.InnerEvent.Data.(*slackevents.AppHomeOpenedEvent); ok {
			b.publish(home.User)
		}
	default:
		_ = b.sm.Ack(*e.Request)
	}
}

// publish draws the Home tab of a person who opened it.
func (b *bot) publish(user string) {
	b.api("views.publish", map[string]any{"user_id": user, "view": map[string]any{"type": "home", "blocks": []any{
		map[string]any{"type": "header", "text": map[string]any{"type": "plain_text", "text": "Requests of " + user}},
	}}}, nil)
}

func (b *bot) command(e socketmode.Event, cmd slack.SlashCommand) {
	switch strings.Fields(cmd.Text + " -")[0] {
	case "request":
		var opened struct{ View struct{ ID string } }
		b.api("views.open", map[string]any{"trigger_id": cmd.TriggerID,
			"view": notice("New request", "Loading the form…")}, &opened)
		_ = b.sm.Ack(*e.Request)
		b.api("views.update", map[string]any{"view_id": opened.View.ID, "view": b.form}, nil)
	case "slow": // never answered
	default:
		_ = b.sm.Ack(*e.Request, map[string]any{"response_type": "ephemeral",
			"text": "Type `/tfpilot request` to ask for something, <@" + cmd.UserID + ">."})
	}
}

func (b *bot) interact(e socketmode.Event, cb slack.InteractionCallback) {
	switch cb.Type {
	case slack.InteractionTypeBlockSuggestion:
		_ = b.sm.Ack(*e.Request, map[string]any{"options": owners(cb.Value)})
	case slack.InteractionTypeViewSubmission:
		b.submitted(e, cb)
	case slack.InteractionTypeBlockActions:
		_ = b.sm.Ack(*e.Request)
		for _, a := range cb.ActionCallback.BlockActions {
			b.act(cb, a)
		}
	default:
		_ = b.sm.Ack(*e.Request)
	}
}

func owners(query string) []any {
	options := []any{}
	for _, name := range []string{"Platform team", "Payments team", "Data team"} {
		if strings.Contains(strings.ToLower(name), strings.ToLower(query)) {
			options = append(options, map[string]any{"text": map[string]any{"type": "plain_text", "text": name},
				"value": strings.ToLower(strings.Fields(name)[0])})
		}
	}
	return options
}

func (b *bot) submitted(e socketmode.Event, cb slack.InteractionCallback) {
	values := cb.View.State.Values
	switch {
	case cb.View.CallbackID == "advanced":
		_ = b.sm.Ack(*e.Request) // returns to the form
	case strings.Contains(values["name"]["name"].Value, " "):
		_ = b.sm.Ack(*e.Request, map[string]any{"response_action": "errors",
			"errors": map[string]string{"name": "A bucket's name has no spaces."}})
	default:
		_ = b.sm.Ack(*e.Request, map[string]any{"response_action": "update",
			"view": notice("Saved", "Saved: your request is on its way.")})
		b.mu.Lock()
		b.given = values
		b.mu.Unlock()
		b.post(infraDev, cb.User.ID)
	}
}

// post posts the card with one reply.
func (b *bot) post(channel, user string) string {
	var posted struct{ TS string }
	b.api("chat.postMessage", map[string]any{"channel": channel, "text": "S3 bucket: plan ready.",
		"blocks": json.RawMessage(fixture(b.t, "card.json"))}, &posted)
	b.api("chat.postMessage", map[string]any{"channel": channel, "thread_ts": posted.TS,
		"text": "The plan is ready, <@" + user + ">: *7 to add*."}, nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.card = posted.TS
	return posted.TS
}

func (b *bot) act(cb slack.InteractionCallback, a *slack.BlockAction) {
	chosen := a.Value + a.SelectedOption.Value
	b.mu.Lock()
	b.acted = append(b.acted, a.ActionID+" "+chosen)
	b.mu.Unlock()
	switch a.ActionID {
	case "advanced":
		b.api("views.push", map[string]any{"trigger_id": cb.TriggerID,
			"view": json.RawMessage(fixture(b.t, "advanced.json"))}, nil)
	case "project":
		b.api("views.update", map[string]any{"view_id": cb.View.ID, "view": b.form}, nil)
	case "approve":
		b.api("chat.update", map[string]any{"channel": cb.Channel.ID, "ts": cb.Message.Timestamp,
			"text": "Approved by <@" + cb.User.ID + ">."}, nil)
		b.api("chat.postEphemeral", map[string]any{"channel": cb.Channel.ID, "user": cb.User.ID,
			"text": "Your approval is saved."}, nil)
	default:
		b.api("chat.postMessage", map[string]any{"channel": cb.Channel.ID, "thread_ts": cb.Message.Timestamp,
			"text": a.ActionID + " " + chosen}, nil)
	}
}

func (b *bot) did() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.acted, ", ")
}

func notice(title, text string) map[string]any {
	plain := func(s string) map[string]any { return map[string]any{"type": "plain_text", "text": s} }
	return map[string]any{
		"type": "modal", "title": plain(title), "close": plain("Close"),
		"blocks": []any{map[string]any{"type": "section", "text": plain(text)}},
	}
}

// api calls Slack's Web API.
func (b *bot) api(method string, in map[string]any, out any) {
	raw := json.RawMessage{}
	b.call("POST", b.box.Access.Slack+"/api/"+method, b.box.Access.Env["SLACK_BOT_TOKEN"], in, &raw)
	var head struct {
		OK    bool
		Error string
	}
	if err := json.Unmarshal(raw, &head); err != nil || !head.OK {
		b.t.Errorf("%s: %s %s %v", method, head.Error, raw, err)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			b.t.Error(err)
		}
	}
}

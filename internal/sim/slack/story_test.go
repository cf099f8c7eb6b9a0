package slack

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	client "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// A command opens a loading view. It becomes a form, gets an error at a field, and is saved.
func TestFormStory(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		form := modal("Request", sectionBlock("What do you need?"), textInput("name", "name_input"))
		w.app(func(sm *socketmode.Client, evt socketmode.Event) {
			switch data := evt.Data.(type) {
			case client.SlashCommand:
				loading := modal("Request", sectionBlock("Loading…"))
				loading.Submit = nil
				v, err := w.api.OpenView(data.TriggerID, loading)
				if err != nil {
					t.Error(err)
					return
				}
				_ = sm.Ack(*evt.Request)
				if _, err := w.api.UpdateView(form, "", v.Hash, v.View.ID); err != nil {
					t.Error(err)
				}
			case client.InteractionCallback:
				got := data.View.State.Values["name"]["name_input"].Value
				if got == "taken" {
					_ = sm.Ack(*evt.Request, client.NewErrorsViewSubmissionResponse(map[string]string{"name": "This name is taken."}))
					return
				}
				_ = sm.Ack(*evt.Request, client.NewUpdateViewSubmissionResponse(new(modal("Saved: "+got))))
			}
		})

		var out Result
		if code := w.post("/control/command",
			obj{"user": "dana", "channel": "#infra-dev", "command": "/tfpilot", "text": "request"}, &out); code != 200 {
			t.Fatalf("command: %d %+v", code, out)
		}
		synctest.Wait()
		views := w.state("dana").Views
		if len(views) != 1 || len(views[0].Blocks) != 2 || views[0].Submit == nil {
			t.Fatalf("views %+v", views)
		}
		id := views[0].ID

		submit := func(values obj) Result {
			var out Result
			if code := w.post("/control/submit", obj{"user": "dana", "view": id, "values": values}, &out); code != 200 {
				t.Fatalf("submit: %d %+v", code, out)
			}
			return out
		}
		if out := submit(nil); out.Errors["name"] != "Please complete this required field." {
			t.Fatalf("a required field was sent empty: %+v", out)
		}
		if out := submit(obj{"name": "taken"}); out.Errors["name"] != "This name is taken." {
			t.Fatalf("errors from the app are not shown: %+v", out)
		}
		if got := w.state("dana").Views[0].Values["name"]["name_input"]["value"]; got != "taken" {
			t.Fatalf("what was typed is lost: %v", got)
		}
		out = submit(obj{"name_input": "artifacts"})
		if title := fieldOf(out.Views[0].Title, "text"); title != "Saved: artifacts" || out.Views[0].ID != id {
			t.Fatalf("the view was not updated in place: %+v", out)
		}
	})
}

// A card is posted, a person clicks its button, the card changes, and its thread grows.
func TestCardStory(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		card := []client.Block{sectionBlock("Bucket, dev"),
			client.NewActionBlock("act", button("approve", "req_1", "Approve"), button("reject", "req_1", "Reject"))}
		channel, ts, err := w.api.PostMessage(dev, client.MsgOptionText("Please approve", false),
			client.MsgOptionBlocks(card...))
		if err != nil {
			t.Fatal(err)
		}
		w.app(func(sm *socketmode.Client, evt socketmode.Event) {
			click, ok := evt.Data.(client.InteractionCallback)
			if !ok {
				return
			}
			_ = sm.Ack(*evt.Request)
			if a := click.ActionCallback.BlockActions[0]; a.ActionID != "approve" || a.Value != "req_1" || click.User.ID != ana {
				t.Errorf("click %+v", click)
			}
			if click.Message.Timestamp != ts || click.Channel.ID != dev || click.Container.MessageTs != ts {
				t.Errorf("place %+v", click.Container)
			}
			if _, _, _, err := w.api.UpdateMessage(channel, ts, client.MsgOptionText("Approved", false),
				client.MsgOptionBlocks(sectionBlock("Approved by ana"))); err != nil {
				t.Error(err)
			}
			if _, _, err := w.api.PostMessage(channel, client.MsgOptionTS(ts),
				client.MsgOptionText("ana approved", false)); err != nil {
				t.Error(err)
			}
			if _, err := w.api.PostEphemeral(channel, ana, client.MsgOptionText("Thanks", false)); err != nil {
				t.Error(err)
			}
			if _, _, err := w.api.PostMessage(dana, client.MsgOptionText("Yours was approved", false)); err != nil {
				t.Error(err)
			}
		})
		press := obj{"user": "ana", "channel": dev, "ts": ts, "actionId": "approve", "value": "req_1"}
		if code := w.post("/control/action", press, nil); code != 200 {
			t.Fatalf("action: %d", code)
		}
		synctest.Wait()

		seen := w.state("ana").channel(dev)
		if len(seen.Messages) != 1 || seen.Messages[0].Text != "Approved" || seen.Messages[0].Edits != 1 ||
			seen.Messages[0].ReplyCount != 1 {
			t.Fatalf("messages %+v", seen.Messages)
		}
		if len(seen.Ephemerals) != 1 || len(w.state("dana").channel(dev).Ephemerals) != 0 {
			t.Fatal("the ephemeral message is not ana's alone")
		}
		if dm := w.state("dana").channel("D0DANA0001"); len(dm.Messages) != 1 {
			t.Fatalf("dm %+v", dm)
		}
		var refused ControlError
		if code := w.post("/control/action", press, &refused); code != 404 || refused.Code != "unknown_action" {
			t.Fatalf("a button that no longer exists could be clicked: %d %+v", code, refused)
		}
		counts := w.srv.Counts()
		if counts.TopLevel[dev] != 1 || counts.Posts[dev] != 2 || counts.Updates[dev+" "+ts] != 1 ||
			counts.Calls["chat.update"] != 1 {
			t.Fatalf("counts %+v", counts)
		}
	})
}

func TestAppReceivesEvents(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		got := make(chan any, 20)
		w.app(func(sm *socketmode.Client, evt socketmode.Event) {
			_ = sm.Ack(*evt.Request)
			if outer, ok := evt.Data.(slackevents.EventsAPIEvent); ok {
				got <- outer.InnerEvent.Data
			}
		})
		w.post("/control/message", obj{"user": "dana", "channel": "#infra-dev", "text": "@tfpilot a bucket <b> & more"}, nil)
		mention := (<-got).(*slackevents.AppMentionEvent)
		if mention.Text != "<@U0TFPILOT0> a bucket &lt;b&gt; &amp; more" || mention.User != dana || mention.Channel != dev {
			t.Errorf("mention %+v", mention)
		}
		w.post("/control/message", obj{"user": "dana", "channel": "dm", "text": "hello"}, nil)
		if im := (<-got).(*slackevents.MessageEvent); im.Text != "hello" || im.ChannelType != "im" ||
			im.Channel != "D0DANA0001" {
			t.Errorf("message %+v", im)
		}
		w.post("/control/home", obj{"user": "dana"}, nil)
		if home := (<-got).(*slackevents.AppHomeOpenedEvent); home.Tab != "home" || home.User != dana {
			t.Errorf("home %+v", home)
		}
		// The app does not receive a channel message that does not mention it.
		w.post("/control/message", obj{"user": "dana", "channel": dev, "text": "lunch?"}, nil)
		synctest.Wait()
		if len(got) != 0 {
			t.Errorf("an unexpected event: %+v", <-got)
		}
	})
}

// A feature that the manifest turns off does not exist.
func TestManifestDecides(t *testing.T) {
	cfg := config()
	cfg.Manifest = []byte(strings.NewReplacer("home_tab_enabled: true", "home_tab_enabled: false",
		"read_only_enabled: false", "read_only_enabled: true", "is_enabled: true", "is_enabled: false").Replace(testManifest))
	withFixture(t, cfg, func(w *fixture) {
		home := client.HomeTabViewRequest{Type: client.VTHomeTab,
			Blocks: client.Blocks{BlockSet: []client.Block{sectionBlock("x")}}}
		if _, err := w.api.PublishView(dana, home, ""); err == nil || err.Error() != "not_enabled" {
			t.Errorf("publish: %v", err)
		}
		_, ts, err := w.api.PostMessage(dev, client.MsgOptionBlocks(actions(button("go", "1", "Go"))))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path string
			in   obj
			code string
		}{
			{"/control/home", obj{"user": "dana"}, "not_enabled"},
			{"/control/message", obj{"user": "dana", "channel": "dm", "text": "x"}, "messages_disabled"},
			{"/control/action", obj{"user": "dana", "channel": dev, "ts": ts, "actionId": "go"}, "not_interactive"},
			{"/control/command", obj{"user": "dana", "channel": dev, "command": "/other"}, "unknown_command"},
			{"/control/command", obj{"user": "dana", "channel": prod, "command": "/tfpilot"}, "not_in_channel"},
		} {
			var out ControlError
			if w.post(c.path, c.in, &out); out.Code != c.code {
				t.Errorf("%s: %q, want %q", c.path, out.Code, c.code)
			}
		}
	})
}

func TestThreadsAndHistory(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		post := func(text string, more ...client.MsgOption) string {
			_, ts, err := w.api.PostMessage(dana, append(more, client.MsgOptionText(text, false))...)
			if err != nil {
				t.Fatal(err)
			}
			return ts
		}
		root := post("root", client.MsgOptionMetadata(client.SlackMetadata{EventType: "card",
			EventPayload: map[string]any{"id": "1"}}))
		reply := post("reply", client.MsgOptionTS(root))
		post("under the reply", client.MsgOptionTS(reply))
		post("shown in both", client.MsgOptionTS(root), client.MsgOptionBroadcast())
		post("under nothing", client.MsgOptionTS("1.000001"))

		history, err := w.api.GetConversationHistory(&client.GetConversationHistoryParameters{ChannelID: "D0DANA0001",
			IncludeAllMetadata: true})
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, m := range history.Messages {
			texts = append(texts, m.Text)
		}
		if got := strings.Join(texts, ", "); got != "under nothing, shown in both, root" {
			t.Errorf("history: %s", got)
		}
		first := history.Messages[2]
		if first.ReplyCount != 3 || first.Metadata.EventPayload["id"] != "1" {
			t.Errorf("root %+v", first)
		}
		thread, more, _, err := w.api.GetConversationReplies(
			&client.GetConversationRepliesParameters{ChannelID: "D0DANA0001", Timestamp: root, Limit: 3})
		if err != nil || len(thread) != 3 || !more || thread[1].ThreadTimestamp != root {
			t.Errorf("thread %+v, more %v: %v", thread, more, err)
		}
		if last := w.state("dana").channel("D0DANA0001").Messages[0].Replies[2]; !strings.HasSuffix(last.Permalink,
			"?thread_ts="+root+"&cid=D0DANA0001") {
			t.Errorf("link of a reply: %s", last.Permalink)
		}
		if _, _, err := w.api.DeleteMessage("D0DANA0001", root); err != nil {
			t.Fatal(err)
		}
		if m := w.state("dana").channel("D0DANA0001").Messages; !m[0].Deleted || m[0].ReplyCount != 3 {
			t.Errorf("a root with replies leaves no tombstone: %+v", m[0])
		}
	})
}

func TestUpdateKeepsOtherFields(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		_, ts, err := w.api.PostMessage(dev, client.MsgOptionText("a", false), client.MsgOptionBlocks(sectionBlock("a")))
		if err != nil {
			t.Fatal(err)
		}
		meta := client.MsgOptionMetadata(client.SlackMetadata{EventType: "card", EventPayload: map[string]any{"id": "1"}})
		if _, _, _, err := w.api.UpdateMessage(dev, ts, meta); err != nil {
			t.Fatal(err)
		}
		if m := w.state("dana").channel(dev).Messages[0]; m.Text != "a" || len(m.Blocks) != 1 || m.Metadata == nil {
			t.Errorf("metadata alone: %+v", m)
		}
		if _, _, _, err := w.api.UpdateMessage(dev, ts, client.MsgOptionText("b", false)); err != nil {
			t.Fatal(err)
		}
		if m := w.state("dana").channel(dev).Messages[0]; m.Text != "b" || len(m.Blocks) != 0 || m.Metadata == nil ||
			!m.Edited {
			t.Errorf("text alone: %+v", m)
		}
	})
}

func TestDirectory(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		if bot, err := w.api.AuthTest(); err != nil || bot.UserID != "U0TFPILOT0" || bot.TeamID != "T0ACME0001" {
			t.Errorf("%+v %v", bot, err)
		}
	})
}

// The same over a real listener, whose address is only known when it listens.
func TestOverRealSockets(t *testing.T) {
	cfg := config()
	cfg.BaseURL = ""
	srv, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(srv.Handler())
	defer web.Close()
	defer srv.Close()
	srv.SetBaseURL(web.URL)
	api := client.New(botToken, client.OptionAppLevelToken(appToken), client.OptionAPIURL(web.URL+"/api/"))
	sm := socketmode.New(api)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sm.RunContext(ctx) }()
	hello := make(chan struct{})
	go func() {
		for evt := range sm.Events {
			switch evt.Type {
			case socketmode.EventTypeHello:
				close(hello)
			case socketmode.EventTypeSlashCommand:
				_ = sm.Ack(*evt.Request, obj{"text": "hi"})
			}
		}
	}()
	<-hello
	if out, err := srv.Command("dana", dev, "/tfpilot", ""); err != nil || out.Outcome != Acked || out.Reply.Text != "hi" {
		t.Errorf("%+v %v", out, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

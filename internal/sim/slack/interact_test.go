package slack

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	client "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// answer runs an app that answers every envelope with the same payload, after a delay.
func (w *fixture) answer(after time.Duration, payload any) (got chan socketmode.Event) {
	got = make(chan socketmode.Event, 100)
	w.app(func(sm *socketmode.Client, evt socketmode.Event) {
		got <- evt
		time.Sleep(after)
		if payload == nil {
			_ = sm.Ack(*evt.Request)
			return
		}
		_ = sm.Ack(*evt.Request, payload)
	})
	return got
}

func (w *fixture) command() Result {
	w.t.Helper()
	out, err := w.srv.Command("dana", "infra-dev", "/tfpilot", "list")
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestCommandOutcomes(t *testing.T) {
	t.Run("no connection", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			out := w.command()
			if out.Outcome != DispatchFailed ||
				w.state("dana").channel(dev).Ephemerals[0].Text != `/tfpilot failed with the error "dispatch_failed"` {
				t.Errorf("%+v", out)
			}
		})
	})
	t.Run("late ack", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.answer(ackDeadline+time.Second, nil)
			start := time.Now()
			out := w.command()
			if out.Outcome != TimedOut || time.Since(start) != ackDeadline {
				t.Errorf("%+v after %v", out, time.Since(start))
			}
			time.Sleep(2 * time.Second)
			if c := w.srv.Counts(); c.LateAcks != 1 || c.Unacked != 1 || c.Acks != 0 {
				t.Errorf("counts %+v", c)
			}
		})
	})
	t.Run("answer in the ack", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.answer(2*time.Second, obj{"text": "nothing yet"})
			out := w.command()
			if out.Outcome != Acked || out.Reply.Text != "nothing yet" || !out.Reply.Ephemeral {
				t.Errorf("%+v", out)
			}
		})
	})
	t.Run("answer to the channel", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.answer(0, obj{"text": "hear", "response_type": "in_channel"})
			w.command()
			if m := w.state("ana").channel(dev).Messages; len(m) != 1 || m[0].Text != "hear" {
				t.Errorf("%+v", m)
			}
		})
	})
	t.Run("loading is seen", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.answer(2*time.Second, nil)
			go func() { _, _ = w.srv.Command("dana", dev, "/tfpilot", "list") }()
			time.Sleep(time.Second)
			if p := w.state("dana").Pending; len(p) != 1 || p[0].What != "/tfpilot list" {
				t.Errorf("%+v", p)
			}
			time.Sleep(2 * time.Second)
			if p := w.state("dana").Pending; len(p) != 0 {
				t.Errorf("%+v", p)
			}
		})
	})
}

func TestSubmissionAnswers(t *testing.T) {
	form := modal("Form", sectionBlock("text"), textInput("name", "name"))
	section := without(modal("Form",
		client.NewSectionBlock(plainText("x"), nil, nil, client.SectionBlockOptionBlockID("words")),
		textInput("name", "name")), func(*client.ModalViewRequest) {})
	for _, c := range []struct {
		name    string
		form    client.ModalViewRequest
		under   int // views below
		payload any
		after   time.Duration
		outcome string
		views   int // open views afterwards
		note    string
	}{
		{"empty ack closes", form, 0, nil, 0, Acked, 0, ""},
		{"empty ack shows the view below", form, 1, nil, 0, Acked, 1, ""},
		{"clear closes all", form, 2, client.NewClearViewSubmissionResponse(), 0, Acked, 0, ""},
		{"push", form, 1, client.NewPushViewSubmissionResponse(new(modal("Next"))), 0, Acked, 3, ""},
		{"push too far", form, 2, client.NewPushViewSubmissionResponse(new(modal("Next"))), 0, BadAnswer, 3, connectionError},
		{"update", form, 0, client.NewUpdateViewSubmissionResponse(new(modal("Next"))), 0, Acked, 1, ""},
		{"update with a faulty view", form, 0, client.NewUpdateViewSubmissionResponse(new(modal(long(25)))), 0, BadAnswer,
			1, connectionError},
		{"errors", form, 0, client.NewErrorsViewSubmissionResponse(map[string]string{"name": "no"}), 0, FieldErrors, 1, ""},
		{"error at a block that is no input", section, 0,
			client.NewErrorsViewSubmissionResponse(map[string]string{"words": "no"}), 0, BadAnswer, 1, connectionError},
		{"error at a block that is not there", form, 0,
			client.NewErrorsViewSubmissionResponse(map[string]string{"nome": "no"}), 0, BadAnswer, 1, connectionError},
		{"unknown action", form, 0, obj{"response_action": "explode"}, 0, BadAnswer, 1, connectionError},
		{"too late", form, 0, nil, 4 * time.Second, TimedOut, 1, connectionError},
	} {
		t.Run(c.name, func(t *testing.T) {
			withFixture(t, config(), func(w *fixture) {
				w.answer(c.after, c.payload)
				v := w.open(c.form)
				for range c.under {
					pushed, err := w.api.PushView(w.trigger(dana), c.form)
					if err != nil {
						t.Fatal(err)
					}
					v = pushed
				}
				out, err := w.srv.Submit("dana", v.View.ID, map[string]any{"name": "x"})
				if err != nil {
					t.Fatal(err)
				}
				state := w.state("dana")
				if out.Outcome != c.outcome || len(state.Views) != c.views || out.Note != c.note {
					t.Fatalf("%+v with %d views", out, len(state.Views))
				}
				if c.note != "" && (state.Views[len(state.Views)-1].Note != connectionError || len(state.Notices) != 1) {
					t.Error("the person does not see the error")
				}
			})
		})
	}
}

func TestStateSurvivesUpdates(t *testing.T) {
	field := func(block string, kind int) client.Block {
		if kind == 0 {
			return textInput(block, "v")
		}
		return client.NewInputBlock(block, plainText("x"), nil,
			client.NewOptionsSelectBlockElement(client.OptTypeStatic, nil, "v", choice("a", "A"), choice("b", "B")))
	}
	withFixture(t, config(), func(w *fixture) {
		got := w.answer(0, client.NewErrorsViewSubmissionResponse(map[string]string{"keep": "again"}))
		v := w.open(modal("x", field("keep", 0), field("rename", 0), field("change", 0), field("menu", 1)))
		values := map[string]any{"keep": "one", "rename": "two", "change": "three", "menu": "B"}
		if _, err := w.srv.Submit("dana", v.View.ID, values); err != nil {
			t.Fatal(err)
		}
		sent := (<-got).Data.(client.InteractionCallback).View.State.Values
		if sent["keep"]["v"].Value != "one" || sent["menu"]["v"].SelectedOption.Value != "b" {
			t.Errorf("sent %+v", sent)
		}
		if _, err := w.api.UpdateView(modal("y", field("keep", 0), field("renamed", 0), field("change", 1),
			field("menu", 1)), "", "", v.View.ID); err != nil {
			t.Fatal(err)
		}
		now := w.state("dana").Views[0]
		if now.Values["keep"]["v"]["value"] != "one" || now.Values["renamed"]["v"]["value"] != nil ||
			now.Values["change"]["v"]["type"] != "static_select" || now.Values["menu"]["v"]["selected_option"] == nil {
			t.Errorf("kept %+v", now.Values)
		}
		if len(now.Errors) != 0 {
			t.Error("errors outlive the view they belong to")
		}
	})
}

func TestClientSideRules(t *testing.T) {
	text := client.NewPlainTextInputBlockElement(nil, "text")
	text.MinLength, text.MaxLength = 3, 5
	number := client.NewNumberInputBlockElement(nil, "number", false)
	number.MinValue, number.MaxValue = "1", "10"
	multi := client.NewOptionsMultiSelectBlockElement(client.MultiOptTypeStatic, nil, "multi", choice("a", "A"),
		choice("b", "B"), choice("c", "C"))
	multi.MaxSelectedItems = new(2)
	free := client.NewInputBlock("free", plainText("x"), nil, client.NewPlainTextInputBlockElement(nil, "free"))
	free.Optional = true
	block := func(id string, el client.BlockElement) client.Block {
		b := client.NewInputBlock(id, plainText("x"), nil, el)
		b.Optional = id != "text"
		return b
	}
	form := modal("x", block("text", text), block("number", number), block("multi", multi), free)
	for _, c := range []struct {
		name   string
		values map[string]any
		at     string // the field with the error; "" if none
		code   string // or the error that makes it impossible
	}{
		{"all well", map[string]any{"text": "four", "number": 7, "multi": []any{"a", "B"}}, "", ""},
		{"required", map[string]any{"number": 7}, "text", ""},
		{"too short", map[string]any{"text": "ab"}, "text", ""},
		{"too long", map[string]any{"text": "abcdef"}, "text", ""},
		{"runes, not bytes", map[string]any{"text": "äöüßé"}, "", ""},
		{"no number", map[string]any{"text": "four", "number": "1e3"}, "number", ""},
		{"a fraction", map[string]any{"text": "four", "number": "1.5"}, "number", ""},
		{"too small", map[string]any{"text": "four", "number": 0}, "number", ""},
		{"too large", map[string]any{"text": "four", "number": "11"}, "number", ""},
		{"too many", map[string]any{"text": "four", "multi": []any{"a", "b", "c"}}, "multi", ""},
		{"no such field", map[string]any{"text": "four", "other": "x"}, "", "unknown_field"},
		{"no such option", map[string]any{"text": "four", "multi": []any{"d"}}, "", "invalid_value"},
		{"an object as text", map[string]any{"text": obj{}}, "", "invalid_value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			withFixture(t, config(), func(w *fixture) {
				got := w.answer(0, nil)
				v := w.open(form)
				var out struct {
					Result
					Error string `json:"error"`
				}
				status := w.post("/control/submit", obj{"user": "dana", "view": v.View.ID, "values": c.values}, &out)
				switch {
				case c.code != "":
					if status != 400 || out.Error != c.code {
						t.Errorf("%d %s", status, out.Error)
					}
				case c.at != "":
					if out.Outcome != FieldErrors || out.Errors[c.at] == "" || len(out.Errors) != 1 || len(got) != 0 {
						t.Errorf("%+v, %d sent", out, len(got))
					}
				case out.Outcome != Acked || len(got) != 1:
					t.Errorf("%+v, %d sent", out, len(got))
				}
			})
		})
	}
}

func TestSuggestions(t *testing.T) {
	zero := 0
	element := client.NewOptionsSelectBlockElement(client.OptTypeExternal, nil, "module")
	element.MinQueryLength = &zero
	form := modal("x", client.NewInputBlock("module", plainText("Module"), nil, element))
	t.Run("choices are offered and can be taken", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.app(func(sm *socketmode.Client, evt socketmode.Event) {
				click := evt.Data.(client.InteractionCallback)
				if click.Type != client.InteractionTypeBlockSuggestion {
					_ = sm.Ack(*evt.Request)
					return
				}
				_ = sm.Ack(*evt.Request, client.OptionsResponse{Options: []*client.OptionBlockObject{choice(click.Value+"-bucket",
					"Bucket")}})
			})
			v := w.open(form)
			var out Result
			if code := w.post("/control/options", obj{"user": "dana", "view": v.View.ID, "actionId": "module", "query": "s3"},
				&out); code != 200 || len(out.Options) != 1 {
				t.Fatalf("%d %+v", code, out)
			}
			if _, err := w.srv.Submit("dana", v.View.ID, map[string]any{"module": "ec2"}); err == nil {
				t.Error("a choice that was not offered was accepted")
			}
			if out, err := w.srv.Submit("dana", v.View.ID, map[string]any{"module": "s3-bucket"}); err != nil ||
				out.Outcome != Acked {
				t.Errorf("%+v %v", out, err)
			}
		})
	})
	t.Run("an answer with an invalid option was accepted", func(t *testing.T) {
		withFixture(t, config(), func(w *fixture) {
			w.answer(0, client.OptionsResponse{Options: []*client.OptionBlockObject{choice(long(76), "x")}})
			v := w.open(form)
			out, err := w.srv.Options(ActionInput{User: "dana", View: v.View.ID, ActionID: "module"})
			if err != nil || out.Outcome != BadAnswer || out.Options != nil {
				t.Errorf("%+v %v", out, err)
			}
		})
	})
}

func TestClosing(t *testing.T) {
	notifying := without(modal("x"), func(v *client.ModalViewRequest) { v.NotifyOnClose = true })
	withFixture(t, config(), func(w *fixture) {
		got := w.answer(0, nil)
		first := w.open(notifying)
		second, err := w.api.PushView(w.trigger(dana), without(notifying, func(v *client.ModalViewRequest) {
			v.ClearOnClose = true
		}))
		if err != nil {
			t.Fatal(err)
		}
		if code := w.post("/control/close", obj{"user": "dana", "view": first.View.ID}, nil); code != 409 {
			t.Errorf("a covered view was closed: %d", code)
		}
		if code := w.post("/control/close", obj{"user": "dana", "view": second.View.ID}, nil); code != 200 {
			t.Errorf("close: %d", code)
		}
		synctest.Wait()
		var closed []string
		for range 2 {
			c := (<-got).Data.(client.InteractionCallback)
			if c.Type != client.InteractionTypeViewClosed || !c.IsCleared {
				t.Errorf("%+v", c)
			}
			closed = append(closed, c.View.ID)
		}
		if !slices.Contains(closed, first.View.ID) || !slices.Contains(closed, second.View.ID) ||
			len(w.state("dana").Views) != 0 {
			t.Errorf("closed %v", closed)
		}
	})
}

func TestResponseURLs(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		got := w.answer(0, nil)
		w.command()
		url := (<-got).Data.(client.SlashCommand).ResponseURL
		reply := func(text string) error {
			_, _, err := w.api.PostMessage("", client.MsgOptionResponseURL(url, client.ResponseTypeEphemeral),
				client.MsgOptionText(text, false))
			return err
		}
		for i := range responseUses {
			if err := reply("again"); err != nil {
				t.Fatalf("use %d: %v", i+1, err)
			}
		}
		if reply("too often") == nil {
			t.Error("a sixth use was allowed")
		}
		if n := len(w.state("dana").channel(dev).Ephemerals); n != responseUses {
			t.Errorf("%d answers", n)
		}

		w.command()
		url = (<-got).Data.(client.SlashCommand).ResponseURL
		time.Sleep(responseLife + time.Second)
		if reply("too late") == nil {
			t.Error("an old address was accepted")
		}
	})
}

func TestResponseReplacesAndDeletesTheOriginal(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		got := w.answer(0, nil)
		ts, err := w.api.PostEphemeral(dev, dana, client.MsgOptionBlocks(actions(button("ok", "1", "OK"))))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.srv.Act(ActionInput{User: "ana", Channel: dev, TS: ts, ActionID: "ok"}); err == nil {
			t.Error("another person could use an ephemeral message")
		}
		if _, err := w.srv.Act(ActionInput{User: "dana", Channel: dev, TS: ts, ActionID: "ok"}); err != nil {
			t.Fatal(err)
		}
		click := (<-got).Data.(client.InteractionCallback)
		if !click.Container.IsEphemeral {
			t.Errorf("%+v", click.Container)
		}
		if _, _, err := w.api.PostMessage("", client.MsgOptionReplaceOriginal(click.ResponseURL),
			client.MsgOptionText("Done", false)); err != nil {
			t.Fatal(err)
		}
		if e := w.state("dana").channel(dev).Ephemerals; len(e) != 1 || e[0].Text != "Done" || len(e[0].Blocks) != 0 {
			t.Errorf("%+v", e)
		}
		if _, _, err := w.api.PostMessage("", client.MsgOptionDeleteOriginal(click.ResponseURL)); err != nil {
			t.Fatal(err)
		}
		if e := w.state("dana").channel(dev).Ephemerals; len(e) != 0 {
			t.Errorf("%+v", e)
		}
	})
}

func TestImpossibleActions(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		w.answer(0, nil)
		_, ts, err := w.api.PostMessage(dev, client.MsgOptionBlocks(
			client.NewActionBlock("one", button("go", "1", "Go"),
				client.NewOverflowBlockElement("more", choice("a", "A"), choice("b", "B"))),
			client.NewActionBlock("two", button("go", "2", "Go"))))
		if err != nil {
			t.Fatal(err)
		}
		on := obj{"user": "dana", "channel": dev, "ts": ts}
		for _, c := range []struct {
			name   string
			change obj
			status int
			code   string
		}{
			{"unknown user", obj{"user": "eve"}, 404, "unknown_user"},
			{"unknown channel", obj{"channel": "nowhere"}, 404, "unknown_channel"},
			{"hidden channel", obj{"channel": "secret"}, 404, "unknown_channel"},
			{"unknown message", obj{"ts": "1.000001"}, 404, "unknown_message"},
			{"unknown view", obj{"view": "V1"}, 404, "unknown_view"},
			{"no action", obj{}, 400, "missing_action"},
			{"unknown action", obj{"actionId": "stop"}, 404, "unknown_action"},
			{"another value", obj{"actionId": "go", "value": "3"}, 404, "unknown_value"},
			{"which one", obj{"actionId": "go"}, 400, "ambiguous_action"},
			{"nothing chosen", obj{"actionId": "more"}, 400, "missing_selected"},
			{"no such choice", obj{"actionId": "more", "selected": "c"}, 400, "invalid_value"},
			{"misspelt", obj{"action": "go"}, 400, "invalid_json"},
			{"by value", obj{"actionId": "go", "value": "2"}, 200, ""},
			{"by block", obj{"actionId": "go", "blockId": "one"}, 200, ""},
			{"chosen", obj{"actionId": "more", "selected": "b"}, 200, ""},
		} {
			in := obj{}
			for _, part := range []obj{on, c.change} {
				for name, v := range part {
					in[name] = v
				}
			}
			var out ControlError
			if status := w.post("/control/action", in, &out); status != c.status || out.Code != c.code {
				t.Errorf("%s: %d %s", c.name, status, out.Code)
			}
		}
		resp, err := w.http.Post(baseURL+"/control/command", "application/x-www-form-urlencoded", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 415 {
			t.Errorf("a form body was accepted: %d", resp.StatusCode)
		}
	})
}

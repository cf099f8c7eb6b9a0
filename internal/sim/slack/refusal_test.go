package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	client "github.com/slack-go/slack"
)

// refusal is one invalid call with the real client, and Slack's answer.
type refusal struct {
	name string
	call func(*fixture) error
	want string
}

// sending posts blocks to #infra-dev.
func sending(blocks ...client.Block) func(*fixture) error {
	return func(w *fixture) error {
		_, _, err := w.api.PostMessage(dev, client.MsgOptionText("fallback", false), client.MsgOptionBlocks(blocks...))
		return err
	}
}

func opening(view client.ModalViewRequest) func(*fixture) error {
	return func(w *fixture) error {
		_, err := w.api.OpenView(w.trigger(dana), view)
		return err
	}
}

func times[T any](n int, one func(i int) T) []T {
	out := make([]T, 0, n)
	for i := range n {
		out = append(out, one(i))
	}
	return out
}

func (w *fixture) trigger(user string) string {
	w.srv.mu.Lock()
	defer w.srv.mu.Unlock()
	return w.srv.newTrigger(user)
}

func (w *fixture) open(view client.ModalViewRequest) *client.ViewResponse {
	w.t.Helper()
	v, err := w.api.OpenView(w.trigger(dana), view)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func long(n int) string { return strings.Repeat("x", n) }

func divider(id string) client.Block {
	return &client.DividerBlock{Type: client.MBTDivider, BlockID: id}
}

func menu(options ...*client.OptionBlockObject) *client.SelectBlockElement {
	return client.NewOptionsSelectBlockElement(client.OptTypeStatic, nil, "menu", options...)
}

func choice(value, label string) *client.OptionBlockObject {
	return client.NewOptionBlockObject(value, plainText(label), nil)
}

func actions(elements ...client.BlockElement) client.Block {
	return client.NewActionBlock("", elements...)
}

func linkButton(url string) client.BlockElement {
	b := button("go", "", "Go")
	b.URL = url
	return b
}

func without(view client.ModalViewRequest, change func(*client.ModalViewRequest)) client.ModalViewRequest {
	change(&view)
	return view
}

var messageRefusals = []refusal{
	{"no token", func(w *fixture) error { _, err := w.client("").AuthTest(); return err }, "not_authed"},
	{"wrong token", func(w *fixture) error { _, err := w.client("xoxb-2").AuthTest(); return err }, "invalid_auth"},
	{"app token for a bot method", func(w *fixture) error {
		_, err := w.client(appToken).AuthTest()
		return err
	}, "not_allowed_token_type"},
	{"bot token for Socket Mode", func(w *fixture) error {
		api := client.New(botToken, client.OptionAppLevelToken(botToken), client.OptionAPIURL(baseURL+"/api/"),
			client.OptionHTTPClient(w.http))
		_, _, err := api.StartSocketModeContext(context.Background())
		return err
	}, "not_allowed_token_type"},
	{"missing scope", func(w *fixture) error {
		_, err := w.api.GetConversationInfo(&client.GetConversationInfoInput{ChannelID: dev})
		return err
	}, "missing_scope"},
	{"method that does not exist", func(w *fixture) error { return w.api.ArchiveConversation(dev) }, "unknown_method"},

	{"unknown channel", func(w *fixture) error {
		_, _, err := w.api.PostMessage("C0NOWHERE1", client.MsgOptionText("x", false))
		return err
	}, "channel_not_found"},
	{"no channel", func(w *fixture) error {
		_, _, err := w.api.PostMessage("", client.MsgOptionText("x", false))
		return err
	}, "invalid_arguments"},
	{"not invited", func(w *fixture) error {
		_, _, err := w.api.PostMessage("C0NOBOT001", client.MsgOptionText("x", false))
		return err
	}, "not_in_channel"},
	{"private and not invited", func(w *fixture) error {
		_, _, err := w.api.PostMessage("C0SECRET01", client.MsgOptionText("x", false))
		return err
	}, "channel_not_found"},
	{"archived", func(w *fixture) error {
		_, _, err := w.api.PostMessage("C0ARCHIVED", client.MsgOptionText("x", false))
		return err
	}, "is_archived"},
	{"nothing to say", func(w *fixture) error { _, _, err := w.api.PostMessage(dev); return err }, "no_text"},
	{"metadata without a type", func(w *fixture) error {
		_, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false),
			client.MsgOptionMetadata(client.SlackMetadata{EventPayload: map[string]any{"a": 1}}))
		return err
	}, "invalid_metadata_schema"},
	{"metadata too large", func(w *fixture) error {
		_, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false),
			client.MsgOptionMetadata(client.SlackMetadata{EventType: "t", EventPayload: map[string]any{"a": long(17_000)}}))
		return err
	}, "metadata_too_large"},

	{"51 blocks", sending(times(51, func(int) client.Block { return client.NewDividerBlock() })...), "invalid_blocks"},
	{"equal block ids", sending(divider("a"), divider("a")), "invalid_blocks"},
	{"equal action ids in a block", sending(actions(button("a", "1", "One"), button("a", "2", "Two"))), "invalid_blocks"},
	{"long section", sending(sectionBlock(long(3001))), "invalid_blocks"},
	{"empty section", sending(sectionBlock("")), "invalid_blocks"},
	{"section of nothing", sending(client.NewSectionBlock(nil, nil, nil)), "invalid_blocks"},
	{"11 fields", sending(client.NewSectionBlock(nil, times(11, func(int) *client.TextBlockObject {
		return plainText("f")
	}), nil)), "invalid_blocks"},
	{"long field", sending(client.NewSectionBlock(nil, []*client.TextBlockObject{plainText(long(2001))}, nil)),
		"invalid_blocks"},
	{"long header", sending(client.NewHeaderBlock(plainText(long(151)))), "invalid_blocks"},
	{"header in mrkdwn", sending(client.NewHeaderBlock(client.NewTextBlockObject(client.MarkdownType, "x", false,
		false))), "invalid_blocks"},
	{"26 buttons", sending(actions(times(26, func(i int) client.BlockElement {
		return button(fmt.Sprint(i), "", "B")
	})...)), "invalid_blocks"},
	{"no buttons", sending(actions()), "invalid_blocks"},
	{"long button", sending(actions(button("a", "", long(76)))), "invalid_blocks"},
	{"long button value", sending(actions(button("a", long(2001), "A"))), "invalid_blocks"},
	{"long action id", sending(actions(button(long(256), "", "A"))), "invalid_blocks"},
	{"script as link", sending(actions(linkButton("javascript:alert(1)"))), "invalid_blocks"},
	{"unknown button style", sending(actions(button("a", "", "A").WithStyle("warning"))), "invalid_blocks"},
	{"long confirmation", sending(actions(button("a", "", "A").WithConfirm(client.NewConfirmationBlockObject(
		plainText(long(101)), plainText("x"), plainText("Yes"), plainText("No"))))), "invalid_blocks"},
	{"11 context elements", sending(client.NewContextBlock("", times(11, func(int) client.MixedElement {
		return plainText("x")
	})...)), "invalid_blocks"},
	{"input in a message", sending(textInput("a", "b")), "invalid_blocks"},
	{"101 options", sending(actions(menu(times(101, func(i int) *client.OptionBlockObject {
		return choice(fmt.Sprint(i), "x")
	})...))), "invalid_blocks"},
	{"long option value", sending(actions(menu(choice(long(76), "x")))), "invalid_blocks"},
	{"initial option that is none", sending(actions(menu(choice("a", "A")).WithInitialOption(choice("b", "B")))),
		"invalid_blocks"},
	{"11 radio buttons", sending(actions(client.NewRadioButtonsBlockElement("r",
		times(11, func(i int) *client.OptionBlockObject {
			return choice(fmt.Sprint(i), "x")
		})...))), "invalid_blocks"},
	{"overflow with one option", sending(actions(client.NewOverflowBlockElement("o", choice("a", "A")))),
		"invalid_blocks"},
	{"image without alt text", sending(client.NewImageBlock("https://x.test/a.png", "", "", nil)), "invalid_blocks"},
	{"long markdown", sending(client.NewMarkdownBlock("", long(12_001))), "invalid_blocks"},
	{"long blocks together", sending(sectionBlock(long(3000)), sectionBlock(long(3000)), sectionBlock(long(3000)),
		sectionBlock(long(1001))), "msg_blocks_too_long"},
	{"unknown status of a task", sending(client.NewPlanBlock("Plan").WithTasks(client.NewTaskCardBlock("a",
		"A").WithStatus("completed"))), "invalid_blocks"},
	{"empty rich text", sending(client.NewRichTextBlock("",
		client.NewRichTextSection(client.NewRichTextSectionTextElement("", nil)))), "invalid_blocks"},

	{"update of nothing", func(w *fixture) error {
		_, _, _, err := w.api.UpdateMessage(dev, "1.000001", client.MsgOptionText("x", false))
		return err
	}, "message_not_found"},
	{"update by user id", func(w *fixture) error {
		_, ts, _ := w.api.PostMessage(dana, client.MsgOptionText("x", false))
		_, _, _, err := w.api.UpdateMessage(dana, ts, client.MsgOptionText("y", false))
		return err
	}, "channel_not_found"},
	{"update of another's message", func(w *fixture) error {
		m, _ := w.srv.Say("dana", dev, "", "mine")
		_, _, _, err := w.api.UpdateMessage(dev, m.TS, client.MsgOptionText("x", false))
		return err
	}, "cant_update_message"},
	{"delete of another's message", func(w *fixture) error {
		m, _ := w.srv.Say("dana", dev, "", "mine")
		_, _, err := w.api.DeleteMessage(dev, m.TS)
		return err
	}, "cant_delete_message"},
	{"long update", func(w *fixture) error {
		_, ts, _ := w.api.PostMessage(dev, client.MsgOptionText("x", false))
		_, _, _, err := w.api.UpdateMessage(dev, ts, client.MsgOptionText(long(4001), false))
		return err
	}, "msg_too_long"},
	{"update of an ephemeral message", func(w *fixture) error {
		ts, _ := w.api.PostEphemeral(dev, dana, client.MsgOptionText("x", false))
		_, _, _, err := w.api.UpdateMessage(dev, ts, client.MsgOptionText("y", false))
		return err
	}, "message_not_found"},
	{"ephemeral to a person outside", func(w *fixture) error {
		_, err := w.api.PostEphemeral(prod, dana, client.MsgOptionText("x", false))
		return err
	}, "user_not_in_channel"},
	{"thread that is none", func(w *fixture) error {
		_, ts, _ := w.api.PostMessage(dana, client.MsgOptionText("x", false))
		_, _, _, err := w.api.GetConversationReplies(&client.GetConversationRepliesParameters{ChannelID: "D0DANA0001",
			Timestamp: ts + "1"})
		return err
	}, "thread_not_found"},
	{"history of a channel without scope", func(w *fixture) error {
		_, err := w.api.GetConversationHistory(&client.GetConversationHistoryParameters{ChannelID: dev})
		return err
	}, "missing_scope"},
}

var viewRefusals = []refusal{
	{"over-long title", opening(modal(long(25))), "invalid_arguments"},
	{"over-long submit", opening(without(modal("x"), func(v *client.ModalViewRequest) {
		v.Submit = plainText(long(25))
	})), "invalid_arguments"},
	{"no title", opening(without(modal("x"), func(v *client.ModalViewRequest) { v.Title = nil })), "invalid_arguments"},
	{"input without submit", opening(without(modal("x", textInput("a", "b")), func(v *client.ModalViewRequest) {
		v.Submit = nil
	})), "invalid_arguments"},
	{"101 blocks", opening(modal("x", times(101, func(int) client.Block {
		return client.NewDividerBlock()
	})...)), "invalid_arguments"},
	{"equal block ids in a view", opening(modal("x", divider("a"), divider("a"))), "invalid_arguments"},
	{"long private metadata", opening(without(modal("x"), func(v *client.ModalViewRequest) {
		v.PrivateMetadata = long(3001)
	})), "invalid_arguments"},
	{"long callback id", opening(without(modal("x"), func(v *client.ModalViewRequest) {
		v.CallbackID = long(256)
	})), "invalid_arguments"},
	{"view of 250 kB", opening(modal("x", times(100, func(int) client.Block {
		return sectionBlock(long(2990))
	})...)), "view_too_large"},
	{"long label", opening(modal("x",
		client.NewInputBlock("a", plainText(long(2001)), nil, client.NewPlainTextInputBlockElement(nil, "b")))),
		"invalid_arguments"},
	{"button as input", opening(modal("x", client.NewInputBlock("a", plainText("A"), nil, button("b", "", "B")))),
		"invalid_arguments"},
	{"text field in a section", opening(modal("x",
		client.NewSectionBlock(plainText("x"), nil, client.NewAccessory(client.NewPlainTextInputBlockElement(nil, "b"))))),
		"invalid_arguments"},
	{"plan in a modal", opening(modal("x", client.NewPlanBlock("Plan"))), "invalid_arguments"},
	{"home view as a modal", opening(client.ModalViewRequest{Type: client.VTHomeTab,
		Blocks: client.Blocks{BlockSet: []client.Block{}}}), "invalid_arguments"},
	{"made-up trigger", func(w *fixture) error {
		_, err := w.api.OpenView("1.2.abc", modal("x"))
		return err
	}, "invalid_trigger_id"},
	{"used trigger", func(w *fixture) error {
		trigger := w.trigger(dana)
		if _, err := w.api.OpenView(trigger, modal("x")); err != nil {
			return err
		}
		_, err := w.api.OpenView(trigger, modal("x"))
		return err
	}, "exchanged_trigger_id"},
	{"expired trigger", func(w *fixture) error {
		trigger := w.trigger(dana)
		time.Sleep(triggerLife + time.Millisecond)
		_, err := w.api.OpenView(trigger, modal("x"))
		return err
	}, "expired_trigger_id"},
	{"fourth view", func(w *fixture) error {
		w.open(modal("1"))
		for range 2 {
			if _, err := w.api.PushView(w.trigger(dana), modal("x")); err != nil {
				return err
			}
		}
		_, err := w.api.PushView(w.trigger(dana), modal("4"))
		return err
	}, "push_limit_reached"},
	{"push onto nothing", func(w *fixture) error {
		_, err := w.api.PushView(w.trigger(dana), modal("x"))
		return err
	}, "not_found"},
	{"stale hash", func(w *fixture) error {
		v := w.open(modal("x"))
		if _, err := w.api.UpdateView(modal("y"), "", v.Hash, v.View.ID); err != nil {
			return err
		}
		_, err := w.api.UpdateView(modal("z"), "", v.Hash, v.View.ID)
		return err
	}, "hash_conflict"},
	{"update of no view", func(w *fixture) error {
		_, err := w.api.UpdateView(modal("x"), "", "", "V0NOWHERE1")
		return err
	}, "not_found"},
	{"update of a closed view", func(w *fixture) error {
		v := w.open(modal("x"))
		if _, err := w.srv.CloseView("dana", v.View.ID); err != nil {
			return err
		}
		_, err := w.api.UpdateView(modal("y"), "", "", v.View.ID)
		return err
	}, "not_found"},
	{"external id twice", func(w *fixture) error {
		named := without(modal("x"), func(v *client.ModalViewRequest) { v.ExternalID = "one" })
		w.open(named)
		_, err := w.api.PushView(w.trigger(dana), named)
		return err
	}, "duplicate_external_id"},
	{"home of an unknown person", func(w *fixture) error {
		_, err := w.api.PublishView("U0NOBODY00",
			client.HomeTabViewRequest{Type: client.VTHomeTab, Blocks: client.Blocks{BlockSet: []client.Block{}}}, "")
		return err
	}, "user_not_found"},
	{"stale hash of a home", func(w *fixture) error {
		home := client.HomeTabViewRequest{Type: client.VTHomeTab,
			Blocks: client.Blocks{BlockSet: []client.Block{sectionBlock("x")}}}
		v, err := w.api.PublishView(dana, home, "")
		if err != nil {
			return err
		}
		if _, err := w.api.PublishView(dana, home, v.Hash); err != nil {
			return err
		}
		_, err = w.api.PublishView(dana, home, v.Hash)
		return err
	}, "hash_conflict"},
}

func TestInvalidCallsAreRefused(t *testing.T) {
	for _, r := range append(messageRefusals, viewRefusals...) {
		t.Run(r.name, func(t *testing.T) {
			withFixture(t, config(), func(w *fixture) {
				err := r.call(w)
				var refused client.SlackErrorResponse
				if !errors.As(err, &refused) || refused.Err != r.want {
					t.Fatalf("got %v, want %s", err, r.want)
				}
				switch r.want {
				case "invalid_blocks", "invalid_arguments":
					if len(refused.ResponseMetadata.Messages) == 0 {
						t.Error("the refusal has no reason")
					}
				case "missing_scope":
					if refused.Needed == "" || !strings.Contains(refused.Provided, "chat:write") {
						t.Errorf("needed %q, provided %q", refused.Needed, refused.Provided)
					}
				}
				if counts := w.srv.Counts(); len(counts.Refused) == 0 {
					t.Error("the refusal was not counted")
				}
			})
		})
	}
}

// A refusal changes nothing, and the trigger of an invalid view can be used again.
func TestRefusedViewLeavesTheTrigger(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		trigger := w.trigger(dana)
		if _, err := w.api.OpenView(trigger, modal(long(25))); err == nil {
			t.Fatal("an invalid view was opened")
		}
		if _, err := w.api.OpenView(trigger, modal("fine")); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRateLimits(t *testing.T) {
	withFixture(t, config(), func(w *fixture) {
		_, ts, err := w.api.PostMessage(dev, client.MsgOptionText("x", false))
		if err != nil {
			t.Fatal(err)
		}
		until := func(call func() error) (int, time.Duration) {
			for n := range 1000 {
				var limited *client.RateLimitedError
				if err := call(); errors.As(err, &limited) {
					return n, limited.RetryAfter
				} else if err != nil {
					t.Fatal(err)
				}
			}
			return 1000, 0
		}
		n, wait := until(func() error {
			_, _, _, err := w.api.UpdateMessage(dev, ts, client.MsgOptionText("y", false))
			return err
		})
		if n != 50 || wait < time.Second {
			t.Errorf("%d updates, then wait %v", n, wait)
		}
		n, wait = until(func() error { _, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false)); return err })
		if n != 9 || wait != time.Second {
			t.Errorf("%d more posts in one channel, then wait %v", n, wait)
		}
		if _, _, err := w.api.PostMessage(prod, client.MsgOptionText("x", false)); err != nil {
			t.Errorf("another channel has its own limit: %v", err)
		}
		time.Sleep(wait)
		if _, _, err := w.api.PostMessage(dev, client.MsgOptionText("x", false)); err != nil {
			t.Errorf("after waiting: %v", err)
		}
	})
}

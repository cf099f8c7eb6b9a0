package blockkit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

func long(n int) string { return strings.Repeat("é", n) }

func repeat(n int, item string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = strings.ReplaceAll(item, "#", fmt.Sprint(i))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func plainOf(n int) string { return `{"type":"plain_text","text":"` + long(n) + `"}` }

// Each limit is exact: the largest allowed value passes, one more is refused at the right position.
func TestLimits(t *testing.T) {
	inActionsBlock := func(element string) string { return `[{"type":"actions","elements":[` + element + `]}]` }
	confirm := func(title, text, yes, no int) string {
		return inActionsBlock(`{"type":"button","text":` + plainOf(1) + `,"confirm":{"title":` + plainOf(title) + `,"text":` +
			plainOf(text) + `,"confirm":` + plainOf(yes) + `,"deny":` + plainOf(no) + `}}`)
	}
	view := func(rest string) string { return `{"type":"modal","title":` + plainOf(1) + rest + `}` }
	for _, c := range []struct {
		name    string
		doc     func(n int) string
		most    int
		pointer string
	}{
		{"blocks of a message", func(n int) string { return repeat(n, `{"type":"divider"}`) }, 50, "/blocks"},
		{"section", func(n int) string { return `[{"type":"section","text":` + plainOf(n) + `}]` }, 3000, "/blocks/0/text/text"},
		{"fields", func(n int) string { return `[{"type":"section","fields":` + repeat(n, plainOf(1)) + `}]` }, 10, "/blocks/0/fields"},
		{"field", func(n int) string { return `[{"type":"section","fields":[` + plainOf(n) + `]}]` }, 2000, "/blocks/0/fields/0/text"},
		{"header", func(n int) string { return `[{"type":"header","text":` + plainOf(n) + `}]` }, 150, "/blocks/0/text/text"},
		{"context", func(n int) string { return `[{"type":"context","elements":` + repeat(n, plainOf(1)) + `}]` }, 10, "/blocks/0/elements"},
		{"actions", func(n int) string {
			return `[{"type":"actions","elements":` + repeat(n, `{"type":"button","text":`+plainOf(1)+`}`) + `}]`
		}, 25, "/blocks/0/elements"},
		{"block_id", func(n int) string { return `[{"type":"divider","block_id":"` + long(n) + `"}]` }, 255, "/blocks/0/block_id"},
		{"button text", func(n int) string { return inActionsBlock(`{"type":"button","text":` + plainOf(n) + `}`) }, 75, "/blocks/0/elements/0/text/text"},
		{"button value", func(n int) string {
			return inActionsBlock(`{"type":"button","text":` + plainOf(1) + `,"value":"` + long(n) + `"}`)
		}, 2000, "/blocks/0/elements/0/value"},
		{"button action_id", func(n int) string {
			return inActionsBlock(`{"type":"button","text":` + plainOf(1) + `,"action_id":"` + long(n) + `"}`)
		}, 255, "/blocks/0/elements/0/action_id"},
		{"button link", func(n int) string {
			return inActionsBlock(`{"type":"button","text":` + plainOf(1) + `,"url":"https://x/` + strings.Repeat("a", n-10) + `"}`)
		}, 3000, "/blocks/0/elements/0/url"},
		{"accessibility label", func(n int) string {
			return inActionsBlock(`{"type":"button","text":` + plainOf(1) + `,"accessibility_label":"` + long(n) + `"}`)
		}, 75, "/blocks/0/elements/0/accessibility_label"},
		{"confirm title", func(n int) string { return confirm(n, 1, 1, 1) }, 100, "/blocks/0/elements/0/confirm/title/text"},
		{"confirm text", func(n int) string { return confirm(1, n, 1, 1) }, 300, "/blocks/0/elements/0/confirm/text/text"},
		{"confirm yes", func(n int) string { return confirm(1, 1, n, 1) }, 30, "/blocks/0/elements/0/confirm/confirm/text"},
		{"confirm no", func(n int) string { return confirm(1, 1, 1, n) }, 30, "/blocks/0/elements/0/confirm/deny/text"},
		{"options", func(n int) string {
			return inActionsBlock(`{"type":"static_select","options":` + repeat(n, `{"text":`+plainOf(1)+`,"value":"#"}`) + `}`)
		}, 100, "/blocks/0/elements/0/options"},
		{"option text", func(n int) string {
			return inActionsBlock(`{"type":"static_select","options":[{"text":` + plainOf(n) + `,"value":"a"}]}`)
		}, 75, "/blocks/0/elements/0/options/0/text/text"},
		{"option value", func(n int) string {
			return inActionsBlock(`{"type":"static_select","options":[{"text":` + plainOf(1) + `,"value":"` + long(n) + `"}]}`)
		}, 75, "/blocks/0/elements/0/options/0/value"},
		{"option description", func(n int) string {
			return inActionsBlock(`{"type":"static_select","options":[{"text":` + plainOf(1) + `,"value":"a","description":` + plainOf(n) + `}]}`)
		}, 75, "/blocks/0/elements/0/options/0/description/text"},
		{"placeholder", func(n int) string {
			return inActionsBlock(`{"type":"external_select","placeholder":` + plainOf(n) + `}`)
		}, 150, "/blocks/0/elements/0/placeholder/text"},
		{"radio buttons", func(n int) string {
			return inActionsBlock(`{"type":"radio_buttons","options":` + repeat(n, `{"text":`+plainOf(1)+`,"value":"#"}`) + `}`)
		}, 10, "/blocks/0/elements/0/options"},
		{"overflow", func(n int) string {
			return inActionsBlock(`{"type":"overflow","options":` + repeat(n, `{"text":`+plainOf(1)+`,"value":"#"}`) + `}`)
		}, 5, "/blocks/0/elements/0/options"},

		{"blocks of a view", func(n int) string { return view(`,"blocks":` + repeat(n, `{"type":"divider"}`)) }, 100, "/view/blocks"},
		{"title", func(n int) string { return `{"type":"modal","blocks":[],"title":` + plainOf(n) + `}` }, 24, "/view/title/text"},
		{"submit", func(n int) string { return view(`,"blocks":[],"submit":` + plainOf(n)) }, 24, "/view/submit/text"},
		{"close", func(n int) string { return view(`,"blocks":[],"close":` + plainOf(n)) }, 24, "/view/close/text"},
		{"private_metadata", func(n int) string { return view(`,"blocks":[],"private_metadata":"` + long(n) + `"`) }, 3000, "/view/private_metadata"},
		{"callback_id", func(n int) string { return view(`,"blocks":[],"callback_id":"` + long(n) + `"`) }, 255, "/view/callback_id"},
		{"external_id", func(n int) string { return view(`,"blocks":[],"external_id":"` + long(n) + `"`) }, 255, "/view/external_id"},
		{"label", func(n int) string {
			return view(`,"submit":` + plainOf(1) + `,"blocks":[{"type":"input","label":` + plainOf(n) + `,"element":{"type":"plain_text_input"}}]`)
		}, 2000, "/view/blocks/0/label/text"},
		{"hint", func(n int) string {
			return view(`,"submit":` + plainOf(1) + `,"blocks":[{"type":"input","label":` + plainOf(1) + `,"hint":` + plainOf(n) + `,"element":{"type":"plain_text_input"}}]`)
		}, 2000, "/view/blocks/0/hint/text"},
		{"initial value", func(n int) string {
			return view(`,"submit":` + plainOf(1) + `,"blocks":[{"type":"input","label":` + plainOf(1) + `,"element":{"type":"plain_text_input","initial_value":"` + long(n) + `","max_length":9}}]`)
		}, 9, "/view/blocks/0/element/initial_value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if problems := validate(c.doc(c.most)); len(problems) > 0 {
				t.Errorf("the limit itself is refused: %v", problems)
			}
			problems := validate(c.doc(c.most + 1))
			if len(problems) != 1 || problems[0].Pointer != c.pointer {
				t.Errorf("one more than %d: %v, want one problem at %s", c.most, problems, c.pointer)
			}
		})
	}
}

func validate(doc string) []Problem {
	if strings.HasPrefix(doc, "[") {
		return Message([]byte(doc))
	}
	return View([]byte(doc))
}

func TestRules(t *testing.T) {
	const yes = `{"type":"plain_text","text":"Yes"}`
	const area = `{"type":"input","block_id":"a","label":` + yes + `,"element":{"type":"plain_text_input","action_id":"x"}}`
	for _, c := range []struct {
		name, doc string
		want      []Problem
	}{
		{"no json", `[`, []Problem{{"/blocks", "must be valid json"}}},
		{"two values", `[] []`, []Problem{{"/blocks", "must be valid json"}}},
		{"no object", `[1]`, []Problem{{"/blocks/0", "must provide an object"}}},
		{"unknown block", `[{"type":"marquee"}]`, []Problem{{"/blocks/0/type", "unsupported type: marquee"}}},
		{"unknown property", `[{"type":"divider","shade":"red"}]`, []Problem{{"/blocks/0", "invalid additional property: shade"}}},
		{"empty text", `[{"type":"section","text":{"type":"mrkdwn","text":""}}]`, []Problem{{"/blocks/0/text/text", "must be more than 0 characters"}}},
		{"emoji in mrkdwn", `[{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}]`, []Problem{{"/blocks/0/text", "invalid additional property: emoji"}}},
		{"header in mrkdwn", `[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]`, []Problem{{"/blocks/0/text/type", "unsupported type: mrkdwn: must be plain_text"}}},
		{"input in a message", `[` + area + `]`, []Problem{{"/blocks/0/type", "unsupported type: input"}}},
		{"same action in two blocks", `[{"type":"actions","elements":[{"type":"button","text":` + yes + `,"action_id":"a"}]},{"type":"actions","elements":[{"type":"button","text":` + yes + `,"action_id":"a"}]}]`, nil},
		{"link to a file", `[{"type":"actions","elements":[{"type":"button","text":` + yes + `,"url":"file:///etc/passwd"}]}]`, []Problem{{"/blocks/0/elements/0/url", "must be a valid URL: scheme http or https"}}},
		{"options and groups", `[{"type":"actions","elements":[{"type":"static_select"}]}]`, []Problem{{"/blocks/0/elements/0", "must provide exactly one of [options option_groups]"}}},
		{"nested list", `[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_list"}]}]}]`, []Problem{{"/blocks/0/elements/0/elements/0/type", "unsupported type: rich_text_list"}}},

		{"view without submit", `{"type":"modal","title":` + yes + `,"blocks":[` + area + `]}`, []Problem{{"/view", "missing required field: submit: it is required when an input block is within the blocks array"}}},
		{"view of no type", `{"title":` + yes + `,"blocks":[]}`, []Problem{{"/view", "missing required field: type"}}},
		{"view without blocks", `{"type":"modal","title":` + yes + `,"blocks":null}`, []Problem{{"/view", "missing required field: blocks"}}},
		{"home with a title", `{"type":"home","title":` + yes + `,"blocks":[]}`, []Problem{{"/view", "invalid additional property: title"}}},
		{"home with a field", `{"type":"home","blocks":[` + area + `]}`, nil},
		{"two focused", `{"type":"modal","title":` + yes + `,"submit":` + yes + `,"blocks":[{"type":"input","label":` + yes + `,"element":{"type":"plain_text_input","focus_on_load":true}},{"type":"input","label":` + yes + `,"element":{"type":"plain_text_input","focus_on_load":true}}]}`, []Problem{{"/view", "only one element may be focused on load"}}},
		{"min above max", `{"type":"modal","title":` + yes + `,"submit":` + yes + `,"blocks":[{"type":"input","label":` + yes + `,"element":{"type":"plain_text_input","min_length":5,"max_length":4}}]}`, []Problem{{"/view/blocks/0/element/min_length", "must not be greater than max_length"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, validate(c.doc)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The check accepts what the real client builds with every field set.
func TestClientBlocksAreAccepted(t *testing.T) {
	text := func(s string) *slack.TextBlockObject {
		return slack.NewTextBlockObject(slack.PlainTextType, s, true, false)
	}
	mrkdwn := slack.NewTextBlockObject(slack.MarkdownType, "*x*", false, true)
	confirm := slack.NewConfirmationBlockObject(text("Sure?"), mrkdwn, text("Yes"), text("No")).WithStyle(slack.StyleDanger)
	option := slack.NewOptionBlockObject("v", text("Option"), text("About it"))
	rich := slack.NewRichTextBlock("rich",
		slack.NewRichTextSection(slack.NewRichTextSectionTextElement("bold", &slack.RichTextSectionTextStyle{Bold: true}),
			slack.NewRichTextSectionLinkElement("https://x.test", "link", nil), slack.NewRichTextSectionUserElement("U1", nil)),
		slack.NewRichTextList(slack.RTEListBullet, 0, slack.NewRichTextSection(slack.NewRichTextSectionTextElement("item", nil))),
		&slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("+ log", nil)}})
	button := slack.NewButtonBlockElement("b", "v", text("Press")).WithConfirm(confirm).WithStyle(slack.StylePrimary)
	button.AccessibilityLabel = "Press it"
	blocks := []slack.Block{
		slack.NewHeaderBlock(text("Header")), slack.NewDividerBlock(), rich,
		slack.NewSectionBlock(mrkdwn, []*slack.TextBlockObject{text("field")}, slack.NewAccessory(button), slack.SectionBlockOptionBlockID("s")),
		slack.NewContextBlock("c", text("words")),
		slack.NewActionBlock("a", button, slack.NewOverflowBlockElement("o", option, option),
			slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, text("Pick"), "m", option).WithInitialOption(option),
			slack.NewRadioButtonsBlockElement("r", option)),
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		t.Fatal(err)
	}
	if problems := Message(raw); len(problems) > 0 {
		t.Errorf("message: %v", problems)
	}
	number := slack.NewNumberInputBlockElement(text("n"), "n", true)
	number.MinValue = "1"
	plain := slack.NewPlainTextInputBlockElement(text("p"), "p")
	plain.InitialValue, plain.MaxLength, plain.Multiline = "x", 10, true
	inputs := []slack.Block{
		slack.NewInputBlock("i1", text("Text"), text("Hint"), plain), slack.NewInputBlock("i2", text("Number"), nil, number),
		slack.NewInputBlock("i5", text("Many"), nil, slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, nil, "m", option)),
		slack.NewInputBlock("i6", text("More"), nil, slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, nil, "x")).WithOptional(true),
	}
	raw, err = json.Marshal(slack.ModalViewRequest{
		Type: slack.VTModal, Title: text("View"), Submit: text("Save"), Close: text("Cancel"), PrivateMetadata: "x",
		CallbackID: "c", NotifyOnClose: true, ClearOnClose: true, ExternalID: "e",
		Blocks: slack.Blocks{BlockSet: append(inputs, blocks...)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if problems := View(raw); len(problems) > 0 {
		t.Errorf("view: %v", problems)
	}
}

func TestOptions(t *testing.T) {
	const one = `{"text":{"type":"plain_text","text":"A"},"value":"a"}`
	for doc, ok := range map[string]bool{
		`{"options":[` + one + `]}`: true,
		`{"options":[]}`:            true,
		`{"option_groups":[{"label":{"type":"plain_text","text":"G"},"options":[` + one + `]}]}`: true,
		`{}`:                                   false,
		`{"options":[{"value":"a"}]}`:          false,
		`{"options":` + repeat(101, one) + `}`: false,
		`null`:                                 false,
	} {
		if problems := Options([]byte(doc)); (len(problems) == 0) != ok {
			t.Errorf("%.80s: %v", doc, problems)
		}
	}
}

func FuzzValidators(f *testing.F) {
	f.Add([]byte(`[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]`))
	f.Add([]byte(`{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"container","child_blocks":[{"type":"input"}]}]}`))
	f.Add([]byte(`[{"type":"rich_text","elements":[null,1,{"type":"rich_text_list"}]},{"type":"layout","rows":[{"items":[{"block":null}]}]}]`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, problem := range append(append(Message(doc), View(doc)...), Options(doc)...) {
			if problem.Text == "" {
				t.Errorf("a problem without a message at %q", problem.Pointer)
			}
		}
	})
}

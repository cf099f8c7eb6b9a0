package blocks

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"
)

// Whatever a text holds, Cut and OneLine keep within the limit, in valid UTF-8, and change no text that is
// short enough.
func TestTextIsCutByRunes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zé世🙂\n\x{202e} ]{0,80}`)).Draw(rt, "text")
		limit := rapid.IntRange(1, 60).Draw(rt, "limit")
		for name, got := range map[string]string{"Cut": Cut(text, limit), "OneLine": OneLine(text, limit)} {
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit {
				rt.Errorf("%s(%q, %d) = %q", name, text, limit, got)
			}
		}
		if strings.ContainsAny(OneLine(text, limit), "\n\t\r") {
			rt.Errorf("OneLine(%q) has several lines", text)
		}
		if short := utf8.ValidString(text) && utf8.RuneCountInString(text) <= limit; short && Cut(text, limit) != text {
			rt.Errorf("Cut(%q, %d) changed it", text, limit)
		}
	})
	if got := Cut("über allen Gipfeln", 6); got != "über…" {
		t.Errorf("%q", got)
	}
}

// Text that a person wrote opens no mention and no link, and survives the way to Slack and back.
func TestEscapedTextIsLiteral(t *testing.T) {
	for _, text := range []string{"<!channel>", "<https://evil.test|here>", "a & b <c>", "&lt;!here&gt;"} {
		got := Escape(text)
		if strings.ContainsAny(got, "<>") || Unescape(got) != text {
			t.Errorf("Escape(%q) = %q", text, got)
		}
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	for url, link := range map[string]bool{
		"https://github.test/pull/1":   true,
		"http://127.0.0.1:8080/x":      true,
		"javascript:alert(1)":          false,
		"https://a.test|b> <!channel>": false,
		"":                             false,
	} {
		if got := strings.HasPrefix(Link(url, "Run"), "<"); got != link {
			t.Errorf("Link(%q) = %q", url, Link(url, "Run"))
		}
		if _, got := Hyperlink(url, "Run").(*slack.RichTextSectionLinkElement); got != link {
			t.Errorf("Hyperlink(%q) is a link: %v", url, got)
		}
	}
	if got := Link("https://a.test", "a|b<"); got != "<https://a.test|a/b&lt;>" {
		t.Errorf("%q", got)
	}
}

// Slack allows 100 options in a group and 75 characters in each; the chosen one is never left out.
func TestMenuHoldsManyOptions(t *testing.T) {
	for _, c := range []struct{ options, groups, left int }{{3, 0, 0}, {100, 0, 0}, {101, 2, 0}, {1200, 10, 200}} {
		var options []*slack.OptionBlockObject
		for i := range c.options {
			options = append(options, Option(fmt.Sprint("v", i), strings.Repeat("x", 90)))
		}
		last := fmt.Sprint("v", c.options-1)
		menu, left := Menu("module", "Module", "Choose", options, last)
		s := menu.Element.(*slack.SelectBlockElement)
		if len(s.OptionGroups) != c.groups || left != c.left || s.InitialOption == nil || s.InitialOption.Value != last {
			t.Errorf("%d options: %d groups, %d left, chosen %v", c.options, len(s.OptionGroups), left, s.InitialOption)
		}
		for _, g := range s.OptionGroups {
			if len(g.Options) > MaxOptions || utf8.RuneCountInString(g.Label.Text) > MaxOption {
				t.Errorf("group %q has %d options", g.Label.Text, len(g.Options))
			}
		}
		if again, _ := Menu("module", "Module", "Choose", options[1:], last); again.BlockID == menu.BlockID {
			t.Error("Slack would keep a choice that is no longer among the options")
		}
	}
}

// Slack refuses a block with an empty text.
func TestNoTextIsEmpty(t *testing.T) {
	data, err := json.Marshal(slack.Blocks{BlockSet: []slack.Block{
		Header(""), Paragraph(" "), PlainContext(""), Rich(Line(Text(""), Bold(""), Code("")), Preformatted("", 10)),
	}})
	if err != nil || strings.Contains(string(data), `"text":""`) {
		t.Errorf("%s %v", data, err)
	}
}

func TestFingerprintIsOfTextAndBlocks(t *testing.T) {
	m := Message{Text: "a", Blocks: []slack.Block{Paragraph("b")}}
	if m.Fingerprint() != (Message{Text: "a", Blocks: []slack.Block{Paragraph("b")}}).Fingerprint() {
		t.Error("the same message has two fingerprints")
	}
	if m.Fingerprint() == (Message{Text: "a2", Blocks: m.Blocks}).Fingerprint() ||
		m.Fingerprint() == (Message{Text: "a", Blocks: []slack.Block{Paragraph("c")}}).Fingerprint() {
		t.Error("two messages have the same fingerprint")
	}
}

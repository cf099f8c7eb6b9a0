package invisible

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var hiddenTexts = map[string]string{ // as typed, and as shown
	"esc\x1b[2J":              `esc\u001b[2J`,
	"bell\x07":                `bell\u0007`,
	"over\rwritten":           `over\u000dwritten`,
	"null\x00":                `null\u0000`,
	"c1\u009b31m":             `c1\u009b31m`,
	"bidi \u202egnp.exe":      `bidi \u202egnp.exe`,
	"isolate \u2066x\u2069":   `isolate \u2066x\u2069`,
	"mark\u200f":              `mark\u200f`,
	"zero\u200bwidth":         `zero\u200bwidth`,
	"join\u200der":            `join\u200der`,
	"non\u200cjoiner":         `non\u200cjoiner`,
	"word\u2060joiner":        `word\u2060joiner`,
	"\ufeffbom":               `\ufeffbom`,
	"soft\u00adhyphen":        `soft\u00adhyphen`,
	"line\u2028separator":     `line\u2028separator`,
	"variant\ufe0f":           `variant\ufe0f`,
	"smuggled\U000e0101":      `smuggled\udb40\udd01`,
	"tag\U000e0041":           `tag\udb40\udc41`,
	"filler\u3164":            `filler\u3164`,
	"braille\u2800blank":      `braille\u2800blank`,
	"combining\u034fgrapheme": `combining\u034fgrapheme`,
}

func TestHiddenCharactersAreRefusedAndShown(t *testing.T) {
	for typed, want := range hiddenTexts {
		for _, shape := range []Shape{Line, Lines} {
			if err := Check(typed, shape); err == nil {
				t.Errorf("%q is accepted", typed)
			}
		}
		if got := Show(typed); got != want {
			t.Errorf("%q is shown as %q, want %q", typed, got, want)
		}
	}
}

func TestOrdinaryTextPasses(t *testing.T) {
	for _, typed := range []string{
		"", "Ana's bucket: 100 % <b>&amp;", "Größe, 東京, Привет, שלום, مرحبا", "👩\u200d💻 and ❤️ and 1️⃣", "می\u200cخواهم",
		"क्\u200dष", "tab-free",
	} {
		if err := Check(typed, Line); err != nil {
			t.Errorf("%q %v", typed, err)
		}
		if got := Show(typed); got != typed {
			t.Errorf("%q is shown as %q", typed, got)
		}
	}
}

func TestLines(t *testing.T) {
	two := "first\r\n\tsecond\n"
	if err := Check(two, Lines); err != nil {
		t.Error(err)
	}
	for _, typed := range []string{"a\nb", "a\r\nb"} {
		if err := Check(typed, Line); err == nil || err.Error() != "must be on one line" {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if err := Check("a\tb", Line); err == nil {
		t.Error("a tab passes on one line")
	}
	if got := Show(two); got != "first\n\tsecond\n" {
		t.Errorf("%q", got)
	}
	if got := ShowLine("a\nb\tc\x1b"); got != `a\nb\tc\u001b` {
		t.Errorf("%q", got)
	}
	if err := Check("\xff", Lines); err == nil {
		t.Error("invalid UTF-8 passes")
	}
}

// What is shown holds nothing that Check would refuse.
func TestShowLeavesNothingHidden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.String(),
			rapid.SampledFrom([]string{"\u200d", "\u200c", "\ufe0f", "\u0600", "\u17b4", "\u1780", "\u202e", "\x1b", "\r\n",
				"\xff", "👩", "م"})))
		shown := Show(strings.Join(parts.Draw(t, "parts"), ""))
		if err := Check(shown, Lines); err != nil {
			t.Fatalf("%q %v", shown, err)
		}
		if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t'
		}) {
			t.Fatalf("%q", shown)
		}
	})
}

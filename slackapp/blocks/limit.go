package blocks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Limits of Slack, in runes, and ours where a smaller one reads better.
const (
	MaxHeader      = 150
	MaxSection     = 3000
	MaxContext     = 300 // ours; a context line is in small letters
	MaxButton      = 75
	MaxOption      = 75
	MaxOptionValue = 75
	MaxOptions     = 100
	MaxMenu        = 1000 // ours; more options in one menu would not leave room in a view of 250 kB
	MaxPlaceholder = 150
	MaxLabel       = 150 // ours; Slack's is 2000
	MaxHint        = 500 // ours; Slack's is 2000
	MaxInput       = 3000
	MaxModalTitle  = 24
	MaxMetadata    = 3000
	MaxMessageText = 3000 // ours; chat.update refuses more than 4000
	MaxLine        = 300  // ours, for one line of a list
	MaxFieldError  = 300  // ours, for an error under an input
)

const ellipsis = "…"

// Cut shortens text to at most limit runes, and replaces what is not valid UTF-8.
func Cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	return strings.TrimRightFunc(string(runes[:limit-1]), unicode.IsSpace) + ellipsis
}

// OneLine joins text to one line, cuts it, and writes invisible characters out.
func OneLine(text string, limit int) string {
	return Cut(strings.Join(strings.Fields(invisible.Show(strings.Map(spaced, text))), " "), limit)
}

// spaced turns every kind of space into a plain one.
func spaced(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	return r
}

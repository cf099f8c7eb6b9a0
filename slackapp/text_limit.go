package slackapp

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Limits of Slack, in runes, and ours where a smaller one reads better.
const (
	limitHeader      = 150
	limitSection     = 3000
	limitContext     = 300 // ours; a context line is small print
	limitButton      = 75
	limitOption      = 75
	limitOptionValue = 75
	limitOptions     = 100
	limitListed      = 1000 // ours; more in one menu would not leave room in a view of 250 kB
	limitPlaceholder = 150
	limitLabel       = 150 // ours; Slack's is 2000
	limitHint        = 500 // ours; Slack's is 2000
	limitInput       = 3000
	limitModalTitle  = 24
	limitMetadata    = 3000
	limitMessageText = 3000 // ours; chat.update refuses more than 4000
	limitRich        = 2500 // ours, for one rich_text block
	limitLine        = 300  // ours, for one line of a list
	limitFieldError  = 300  // ours, for an error under an input
)

const ellipsis = "…"

// cut shortens text to at most limit runes, and replaces what is not valid UTF-8.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	return strings.TrimRightFunc(string(runes[:limit-1]), unicode.IsSpace) + ellipsis
}

// oneLine cuts text to one line, with what a reader would not see written out.
func oneLine(text string, limit int) string {
	return cut(strings.Join(strings.Fields(invisible.Show(strings.Map(spaced, text))), " "), limit)
}

// spaced takes every kind of space for a plain one.
func spaced(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	return r
}

// escape makes text literal in mrkdwn. It leaves * _ ~ and ` alone, for which Slack
// has no escape: what people wrote belongs into plain_text or rich_text.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(invisible.Show(text))
}

// unescape gives what a person typed: Slack sends the text of a command and of a message escaped. Done
// once, at the edge, it keeps the escapes out of documents, and what is shown from being escaped twice.
func unescape(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

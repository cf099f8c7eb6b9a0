package slackapp

import (
	"strings"
	"unicode"
	"unicode/utf8"
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

// oneLine cuts text to one line without control characters.
func oneLine(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || isFormat(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return cut(strings.Join(strings.Fields(text), " "), limit)
}

// isFormat finds the characters that turn the order of what follows, with which a
// value can be made to look like another.
func isFormat(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' || r == '\u200E' || r == '\u200F'
}

// escape makes text literal in mrkdwn. It leaves * _ ~ and ` alone, for which Slack
// has no escape: what people wrote belongs into plain_text or rich_text.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

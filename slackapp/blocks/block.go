package blocks

import (
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Plain is literal text, cut to a limit. Slack refuses empty text.
func Plain(text string, limit int) *slack.TextBlockObject {
	if strings.TrimSpace(text) == "" {
		text = "–"
	}
	literal := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: Cut(invisible.Show(text), limit), Emoji: &literal}
}

// Markup is mrkdwn. It holds only TfPilot's own text, mentions, links and times.
func Markup(mrkdwn string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.MarkdownType, Text: Cut(invisible.Show(mrkdwn), MaxSection)}
}

// Header is a heading of literal text.
func Header(text string) slack.Block {
	return slack.NewHeaderBlock(Plain(OneLine(text, MaxHeader), MaxHeader))
}

// Paragraph is a section of literal text, whether TfPilot's or a person's.
func Paragraph(text string) slack.Block {
	return slack.NewSectionBlock(Plain(text, MaxSection), nil, nil)
}

// Section is a section of mrkdwn.
func Section(mrkdwn string) slack.Block {
	return slack.NewSectionBlock(Markup(mrkdwn), nil, nil)
}

// Context is a line of mrkdwn in small letters.
func Context(mrkdwn ...string) slack.Block {
	var elements []slack.MixedElement
	for _, m := range mrkdwn {
		elements = append(elements, Markup(m))
	}
	return slack.NewContextBlock("", elements...)
}

// PlainContext is a line of literal text in small letters.
func PlainContext(text string) slack.Block {
	return slack.NewContextBlock("", Plain(text, MaxContext))
}

// Button is a button with a label of literal text. Slack sends its action and value with a click.
func Button(action, value, label string) *slack.ButtonBlockElement {
	return slack.NewButtonBlockElement(action, value, Plain(label, MaxButton))
}

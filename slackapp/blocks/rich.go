package blocks

import (
	"fmt"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Run is a piece of a line of rich text.
type Run = slack.RichTextSectionElement

// Text is literal text.
func Text(s string) Run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), nil)
}

// Bold is literal text in bold.
func Bold(s string) Run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Bold: true})
}

// Code is literal text in a fixed width.
func Code(s string) Run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Code: true})
}

// Emoji is an emoji by Slack's name of it.
func Emoji(name string) Run {
	return slack.NewRichTextSectionEmojiElement(name, 0, nil)
}

// User mentions a person; without an account it is only a name.
func User(user, name string) Run {
	if user != "" {
		return slack.NewRichTextSectionUserElement(user, nil)
	}
	return Text(OneLine(name, MaxOption))
}

// Hyperlink is a link. For an address that is not plain http it is only the label.
func Hyperlink(url, label string) Run {
	if !IsWebAddress(url) {
		return Text(label)
	}
	return slack.NewRichTextSectionLinkElement(url, nonEmpty(label), nil)
}

// nonEmpty replaces an empty text, for which Slack refuses the block, and writes invisible characters out.
func nonEmpty(s string) string {
	if s == "" {
		return " "
	}
	return invisible.Show(s)
}

// Rich is a block of rich text.
func Rich(elements ...slack.RichTextElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", elements...)
}

// Line is one line of rich text.
func Line(runs ...Run) *slack.RichTextSection {
	return slack.NewRichTextSection(runs...)
}

// List is a list with bullets.
func List(items ...slack.RichTextElement) slack.RichTextElement {
	return slack.NewRichTextList(slack.RTEListBullet, 0, items...)
}

// CodeList lists literal lines in a fixed width, at most limit of them, and counts the rest.
func CodeList(lines []string, limit int) slack.RichTextElement {
	listed := lines[:min(len(lines), limit)]
	var items []slack.RichTextElement
	for _, l := range listed {
		items = append(items, Line(Code(OneLine(l, MaxLine))))
	}
	if more := len(lines) - len(listed); more > 0 {
		items = append(items, Line(Text(fmt.Sprintf("and %d more", more))))
	}
	return List(items...)
}

// Preformatted shows text of a machine or a person literally, line by line.
func Preformatted(s string, limit int) slack.RichTextElement {
	return &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{Text(Cut(s, limit))},
	}
}

package slackapp

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// plain is literal text, cut to a limit. Slack refuses empty text.
func plain(text string, limit int) *slack.TextBlockObject {
	if strings.TrimSpace(text) == "" {
		text = "–"
	}
	literal := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: cut(invisible.Show(text), limit), Emoji: &literal}
}

// markup is mrkdwn. It holds only TfPilot's own text, mentions, links and dates.
func markup(text string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.MarkdownType, Text: cut(invisible.Show(text), limitSection)}
}

func header(text string) slack.Block {
	return slack.NewHeaderBlock(plain(oneLine(text, limitHeader), limitHeader))
}

// paragraph is a block of literal text, whether TfPilot's or a person's.
func paragraph(text string) slack.Block {
	return slack.NewSectionBlock(plain(text, limitSection), nil, nil)
}

func section(mrkdwn string) slack.Block {
	return slack.NewSectionBlock(markup(mrkdwn), nil, nil)
}

func contextBlock(lines ...string) slack.Block {
	var elements []slack.MixedElement
	for _, l := range lines {
		elements = append(elements, markup(l))
	}
	return slack.NewContextBlock("", elements...)
}

// hint is a context block of literal text.
func hint(text string) slack.Block {
	return slack.NewContextBlock("", plain(text, limitContext))
}

// linkTo is a mrkdwn link. For an address that is not plain http it is only the label.
func linkTo(url, label string) string {
	if !webAddress(url) {
		return escape(label)
	}
	return fmt.Sprintf("<%s|%s>", escape(url), escape(strings.ReplaceAll(label, "|", "/")))
}

func webAddress(url string) bool {
	return (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")) &&
		!strings.ContainsAny(url, "|<> \n\t")
}

// mention names a person so that Slack notifies them; without an account it is only a name.
func mention(user, name string) string {
	if user != "" {
		return "<@" + escape(user) + ">"
	}
	return escape(oneLine(name, limitOption))
}

// when shows a time in the reader's time zone, and in UTC where Slack cannot convert it.
func when(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.Format("2006-01-02 15:04 UTC"))
}

// richElement is a piece of rich text.
type richElement = slack.RichTextSectionElement

func textRun(s string) richElement {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), nil)
}

func bold(s string) richElement {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Bold: true})
}

func codeRun(s string) richElement {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Code: true})
}

func emoji(name string) richElement {
	return slack.NewRichTextSectionEmojiElement(name, 0, nil)
}

// person is a mention inside rich text.
func person(user, name string) richElement {
	if user != "" {
		return slack.NewRichTextSectionUserElement(user, nil)
	}
	return textRun(oneLine(name, limitOption))
}

func linkElement(url, label string) richElement {
	if !webAddress(url) {
		return textRun(label)
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

func rich(elements ...slack.RichTextElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", elements...)
}

func line(runs ...richElement) *slack.RichTextSection {
	return slack.NewRichTextSection(runs...)
}

// bullets lists literal lines, at most limit of them, and counts the rest.
func bullets(lines []string, limit int) slack.RichTextElement {
	shown := lines[:min(len(lines), limit)]
	var items []slack.RichTextElement
	for _, l := range shown {
		items = append(items, line(codeRun(oneLine(l, limitLine))))
	}
	if more := len(lines) - len(shown); more > 0 {
		items = append(items, line(textRun(fmt.Sprintf("and %d more", more))))
	}
	return slack.NewRichTextList(slack.RTEListBullet, 0, items...)
}

// quoted shows text of a machine or a person literally.
func quoted(s string, limit int) slack.RichTextElement {
	return &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{textRun(cut(s, limit))},
	}
}

// option is one entry of a menu. The caller keeps its value within Slack's limit.
func option(value, label string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, plain(oneLine(label, limitOption), limitOption), nil)
}

func ephemeral(text string) *slack.WebhookMessage {
	return &slack.WebhookMessage{ResponseType: slack.ResponseTypeEphemeral, Text: cut(text, limitMessageText)}
}

func ephemeralBlocks(text string, blocks []slack.Block) *slack.WebhookMessage {
	m := ephemeral(text)
	m.Blocks = &slack.Blocks{BlockSet: blocks}
	return m
}

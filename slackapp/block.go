package slackapp

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// plain is literal text, cut to the limit of its place. Slack refuses empty text.
func plain(text string, limit int) *slack.TextBlockObject {
	if strings.TrimSpace(text) == "" {
		text = "–"
	}
	literal := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: cut(invisible.Show(text), limit), Emoji: &literal}
}

// markup is mrkdwn. Only our own words, mentions, links and dates go into it.
func markup(text string) *slack.TextBlockObject {
	return &slack.TextBlockObject{Type: slack.MarkdownType, Text: cut(invisible.Show(text), limitSection)}
}

func header(text string) slack.Block {
	return slack.NewHeaderBlock(plain(oneLine(text, limitHeader), limitHeader))
}

// words is a paragraph of our own words or of somebody's, both literal.
func words(text string) slack.Block {
	return slack.NewSectionBlock(plain(text, limitSection), nil, nil)
}

func section(mrkdwn string) slack.Block {
	return slack.NewSectionBlock(markup(mrkdwn), nil, nil)
}

func smallPrint(lines ...string) slack.Block {
	var elements []slack.MixedElement
	for _, l := range lines {
		elements = append(elements, markup(l))
	}
	return slack.NewContextBlock("", elements...)
}

// hint is small print of literal text.
func hint(text string) slack.Block {
	return slack.NewContextBlock("", plain(text, limitContext))
}

// linkTo is a mrkdwn link. An address that is not plain http leaves its words only.
func linkTo(url, label string) string {
	if !webAddress(url) {
		return escape(label)
	}
	return fmt.Sprintf("<%s|%s>", escape(url), escape(strings.ReplaceAll(label, "|", "/")))
}

func webAddress(url string) bool {
	return (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")) && !strings.ContainsAny(url, "|<> \n\t")
}

// mention names somebody so that Slack tells them; without an account it is a name.
func mention(user, name string) string {
	if user != "" {
		return "<@" + escape(user) + ">"
	}
	return escape(oneLine(name, limitOption))
}

// when shows a time in the reader's zone, with UTC where Slack cannot.
func when(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.Format("2006-01-02 15:04 UTC"))
}

// run is a piece of rich text.
type run = slack.RichTextSectionElement

func text(s string) run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), nil)
}

func bold(s string) run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Bold: true})
}

func code(s string) run {
	return slack.NewRichTextSectionTextElement(nonEmpty(s), &slack.RichTextSectionTextStyle{Code: true})
}

func emoji(name string) run {
	return slack.NewRichTextSectionEmojiElement(name, 0, nil)
}

// person is a mention inside rich text.
func person(user, name string) run {
	if user != "" {
		return slack.NewRichTextSectionUserElement(user, nil)
	}
	return text(oneLine(name, limitOption))
}

func anchor(url, label string) run {
	if !webAddress(url) {
		return text(label)
	}
	return slack.NewRichTextSectionLinkElement(url, nonEmpty(label), nil)
}

// nonEmpty keeps Slack from refusing a block for an empty text, and shows what a reader would not see.
func nonEmpty(s string) string {
	if s == "" {
		return " "
	}
	return invisible.Show(s)
}

func rich(elements ...slack.RichTextElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", elements...)
}

func line(runs ...run) *slack.RichTextSection {
	return slack.NewRichTextSection(runs...)
}

// bullets lists literal lines, at most limit of them, and says how many are missing.
func bullets(lines []string, limit int) slack.RichTextElement {
	shown := lines[:min(len(lines), limit)]
	var items []slack.RichTextElement
	for _, l := range shown {
		items = append(items, line(code(oneLine(l, limitLine))))
	}
	if more := len(lines) - len(shown); more > 0 {
		items = append(items, line(text(fmt.Sprintf("and %d more", more))))
	}
	return slack.NewRichTextList(slack.RTEListBullet, 0, items...)
}

// quoted shows what a machine or a person said, literally.
func quoted(s string, limit int) slack.RichTextElement {
	return &slack.RichTextPreformatted{
		Type:     slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{text(cut(s, limit))},
	}
}

// option is one entry of a menu. Its value is ours and within the limit.
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

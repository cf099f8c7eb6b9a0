package slackapp

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The card draws the view of a request with Block Kit. It adds no words of its own about the request, but
// for its channel. Text from people and machines goes into plain_text and rich_text, where Slack finds no
// markup, cut to the room that a card has.

// How much of a list a card shows; the rest is behind a link. A window shows more of the inputs.
const (
	shownRemoved  = 10
	shownOutputs  = 12
	shownReason   = 1200 // runes of Terraform's words
	shownWhy      = 400
	shownInputs   = 6
	shownInput    = 160
	windowInputs  = 60
	limitOneInput = 300
)

// card draws the request's main message. It is the same in the channel and in the
// requester's direct messages, but for the links.
func (d drawing) card() blocks.Message {
	v := d.view
	body := []slack.Block{
		blocks.Header(v.Name()),
		blocks.Rich(blocks.Line(icon(v.Icon), blocks.Text(" "), blocks.Bold(v.Headline), blocks.Text(" · "+v.Sentence))),
		d.fields(),
	}
	switch {
	case v.CanDecide:
		body = append(body, d.request())
	case !v.Over:
		body = append(body, blocks.Rich(d.reason(shownWhy)...))
	}
	body = append(body, blocks.Rich(d.steps()...))
	if d.blocked != "" {
		body = append(body, d.unreachable())
	}
	for _, n := range v.Notices {
		body = append(body, d.notice(n, maxReason))
	}
	for _, part := range []slack.Block{d.removed(), d.problems(), d.outputs()} {
		if part != nil {
			body = append(body, part)
		}
	}
	body = append(body, d.rows()...)
	if f := v.ForeignRun; f != nil {
		body = append(body, blocks.Context(f.Title+" See "+blocks.Link(f.Link.URL, f.Link.Label)+"."))
	}
	return blocks.Message{Text: d.summary(), Blocks: append(body, d.footer())}
}

// summary is the whole card in words.
func (d drawing) summary() string {
	all := d.view.Summary
	if d.blocked != "" {
		all += " " + d.unreachableText()
	}
	return blocks.Cut(blocks.Escape(all), blocks.MaxMessageText)
}

// fields are literal text but for mentions and times.
func (d drawing) fields() slack.Block {
	var fields []*slack.TextBlockObject
	for _, f := range d.view.Fields {
		content := blocks.Escape(f.Text)
		if f.Person != nil {
			content = blocks.Mention(f.Person.SlackUser, f.Person.Login)
		}
		if f.At != nil {
			content += ", " + blocks.Time(*f.At)
		}
		fields = append(fields, blocks.Markup("*"+f.Label+"*\n"+content))
	}
	return slack.NewSectionBlock(nil, fields, nil)
}

// request says who requested what, and why: the person who decides reads this first. Inputs that have
// their default are left out.
func (d drawing) request() slack.Block {
	return blocks.Rich(append(d.reason(shownWhy), d.inputs(shownInputs, shownInput)...)...)
}

// requestInFull is request for a window.
func (d drawing) requestInFull() slack.Block {
	return blocks.Rich(append(d.reason(maxReason), d.inputs(windowInputs, limitOneInput)...)...)
}

// reason is the requester's reason. The name is text: a mention would call them to a decision of others.
func (d drawing) reason(limit int) []slack.RichTextElement {
	why := cmp.Or(d.view.Reason, "no reason given")
	return []slack.RichTextElement{
		blocks.Line(blocks.Bold(blocks.OneLine(d.view.RequestedBy.Login, blocks.MaxOption)+": "),
			blocks.Text(blocks.Cut(why, limit))),
	}
}

func (d drawing) inputs(most, limit int) []slack.RichTextElement {
	all := d.view.Inputs
	var items []slack.RichTextElement
	for i, one := range all {
		if i == most-1 && len(all) > most {
			items = append(items, blocks.Line(blocks.Text(fmt.Sprintf("and %d more", len(all)-i))))
			break
		}
		items = append(
			items,
			blocks.Line(blocks.Text(blocks.OneLine(one.Label, blocks.MaxOption)+": "),
				blocks.Code(blocks.OneLine(inputText(one), limit))),
		)
	}
	if len(items) == 0 {
		return nil
	}
	return []slack.RichTextElement{slack.NewRichTextList(slack.RTEListBullet, 0, items...)}
}

// inputText puts an input of several lines on one.
func inputText(v view.Value) string { return strings.ReplaceAll(strings.TrimSpace(v.Text), "\n", ", ") }

func (d drawing) steps() []slack.RichTextElement {
	var lines []slack.RichTextElement
	for i, s := range d.view.Steps {
		runs := []blocks.Run{blocks.Emoji(stepEmojis[s.State]), blocks.Text(" "), blocks.Bold(s.Name),
			blocks.Text(": " + s.Note)}
		if s.Link != nil && s.Link.URL != "" {
			runs = append(runs, blocks.Text(" · "), blocks.Hyperlink(s.Link.URL, s.Link.Label))
		}
		if i < len(d.view.Steps)-1 {
			runs = append(runs, blocks.Text("\n")) // sections of rich text follow each other on one line
		}
		lines = append(lines, blocks.Line(runs...))
	}
	return lines
}

// removed lists what a plan destroys or replaces.
func (d drawing) removed() slack.Block {
	removed := d.view.Removed
	if removed == nil {
		return nil
	}
	if len(removed.Addresses) == 0 {
		return blocks.Rich(blocks.Line(blocks.Emoji("warning"), blocks.Text(" "), blocks.Bold(removed.Title+".")))
	}
	return blocks.Rich(
		blocks.Line(blocks.Emoji("warning"), blocks.Text(" "), blocks.Bold(removed.Title+":")),
		blocks.CodeList(removed.Addresses, shownRemoved),
	)
}

// problems say what does not work and what to do.
func (d drawing) problems() slack.Block {
	var parts []slack.RichTextElement
	for i, p := range d.view.Problems {
		if i > 0 {
			parts = append(parts, blocks.Line(blocks.Text("\n")))
		}
		if p.Output == "" {
			parts = append(
				parts,
				blocks.Line(blocks.Emoji("warning"), blocks.Text(" "), blocks.Bold(p.Title+" "),
					blocks.Text(blocks.Cut(p.Text, shownReason))),
			)
			continue
		}
		parts = append(parts, blocks.Line(blocks.Bold(p.Title)), blocks.Preformatted(p.Output, shownReason))
		if p.Text != "" {
			parts = append(parts, blocks.Line(blocks.Text(p.Text)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return blocks.Rich(parts...)
}

// outputs shows what the apply returned.
func (d drawing) outputs() slack.Block {
	all := d.view.Outputs
	if len(all) == 0 {
		return nil
	}
	var items []slack.RichTextElement
	for i, o := range all {
		if i == shownOutputs {
			items = append(items, blocks.Line(blocks.Text(fmt.Sprintf("and %d more", len(all)-shownOutputs))))
			break
		}
		items = append(
			items,
			blocks.Line(blocks.Bold(blocks.OneLine(o.Label, blocks.MaxOption)), blocks.Text(" = "),
				blocks.Code(blocks.OneLine(o.Text, blocks.MaxLine))),
		)
	}
	return blocks.Rich(blocks.Line(blocks.Bold("Outputs")), slack.NewRichTextList(slack.RTEListBullet, 0, items...))
}

// footer links everything that belongs to the request, and names its id.
func (d drawing) footer() slack.Block {
	var parts []string
	if pr := d.view.PullRequest; pr != nil {
		parts = append(parts, blocks.Link(pr.URL, pr.Label))
	}
	for _, l := range d.links {
		parts = append(parts, blocks.Link(l.url, l.label))
	}
	if d.details != "" {
		parts = append(parts, blocks.Link(d.details, "Details"))
	}
	parts = append(parts, "`"+blocks.Escape(d.view.ID)+"`", "Requested "+blocks.Time(d.view.RequestedAt))
	return blocks.Context(strings.Join(parts, " · "))
}

// rows are the buttons of the card.
func (d drawing) rows() []slack.Block {
	var main, quiet []slack.BlockElement
	if d.view.Round != nil && !d.view.Over {
		main = append(main, reviewButton(d.r))
	}
	for _, o := range d.view.Actions {
		row, _ := o.Action.Row()
		switch b := button(d.r, o, d.environment); {
		case o.Action == lifecycle.ActionSync && d.view.Over, !d.offers(o.Action):
		case row.Secondary: // in a row of their own, below what the request waits for
			quiet = append(quiet, b)
		default:
			main = append(main, b)
		}
	}
	if d.view.Over || d.view.Status == lifecycle.StatusFailed && !d.view.Attempted {
		quiet = append(quiet, blocks.Button(actAgain, d.r.ID, "Start again with these inputs"))
	}
	var rows []slack.Block
	if len(main) > 0 {
		rows = append(rows, slack.NewActionBlock("do", main...))
	}
	if len(quiet) > 0 {
		rows = append(rows, slack.NewActionBlock("more", quiet...))
	}
	return rows
}

// row is the same buttons for a reply, only those that the event is about.
func (d drawing) row(e view.Event) []slack.Block {
	var elements []slack.BlockElement
	if e.Shows.Plan && d.view.Round != nil {
		elements = append(elements, reviewButton(d.r))
	}
	for _, o := range d.view.Actions {
		for _, a := range e.Actions {
			if o.Action == a {
				elements = append(elements, button(d.r, o, d.environment))
			}
		}
	}
	if len(elements) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("do", elements...)}
}

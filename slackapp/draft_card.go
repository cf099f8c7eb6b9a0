package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The card of a draft is where words become a request: it shows what was understood, asks for
// what is missing, and offers the button that creates the request. Only that click creates
// anything. The card is posted again after each message, so that it is the last thing in the
// thread, and the older card loses its controls: two cards of one draft would invite clicks on
// outdated inputs.

const (
	// maxQuestions is how many questions a draft asks at once; the form has the rest.
	maxQuestions = 5
	// maxShownInputs bounds the inputs on the card.
	maxShownInputs = 20
)

// draftRef is what a control of a draft carries: whose it is, and the state that they saw. It gives no right.
type draftRef struct {
	User, Key, ID, Hash string
	Field               string // of a menu that answers a question
}

func (r draftRef) String() string {
	return strings.Join([]string{r.User, r.Key, r.ID, r.Hash, r.Field}, "|")
}

// readDraftRef reads the value of a control. It reports false for the value of another version.
func readDraftRef(value string) (draftRef, bool) {
	parts := strings.Split(value, "|")
	if len(parts) != 5 || parts[0] == "" || parts[2] == "" {
		return draftRef{}, false
	}
	return draftRef{parts[0], parts[1], parts[2], parts[3], parts[4]}, true
}

// draftCard is all that the card of a draft shows.
type draftCard struct {
	at        spot
	draft     intake.Draft
	module    *catalog.Module // nil until it is chosen
	questions []intake.Question
	isReady   bool   // the person can create the request
	note      string // besides the draft
	waiting   int    // further drafts
}

// showDraft posts the card of the current draft as a new message, and takes the controls off the one before.
func (a *App) showDraft(ctx context.Context, at spot, s intake.Scope, c intake.Conversation, note string) {
	d, ok := c.Current()
	if !ok {
		if note != "" {
			a.say(ctx, at, note, a.formButton(""))
		}
		return
	}
	card := a.draftCard(at, s, c, d, note)
	ts, err := a.postIn(ctx, at, card.message())
	if err != nil {
		return
	}
	before := c.Card
	err = a.changeConversation(ctx, at, func(c *intake.Conversation) bool {
		if now, ok := c.Current(); !ok || now.ID != d.ID {
			return false
		}
		c.Card = ts
		return true
	})
	if err != nil {
		a.Log.Warn("record the card of a draft", keyError, err)
	}
	if before != "" {
		a.redrawDraft(ctx, at, before, endedMessage(card.title(), "This draft changed; its newest card has the buttons."))
	}
}

// draftCard asks the use case whether the draft can be created, so that the button appears only
// if a click on it would succeed now.
func (a *App) draftCard(at spot, s intake.Scope, c intake.Conversation, d intake.Draft, note string) draftCard {
	card := draftCard{at: at, draft: d, questions: s.Questions(d), note: note, waiting: len(c.Drafts) - 1}
	card.module, _ = a.Requests.Catalog.Module(d.Module)
	if len(card.questions) == 0 {
		_, refusal := a.Requests.CheckDraft(requestDraft(d))
		card.isReady = refusal == nil
		if refusal != nil {
			card.note = strings.TrimSpace(card.note + " " + blocks.Escape(refusal.Text))
		}
	}
	return card
}

// requestDraft is the draft as the use case takes it. The person's own words are the reason.
func requestDraft(d intake.Draft) request.Draft {
	return request.Draft{
		ID: d.ID, Project: d.Project, Environment: d.Environment, Module: d.Module, Inputs: d.Inputs,
		Reason: blocks.Cut(d.Words, maxReason),
	}
}

// title names the draft: what it is, its name, and where.
func (c draftCard) title() string {
	parts := []string{"Draft"}
	if c.module != nil {
		parts[0] = c.module.Title
		for _, f := range c.module.Fields {
			if name, _ := c.draft.Inputs[f.Name].(string); f.Required && f.Kind == catalog.Text && name != "" {
				parts[0] += " " + name
				break
			}
		}
	}
	if c.draft.Environment != "" {
		parts = append(parts, c.draft.Project+" "+c.draft.Environment)
	}
	return blocks.OneLine(strings.Join(parts, " · "), blocks.MaxLine)
}

func (c draftCard) message() blocks.Message {
	var body []slack.Block
	if c.note != "" {
		body = append(body, blocks.Section(c.note))
	}
	body = append(body, blocks.Rich(blocks.Line(blocks.Bold(c.title()))))
	if inputs := c.inputs(); len(inputs) > 0 {
		body = append(body, blocks.Rich(blocks.List(inputs...)))
	}
	for _, u := range c.draft.Unclear {
		body = append(body, blocks.PlainContext(c.unclear(u)))
	}
	if suggested := c.suggestions(); len(suggested) > 0 {
		body = append(body, slack.NewActionBlock("", suggested...))
	}
	body = append(body, c.asking()...)
	body = append(body, slack.NewActionBlock("", c.buttons()...))
	footer := "Nothing is made until you create the request."
	if c.waiting > 0 {
		footer += fmt.Sprintf(" %d more of your drafts follow.", c.waiting)
	}
	return blocks.Message{Text: c.text(), Blocks: append(body, blocks.PlainContext(footer))}
}

// text is the card in a sentence, for notifications and screen readers.
func (c draftCard) text() string {
	state := "ready for you to create."
	if !c.isReady {
		state = "not complete yet."
	}
	return blocks.Cut("Draft: "+blocks.Escape(c.title())+" is "+state, blocks.MaxMessageText)
}

func (c draftCard) inputs() []slack.RichTextElement {
	var out []slack.RichTextElement
	if c.module == nil {
		return nil
	}
	for _, f := range c.module.Fields {
		v, given := c.draft.Inputs[f.Name]
		if !given {
			continue
		}
		if len(out) == maxShownInputs {
			return append(out, blocks.Line(blocks.Text("More inputs are in the form.")))
		}
		out = append(out, blocks.Line(blocks.Text(f.Label+": "), blocks.Bold(blocks.OneLine(f.Text(v), blocks.MaxLine))))
	}
	return out
}

func (c draftCard) unclear(u intake.Unclear) string {
	if c.module != nil {
		if f, ok := c.module.Field(u.Field); ok {
			return f.Label + ": " + u.Text
		}
	}
	return u.Text
}

// suggestions are changes of one input, one click each.
func (c draftCard) suggestions() []slack.BlockElement {
	var out []slack.BlockElement
	for _, u := range c.draft.Suggestions() {
		if len(out) == maxQuestions {
			break
		}
		label := blocks.OneLine("Use "+u.Suggest, blocks.MaxButton)
		b := blocks.Button(actDraftUse+u.Field, c.ref(u.Field).String(), label)
		b.AccessibilityLabel = blocks.Cut(label+": "+c.title(), blocks.MaxButton)
		out = append(out, b)
	}
	return out
}

// asking draws the questions: a menu where the answer is one of a few, else a sentence.
func (c draftCard) asking() []slack.Block {
	var body []slack.Block
	for i, q := range c.questions {
		if i == maxQuestions {
			return append(body, blocks.PlainContext(fmt.Sprintf("%d more are asked in the form.", len(c.questions)-i)))
		}
		if len(q.Choices) == 0 {
			body = append(body, blocks.Paragraph(q.Text+" Answer here, or use Edit."))
			continue
		}
		body = append(body, blocks.Paragraph(q.Text), c.menu(q))
	}
	return body
}

func (c draftCard) menu(q intake.Question) slack.Block {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, blocks.Placeholder("Choose"), actDraftAnswer)
	for _, one := range q.Choices[:min(len(q.Choices), blocks.MaxOptions)] {
		if value := fmt.Sprint(one.Value); len(value) <= blocks.MaxOptionValue {
			menu.Options = append(menu.Options, blocks.Option(value, one.Label))
		}
	}
	// A menu has no value of its own for the app, so its block's id carries the reference.
	return slack.NewActionBlock(c.ref(q.Field).String(), menu)
}

func (c draftCard) ref(field string) draftRef {
	return draftRef{User: c.at.user, Key: c.at.key(), ID: c.draft.ID, Hash: c.draft.Hash(), Field: field}
}

func (c draftCard) buttons() []slack.BlockElement {
	control := func(action, label string) *slack.ButtonBlockElement {
		b := blocks.Button(action, c.ref("").String(), label)
		b.AccessibilityLabel = blocks.Cut(label+": "+c.title(), blocks.MaxButton)
		return b
	}
	var out []slack.BlockElement
	if c.isReady {
		create := control(actDraftCreate, "Create request")
		create.Style = slack.StylePrimary
		out = append(out, create)
	}
	change := control(actDraftEdit, "Edit")
	if !c.isReady {
		change.Style = slack.StylePrimary
	}
	return append(out, change, control(actDraftDiscard, "Discard"))
}

// endedMessage is a card without controls.
func endedMessage(title, what string) blocks.Message {
	return blocks.Message{
		Text:   blocks.Cut(blocks.Escape(title)+". "+what, blocks.MaxMessageText),
		Blocks: []slack.Block{blocks.Rich(blocks.Line(blocks.Bold(title))), blocks.PlainContext(what)},
	}
}

// redrawDraft replaces a card of a draft.
func (a *App) redrawDraft(ctx context.Context, at spot, ts string, m blocks.Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if _, _, _, err := a.API.UpdateMessageContext(ctx, at.channel, ts, m.Options()...); err != nil {
		logRefusal(a.Log, err, "update the card of a draft")
	}
}

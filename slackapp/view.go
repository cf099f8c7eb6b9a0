package slackapp

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/request"
)

// modal makes a view. Without submit it only shows.
func modal(callback, title, submit string, blocks ...slack.Block) slack.ModalViewRequest {
	v := slack.ModalViewRequest{
		Type:       slack.VTModal,
		CallbackID: callback,
		Title:      plain(title, limitModalTitle),
		Close:      plain("Close", limitModalTitle),
		Blocks:     slack.Blocks{BlockSet: blocks},
	}
	if submit != "" {
		v.Submit = plain(submit, limitModalTitle)
		v.Close = plain("Cancel", limitModalTitle)
	}
	return v
}

// notice is a view that says something.
func notice(title string, blocks ...slack.Block) slack.ModalViewRequest {
	return modal(viewNotice, title, "", blocks...)
}

const titleRequest = "New request"

func loading(title, what string) slack.ModalViewRequest {
	return notice(title, words(what))
}

// choosing is what the request form is drawn from.
type choosing struct {
	form     form
	projects Directory
	modules  []*catalog.Module // that this person may ask for in the project
	module   *catalog.Module   // nil until it is chosen
	values   map[string]string // raw values that were entered on this page; other fields have their defaults
	refusal  string            // why nothing can be asked for in the chosen environment
	trouble  string            // why saving did not work
}

// requestView draws the request form as far as it is chosen.
func requestView(c choosing) (slack.ModalViewRequest, error) {
	blocks := c.heading()
	blocks = append(blocks, c.choosers()...)
	submit := "Continue"
	switch {
	case c.refusal != "":
		blocks = append(blocks, words(c.refusal))
	case c.asks():
		blocks = append(blocks, c.fields()...)
		if c.form.lastPage(c.module) {
			submit = "Create request"
		}
	}
	v := modal(viewRequest, titleRequest, submit, blocks...)
	packed, err := c.form.pack()
	v.PrivateMetadata = packed
	return v, err
}

// asks says that enough is chosen to draw the fields.
func (c choosing) asks() bool { return c.refusal == "" && c.module != nil && c.place() != "" }

func (c choosing) place() string {
	if _, ok := c.projects.place(c.form.Project, c.form.Env); !ok {
		return ""
	}
	return c.form.Env
}

func (c choosing) heading() []slack.Block {
	var blocks []slack.Block
	if c.trouble != "" {
		blocks = append(blocks, words(c.trouble))
	}
	if c.form.Note != "" {
		blocks = append(blocks, words(c.form.Note))
	}
	return blocks
}

func (c choosing) choosers() []slack.Block {
	var projects, environments, modules []*slack.OptionBlockObject
	for _, p := range c.projects {
		projects = append(projects, option(p.Name, p.Name))
	}
	if p, ok := c.projects.project(c.form.Project); ok {
		for _, pl := range p.Environments {
			environments = append(environments, option(pl.String(), placeLabel(pl)))
		}
	}
	for _, m := range c.modules {
		modules = append(modules, option(m.Name, m.Title))
	}
	blocks := []slack.Block{chooser(actProject, "Project", "Choose a project", projects, c.form.Project)}
	if len(environments) > 0 {
		blocks = append(blocks, chooser(actEnvironment, "Environment", "Choose an environment", environments, c.form.Env))
	}
	switch {
	case c.place() == "" || c.refusal != "":
		return blocks
	case len(modules) == 0:
		return append(blocks, words("Nothing in the catalog may be asked for by you in this project. Choose another, or ask whoever runs TfPilot."))
	default:
		return append(blocks, chooser(actModule, "What do you need?", "Choose a module", modules, c.form.Module))
	}
}

func placeLabel(p config.Environment) string {
	if p.IsProtected() {
		return p.String() + " (protected)"
	}
	return p.String()
}

// chooser is a menu that redraws the form. Its block is named after its options, so
// that Slack forgets a choice that is no longer among them.
func chooser(action, label, ask string, options []*slack.OptionBlockObject, now string) slack.Block {
	options, left := listed(options, now)
	s := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, placeholder(ask), action)
	if len(options) <= limitOptions {
		s.Options = options
	} else {
		s.OptionGroups = grouped(options)
	}
	for _, o := range options {
		if o.Value == now {
			s.InitialOption = o
		}
	}
	b := slack.NewInputBlock(action+":"+fingerprintOf(options), plain(label, limitLabel), nil, s)
	if left > 0 {
		b.Hint = plain(fmt.Sprintf("%d more do not fit into this menu. Name one after the command: it is then listed.", left), limitHint)
	}
	b.DispatchAction = true
	return b
}

// listed takes as many options as one menu holds besides the rest of a view; the one that is chosen is always among them.
func listed(options []*slack.OptionBlockObject, now string) (kept []*slack.OptionBlockObject, left int) {
	if len(options) <= limitListed {
		return options, 0
	}
	kept = slices.Clone(options[:limitListed])
	for _, o := range options[limitListed:] {
		if o.Value == now {
			kept[limitListed-1] = o
		}
	}
	return kept, len(options) - limitListed
}

// grouped splits a long menu, since Slack takes a hundred options in one piece. Each group is named after its first and last.
func grouped(options []*slack.OptionBlockObject) []*slack.OptionGroupBlockObject {
	var groups []*slack.OptionGroupBlockObject
	for part := range slices.Chunk(options, limitOptions) {
		first, last := part[0].Text.Text, part[len(part)-1].Text.Text
		name := cut(first, limitOption/2-2) + " – " + cut(last, limitOption/2-2)
		groups = append(groups, slack.NewOptionGroupBlockElement(plain(name, limitOption), part...))
	}
	return groups
}

func fingerprintOf(options []*slack.OptionBlockObject) string {
	h := sha256.New()
	for _, o := range options {
		fmt.Fprintf(h, "%q", o.Value)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// fields draws the page of the module's form that the form stands on.
func (c choosing) fields() []slack.Block {
	var blocks []slack.Block
	if c.module.Description != "" && c.form.Page == 0 {
		blocks = append(blocks, hint(c.module.Description))
	}
	place, _ := c.projects.place(c.form.Project, c.form.Env)
	env := limits(place)
	for _, f := range c.form.visible(c.module) {
		raw, entered := c.values[f.Name]
		if !entered || !offers(fieldIn(f, env), raw) {
			raw, _ = prefill(f, env)
		}
		blocks = append(blocks, input(c.module, f, env, raw, c.fieldNote(f)))
	}
	blocks = append(blocks, c.controls()...)
	if c.form.lastPage(c.module) {
		blocks = append(blocks, c.reason())
	}
	return blocks
}

// fieldNote says what a person should know about a field before reading its help.
func (c choosing) fieldNote(f catalog.Field) string {
	if slices.Contains(c.form.Filled, f.Name) {
		return "Filled in from your words: please check."
	}
	return ""
}

func (c choosing) reason() slack.Block {
	e := slack.NewPlainTextInputBlockElement(placeholder("Build artifacts need a bucket that the deploy job can read"), actReason)
	e.Multiline = true
	e.MaxLength = maxReason
	e.InitialValue = cut(c.form.Reason, maxReason)
	b := slack.NewInputBlock(actReason, plain("Why is it needed?", limitLabel), plain("Reviewers read this in the pull request.", limitHint), e)
	return b
}

// maxReason bounds the reason in runes.
const maxReason = request.MaxReason

// controls folds advanced options and turns pages.
func (c choosing) controls() []slack.Block {
	var buttons []slack.BlockElement
	if hasAdvanced(c.module) {
		label := "Show advanced options"
		if c.form.Advanced {
			label = "Hide advanced options"
		}
		buttons = append(buttons, slack.NewButtonBlockElement(actFold, "fold", plain(label, limitButton)))
	}
	if c.form.Page > 0 {
		buttons = append(buttons, slack.NewButtonBlockElement(actBack, "back", plain("Back", limitButton)))
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("controls", buttons...)}
}

// errorAtFirstInput keeps a modal open and says why at the first place that can. One
// without such a place is replaced: closed without a word, it would look done.
func errorAtFirstInput(v slack.View, text string) any {
	for _, b := range v.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID != "" {
			return slack.NewErrorsViewSubmissionResponse(map[string]string{in.BlockID: cut(text, limitFieldError)})
		}
	}
	view := notice("Not done", words(text))
	return slack.NewUpdateViewSubmissionResponse(&view)
}

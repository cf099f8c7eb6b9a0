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

// modal makes a view. Without submit it has no submit button.
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

// notice is a view that only shows text.
func notice(title string, blocks ...slack.Block) slack.ModalViewRequest {
	return modal(viewNotice, title, "", blocks...)
}

const titleRequest = "New request"

func loading(title, what string) slack.ModalViewRequest {
	return notice(title, paragraph(what))
}

// formContents is the data of the request form.
type formContents struct {
	form     form
	projects Directory
	modules  []*catalog.Module // that this person may request in the project
	module   *catalog.Module   // nil until it is chosen
	values   map[string]string // raw values that were entered on this page; other fields have their defaults
	refusal  string            // why the person may not request anything in the chosen environment
	problem  string            // why saving did not work
}

// requestView draws the request form as far as the choices allow.
func requestView(c formContents) (slack.ModalViewRequest, error) {
	blocks := c.heading()
	blocks = append(blocks, c.choosers()...)
	submit := "Continue"
	switch {
	case c.refusal != "":
		blocks = append(blocks, paragraph(c.refusal))
	case c.isComplete():
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

// isComplete reports whether the choices are enough to draw the fields.
func (c formContents) isComplete() bool {
	return c.refusal == "" && c.module != nil && c.environment() != ""
}

func (c formContents) environment() string {
	if _, ok := c.projects.environment(c.form.Project, c.form.Env); !ok {
		return ""
	}
	return c.form.Env
}

func (c formContents) heading() []slack.Block {
	var blocks []slack.Block
	if c.problem != "" {
		blocks = append(blocks, paragraph(c.problem))
	}
	if c.form.Note != "" {
		blocks = append(blocks, paragraph(c.form.Note))
	}
	return blocks
}

func (c formContents) choosers() []slack.Block {
	var projects, environments, modules []*slack.OptionBlockObject
	for _, p := range c.projects {
		projects = append(projects, option(p.Name, p.Name))
	}
	if p, ok := c.projects.project(c.form.Project); ok {
		for _, pl := range p.Environments {
			environments = append(environments, option(pl.String(), environmentLabel(pl)))
		}
	}
	for _, m := range c.modules {
		modules = append(modules, option(m.Name, m.Title))
	}
	blocks := []slack.Block{chooser(actProject, "Project", "Choose a project", projects, c.form.Project)}
	if len(environments) > 0 {
		blocks = append(
			blocks,
			chooser(actEnvironment, "Environment", "Choose an environment", environments, c.form.Env),
		)
	}
	switch {
	case c.environment() == "" || c.refusal != "":
		return blocks
	case len(modules) == 0:
		return append(
			blocks,
			paragraph(
				"You cannot request any module in this project. Choose another project, or ask your platform team.",
			),
		)
	default:
		return append(blocks, chooser(actModule, "What do you need?", "Choose a module", modules, c.form.Module))
	}
}

func environmentLabel(p config.Environment) string {
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
		b.Hint = plain(
			fmt.Sprintf("%d more do not fit into this menu. Name one after the command: it is then listed.", left),
			limitHint,
		)
	}
	b.DispatchAction = true
	return b
}

// listed takes as many options as one menu of the view can hold; the chosen one is always among them.
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

// grouped splits a long menu, since Slack allows a hundred options in one group. Each group is named after its
// first and last option.
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

// fields draws the current page of the module's form.
func (c formContents) fields() []slack.Block {
	var blocks []slack.Block
	if c.module.Description != "" && c.form.Page == 0 {
		blocks = append(blocks, hint(c.module.Description))
	}
	environment, _ := c.projects.environment(c.form.Project, c.form.Env)
	env := limits(environment)
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

// fieldNote is what a person should know about a field before reading its help.
func (c formContents) fieldNote(f catalog.Field) string {
	if slices.Contains(c.form.Filled, f.Name) {
		return "Filled in from your words: please check."
	}
	return ""
}

func (c formContents) reason() slack.Block {
	e := slack.NewPlainTextInputBlockElement(
		placeholder("Build artifacts need a bucket that the deploy job can read"),
		actReason,
	)
	e.Multiline = true
	e.MaxLength = maxReason
	e.InitialValue = cut(c.form.Reason, maxReason)
	b := slack.NewInputBlock(
		actReason,
		plain("Why is it needed?", limitLabel),
		plain("Reviewers read this in the pull request.", limitHint),
		e,
	)
	return b
}

// maxReason bounds the reason in runes.
const maxReason = request.MaxReason

// controls are the buttons for advanced options and pages.
func (c formContents) controls() []slack.Block {
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

// errorAtFirstInput keeps a modal open and shows the reason at its first input. A modal
// without an input is replaced with a notice: if it closed silently, the action would look done.
func errorAtFirstInput(v slack.View, text string) any {
	for _, b := range v.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID != "" {
			return slack.NewErrorsViewSubmissionResponse(map[string]string{in.BlockID: cut(text, limitFieldError)})
		}
	}
	view := notice("Not done", paragraph(text))
	return slack.NewUpdateViewSubmissionResponse(&view)
}

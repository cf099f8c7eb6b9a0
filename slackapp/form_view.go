package slackapp

import (
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The request form is one modal that is drawn again after each choice: project, then environment,
// then module, then the module's fields in pages. Slack keeps no state of a modal but its own
// blocks and private metadata, so the choices are in the metadata and the entries in the input
// blocks. Drawing is a function of formContents alone: the same contents give the same view, also
// in another process.

// notice is a view that only shows text.
func notice(title string, body ...slack.Block) slack.ModalViewRequest {
	return blocks.Modal(viewNotice, title, "", body...)
}

const titleRequest = "New request"

func loading(title, what string) slack.ModalViewRequest {
	return notice(title, blocks.Paragraph(what))
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
	body := c.heading()
	body = append(body, c.choosers()...)
	submit := "Continue"
	switch {
	case c.refusal != "":
		body = append(body, blocks.Paragraph(c.refusal))
	case c.isComplete():
		body = append(body, c.fields()...)
		if c.form.lastPage(c.module) {
			submit = "Create request"
		}
	}
	v := blocks.Modal(viewRequest, titleRequest, submit, body...)
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
	var body []slack.Block
	if c.problem != "" {
		body = append(body, blocks.Paragraph(c.problem))
	}
	if c.form.Note != "" {
		body = append(body, blocks.Paragraph(c.form.Note))
	}
	return body
}

func (c formContents) choosers() []slack.Block {
	var projects, environments, modules []*slack.OptionBlockObject
	for _, p := range c.projects {
		projects = append(projects, blocks.Option(p.Name, p.Name))
	}
	if p, ok := c.projects.project(c.form.Project); ok {
		for _, pl := range p.Environments {
			environments = append(environments, blocks.Option(pl.String(), environmentLabel(pl)))
		}
	}
	for _, m := range c.modules {
		modules = append(modules, blocks.Option(m.Name, m.Title))
	}
	body := []slack.Block{chooser(actProject, "Project", "Choose a project", projects, c.form.Project)}
	if len(environments) > 0 {
		body = append(
			body,
			chooser(actEnvironment, "Environment", "Choose an environment", environments, c.form.Env),
		)
	}
	switch {
	case c.environment() == "" || c.refusal != "":
		return body
	case len(modules) == 0:
		return append(
			body,
			blocks.Paragraph(
				"You cannot request any module in this project. Choose another project, or ask your platform team.",
			),
		)
	default:
		return append(body, chooser(actModule, "What do you need?", "Choose a module", modules, c.form.Module))
	}
}

func environmentLabel(p config.Environment) string {
	if p.IsProtected() {
		return p.String() + " (protected)"
	}
	return p.String()
}

// chooser is a menu that redraws the form.
func chooser(action, label, ask string, options []*slack.OptionBlockObject, now string) slack.Block {
	menu, left := blocks.Menu(action, label, ask, options, now)
	if left > 0 {
		menu.Hint = blocks.Plain(
			fmt.Sprintf("%d more are not listed. To find one, type its name after the command.", left),
			blocks.MaxHint,
		)
	}
	return menu
}

// fields draws the current page of the module's form.
func (c formContents) fields() []slack.Block {
	var body []slack.Block
	if c.module.Description != "" && c.form.Page == 0 {
		body = append(body, blocks.PlainContext(c.module.Description))
	}
	environment, _ := c.projects.environment(c.form.Project, c.form.Env)
	env := limits(environment)
	for _, f := range c.form.visible(c.module) {
		raw, entered := c.values[f.Name]
		// Another environment may not allow what was entered. The field then starts with its
		// default.
		if !entered || !offers(fieldIn(f, env), raw) {
			raw, _ = prefill(f, env)
		}
		body = append(body, input(c.module, f, env, raw, c.fieldNote(f)))
	}
	body = append(body, c.controls()...)
	if c.form.lastPage(c.module) {
		body = append(body, c.reason())
	}
	return body
}

// fieldNote is what a person should know about a field before reading its help.
func (c formContents) fieldNote(f catalog.Field) string {
	if slices.Contains(c.form.Filled, f.Name) {
		return "AI suggestion: check it."
	}
	return ""
}

func (c formContents) reason() slack.Block {
	e := slack.NewPlainTextInputBlockElement(
		blocks.Placeholder("Build artifacts need a bucket that the deploy job can read"),
		actReason,
	)
	e.Multiline = true
	e.MaxLength = maxReason
	e.InitialValue = blocks.Cut(c.form.Reason, maxReason)
	b := slack.NewInputBlock(
		actReason,
		blocks.Plain("Why is it needed?", blocks.MaxLabel),
		blocks.Plain("Approvers read this on the card and in the pull request.", blocks.MaxHint),
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
		buttons = append(buttons, blocks.Button(actFold, "fold", label))
	}
	if c.form.Page > 0 {
		buttons = append(buttons, blocks.Button(actBack, "back", "Back"))
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
			return slack.NewErrorsViewSubmissionResponse(map[string]string{in.BlockID: blocks.Cut(text, blocks.MaxFieldError)})
		}
	}
	view := notice("Not done", blocks.Paragraph(text))
	return slack.NewUpdateViewSubmissionResponse(&view)
}

package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// start is the first state of a request form.
type start struct {
	trigger     string
	responseURL string
	text        string // as typed, to offer it again
	words       string // for the model
	form        form
	here        config.Environment // the channel's environment, or the zero value
}

// begin opens the form. A loading view comes first while the model reads words.
func (a *App) begin(ctx context.Context, s start, caller func(context.Context) (request.Caller, error)) {
	waiting, clicked := "Loading the form…", time.Now()
	if s.words != "" {
		waiting, clicked = "Reading your request…", time.Time{}
	}
	contents := func(ctx context.Context) slack.ModalViewRequest {
		v, err := caller(ctx)
		if err != nil {
			return notice(titleRequest, blocks.Paragraph(a.refusal(err).Text))
		}
		if refusal := a.Requests.MayOpenAnywhere(v); refusal != nil {
			return notice(titleRequest, blocks.Paragraph(refusal.Text))
		}
		f, filled := s.form, map[string]string{}
		if s.words != "" {
			f, filled = a.understand(ctx, v, s)
		}
		return a.formView(v, formPage{form: f, values: filled})
	}
	if err := a.openDrawn(ctx, s.trigger, clicked, loading(titleRequest, waiting), contents); err != nil {
		a.Log.Warn("open form", keyCode, errorCode(err), keyError, err)
		a.offerAgain(ctx, s)
	}
}

// offerAgain offers a new button after a trigger has expired.
func (a *App) offerAgain(ctx context.Context, s start) {
	const prompt = "The form could not be opened in time. Click the button to try again."
	b := blocks.Button(actStart, blocks.Cut(s.text, blocks.MaxOptionValue*4), "Open the form")
	a.respond(
		ctx,
		s.responseURL,
		blocks.Message{
			Text: prompt, Blocks: []slack.Block{blocks.Paragraph(prompt), slack.NewActionBlock("", b)},
		}.Ephemeral(),
	)
}

// understand lets the model fill the form. After any fault the form still opens, and
// shows what happened. The environment that the words name counts in any case.
func (a *App) understand(ctx context.Context, v request.Caller, s start) (form, map[string]string) {
	f, phrase := s.form, s.words
	f.Reason = blocks.Cut(phrase, maxReason)
	if err := secretscan.CheckInput(phrase, invisible.Lines); err != nil {
		f.Reason, f.Env = "", ""
		f.Note = fmt.Sprintf(
			"What you typed %s. No one else saw it, and nothing was filled in. Fill in the form without it.",
			err,
		)
		return f, nil
	}
	t := intake.Turn{Scope: a.scope(v, s.here), Words: phrase}
	got, err := a.readWords(ctx, t)
	if err != nil {
		a.Log.Warn("read words", keyError, err)
		d := t.ByKeyword()
		f.Note = unread(err) + " " + byKeyword(d)
		return a.fill(f, d), nil
	}
	if len(got.Drafts) == 0 || got.Drafts[0].Module == "" {
		f.Note = "The language model found no matching module in the catalog. Choose what you need."
		return a.fill(f, t.ByKeyword()), nil
	}
	f.Note = "AI filled in this form from your description. Check every field before you create the request."
	if n := len(got.Drafts) - 1; n > 0 {
		f.Note += " Your words ask for more than one thing; this form is about the first."
	}
	f = a.fill(f, got.Drafts[0])
	return a.prefilled(f, got.Drafts[0])
}

// errNoModel means that no model is set up.
var errNoModel = errors.New("no language model is set up")

// readWords asks the model about a turn.
func (a *App) readWords(ctx context.Context, t intake.Turn) (intake.Outcome, error) {
	if a.Intake == nil {
		return intake.Outcome{}, errNoModel
	}
	return a.Intake.Read(ctx, t)
}

// byKeyword is the hint at a form that no model filled in.
func byKeyword(d intake.Draft) string {
	if d.Module == "" {
		return "Choose what you need."
	}
	return "A keyword in your text chose the module. Fill in the rest."
}

// unread explains to the person why a form is empty.
func unread(err error) string {
	switch {
	case errors.Is(err, errNoModel):
		return "No language model is set up here."
	case errors.Is(err, intake.ErrTimeout):
		return "The language model did not answer in time."
	case errors.Is(err, intake.ErrNonsense):
		return "The language model gave no usable answer."
	default:
		return "The language model could not be reached."
	}
}

// scope lists what a person can request; here is the environment of the channel, or the zero value.
func (a *App) scope(v request.Caller, here config.Environment) intake.Scope {
	s := intake.Scope{All: a.directory().limits()}
	for _, p := range a.directory().environments() {
		if a.Requests.MayOpen(v, p) == nil {
			s.Places = append(s.Places, limits(p))
		}
	}
	if here.Project != "" {
		p := limits(here)
		s.Here = &p
	}
	for _, m := range a.Requests.Catalog.Modules() {
		if slices.ContainsFunc(s.Places, func(e catalog.Environment) bool { return a.allows(v, m, e.Project) }) {
			s.Modules = append(s.Modules, m)
		}
	}
	return s
}

func (a *App) allows(v request.Caller, m *catalog.Module, project string) bool {
	return a.Requests.MayUse(v, m, project) == nil
}

// fill puts the module and the environment of a draft into the form, and shows what was unclear.
func (a *App) fill(f form, d intake.Draft) form {
	f.Module, f.Project, f.Env = d.Module, d.Project, d.Environment
	for _, u := range slices.Backward(d.Unclear) {
		if u.Field == "" || u.Field == intake.FieldEnvironment {
			f.Note = strings.TrimSpace(u.Text + " " + f.Note)
		}
	}
	return f
}

// prefilled returns the draft's inputs as if they had been typed. Advanced fields that are filled in are shown.
func (a *App) prefilled(f form, d intake.Draft) (form, map[string]string) {
	m, ok := a.Requests.Catalog.Module(d.Module)
	if !ok {
		return f, nil
	}
	env, _ := a.directory().environment(f.Project, f.Env)
	filled := map[string]string{}
	for _, field := range m.Fields {
		v, given := d.Inputs[field.Name]
		if !given {
			continue
		}
		raw, ok := rawOf(fieldIn(field, limits(env)), v)
		if !ok {
			continue
		}
		filled[field.Name] = raw
		f.Filled = append(f.Filled, field.Name)
		f.Advanced = f.Advanced || field.Advanced
	}
	return f, filled
}

// formPage is a form with its entered values, and the problem for which it is shown again.
type formPage struct {
	form    form
	values  map[string]string
	problem string
}

// draw shows the form in an open window. It reports whether the form was shown.
func (a *App) draw(ctx context.Context, v request.Caller, viewID, hash string, pages ...formPage) bool {
	return a.redraw(ctx, viewID, hash, a.formView(v, pages...))
}

// formView is the form as far as the choices allow: the first of pages that is within Slack's limits.
func (a *App) formView(v request.Caller, pages ...formPage) slack.ModalViewRequest {
	var view slack.ModalViewRequest
	err := errTooMuch
	for i := 0; i < len(pages) && errors.Is(err, errTooMuch); i++ {
		view, err = requestView(a.formContents(v, pages[i].form, pages[i].values, pages[i].problem))
	}
	if errors.Is(err, errTooMuch) {
		view, err = notice(
			titleRequest,
			blocks.Paragraph("These values are too long for one form. Start again with shorter ones."),
		), nil
	}
	if err != nil {
		a.Log.Error("draw form", keyError, err)
		view = notice(titleRequest, blocks.Paragraph(request.Unreachable))
	}
	return view
}

// formContents gathers the contents of the form, and drops invalid choices.
func (a *App) formContents(v request.Caller, f form, vals map[string]string, wrong string) formContents {
	if _, ok := a.directory().project(f.Project); !ok {
		f.Project = ""
	}
	if f.Project == "" && len(a.directory()) == 1 {
		f.Project = a.directory()[0].Name
	}
	environment, ok := a.directory().environment(f.Project, f.Env)
	if !ok {
		f.Env = ""
	}
	c := formContents{form: f, projects: a.directory(), values: vals, problem: wrong}
	if ok {
		if refusal := a.Requests.MayOpen(v, environment); refusal != nil {
			c.refusal = refusal.Text
		}
	}
	for _, m := range a.Requests.Catalog.Modules() {
		if a.allows(v, m, f.Project) {
			c.modules = append(c.modules, m)
		}
	}
	if i := slices.IndexFunc(c.modules, func(m *catalog.Module) bool { return m.Name == f.Module }); i >= 0 {
		c.module = c.modules[i]
		c.form.Digest = c.module.Digest
	}
	if !c.isComplete() { // entered values wait until their fields are visible
		c.form.Hidden = c.form.values(vals)
	}
	return c
}

package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// start is how a request form begins.
type start struct {
	trigger     string
	responseURL string
	text        string // as typed, to offer it again
	words       string // for the model
	form        form
	here        config.Environment // the channel's, or the zero one
}

// begin opens the form: a loading view at once, since the trigger dies in three
// seconds, then the real one.
func (a *App) begin(ctx context.Context, s start, who func() (visitor, error)) {
	waiting := "One moment: the form is on its way."
	if s.words != "" {
		waiting = "One moment: TfPilot is reading your words."
	}
	opened, err := a.open(ctx, s.trigger, loading(titleRequest, waiting))
	if err != nil {
		a.Log.Warn("open form", keyCode, errorCode(err), keyError, err)
		a.offerAgain(ctx, s)
		return
	}
	v, err := who()
	if err != nil {
		a.redraw(ctx, opened.ID, "", notice(titleRequest, words(a.refusal(err).Text)))
		return
	}
	if no := a.Requests.MayOpenAnywhere(v); no != nil {
		a.redraw(ctx, opened.ID, "", notice(titleRequest, words(no.Text)))
		return
	}
	f, filled := s.form, map[string]string{}
	if s.words != "" {
		f, filled = a.understand(ctx, v, s)
	}
	a.draw(ctx, v, opened.ID, "", page{form: f, values: filled})
}

// offerAgain keeps an expired trigger from being a dead end.
func (a *App) offerAgain(ctx context.Context, s start) {
	const say = "The form could not be opened in time. Press the button to try again."
	b := slack.NewButtonBlockElement(actStart, cut(s.text, limitOptionValue*4), plain("Open the form", limitButton))
	a.respond(ctx, s.responseURL, ephemeralBlocks(say, []slack.Block{words(say), slack.NewActionBlock("", b)}))
}

// understand lets the model fill the form. Whatever goes wrong, the form opens, and
// says what happened. The environment that the words name counts in any case.
func (a *App) understand(ctx context.Context, v visitor, s start) (form, map[string]string) {
	f, said := s.form, s.words
	f.Reason = cut(said, maxReason)
	if err := secretscan.CheckInput(said, invisible.Lines); err != nil {
		f.Reason, f.Env = "", ""
		f.Note = fmt.Sprintf("What you typed %s. It was shown to nobody, and nothing was filled in. Fill in the form without it.", err)
		return f, nil
	}
	if a.Intake == nil {
		f.Note = "No language model is set up here, so nothing was filled in. Please choose below what you need."
		return placeNamed(a.Projects, s.here, f, said), nil
	}
	got, err := a.Intake.Read(ctx, a.question(v, f, said))
	if err != nil {
		a.Log.Warn("read words", keyError, err)
		f.Note = unread(err)
		return placeNamed(a.Projects, s.here, f, said), nil
	}
	return a.fill(f, got, s)
}

// unread tells a person why the form is empty.
func unread(err error) string {
	switch {
	case errors.Is(err, intake.ErrTimeout):
		return "The language model did not answer in time, so nothing was filled in. Please choose below what you need."
	case errors.Is(err, intake.ErrNonsense):
		return "The language model gave no usable answer, so nothing was filled in. Please choose below what you need."
	default:
		return "The language model could not be reached, so nothing was filled in. Please choose below what you need."
	}
}

func (a *App) question(v visitor, f form, said string) intake.Question {
	q := intake.Question{Words: said}
	for _, p := range a.Projects.places() {
		if a.Requests.MayOpen(v, p) == nil {
			q.Places = append(q.Places, limits(p))
		}
	}
	if p, ok := a.Projects.place(f.Project, f.Env); ok {
		here := limits(p)
		q.Here = &here
	}
	for _, m := range a.Requests.Catalog.Modules() {
		if slices.ContainsFunc(q.Places, func(e catalog.Environment) bool { return a.allows(v, m, e.Project) }) {
			q.Modules = append(q.Modules, m)
		}
	}
	return q
}

func (a *App) allows(v visitor, m *catalog.Module, project string) bool {
	return a.Requests.MayUse(v, m, project) == nil
}

// fill puts the model's values into the form as if they had been typed. Advanced
// fields that it filled in are shown.
func (a *App) fill(f form, got intake.Answer, s start) (form, map[string]string) {
	f.Note = "Filled in from your words by a language model. Please check every field before you create the request."
	if got.Place != nil {
		f.Project, f.Env = got.Place.Project, got.Place.Key+"/"+got.Place.Slug
	}
	m, ok := a.Requests.Catalog.Module(got.Module)
	if !ok {
		f.Note = "The language model found nothing in the catalog that fits your words. Please choose below what you need."
		return placeNamed(a.Projects, s.here, f, s.words), nil
	}
	f.Module = m.Name
	f = placeNamed(a.Projects, s.here, f, s.words)
	env, _ := a.Projects.place(f.Project, f.Env)
	filled := map[string]string{}
	for _, field := range m.Fields {
		v, given := got.Config[field.Name]
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

// page is a form with what is entered on it, and why it stands there again.
type page struct {
	form    form
	values  map[string]string
	trouble string
}

// draw shows the form as far as it is chosen: the first page that Slack can carry. It
// says whether it was shown.
func (a *App) draw(ctx context.Context, v visitor, viewID, hash string, pages ...page) bool {
	var view slack.ModalViewRequest
	err := errTooMuch
	for i := 0; i < len(pages) && errors.Is(err, errTooMuch); i++ {
		view, err = requestView(a.choosing(v, pages[i].form, pages[i].values, pages[i].trouble))
	}
	if errors.Is(err, errTooMuch) {
		view, err = notice(titleRequest, words("More is filled in than one form can carry. Please start again with shorter values.")), nil
	}
	if err != nil {
		a.Log.Error("draw form", keyError, err)
		view = notice(titleRequest, words(trouble))
	}
	return a.redraw(ctx, viewID, hash, view)
}

// choosing gathers what the form is drawn from, and drops choices that are none.
func (a *App) choosing(v visitor, f form, vals map[string]string, wrong string) choosing {
	if _, ok := a.Projects.project(f.Project); !ok {
		f.Project = ""
	}
	if f.Project == "" && len(a.Projects) == 1 {
		f.Project = a.Projects[0].Name
	}
	place, ok := a.Projects.place(f.Project, f.Env)
	if !ok {
		f.Env = ""
	}
	c := choosing{form: f, projects: a.Projects, values: vals, trouble: wrong}
	if ok {
		if no := a.Requests.MayOpen(v, place); no != nil {
			c.refusal = no.Text
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
	if !c.asks() { // what was entered waits for a place where it is asked for
		c.form.Hidden = c.form.values(vals)
	}
	return c
}

package slackapp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// changed redraws the form after a menu or a button in it was used.
func (a *App) changed(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	f, err := unpack(cb.View.PrivateMetadata)
	if err != nil {
		a.Log.Error("form", keyError, err)
		return
	}
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		_ = a.refusal(err) // logs it
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, blocks.Paragraph(request.Unreachable)))
		return
	}
	if m, ok := a.Requests.Catalog.Module(f.Module); ok && f.Digest != "" && f.Digest != m.Digest {
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, blocks.Paragraph(outdated)))
		return
	}
	next, vals := a.advance(f, cb.View, action)
	a.draw(ctx, v, cb.View.ID, cb.View.Hash, formPage{form: next, values: vals}, formPage{f, a.shown(f, cb.View), stays})
}

// outdated is the answer to a form whose module changed: its entered values may belong to other fields.
const outdated = "This form is from another version of TfPilot. Close it and start again."

// stays is the problem of a form whose entered values are too long to be hidden.
const stays = "The values are too long to hide these fields. Shorten one first."

// shown reads what was entered in the fields of a view.
func (a *App) shown(f form, modalView slack.View) map[string]string {
	m, ok := a.Requests.Catalog.Module(f.Module)
	if !ok {
		return nil
	}
	environment, _ := a.directory().environment(f.Project, f.Env)
	return touched(m, limits(environment), shownValues(m, modalView.State))
}

// advance applies one click to the form and keeps all entered values.
func (a *App) advance(f form, modalView slack.View, action *slack.BlockAction) (form, map[string]string) {
	shown := a.shown(f, modalView)
	if why := blocks.Typed(modalView.State, actReason); why != "" {
		f.Reason = why
	}
	before := f.Module
	if f = f.choose(modalView.State); f.Module != before { // an emptied field of another module means nothing here
		maps.DeleteFunc(shown, func(_, raw string) bool { return raw == "" })
		maps.DeleteFunc(f.Hidden, func(_, raw string) bool { return raw == "" })
	}
	switch action.ActionID {
	case actFold:
		f.Advanced = !f.Advanced
		f.Page = 0
	case actBack:
		f.Page = max(0, f.Page-1)
	}
	m, ok := a.Requests.Catalog.Module(f.Module)
	if !ok {
		f.Hidden = f.values(shown)
		return f, nil
	}
	return f.keep(m, shown)
}

// choose takes the menus of the form itself from the view.
func (f form) choose(state *slack.ViewState) form {
	project, env, module := blocks.Selected(state, actProject), blocks.Selected(state, actEnvironment),
		blocks.Selected(state, actModule)
	if project != f.Project {
		f.Project, f.Env = project, "" // another project has other environments
	} else if env != "" {
		f.Env = env
	}
	if module != "" && module != f.Module {
		f.Module, f.Page, f.Filled, f.Note = module, 0, nil, ""
	}
	return f
}

// submission is a submitted form, read and checked.
type submission struct {
	form   form
	module *catalog.Module
	values map[string]string
	draft  request.Draft
	reason string
}

// submit answers the form. Before the ack it only checks the values: each fault is shown
// at its field, and all other values stay.
func (a *App) submit(ctx context.Context, cb slack.InteractionCallback, ack Ack) {
	s, wrong := a.read(cb.View)
	if len(wrong) > 0 {
		ack(slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	if !s.form.lastPage(s.module) {
		a.nextPage(ctx, cb, s, ack)
		return
	}
	saving(ack, "Saving…", "Saving your request. You can close this window.")
	a.save(ctx, cb, s)
}

func (a *App) nextPage(ctx context.Context, cb slack.InteractionCallback, s submission, ack Ack) {
	saving(ack, titleRequest, "Loading the next page…")
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		_ = a.refusal(err) // logs it
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, blocks.Paragraph(request.Unreachable)))
		return
	}
	shown := a.shown(s.form, cb.View)
	before := formPage{s.form, shown, stays}
	s.form.Page++
	f, vals := s.form.keep(s.module, shown)
	a.draw(ctx, v, cb.View.ID, "", formPage{form: f, values: vals}, before)
}

// read reads and checks a submitted form; wrong holds its faults by block.
func (a *App) read(modalView slack.View) (s submission, wrong map[string]string) {
	f, err := unpack(modalView.PrivateMetadata)
	if err != nil {
		return s, atFirst(
			modalView,
			"TfPilot can no longer read this form. Close it and start again. Your text stays here until then.",
		)
	}
	if refusal := f.moved(modalView.State); refusal != nil {
		return s, refusal
	}
	m, ok := a.Requests.Catalog.Module(f.Module)
	environment, configured := a.directory().environment(f.Project, f.Env)
	if !ok || !configured {
		return s, atFirst(
			modalView,
			"Choose a project, an environment and what you need; the form then shows what to fill in.",
		)
	}
	if m.Digest != f.Digest {
		return s, atFirst(modalView, outdated)
	}
	s = submission{form: f, module: m, reason: strings.TrimSpace(blocks.Typed(modalView.State, actReason))}
	s.values = f.values(a.shown(f, modalView))
	s.draft = request.Draft{
		ID: f.ID, Project: f.Project, Environment: f.Env, Module: f.Module, Reason: s.reason,
		Inputs: inputsOf(m, limits(environment), s.values),
	}
	_, refusal := a.Requests.CheckDraft(s.draft)
	return s, s.atFields(modalView, refusal)
}

// moved finds a menu whose choice the form does not show yet: the fields would belong to
// another choice.
func (f form) moved(state *slack.ViewState) map[string]string {
	for action, want := range map[string]string{actProject: f.Project, actEnvironment: f.Env, actModule: f.Module} {
		block := blocks.BlockOf(state, action)
		if block == "" {
			continue
		}
		if got := blocks.Selected(state, action); got != want {
			return map[string]string{
				block: "Loading the fields for this choice. Fill them in, then click the button again.",
			}
		}
	}
	return nil
}

// atFields puts each fault at its field. On the last page, the fault of a hidden field is shown at the
// first visible field. On an earlier page, faults of later pages wait until those pages are shown.
func (s submission) atFields(modalView slack.View, refusal *request.Refusal) map[string]string {
	wrong := map[string]string{}
	if refusal == nil {
		return wrong
	}
	add := func(block, text string) {
		wrong[block] = blocks.Cut(strings.TrimSpace(wrong[block]+" "+text), blocks.MaxFieldError)
	}
	for _, f := range refusal.Faults {
		text, block := f.Text, blocks.BlockOf(modalView.State, f.Field)
		name, isInput := f.Input()
		if isInput {
			block, text = blocks.BlockOf(modalView.State, actField+name), hiddenError(s.module, name, f.Text)
		}
		switch {
		case block != "":
			add(block, f.Text)
		case s.form.lastPage(s.module):
			for b, text := range atFirst(modalView, text) {
				add(b, text)
			}
		}
	}
	return wrong
}

// hiddenError names the field, since its error is shown at another.
func hiddenError(m *catalog.Module, name, text string) string {
	f, ok := m.Field(name)
	switch {
	case !ok:
		return text
	case f.Advanced:
		return fmt.Sprintf("“%s” among the advanced options: %s", f.Label, text)
	default:
		return fmt.Sprintf("“%s” on another page: %s", f.Label, text)
	}
}

// atFirst is an error for the form as a whole, at its first input.
func atFirst(modalView slack.View, text string) map[string]string {
	for _, b := range modalView.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID != "" {
			return map[string]string{in.BlockID: blocks.Cut(text, blocks.MaxFieldError)}
		}
	}
	return map[string]string{actReason: blocks.Cut(text, blocks.MaxFieldError)}
}

// save creates the request. Its id was chosen when the form opened, so submitting the form
// again creates no second request.
func (a *App) save(ctx context.Context, cb slack.InteractionCallback, s submission) {
	v, err := a.clickCaller(ctx, cb)
	if a.refusal(err) != nil {
		a.unsaved(ctx, cb, v, s)
		return
	}
	doc, err := a.Requests.Open(ctx, v, s.draft)
	switch refusal := a.refusal(err, keyRequest, s.form.ID); {
	case refusal == nil:
		a.saved(ctx, cb, doc.Request)
		if s.form.Conversation != "" {
			a.draftCreated(ctx, spotOf(cb.Team.ID, cb.User.ID, s.form.Conversation), doc.Request)
		}
	case refusal.Class == request.Unavailable:
		a.unsaved(ctx, cb, v, s)
	default:
		text := "Nothing was saved. " + refusal.Text
		a.answer(ctx, cb, notice("Not saved", blocks.Paragraph(text)), blocks.Escape(text))
	}
}

// unsaved shows the form again with all entered values. If the person closed it, they are lost.
func (a *App) unsaved(ctx context.Context, cb slack.InteractionCallback, v request.Caller, s submission) {
	s.form.Reason = s.reason
	f, vals := s.form.keep(s.module, s.values)
	if !a.draw(ctx, v, cb.View.ID, "", formPage{f, vals, notSaved}) {
		title := s.module.Title
		if checked, refusal := a.Requests.CheckDraft(s.draft); refusal == nil {
			title = checked.Title()
		}
		a.direct(
			ctx,
			cb.User.ID,
			fmt.Sprintf("%s in %s %s was not saved, and nothing was created. Start again with `%s request`.",
				blocks.Escape(title), s.draft.Project, s.draft.Environment, a.name()),
		)
	}
}

const notSaved = "Couldn't save: TfPilot cannot reach its storage right now. Your answers are kept. Click the " +
	"button again in a minute; you won't create a duplicate."

// maxTitle bounds a request's title in runes.
const maxTitle = request.MaxTitle

// saved confirms at once, then again with a link when the card is posted. If the window is
// closed, the card in the person's direct messages confirms it.
func (a *App) saved(ctx context.Context, cb slack.InteractionCallback, r lifecycle.Request) {
	shown := a.redraw(ctx, cb.View.ID, "", savedView(r, nil, a.directory().of(r).Channel))
	if err := a.Cards.Refresh(ctx, r.ID, r.Version); err != nil {
		a.Log.Warn("first card", keyRequest, r.ID, keyError, err)
	}
	if doc, err := a.Cards.document(ctx, r.ID, r.Version); err == nil {
		r = doc.Request
	}
	links := a.Cards.links(ctx, r, cb.User.ID)
	switch {
	case shown && len(links) > 0:
		a.redraw(ctx, cb.View.ID, "", savedView(r, links, ""))
	case !shown && !slices.ContainsFunc(r.Slack.Messages, ownCard):
		a.direct(ctx, cb.User.ID, fmt.Sprintf("Request submitted: %s. %s", blocks.Escape(view.Name(r)), savedNext))
	}
}

// ownCard finds the card in the requester's messages.
func ownCard(m lifecycle.Message) bool { return m.Role == lifecycle.RoleDM && m.TS != "" }

const savedNext = "TfPilot opens a pull request and runs a plan. Follow the request in your direct messages."

// savedView confirms that the request is saved, and links to its cards.
func savedView(r lifecycle.Request, links []hyperlink, channel string) slack.ModalViewRequest {
	body := []slack.Block{
		blocks.Rich(blocks.Line(blocks.Emoji("white_check_mark"), blocks.Text(" "),
			blocks.Bold("Request submitted: "+view.Name(r)+"."))),
		blocks.Paragraph(savedNext),
	}
	var where []string
	for _, l := range links {
		where = append(where, blocks.Link(l.url, l.label))
	}
	if len(where) == 0 && channel != "" {
		where = append(where, "Follow it in <#"+blocks.Escape(channel)+"> or in your direct messages.")
	}
	if len(where) > 0 {
		body = append(body, blocks.Section(strings.Join(where, " · ")))
	}
	return notice("Saved", append(body, blocks.Context("`"+blocks.Escape(r.ID)+"`"))...)
}

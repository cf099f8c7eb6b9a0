package slackapp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/view"
)

// changed redraws the form after a menu or a button in it was used.
func (a *App) changed(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) {
	f, err := unpack(cb.View.PrivateMetadata)
	if err != nil {
		a.Log.Error("form", keyError, err)
		return
	}
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, words(trouble)))
		return
	}
	if m, ok := a.Catalog.Module(f.Module); ok && f.Digest != "" && f.Digest != m.Digest {
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, words(outdated)))
		return
	}
	next, vals := a.turn(f, cb.View, action)
	a.draw(ctx, v, cb.View.ID, cb.View.Hash, page{form: next, values: vals}, page{f, a.shown(f, cb.View), stays})
}

// outdated is said of a form whose module is another one now: what was drawn in it, and so what was entered, cannot be told.
const outdated = "This form was changed by a new version of TfPilot. Please close it and start again."

// stays is said where a form cannot hide what was entered.
const stays = "What is filled in is too long to be hidden, so the form stays as it was. Shorten something first."

// shown reads what was entered in the fields of a view.
func (a *App) shown(f form, view slack.View) map[string]string {
	m, ok := a.Catalog.Module(f.Module)
	if !ok {
		return nil
	}
	place, _ := a.Projects.place(f.Project, f.Env)
	return touched(m, limits(place), shownValues(m, view.State))
}

// turn moves the form on by one click and keeps everything that was entered.
func (a *App) turn(f form, view slack.View, action *slack.BlockAction) (form, map[string]string) {
	shown := a.shown(f, view)
	if why := typed(view.State, actReason); why != "" {
		f.Reason = why
	}
	before := f.Module
	if f = f.choose(view.State); f.Module != before { // what was emptied there says nothing here
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
	m, ok := a.Catalog.Module(f.Module)
	if !ok {
		f.Hidden = f.values(shown)
		return f, nil
	}
	return f.keep(m, shown)
}

// choose takes the menus of the form itself from the view.
func (f form) choose(state *slack.ViewState) form {
	project, env, module := selected(state, actProject), selected(state, actEnvironment), selected(state, actModule)
	if project != f.Project {
		f.Project, f.Env = project, "" // environments of another project are others
	} else if env != "" {
		f.Env = env
	}
	if module != "" && module != f.Module {
		f.Module, f.Page, f.Filled, f.Note = module, 0, nil, ""
	}
	return f
}

// submission is a form that was sent, read and checked.
type submission struct {
	form   form
	module *catalog.Module
	place  config.Environment
	values map[string]string
	config map[string]any
	reason string
}

// submit answers the form. Before the ack there is only pure checking: what is
// wrong stands at its field and everything else is kept.
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
	saving(ack, "Saving…", "Saving your request. You can close this window: it goes on.")
	a.save(ctx, cb, s)
}

func (a *App) nextPage(ctx context.Context, cb slack.InteractionCallback, s submission, ack Ack) {
	saving(ack, titleRequest, "One moment: the next page is on its way.")
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.redraw(ctx, cb.View.ID, "", notice(titleRequest, words(trouble)))
		return
	}
	shown := a.shown(s.form, cb.View)
	before := page{s.form, shown, stays}
	s.form.Page++
	f, vals := s.form.keep(s.module, shown)
	a.draw(ctx, v, cb.View.ID, "", page{form: f, values: vals}, before)
}

// read takes a submitted form apart and checks it; wrong is by block.
func (a *App) read(view slack.View) (s submission, wrong map[string]string) {
	f, err := unpack(view.PrivateMetadata)
	if err != nil {
		return s, atFirst(view, "TfPilot lost track of this form. Please close it and start again; your text stays here until then.")
	}
	if no := f.moved(view.State); no != nil {
		return s, no
	}
	m, ok := a.Catalog.Module(f.Module)
	place, configured := a.Projects.place(f.Project, f.Env)
	if !ok || !configured {
		return s, atFirst(view, "Choose a project, an environment and what you need; the form then shows what to fill in.")
	}
	if m.Digest != f.Digest {
		return s, atFirst(view, outdated)
	}
	s = submission{form: f, module: m, place: place, reason: strings.TrimSpace(typed(view.State, actReason))}
	s.values = f.values(a.shown(f, view))
	var errs catalog.FieldErrors
	s.config, errs = m.Parse(given(m, limits(place), s.values), limits(place))
	wrong = s.atFields(view, errs)
	s.checkReason(view, wrong)
	return s, wrong
}

// moved finds a menu that was used without the form following yet: sent like this,
// the fields would be for something else than what is chosen.
func (f form) moved(state *slack.ViewState) map[string]string {
	for action, want := range map[string]string{actProject: f.Project, actEnvironment: f.Env, actModule: f.Module} {
		block := blockOf(state, action)
		if block == "" {
			continue
		}
		if got := selected(state, action); got != want {
			return map[string]string{block: "The form is being drawn for this choice. Please fill it in and press the button again."}
		}
	}
	return nil
}

// atFields puts each error at its field. An error of a field that is not shown
// stands at the first that is; errors of pages to come are asked for there.
func (s submission) atFields(view slack.View, errs catalog.FieldErrors) map[string]string {
	wrong := map[string]string{}
	for _, e := range errs {
		block := blockOf(view.State, actField+e.Field)
		switch {
		case block != "":
			wrong[block] = cut(strings.TrimSpace(wrong[block]+" "+e.Message), limitFieldError)
		case s.form.lastPage(s.module):
			for b, text := range atFirst(view, hiddenError(s.module, e)) {
				wrong[b] = cut(strings.TrimSpace(wrong[b]+" "+text), limitFieldError)
			}
		}
	}
	return wrong
}

// hiddenError names the field, since it stands at another.
func hiddenError(m *catalog.Module, e catalog.FieldError) string {
	f, ok := m.Field(e.Field)
	switch {
	case !ok:
		return e.Message
	case f.Advanced:
		return fmt.Sprintf("“%s” among the advanced options: %s", f.Label, e.Message)
	default:
		return fmt.Sprintf("“%s” on another page: %s", f.Label, e.Message)
	}
}

func (s submission) checkReason(view slack.View, wrong map[string]string) {
	block := blockOf(view.State, actReason)
	if block == "" {
		return
	}
	fault := secretscan.CheckInput(s.reason, invisible.Lines)
	switch {
	case s.reason == "":
		wrong[block] = "Say in a few words why it is needed; reviewers read this."
	case utf8.RuneCountInString(s.reason) > maxReason:
		wrong[block] = fmt.Sprintf("At most %d characters, please.", maxReason)
	case fault != nil:
		wrong[block] = cut(fmt.Sprintf("The reason %s.", fault), limitFieldError)
	}
}

// atFirst is an error for the form as a whole, at its first input.
func atFirst(view slack.View, text string) map[string]string {
	for _, b := range view.Blocks.BlockSet {
		if in, ok := b.(*slack.InputBlock); ok && in.BlockID != "" {
			return map[string]string{in.BlockID: cut(text, limitFieldError)}
		}
	}
	return map[string]string{actReason: cut(text, limitFieldError)}
}

// save makes the request. The id was drawn when the form opened, so that sending it
// again makes nothing twice.
func (a *App) save(ctx context.Context, cb slack.InteractionCallback, s submission) {
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.unsaved(ctx, cb, v, s)
		return
	}
	if no := a.refusal(v, rbac.Create, rbac.ScopeIn(s.place.Rules())); no != "" {
		a.answer(ctx, cb, notice("Not saved", words("Nothing was saved. "+no)), "Nothing was saved. "+escape(no))
		return
	}
	if ok, no := s.module.Allows(string(a.Policy.Role(v.subject())), s.place.Project); !ok {
		a.answer(ctx, cb, notice("Not saved", words("Nothing was saved: "+no+".")), "Nothing was saved: "+escape(no)+".")
		return
	}
	doc, err := a.Documents.Create(ctx, a.document(v, s))
	switch {
	case errors.Is(err, store.ErrExists) && doc.Request.Requester.SlackUser == v.SlackUser:
		// sent twice: the first one counts
	case err != nil:
		a.Log.Error("create request", keyRequest, s.form.ID, keyError, err)
		a.unsaved(ctx, cb, v, s)
		return
	}
	a.told(ctx, doc.Request)
	a.saved(ctx, cb, doc.Request)
}

// unsaved shows the form again with everything that was entered. Closed, it is lost.
func (a *App) unsaved(ctx context.Context, cb slack.InteractionCallback, v visitor, s submission) {
	s.form.Reason = s.reason
	f, vals := s.form.keep(s.module, s.values)
	if !a.draw(ctx, v, cb.View.ID, "", page{f, vals, notSaved}) {
		title := view.Name(a.document(v, s))
		a.direct(ctx, cb.User.ID, fmt.Sprintf("%s was not saved; nothing was made. Start again with `%s request`.", escape(title), a.name()))
	}
}

const notSaved = "Saving did not work, because TfPilot cannot reach its storage at this moment. Your entries are all here: press the button again in a minute. Nothing is made twice."

// document is the request that a form makes.
func (a *App) document(v visitor, s submission) lifecycle.Request {
	p, _ := a.Projects.project(s.place.Project)
	id := s.form.ID
	return lifecycle.New(lifecycle.NewRequest{
		ID:            id,
		Title:         TitleOf(s.module, s.config),
		Reason:        s.reason,
		Requester:     v.Person,
		Project:       p.Name,
		Environment:   lifecycle.Environment{Key: s.place.Key, Slug: s.place.Slug},
		Module:        s.module.Name,
		CatalogDigest: s.module.Digest,
		Config:        s.config,
		Target: lifecycle.Target{
			Owner: p.Owner, Repo: p.Repo, Base: p.Base,
			Branch: lifecycle.RequestBranch(id),
			Path:   fmt.Sprintf("envs/%s/%s/tfpilot_%s.tf", s.place.Key, s.place.Slug, id),
		},
	}, v.actor(), now())
}

// maxTitle bounds a request's title in runes.
const maxTitle = 100

// TitleOf names a request in words: what it is and what it is called.
func TitleOf(m *catalog.Module, config map[string]any) string {
	for _, f := range m.Fields {
		name, ok := config[f.Name].(string)
		if ok && f.Required && f.Kind == catalog.Text && name != "" {
			return oneLine(m.Title+" "+name, maxTitle)
		}
	}
	return oneLine(m.Title, maxTitle)
}

// saved says so at once, then again with a link when the card stands. Where the window
// is closed, the card in the person's messages says it.
func (a *App) saved(ctx context.Context, cb slack.InteractionCallback, r lifecycle.Request) {
	shown := a.redraw(ctx, cb.View.ID, "", savedView(r, nil, a.Projects.of(r).Channel))
	if err := a.Cards.Refresh(ctx, r.ID); err != nil {
		a.Log.Warn("first card", keyRequest, r.ID, keyError, err)
	}
	if doc, err := a.Documents.Get(ctx, r.ID); err == nil {
		r = doc.Request
	}
	links := a.Cards.links(ctx, r, cb.User.ID)
	switch {
	case shown && len(links) > 0:
		a.redraw(ctx, cb.View.ID, "", savedView(r, links, ""))
	case !shown && !slices.ContainsFunc(r.Slack.Messages, ownCard):
		a.direct(ctx, cb.User.ID, fmt.Sprintf("Request submitted: %s. %s", escape(view.Name(r)), savedNext))
	}
}

// ownCard finds the card in the requester's messages.
func ownCard(m lifecycle.Message) bool { return m.Role == lifecycle.RoleDM && m.TS != "" }

const savedNext = "TfPilot opens a pull request and runs a plan. Follow the request in your direct messages."

// savedView says that the request is saved, and where to follow it.
func savedView(r lifecycle.Request, links []hyperlink, channel string) slack.ModalViewRequest {
	blocks := []slack.Block{
		rich(line(emoji("white_check_mark"), text(" "), bold("Request submitted: "+view.Name(r)+"."))),
		words(savedNext),
	}
	var where []string
	for _, l := range links {
		where = append(where, linkTo(l.url, l.label))
	}
	if len(where) == 0 && channel != "" {
		where = append(where, "Follow it in <#"+escape(channel)+"> or in your direct messages.")
	}
	if len(where) > 0 {
		blocks = append(blocks, section(strings.Join(where, " · ")))
	}
	return notice("Saved", append(blocks, smallPrint("`"+escape(r.ID)+"`"))...)
}

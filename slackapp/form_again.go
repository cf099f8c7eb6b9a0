package slackapp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A request that ended, or whose first plan failed, can be the start of another: the form opens
// with its inputs, and a person corrects and submits them. The new request has nothing else in
// common with the old one. Any reader may do that, with the rights of a new request.

// requestAgain opens the form with the inputs of a request.
func (a *App) requestAgain(ctx context.Context, cb slack.InteractionCallback, id string) {
	waiting := loading(titleRequest, "Loading the form…")
	err := a.openDrawn(ctx, cb.TriggerID, time.Now(), waiting, func(ctx context.Context) slack.ModalViewRequest {
		refused := func(err error) slack.ModalViewRequest {
			return notice(titleRequest, blocks.Paragraph(a.refusal(err, keyRequest, id).Text))
		}
		v, err := a.clickCaller(ctx, cb)
		if err != nil {
			return refused(err)
		}
		if refusal := a.Requests.MayOpenAnywhere(v); refusal != nil {
			return refused(refusal)
		}
		doc, err := a.Requests.Get(ctx, v, id)
		if err != nil {
			return refused(err)
		}
		f, values := a.likeRequest(form{ID: request.NewID()}, doc.Request)
		return a.formView(v, formPage{form: f, values: values})
	})
	if err != nil {
		a.Log.Warn("open form", keyCode, errorCode(err), keyError, err)
		a.replyTo(ctx, cb, "The form could not be opened in time. Click the button again.")
	}
}

// likeRequest fills the form with the inputs of a request, and names those that the form cannot hold.
func (a *App) likeRequest(f form, r lifecycle.Request) (form, map[string]string) {
	f.Project, f.Env, f.Module, f.Reason = r.Project, r.Environment.String(), r.Module, r.Reason
	f.Note = fmt.Sprintf("Filled in from “%s”. Check every field before you create the request.",
		blocks.OneLine(r.Title, maxTitle))
	values := map[string]string{}
	m, ok := a.Requests.Catalog.Module(r.Module)
	if !ok {
		f.Module = ""
		f.Note = fmt.Sprintf("The module of “%s” is no longer in the catalog. Choose another.",
			blocks.OneLine(r.Title, maxTitle))
		return f, values
	}
	env, _ := a.directory().environment(f.Project, f.Env)
	var lost []string
	for name, v := range r.Config {
		field, known := m.Field(name)
		raw, accepted := "", false
		if known {
			raw, accepted = rawOf(fieldIn(*field, limits(env)), v)
		}
		if !accepted {
			lost = append(lost, name)
			continue
		}
		values[name] = raw
		f.Advanced = f.Advanced || field.Advanced && !untouched(*field, limits(env), raw)
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		f.Note += fmt.Sprintf(" Not filled in, because the module or environment no longer accepts it: %s.",
			strings.Join(lost, ", "))
	}
	return f.keep(m, touched(m, limits(env), values))
}

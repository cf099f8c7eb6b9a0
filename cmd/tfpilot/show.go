package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/view"
)

// show prints the view of a request, which Slack's card is drawn from too. With --as it adds to each
// action whether that person can take it, and why not. As JSON it is the view itself beside the document.
func (k *console) show(ctx context.Context, doc store.Doc) error {
	r, now := doc.Request, time.Now().UTC()
	v, err := k.view(ctx, r, now)
	if err != nil {
		return err
	}
	var options []request.Option
	if k.as != "" {
		who, err := k.caller(ctx)
		if err != nil {
			return err
		}
		options = k.requests.Options(who, r, now)
	}
	if k.json {
		printed := map[string]any{
			"status":   v.Status,
			"archived": doc.Archived,
			"actions":  v.Actions,
			"view":     v,
			"request":  r,
		}
		if k.as != "" {
			printed["actions"] = options
		}
		return k.print(printed)
	}
	for _, line := range terminal.Request(v) {
		_, _ = fmt.Fprintln(k.out, line)
	}
	if k.as != "" {
		return terminal.Options(k.out, k.as, options)
	}
	return terminal.Actions(k.out, v.Actions)
}

// view gathers what a request is shown from. Only an intent that waits needs the state of the environment.
func (k *console) view(ctx context.Context, r lifecycle.Request, now time.Time) (view.Request, error) {
	f := view.Facts{Request: r, Now: now}
	f.Module, _ = k.Catalog.Module(r.Module)
	env, _ := k.Config.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
	f.Protected = lifecycle.Protected(r.Environment.Key, env.Protected)
	if len(r.Wanted) > 0 {
		var err error
		if f.Environment, err = k.Store.Environment(ctx, r.Project, r.Environment); err != nil {
			return view.Request{}, err
		}
	}
	return view.OfRequest(f), nil
}

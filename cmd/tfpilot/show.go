package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
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
	for _, line := range showLines(v) {
		_, _ = fmt.Fprintln(k.out, line)
	}
	if k.as != "" {
		return k.printOptions(options)
	}
	var next []string
	for _, o := range v.Actions {
		row, _ := o.Action.Row()
		next = append(next, row.Command)
	}
	_, err = fmt.Fprintf(k.out, "Next actions: %s\n", cmp.Or(strings.Join(next, ", "), "none"))
	return err
}

// command is the name of an action on the command line.
func command(o request.Option) string {
	row, _ := o.Action.Row()
	return row.Command
}

func (k *console) printOptions(options []request.Option) error {
	var allowed []string
	for _, o := range options {
		if o.Allowed {
			allowed = append(allowed, command(o))
		}
	}
	_, err := fmt.Fprintf(k.out, "Next actions for %s: %s\n", k.as, cmp.Or(strings.Join(allowed, ", "), "none"))
	for _, o := range options {
		if !o.Allowed && err == nil {
			_, err = fmt.Fprintf(k.out, "  not %s: %s\n", command(o), o.Refusal)
		}
	}
	return err
}

// view gathers what a request is shown from. Only an intent that waits needs the state of the environment.
func (k *console) view(ctx context.Context, r lifecycle.Request, now time.Time) (view.Request, error) {
	f := view.Facts{Request: r, Now: now}
	f.Module, _ = k.catalog.Module(r.Module)
	env, _ := k.cfg.Environment(r.Project, r.Environment.Key, r.Environment.Slug)
	f.Protected = lifecycle.Protected(r.Environment.Key, env.Protected)
	if len(r.Wanted) > 0 {
		var err error
		if f.Environment, err = k.store.Environment(ctx, r.Project, r.Environment); err != nil {
			return view.Request{}, err
		}
	}
	return view.OfRequest(f), nil
}

// showLines draws a view for a terminal. What people wrote is on one line, so that it cannot look like a line of ours.
func showLines(v view.Request) []string {
	lines := []string{
		invisible.ShowLine(v.Name()),
		v.Headline + ": " + invisible.ShowLine(v.Sentence),
		"",
		"ID: " + v.ID,
	}
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, f := range v.Fields {
		add("%s: %s", f.Label, invisible.ShowLine(fieldText(f)))
	}
	add("Requested at: %s", v.RequestedAt.UTC().Format(time.RFC3339))
	add("Reason: %s", invisible.ShowLine(cmp.Or(v.Reason, "none given")))
	if v.PullRequest != nil {
		add("Pull request: %s", v.PullRequest.URL)
	}
	if v.Round != nil {
		add("The whole plan: tfpilot requests plan %s", v.ID)
	}
	if v.Removed != nil {
		add("%s:", v.Removed.Title)
		for _, address := range v.Removed.Addresses {
			add("  - %s", invisible.ShowLine(address))
		}
	}
	for _, n := range v.Notices {
		add("%s: %s", invisible.ShowLine(n.Title), invisible.ShowLine(n.Text))
	}
	for _, p := range v.Problems {
		add("%s", p.Title)
		lines = append(lines, indented(p.Output)...)
		lines = append(lines, indented(p.Text)...)
	}
	lines = append(lines, valueLines("Inputs", v.Inputs)...)
	lines = append(lines, "Steps:")
	for _, s := range v.Steps {
		add("  %s: %s%s", s.Name, invisible.ShowLine(s.Note), address(s.Link))
	}
	for _, a := range v.Approvals {
		dismissed := ""
		if a.Dismissed != "" {
			dismissed = ", dismissed: " + invisible.ShowLine(a.Dismissed)
		}
		add(
			"Approval by %s at %s (%s)%s",
			invisible.ShowLine(a.By.Login),
			a.At.UTC().Format(time.RFC3339),
			a.Source,
			dismissed,
		)
	}
	if no := v.Rejection; no != nil {
		add(
			"Rejection by %s at %s: %s",
			invisible.ShowLine(no.By),
			no.At.UTC().Format(time.RFC3339),
			invisible.ShowLine(no.Reason),
		)
	}
	for _, run := range v.Runs {
		add(
			"%s run %d %s%s",
			capital(string(run.Kind)),
			run.Attempt,
			invisible.ShowLine(run.Outcome),
			address(&view.Link{URL: run.URL}),
		)
	}
	return append(lines, valueLines("Outputs", v.Outputs)...)
}

func fieldText(f view.Field) string {
	text := f.Text
	if f.Person != nil {
		text = f.Person.Login
	}
	if f.At != nil {
		text += " at " + f.At.UTC().Format(time.RFC3339)
	}
	return text
}

func address(l *view.Link) string {
	if l == nil || l.URL == "" {
		return ""
	}
	return " " + invisible.ShowLine(l.URL)
}

func valueLines(title string, values []view.Value) []string {
	if len(values) == 0 {
		return nil
	}
	lines := []string{title + ":"}
	for _, v := range values {
		lines = append(lines, fmt.Sprintf("  %s: %s", invisible.ShowLine(v.Label), invisible.ShowLine(v.Text)))
	}
	return lines
}

// indented sets off lines of a machine.
func indented(text string) []string {
	if text == "" {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, "  "+invisible.ShowLine(line))
	}
	return lines
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

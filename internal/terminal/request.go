package terminal

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/view"
)

// Request draws the view of a request. What people wrote is on one line, so that it cannot look like a line of ours.
func Request(v view.Request) []string {
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

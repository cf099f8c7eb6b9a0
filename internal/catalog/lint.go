package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Lint is what the platform team runs, in CI or by hand, before a module reaches people. Loading
// a module proves that its form can be drawn. Lint goes further and asks what requesters would
// meet: does the form accept its own defaults, can the code be planned at all, and does a change
// break the environments that use the module already?
//
// A finding is an error if a plan or a form would certainly fail, and a note if only the author
// can decide. A module is written rarely and used often, so Lint prefers one finding too many.

// Finding is an error in a module, or a note for its author.
type Finding struct {
	Module string `json:"module"`
	Where  string `json:"where"` // file:line, or empty
	Text   string `json:"text"`
	Note   bool   `json:"note"`
}

func (f Finding) String() string {
	text := f.Text
	if f.Note {
		text = "note: " + text
	}
	if f.Where != "" {
		text = f.Where + ": " + text
	}
	return f.Module + ": " + text
}

// WriteFindings prints one line for each finding.
func WriteFindings(out io.Writer, findings []Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
	}
	return nil
}

// WriteFindingsJSON prints the findings as one list.
func WriteFindingsJSON(out io.Writer, findings []Finding) error {
	return json.NewEncoder(out).Encode(append([]Finding{}, findings...))
}

// Lint checks the module directories of a file system before they are used. If previous is not
// nil, it also rejects changes that would break the environments that use the modules: one such
// change stops every plan and destroy.
func Lint(fsys, previous fs.FS) ([]Finding, error) {
	var l linter
	names, err := moduleDirs(fsys)
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	for _, name := range names {
		l.module(fsys, previous, name)
	}
	if err := l.removedModules(fsys, previous); err != nil {
		return nil, err
	}
	return l.findings, nil
}

type linter struct {
	findings []Finding
}

// add reports an error. at may be nil if no line of a file is to blame.
func (l *linter) add(module string, at *hcl.Range, format string, args ...any) {
	where := ""
	if at != nil {
		where = fmt.Sprintf("%s:%d", at.Filename, at.Start.Line)
	}
	l.findings = append(l.findings, Finding{Module: module, Where: where, Text: fmt.Sprintf(format, args...)})
}

// note reports what is worth a check by the author and fails no build.
func (l *linter) note(module string, at *hcl.Range, format string, args ...any) {
	l.add(module, at, format, args...)
	l.findings[len(l.findings)-1].Note = true
}

// module runs all checks on one module. A module that does not load has only the errors of
// loading: without a form and variables the other checks have nothing to read.
func (l *linter) module(fsys, previous fs.FS, name string) {
	m, err := loadModule(fsys, name)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.add(name, nil, "%s", line)
		}
		return
	}
	l.form(m)
	l.untried(m)
	l.code(m)
	if previous == nil {
		return
	}
	if _, err := fs.Stat(previous, name); err != nil {
		return // a new module breaks no one
	}
	l.compare(m, previous)
}

// form parses the form as it looks when opened: each default that it shows, and each choice that
// it offers.
func (l *linter) form(m *Module) {
	shown := map[string]any{}
	for i := range m.Fields {
		field := &m.Fields[i]
		if field.Help == "" {
			l.add(m.Name, nil, "variable %s has no description; it is the help of its field", field.Name)
		}
		text, ok := field.FormText(field.Default)
		switch {
		case !ok:
			l.note(m.Name, nil, "field %s cannot show its default, %s; the form says so, and the field keeps it while it "+
				"is empty", field.Name, Describe(field.Default))
		case text != "":
			shown[field.Name] = text
		}
	}
	// The empty environment has no name and is not protected, so limits that name environments,
	// or protected ones, do not apply. Such a limit may reject a default: the form leaves it
	// empty.
	_, errs := m.Parse(shown, Environment{})
	for _, one := range errs {
		field, visible := m.Field(one.Field)
		if visible && field.Required {
			continue // the field is empty, as in a new form
		}
		if !visible {
			l.add(m.Name, nil, "the default of variable %s is refused: %s", one.Field, one.Message)
			continue
		}
		l.add(m.Name, nil, "the default of field %s, %s, is refused: %s%s", one.Field, Describe(field.Default), one.Message,
			m.bothSides(one.Field))
	}
	for i := range m.Fields {
		l.choices(m, &m.Fields[i])
	}
}

// bothSides returns a hint for a rule in which one side of && or || guards the other.
func (m *Module) bothSides(name string) string {
	v, ok := m.variable(name)
	guards := func(r rule) bool { return strings.Contains(r.source, "||") || strings.Contains(r.source, "&&") }
	if !ok || !slices.ContainsFunc(v.rules, guards) {
		return ""
	}
	return fmt.Sprintf(" Terraform %s tries both sides of && and ||; write CONDITION ? A : B where only one of them "+
		"may be tried.", TerraformVersion)
}

// choices reports the choices that the module's own rules reject. A list item may be valid only
// together with others.
func (l *linter) choices(m *Module, field *Field) {
	for _, choice := range field.Choices {
		value, say := choice.Value, l.add
		if field.Kind == List {
			value, say = []any{value}, l.note
		}
		var errs FieldErrors
		m.validate(map[string]any{field.Name: value}, Environment{}, &errs)
		if errs.on(field.Name) {
			say(m.Name, nil, "field %s offers %s, which its own validation refuses", field.Name, shorten(itemText(choice.Value)))
		}
	}
}

// untried lists the rules that only a plan can evaluate: the requester learns about them late.
func (l *linter) untried(m *Module) {
	for _, v := range m.variables {
		for _, r := range v.rules {
			if r.untried != "" {
				l.note(m.Name, &r.at, "the validation of variable %s %s, so only the plan tries it, not the form", v.name,
					r.untried)
			}
		}
	}
}

// removedModules reports modules that are missing now. Environments call a module by its name,
// and without its code Terraform can plan neither a change nor a destroy there.
func (l *linter) removedModules(fsys, previous fs.FS) error {
	if previous == nil {
		return nil
	}
	names, err := moduleDirs(previous)
	if err != nil {
		return fmt.Errorf("list previous modules: %w", err)
	}
	for _, name := range names {
		if _, err := fs.Stat(fsys, name); errors.Is(err, fs.ErrNotExist) {
			l.add(name, nil, "the module is gone; what was made with it could be neither changed nor destroyed")
		}
	}
	return nil
}

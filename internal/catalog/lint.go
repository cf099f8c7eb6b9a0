package catalog

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Finding is one thing that a module must not do.
type Finding struct {
	Module string
	Where  string // file:line, or empty
	Text   string
}

func (f Finding) String() string {
	if f.Where == "" {
		return f.Module + ": " + f.Text
	}
	return f.Module + ": " + f.Where + ": " + f.Text
}

// Lint checks the module folders of a file system before they are put in use. With the previous state of the same folders (nil
// when there is none) it refuses what would break the environments that use them: one such change stops every plan and destroy.
func Lint(fsys, previous fs.FS) ([]Finding, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list modules: %w", err)
	}
	var l linter
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			l.module(fsys, previous, entry.Name())
		}
	}
	if err := l.removedModules(fsys, previous); err != nil {
		return nil, err
	}
	return l.findings, nil
}

type linter struct {
	findings []Finding
}

func (l *linter) add(module string, at *hcl.Range, format string, args ...any) {
	where := ""
	if at != nil {
		where = fmt.Sprintf("%s:%d", at.Filename, at.Start.Line)
	}
	l.findings = append(l.findings, Finding{Module: module, Where: where, Text: fmt.Sprintf(format, args...)})
}

func (l *linter) module(fsys, previous fs.FS, name string) {
	m, err := loadModule(fsys, name)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.add(name, nil, "%s", line)
		}
		return
	}
	for _, v := range m.variables {
		if strings.TrimSpace(v.description) == "" {
			l.add(name, nil, "variable %s has no description; it is the help of its field", v.name)
		}
	}
	l.examples(m)
	for _, file := range slices.Sorted(maps.Keys(m.files)) {
		if strings.HasSuffix(file, ".tf") {
			l.file(m, file)
		}
	}
	if previous == nil {
		return
	}
	if _, err := fs.Stat(previous, name); err != nil {
		return // a new module breaks nobody
	}
	before, err := readFiles(previous, name)
	if err != nil {
		l.add(name, nil, "previous state: %s", err)
		return
	}
	l.compare(m, before)
}

// examples checks that defaults and choices pass the module's own rules, since a form offers them.
func (l *linter) examples(m *Module) {
	for _, field := range m.Fields {
		offered := field.Choices
		if field.Default != nil {
			offered = append(slices.Clone(offered), Choice{Value: field.Default})
		}
		for _, choice := range offered {
			value := choice.Value
			if _, isList := value.([]any); field.Kind == List && !isList {
				value = []any{value}
			}
			var errs FieldErrors
			m.validate(map[string]any{field.Name: value}, &errs)
			if errs.on(field.Name) {
				l.add(m.Name, nil, "field %s offers %s, which its own validation refuses", field.Name, shorten(field.Text(value)))
			}
		}
	}
}

func (l *linter) file(m *Module, name string) {
	file, diags := hclsyntax.ParseConfig(m.files[name], name, hcl.InitialPos)
	if diags.HasErrors() {
		l.add(m.Name, nil, "%s: %s", name, diags)
		return
	}
	body := file.Body.(*hclsyntax.Body)
	for _, block := range body.Blocks {
		l.block(m, block)
	}
	hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok && call.Name == "plantimestamp" {
			at := call.Range()
			l.add(m.Name, &at, "plantimestamp() differs in every plan, so no plan could ever be applied")
		}
		return nil
	})
}

func (l *linter) block(m *Module, block *hclsyntax.Block) {
	at := block.DefRange()
	switch block.Type {
	case "data", "ephemeral":
		if len(block.Labels) == 0 || block.Labels[0] == "external" || !slices.Contains(m.data, block.Labels[0]) {
			l.add(m.Name, &at, "reads %s %s; list its type under data in tfpilot.yaml, or pass the value in (external is never possible)", block.Type, strings.Join(block.Labels, "."))
		}
	case "provider":
		l.add(m.Name, &at, "a module with a provider block cannot be destroyed once its call is gone; leave the provider to the environment")
	case "resource":
		for _, inner := range block.Body.Blocks {
			if inner.Type == "provisioner" || inner.Type == "connection" {
				inside := inner.DefRange()
				l.add(m.Name, &inside, "%s runs commands that no plan shows", inner.Type)
			}
		}
	case "module":
		if source, err := literalString(block.Body.Attributes["source"]); err != nil || !strings.HasPrefix(source, "./") {
			l.add(m.Name, &at, "calls a module from elsewhere; copy it into a folder of this one")
		}
	}
}

// compare allows only what a file that was written for the previous module survives.
func (l *linter) compare(m *Module, before map[string][]byte) {
	previous, err := parseModule(before)
	if err != nil {
		l.add(m.Name, nil, "previous state: %s", err)
		return
	}
	old := map[string]variable{}
	for _, v := range previous.variables {
		old[v.name] = v
		now, ok := m.variable(v.name)
		switch {
		case !ok:
			l.add(m.Name, nil, "variable %s is gone; make a new module instead", v.name)
		case !now.typ.Equals(v.typ):
			l.add(m.Name, nil, "variable %s has another type; make a new module instead", v.name)
		case now.required() && !v.required():
			l.add(m.Name, nil, "variable %s lost its default; make a new module instead", v.name)
		}
	}
	for _, v := range m.variables {
		if _, known := old[v.name]; !known && v.required() {
			l.add(m.Name, nil, "new variable %s needs a default; make a new module otherwise", v.name)
		}
	}
}

func (l *linter) removedModules(fsys, previous fs.FS) error {
	if previous == nil {
		return nil
	}
	entries, err := fs.ReadDir(previous, ".")
	if err != nil {
		return fmt.Errorf("list previous modules: %w", err)
	}
	for _, entry := range entries {
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if _, err := fs.Stat(fsys, entry.Name()); err != nil {
			l.add(entry.Name(), nil, "the module is gone; what was made with it could be neither changed nor destroyed")
		}
	}
	return nil
}

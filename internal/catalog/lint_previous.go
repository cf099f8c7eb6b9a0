package catalog

import (
	"io/fs"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// An environment calls a module by its path in the infra repository, without a version. A new
// version of the module therefore applies to all environments at once, at their next plan. This
// file compares the module with its previous version and reports what such a plan would do to
// calls that were written for the old one: fail, or destroy and create resources again.
//
// The comparison reads only declarations. It cannot see a change of a resource's arguments; the
// plan of each environment shows those.

// compare rejects changes that break a file written for the previous module.
func (l *linter) compare(m *Module, previous fs.FS) {
	before, err := readFiles(previous, m.Name)
	if err != nil {
		l.add(m.Name, nil, "previous state: %s", err)
		return
	}
	old, err := parseModule(before)
	if err != nil {
		l.add(m.Name, nil, "previous state: %s", err)
		return
	}
	now, _ := parseModule(m.files) // it is loaded, so it parses
	l.compareVariables(m, old)
	l.compareOutputs(m, old, now)
	l.compareFields(m, previous)
	l.compareResources(m, before)
}

// compareVariables applies the rule of compatible interfaces: a new version may ask for less and
// must accept all that the old one accepted.
func (l *linter) compareVariables(m *Module, old parsedModule) {
	known := map[string]bool{}
	for _, v := range old.variables {
		known[v.name] = true
		now, ok := m.variable(v.name)
		switch {
		case !ok:
			l.add(m.Name, nil, "variable %s is gone; make a new module instead", v.name)
			continue
		case !now.typ.Equals(v.typ):
			l.add(m.Name, nil, "variable %s has another type; make a new module instead", v.name)
		case now.required() && !v.required():
			l.add(m.Name, nil, "variable %s lost its default; make a new module instead", v.name)
		}
		for _, r := range now.rules {
			if !slices.ContainsFunc(v.rules, func(was rule) bool { return was.source == r.source }) {
				l.note(m.Name, &r.at, "variable %s has a new validation; a request whose value it refuses can no longer be planned",
					v.name)
			}
		}
	}
	for _, v := range m.variables {
		if !known[v.name] && v.required() {
			l.add(m.Name, nil, "new variable %s needs a default; make a new module otherwise", v.name)
		}
	}
}

// compareOutputs protects files that read module.x.y. They may be written by hand, so the linter
// cannot know which outputs are in use and treats all as used.
func (l *linter) compareOutputs(m *Module, old, now parsedModule) {
	for _, output := range old.outputs {
		i := slices.IndexFunc(now.outputs, func(o Output) bool { return o.Name == output.Name })
		switch {
		case i < 0:
			l.add(m.Name, nil, "output %s is gone; a file that reads it would break every plan of its environment, "+
				"so keep it or make a new module", output.Name)
		case now.outputs[i].Sensitive && !output.Sensitive:
			l.note(m.Name, nil, "output %s is sensitive now; an output of an environment that repeats it must be so too",
				output.Name)
		}
	}
}

// compareFields compares the forms. The previous overlay may break newer rules.
func (l *linter) compareFields(m *Module, previous fs.FS) {
	before, err := loadModule(previous, m.Name)
	if err != nil {
		return
	}
	for _, field := range before.Fields {
		_, isField := m.Field(field.Name)
		if _, exists := m.variable(field.Name); exists && !isField {
			l.note(m.Name, nil, "field %s is no longer in the form; a request that set it cannot be edited", field.Name)
		}
	}
}

// compareResources finds resources that Terraform would destroy and create again under another
// name.
func (l *linter) compareResources(m *Module, before map[string][]byte) {
	was, is := declared(before), declared(m.files)
	for _, dir := range slices.Sorted(maps.Keys(was)) {
		if is[dir].addresses == nil {
			continue // the call that is gone is named where it was written
		}
		for _, address := range slices.Sorted(maps.Keys(was[dir].addresses)) {
			if !is[dir].addresses[address] && !is[dir].moved[address] {
				l.note(m.Name, nil, "%s is gone from %s without a moved block; what was made of it is destroyed, "+
					"and made again if it was only renamed", address, dir)
			}
		}
	}
}

// declarations lists the resources and module calls of one directory, and the addresses in its
// moved and removed blocks.
type declarations struct {
	addresses map[string]bool
	moved     map[string]bool
}

// declared reads the addresses that state files can contain, by directory. It ignores errors: the
// previous version may break rules that are newer than it, and the new one was reported before.
func declared(files map[string][]byte) map[string]declarations {
	ignore := func(*hcl.Range, string, ...any) {}
	all := map[string]declarations{}
	for _, s := range sources(files, ignore) {
		d, ok := all[s.dir()]
		if !ok {
			d = declarations{addresses: map[string]bool{}, moved: map[string]bool{}}
			all[s.dir()] = d
		}
		for _, block := range s.body.Blocks {
			switch {
			case block.Type == "resource" && len(block.Labels) == 2:
				d.addresses[block.Labels[0]+"."+block.Labels[1]] = true
			case block.Type == "module" && len(block.Labels) == 1:
				d.addresses["module."+block.Labels[0]] = true
			case block.Type == "moved" || block.Type == "removed":
				if from := block.Body.Attributes["from"]; from != nil {
					if traversal, diags := hcl.AbsTraversalForExpr(from.Expr); !diags.HasErrors() {
						d.moved[reference(traversal)] = true
					}
				}
			}
		}
	}
	return all
}

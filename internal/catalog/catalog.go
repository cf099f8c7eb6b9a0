// Package catalog owns what people can request: it reads Terraform modules and their overlays,
// describes the form of each, turns what a person or a model gave into a typed config,
// and explains in plain words what is wrong with it.
//
// It is pure after loading: no network, no clock, no state. It does not write Terraform
// (internal/terraform does), draws no form (slackapp does) and decides no rights (internal/rbac
// does); it only reports what a module's overlay allows.
//
// A config contains exactly the values that were entered. A field without an entry is absent and
// uses its module's default. A value that a form cannot show exactly is never put into a field.
package catalog

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/templates"
)

// Catalog is a set of modules by name. It is safe for concurrent use, since nothing changes it.
type Catalog struct {
	modules map[string]*Module
}

// Builtin is the catalog that TfPilot ships.
func Builtin() (*Catalog, error) {
	return Load(BuiltinFS())
}

// BuiltinFS returns the directories of the shipped modules. Pass it first to Load.
func BuiltinFS() fs.FS {
	sub, err := fs.Sub(templates.FS, "modules")
	if err != nil {
		panic(err) // "modules" is a valid path, the only condition of fs.Sub
	}
	return sub
}

// Load reads every module directory of the given file systems. A module of a later one replaces
// the one of the same name. All faults of all modules are reported together.
func Load(fsys ...fs.FS) (*Catalog, error) {
	c := &Catalog{modules: map[string]*Module{}}
	var faults faultList
	for _, one := range fsys {
		names, err := moduleDirs(one)
		if err != nil {
			return nil, fmt.Errorf("list modules: %w", err)
		}
		for _, name := range names {
			m, err := loadModule(one, name)
			if err != nil {
				faults.add("module %s: %w", name, err)
				continue
			}
			c.modules[name] = m
		}
	}
	return c, faults.err()
}

// moduleDirs lists the module directories of a file system, without hidden ones.
func moduleDirs(fsys fs.FS) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Names lists the modules, sorted.
func (c *Catalog) Names() []string {
	names := make([]string, 0, len(c.modules))
	for name := range c.modules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Modules lists the modules, sorted by name.
func (c *Catalog) Modules() []*Module {
	all := make([]*Module, 0, len(c.modules))
	for _, name := range c.Names() {
		all = append(all, c.modules[name])
	}
	return all
}

// Module finds a module by its name.
func (c *Catalog) Module(name string) (*Module, bool) {
	m, ok := c.modules[name]
	return m, ok
}

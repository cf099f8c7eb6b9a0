package cli

import (
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
)

// Project finds a project by the value of an argument or flag.
func Project(cfg *config.Config, what, name string) (config.Project, error) {
	var names []string
	for _, p := range cfg.Projects {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	if name == "" {
		return config.Project{}, Usagef("%s is required: %s", what, strings.Join(names, ", "))
	}
	return config.Project{}, Usagef("%s: unknown project %q; projects: %s", what, name, strings.Join(names, ", "))
}

// Environment finds what --env names.
func Environment(p config.Project, name string) (config.Environment, error) {
	var names []string
	for _, e := range p.Environments {
		if e.String() == name {
			return e, nil
		}
		names = append(names, e.String())
	}
	return config.Environment{}, Usagef(
		"--env: unknown environment %q in %s; environments: %s",
		name,
		p.Name,
		strings.Join(names, ", "),
	)
}

// Inputs reads NAME=VALUE. NAME= empties a list or map, as in a form.
func Inputs(m *catalog.Module, inputs []string) (map[string]any, error) {
	values := map[string]any{}
	for _, in := range inputs {
		name, value, ok := strings.Cut(in, "=")
		if !ok {
			return nil, Usagef("%q is not an input; use NAME=VALUE", in)
		}
		if _, twice := values[name]; twice {
			return nil, Usagef("input %s is set twice", name)
		}
		values[name] = value
		if m == nil || value != "" {
			continue
		}
		if f, ok := m.Field(name); ok && f.Empty() != nil {
			values[name] = f.Empty()
		}
	}
	return values, nil
}

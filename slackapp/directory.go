package slackapp

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// Directory is every project that requests can be made in, as configured.
type Directory []config.Project

// project finds a project by its name.
func (d Directory) project(name string) (config.Project, bool) {
	i := slices.IndexFunc(d, func(p config.Project) bool { return p.Name == name })
	if i < 0 {
		return config.Project{}, false
	}
	return d[i], true
}

// place finds an environment of a project by "key/slug".
func (d Directory) place(project, env string) (config.Environment, bool) {
	p, _ := d.project(project)
	i := slices.IndexFunc(p.Environments, func(e config.Environment) bool { return e.String() == env })
	if i < 0 {
		return config.Environment{}, false
	}
	return p.Environments[i], true
}

// of finds the environment of a request. It is the zero Environment, where nothing
// may be changed, when that is not configured any more.
func (d Directory) of(r lifecycle.Request) config.Environment {
	e, _ := d.place(r.Project, r.Environment.String())
	return e
}

// inChannel finds the environment that a channel is about: the first when several
// share it.
func (d Directory) inChannel(channel string) (config.Environment, bool) {
	all := d.places()
	i := slices.IndexFunc(all, func(e config.Environment) bool { return channel != "" && e.Channel == channel })
	if i < 0 {
		return config.Environment{}, false
	}
	return all[i], true
}

// places lists all environments.
func (d Directory) places() []config.Environment {
	var all []config.Environment
	for _, p := range d {
		all = append(all, p.Environments...)
	}
	return all
}

// limits is the environment as a module's limits see it.
func limits(e config.Environment) catalog.Environment { return request.Limits(e) }

package slackapp

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// Directory lists the configured projects.
type Directory []config.Project

// project finds a project by its name.
func (d Directory) project(name string) (config.Project, bool) {
	i := slices.IndexFunc(d, func(p config.Project) bool { return p.Name == name })
	if i < 0 {
		return config.Project{}, false
	}
	return d[i], true
}

// environment finds an environment of a project by "key/slug".
func (d Directory) environment(project, env string) (config.Environment, bool) {
	p, _ := d.project(project)
	i := slices.IndexFunc(p.Environments, func(e config.Environment) bool { return e.String() == env })
	if i < 0 {
		return config.Environment{}, false
	}
	return p.Environments[i], true
}

// of finds the environment of a request. When it is no longer configured, the result is
// the zero Environment, in which no change is allowed.
func (d Directory) of(r lifecycle.Request) config.Environment {
	e, _ := d.environment(r.Project, r.Environment.String())
	return e
}

// inChannel finds the environment of a channel: the first one when several share it.
func (d Directory) inChannel(channel string) (config.Environment, bool) {
	all := d.environments()
	i := slices.IndexFunc(all, func(e config.Environment) bool { return channel != "" && e.Channel == channel })
	if i < 0 {
		return config.Environment{}, false
	}
	return all[i], true
}

// environments lists all environments.
func (d Directory) environments() []config.Environment {
	var all []config.Environment
	for _, p := range d {
		all = append(all, p.Environments...)
	}
	return all
}

// limits lists all environments as the intake and the limits of modules see them.
func (d Directory) limits() intake.Environments {
	var all intake.Environments
	for _, e := range d.environments() {
		all = append(all, limits(e))
	}
	return all
}

// limits returns the properties of an environment to which a module's limits apply.
func limits(e config.Environment) catalog.Environment { return request.Limits(e) }

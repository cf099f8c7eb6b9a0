package config

import (
	"slices"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Project is a product area with one infra repository.
type Project struct {
	Name, Title       string
	Owner, Repo, Base string
	Environments      []Environment
}

// Environment is one Terraform root, envs/<key>/<slug>/, with one state.
type Environment struct {
	Project      string
	Key, Slug    string
	Channel      string // Slack id
	Protected    bool
	Apply        string // approvers or requester
	Destroy      string // admins or requester
	SelfApproval bool
	Approvals    Approvals
	Region       string
	Backend      Backend
}

// String returns "dev/app".
func (e Environment) String() string { return e.Key + "/" + e.Slug }

// Root returns the directory of the Terraform root.
func (e Environment) Root() string { return lifecycle.Environment{Key: e.Key, Slug: e.Slug}.Root() }

// IsProtected reports whether production rules hold. They always hold in prod.
func (e Environment) IsProtected() bool { return lifecycle.Protected(e.Key, e.Protected) }

// Rules returns the settings that rbac needs.
func (e Environment) Rules() rbac.Environment {
	return rbac.Environment{
		Project: e.Project, Key: e.Key, Slug: e.Slug,
		Protected: e.Protected, Apply: e.Apply, Destroy: e.Destroy, SelfApproval: e.SelfApproval,
	}
}

// Approvals are the settings of an environment for plans that wait for a decision.
type Approvals struct {
	Ask        string // channel or direct
	EscalateTo []string
	lifecycle.Patience
}

// Where approvers are asked.
const (
	AskChannel = "channel"
	AskDirect  = "direct"
)

// Backend is Terraform's S3 backend.
type Backend struct {
	Bucket, Key, Region string
	DynamoDBTable       string
	UseLockfile         bool
}

// Repo is one infra repository.
type Repo struct{ Owner, Name, Base string }

// Project finds a project by its name.
func (s *Structure) Project(name string) (Project, bool) {
	for _, p := range s.Projects {
		if p.Name == name {
			return p, true
		}
	}
	return Project{}, false
}

// Environment finds an environment.
func (s *Structure) Environment(project, key, slug string) (Environment, bool) {
	p, _ := s.Project(project)
	for _, e := range p.Environments {
		if e.Key == key && e.Slug == slug {
			return e, true
		}
	}
	return Environment{}, false
}

// Repos returns every infra repository once.
func (s *Structure) Repos() []Repo {
	var found []Repo
	for _, p := range s.Projects {
		if r := (Repo{p.Owner, p.Repo, p.Base}); !slices.Contains(found, r) {
			found = append(found, r)
		}
	}
	return found
}

package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
)

// Turns the file as written into the structure that the other packages use: every default is
// filled in and every value is checked. After this, no code asks whether a key was set. The
// defaults are repeated in the table of keys, where the documentation takes them from; a fault
// names the path of the key as people write it.

const (
	maxProjects     = 100 // what a Slack menu can offer
	maxEnvironments = 100
	maxTitle        = 60
)

var (
	channelPattern = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	commandPattern = regexp.MustCompile(`^/[a-z0-9_-]{1,31}$`)
)

// resolver turns the file as written into the structure, and collects faults.
type resolver struct {
	*walker
	defaults Defaults
}

// resolve never stops at a fault, so that all of them are reported. The result is used only if
// there are none.
func resolve(raw fileYAML, d Defaults, w *walker) Structure {
	r := resolver{w, d}
	s := Structure{
		Catalog: Catalog{Dir: raw.Catalog.Dir, Replace: raw.Catalog.Replace},
		Command: cmp.Or(raw.Slack.Command, "/tfpilot"),
		Asking: ModelSettings{Timeout: r.duration("model.timeout", raw.Model.Timeout, 8*time.Second, time.Second,
			30*time.Second)},
		Worker: r.worker(raw),
	}
	r.match("slack.command", s.Command, commandPattern, "a slash command such as /tfpilot")
	if s.Catalog.Replace && s.Catalog.Dir == "" {
		r.fault("catalog.replace", "replaces the built-in modules with nothing; set catalog.dir")
	}
	r.count("projects", len(raw.Projects), maxProjects)
	for i, p := range raw.Projects {
		s.Projects = append(s.Projects, r.project(fmt.Sprintf("projects[%d]", i), p))
	}
	r.unique(s.Projects)
	return s
}

func (r resolver) worker(raw fileYAML) WorkerSettings {
	w := WorkerSettings{
		Concurrency: 10,
		Sweep:       r.duration("worker.sweep", raw.Worker.Sweep, time.Minute, time.Second, 5*time.Minute),
		SyncQuick:   r.duration("worker.syncQuick", raw.Worker.SyncQuick, 15*time.Second, time.Second, 10*time.Minute),
		SyncSlow:    r.duration("worker.syncSlow", raw.Worker.SyncSlow, 5*time.Minute, time.Second, 24*time.Hour),
	}
	if n := raw.Worker.Concurrency; n != nil {
		w.Concurrency = *n
	}
	if w.Concurrency < 1 || w.Concurrency > 100 {
		r.fault("worker.concurrency", "must be 1 to 100")
	}
	return w
}

func (r resolver) project(at string, raw projectYAML) Project {
	p := Project{
		Name: raw.Name, Title: cmp.Or(strings.TrimSpace(raw.Title), raw.Name),
		Owner: raw.Owner, Repo: raw.Repo, Base: cmp.Or(raw.Base, "main"),
	}
	r.name(at+".name", p.Name, lifecycle.NameProject)
	r.name(at+".owner", p.Owner, lifecycle.NameOwner)
	r.name(at+".repo", p.Repo, lifecycle.NameRepository)
	r.name(at+".base", p.Base, lifecycle.NameBranch)
	if len([]rune(p.Title)) > maxTitle {
		r.fault(at+".title", "is longer than %d characters", maxTitle)
	}
	r.count(at+".environments", len(raw.Environments), maxEnvironments)
	for i, e := range raw.Environments {
		p.Environments = append(p.Environments, r.environment(fmt.Sprintf("%s.environments[%d]", at, i), p.Name, e))
	}
	return p
}

func (r resolver) environment(at, project string, raw environmentYAML) Environment {
	e := Environment{
		Project: project, Key: raw.Key, Slug: raw.Slug, Channel: raw.Channel,
		Protected:    lifecycle.Protected(raw.Key, raw.Protected != nil && *raw.Protected),
		Apply:        cmp.Or(raw.Apply, "approvers"),
		Destroy:      cmp.Or(raw.Destroy, "admins"),
		SelfApproval: raw.SelfApproval,
		Region:       cmp.Or(raw.Region, r.defaults.Region),
	}
	r.name(at+".key", e.Key, lifecycle.NameEnvironment)
	r.name(at+".slug", e.Slug, lifecycle.NameSlug)
	r.match(at+".channel", e.Channel, channelPattern, "the ID of a Slack channel, C…; find it in the channel's details")
	r.name(at+".region", e.Region, lifecycle.NameRegion)
	r.oneOf(at+".apply", e.Apply, "approvers", rbac.Requester)
	r.oneOf(at+".destroy", e.Destroy, "admins", rbac.Requester)
	// A setting that has no effect would make people believe that the environment is open.
	if lifecycle.Protected(raw.Key, false) && raw.Protected != nil && !*raw.Protected {
		r.fault(at+".protected", "prod is always protected; remove this line or rename the environment")
	}
	if e.Protected && e.SelfApproval {
		r.fault(at+".selfApproval", "authors cannot approve in a protected environment; remove this line")
	}
	e.Approvals = r.approvals(at+".approvals", raw)
	e.Backend = r.backend(at+".backend", e, raw)
	return e
}

// backend fills in where the state is. Native locking is the default; with a DynamoDB table it is
// off unless the file turns it on, because existing environments lock only in the table.
func (r resolver) backend(at string, e Environment, raw environmentYAML) Backend {
	b := Backend{
		Bucket:        raw.Backend.Bucket,
		Key:           cmp.Or(raw.Backend.Key, e.Project+"/"+e.String()+"/terraform.tfstate"),
		Region:        cmp.Or(raw.Backend.Region, e.Region),
		DynamoDBTable: raw.Backend.DynamoDBTable,
		UseLockfile:   raw.Backend.DynamoDBTable == "",
	}
	if raw.Backend.UseLockfile != nil {
		b.UseLockfile = *raw.Backend.UseLockfile
	}
	r.name(at+".bucket", b.Bucket, lifecycle.NameBucket)
	if e.Project != "" && e.Key != "" && e.Slug != "" {
		r.name(at+".key", b.Key, lifecycle.NameStateKey)
	}
	r.name(at+".region", b.Region, lifecycle.NameRegion)
	if b.DynamoDBTable != "" {
		r.name(at+".dynamodbTable", b.DynamoDBTable, lifecycle.NameDynamoDBTable)
	}
	if b.DynamoDBTable == "" && !b.UseLockfile {
		r.fault(at+".useLockfile", "the state would have no lock; set it to true or set dynamodbTable")
	}
	return b
}

func (r resolver) name(at, value string, n lifecycle.Name) { r.check(at, value, n.Valid, n.Want) }

func (r resolver) match(at, value string, pattern *regexp.Regexp, what string) {
	r.check(at, value, pattern.MatchString, what)
}

func (r resolver) check(at, value string, valid func(string) bool, want string) {
	switch {
	case value == "":
		r.fault(at, "is missing: want %s", want)
	case !valid(value):
		r.fault(at, "%q is not valid: want %s", clip(value), want)
	}
}

func (r resolver) oneOf(at, value string, words ...string) {
	for _, w := range words {
		if value == w {
			return
		}
	}
	r.fault(at, "%q is not valid: want %s", clip(value), strings.Join(words, " or "))
}

func (r resolver) count(at string, n, most int) {
	switch {
	case n == 0:
		r.fault(at, "is empty or missing; add at least one")
	case n > most:
		r.fault(at, "has %d entries; the limit is %d", n, most)
	}
}

// duration has bounds on both sides: one that is too short overloads GitHub, and one that is too
// long looks like a process that hangs.
func (r resolver) duration(at, value string, def, least, most time.Duration) time.Duration {
	if value == "" {
		return def
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		r.fault(at, "%q is not valid: want a duration from %s to %s", clip(value), least, most)
		return def
	}
	return d
}

// unique adds a fault for each value that two entries must not share. Two environments
// with one state would destroy each other's resources.
func (r resolver) unique(projects []Project) {
	seen := map[string]string{}
	once := func(at, what, id string) {
		if strings.Contains(" "+id+"/", " /") || strings.Contains(id, "//") {
			return // a part is missing, which is already a fault
		}
		if before, twice := seen[what+" "+id]; twice {
			r.fault(at, "the %s %s is already used by %s", what, clip(id), before)
			return
		}
		seen[what+" "+id] = at
	}
	repos := map[string]string{}
	for i, p := range projects {
		at := fmt.Sprintf("projects[%d]", i)
		repo := strings.ToLower(p.Owner + "/" + p.Repo)
		once(at+".name", "name", p.Name)
		// Its workflow files contain the name of one project and refuse runs of others.
		if first, known := repos[repo]; known && p.Owner != "" && p.Repo != "" {
			r.fault(at+".repo", "%s is already the repository of %s, and a repository belongs to one project; "+
				"use another one, or move these environments there", clip(repo), first)
		} else {
			repos[repo] = at
		}
		for j, e := range p.Environments {
			at := fmt.Sprintf("%s.environments[%d]", at, j)
			once(at+".slug", "Terraform root", repo+"/"+e.Root())
			once(at+".backend.key", "state", e.Backend.Bucket+"/"+e.Backend.Key)
		}
	}
}

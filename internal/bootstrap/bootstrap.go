// Package bootstrap renders an infra repository: the workflows, the catalog's
// modules, one Terraform root for each environment, CODEOWNERS and README. A person
// commits the result; the App never gets the right to write workflows. It owns
// which constants go where; the texts are in templates, the logic of a run is
// internal/ci's.
package bootstrap

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Project is one infra repository.
type Project struct {
	Name           string        // required
	Repo           string        // required; owner/name, for the README
	RequestsBucket string        // required
	Region         string        // required; of the requests bucket, and of what says no other
	Backend        Backend       // of environments that have none of their own
	Environments   []Environment // may be empty; roots can be added later
	Release        Release
	Terraform      string   // required; version that the runs use, 1.11.4
	Modules        []string // names of templates/modules; all when empty
	Owners         []string // GitHub teams or logins that review workflows and modules
	Runs           Runs
}

// Runs is as whom and where the workflows of a repository work. Everything of it is a
// constant of the reviewed workflow files: anyone who may write to a repository may change
// its variables.
type Runs struct {
	PlanRole  string // required; ARN
	ApplyRole string // required; ARN
	Runner    string // label; ubuntu-24.04 when empty
	Actor     string // login that dispatches; tfpilot[bot] when empty
	Releases  string // address below which releases are; TfPilot's own when empty
}

// Defaults of Runs.
const (
	DefaultRunner   = "ubuntu-24.04"
	DefaultActor    = "tfpilot[bot]"
	DefaultReleases = "https://github.com/tfpilot/tfpilot/releases/download"
)

// Backend is where a state is kept. Its lock arguments are part of the state's
// identity.
type Backend struct {
	Bucket        string // required
	Region        string // the environment's when empty
	UseLockfile   bool
	DynamoDBTable string
}

// Environment is one root.
type Environment struct {
	Key, Slug string   // required
	Region    string   // the project's when empty
	StateKey  string   // <project>/<key>/<slug>/terraform.tfstate when empty
	Backend   *Backend // the project's when nil
}

// Release is the tfpilot-ci that the workflows fetch: its version and the SHA-256 of
// each asset by name, for example tfpilot-ci_0.1.0_Linux_X64.
type Release struct {
	Version   string
	Checksums map[string]string
}

var (
	versionRE  = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
	sha256RE   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	roleRE     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$`)
	runnerRE   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	actorRE    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}(\[bot\])?$`)
	releasesRE = regexp.MustCompile(`^(https://[A-Za-z0-9.-]+(:[0-9]+)?|http://(127\.0\.0\.1|localhost|\[::1\])` +
		`(:[0-9]+)?)(/[A-Za-z0-9._~-]+)*$`)
	ownerRE = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9_.-]+)?$`)
)

// check reports all faults together.
func (p Project) check() error {
	errs := []error{p.checkConstants(nil), valid("repository", p.Repo, lifecycle.ValidRepository, "owner/name")}
	for _, e := range p.Environments {
		errs = append(errs, e.check(), p.backend(e).check())
	}
	for _, o := range p.Owners {
		errs = append(errs, valid("owner", o, ownerRE.MatchString, "@org/team or @login"))
	}
	return errors.Join(errs...)
}

func valid(what, value string, matches func(string) bool, want string) error {
	if matches(value) {
		return nil
	}
	return fmt.Errorf("%s %.200q is not valid: want %s", what, value, want)
}

// checkConstants checks the constants of the workflow files: all of them, or only those
// that were found in a repository.
func (p Project) checkConstants(found map[string][]string) error {
	var errs []error
	check := func(constant, what, value string, matches func(string) bool, want string) {
		if found == nil || found[constant] != nil {
			errs = append(errs, valid(what, value, matches, want))
		}
	}
	match := func(constant, what, value string, re *regexp.Regexp, right string) {
		check(constant, what, value, re.MatchString, right)
	}
	check("project", "project name", p.Name, lifecycle.NameProject.Valid, lifecycle.NameProject.Want)
	check("requests_bucket", "requests bucket", p.RequestsBucket, lifecycle.NameBucket.Valid, lifecycle.NameBucket.Want)
	check("region", "region", p.Region, lifecycle.NameRegion.Valid, lifecycle.NameRegion.Want)
	match("terraform_version", "Terraform version", p.Terraform, versionRE, "one such as 1.11.4")
	match("version", "release version", p.Release.Version, versionRE, "one such as 0.1.0, without v")
	if len(p.Release.Checksums) == 0 && (found == nil || found["checksums"] != nil) {
		errs = append(errs, errors.New("the release has no checksums"))
	}
	asset := regexp.MustCompile(`^tfpilot-ci_` + regexp.QuoteMeta(p.Release.Version) + `_[A-Za-z]+_[A-Z0-9]+$`)
	for name, sum := range p.Release.Checksums {
		match("checksums", "checksum of "+name, sum, sha256RE, "the 64 digits a-f, 0-9 of SHA256SUMS")
		match("checksums", "asset", name, asset, "tfpilot-ci_"+p.Release.Version+
			"_Linux_X64, or another of that release's SHA256SUMS")
	}
	r := p.runs()
	match("plan_role", "plan role", r.PlanRole, roleRE, "the ARN of an IAM role")
	match("apply_role", "apply role", r.ApplyRole, roleRE, "the ARN of an IAM role")
	match("runner", "runner", r.Runner, runnerRE, "one runner label, such as "+DefaultRunner)
	match("actor", "actor", r.Actor, actorRE, "the App's login, such as "+DefaultActor)
	match("releases", "releases", r.Releases, releasesRE, "an https address without a slash at its end")
	if r.PlanRole == r.ApplyRole && r.PlanRole != "" {
		errs = append(errs, errors.New("the plan role and the apply role are the same: code that a plan runs must not be "+
			"able to apply"))
	}
	return errors.Join(errs...)
}

func (e Environment) check() error {
	switch {
	case !lifecycle.NameEnvironment.Valid(e.Key) || !lifecycle.NameSlug.Valid(e.Slug):
		return fmt.Errorf("environment %q/%q is not valid", e.Key, e.Slug)
	case e.Region != "" && !lifecycle.NameRegion.Valid(e.Region):
		return fmt.Errorf("region %q of %s/%s is not valid", e.Region, e.Key, e.Slug)
	case e.StateKey != "" && !lifecycle.NameStateKey.Valid(e.StateKey):
		return fmt.Errorf("state key %q of %s/%s is not valid", e.StateKey, e.Key, e.Slug)
	}
	return nil
}

func (b Backend) check() error {
	switch {
	case !lifecycle.NameBucket.Valid(b.Bucket):
		return fmt.Errorf("state bucket %q is not valid", b.Bucket)
	case b.Region != "" && !lifecycle.NameRegion.Valid(b.Region):
		return fmt.Errorf("region %q of state bucket %s is not valid", b.Region, b.Bucket)
	case b.DynamoDBTable != "" && !lifecycle.NameDynamoDBTable.Valid(b.DynamoDBTable):
		return fmt.Errorf("DynamoDB table %q is not valid", b.DynamoDBTable)
	case !b.UseLockfile && b.DynamoDBTable == "":
		return errors.New("the backend has no lock: set use_lockfile or a DynamoDB table")
	}
	return nil
}

// StateKey is the key of an environment's state in the state bucket.
func StateKey(project string, e Environment) string {
	return cmp.Or(e.StateKey, project+"/"+e.Key+"/"+e.Slug+"/terraform.tfstate")
}

// runs is Runs with its defaults.
func (p Project) runs() Runs {
	r := p.Runs
	r.Runner, r.Actor, r.Releases = cmp.Or(r.Runner, DefaultRunner), cmp.Or(r.Actor, DefaultActor), cmp.Or(r.Releases,
		DefaultReleases)
	return r
}

// backend is where an environment keeps its state.
func (p Project) backend(e Environment) Backend {
	if e.Backend != nil {
		return *e.Backend
	}
	return p.Backend
}

// Render makes the whole tree of the repository, by path. templates holds
// modules/, environment/ and workflows/.
func Render(p Project, templates fs.FS) (map[string][]byte, error) {
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("render infra repository: %w", err)
	}
	tree := map[string][]byte{
		"README.md":          []byte(readme(p)),
		".github/CODEOWNERS": []byte(codeowners(p)),
		".gitignore":         []byte(".terraform/\n*.tfplan\nerrored.tfstate\n"),
	}
	for _, step := range []func(Project, fs.FS, map[string][]byte) error{workflows, modules, environments} {
		if err := step(p, templates, tree); err != nil {
			return nil, fmt.Errorf("render infra repository: %w", err)
		}
	}
	return tree, nil
}

// workflows puts the constants of this repository into the workflow files.
func workflows(p Project, templates fs.FS, tree map[string][]byte) error {
	names, err := Workflows(templates)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(templates, "workflows/"+name)
		if err != nil {
			return fmt.Errorf("read workflow: %w", err)
		}
		out, err := Workflow(p, text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		tree[WorkflowDir+name] = out
	}
	return nil
}

var placeholder = regexp.MustCompile(`["']@([a-z0-9_]+)@["']`)

// Workflow replaces the quoted placeholders of one workflow file by quoted constants. A
// JSON string is a YAML string; single quotes belong to an expression.
func Workflow(p Project, text []byte) ([]byte, error) {
	runs := p.runs()
	values := map[string]string{
		"plan_role": runs.PlanRole, "apply_role": runs.ApplyRole, "runner": runs.Runner, "actor": runs.Actor,
		"releases": runs.Releases,
		"version":  p.Release.Version, "checksums": checksums(p.Release), "project": p.Name,
		"requests_bucket": p.RequestsBucket,
		"region":          p.Region, "terraform_version": p.Terraform,
	}
	var unknown error
	out := placeholder.ReplaceAllFunc(text, func(m []byte) []byte {
		value, ok := values[string(m[2:len(m)-2])]
		if !ok {
			unknown = fmt.Errorf("placeholder %s is not known", m)
		}
		if m[0] == '\'' {
			return []byte("'" + strings.ReplaceAll(value, "'", "''") + "'")
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			unknown = err
		}
		return quoted
	})
	return out, unknown
}

func checksums(r Release) string {
	var lines []string
	for name, sum := range r.Checksums {
		lines = append(lines, sum+"  "+name)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

func modules(p Project, templates fs.FS, tree map[string][]byte) error {
	wanted := map[string]bool{}
	for _, m := range p.Modules {
		wanted[m] = true
	}
	return fs.WalkDir(templates, "modules", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("list modules: %w", err)
		}
		parts := strings.Split(name, "/")
		if d.IsDir() || len(parts) < 3 || len(wanted) > 0 && !wanted[parts[1]] {
			return nil
		}
		text, err := fs.ReadFile(templates, name)
		if err != nil {
			return fmt.Errorf("read module: %w", err)
		}
		tree[name] = text
		return nil
	})
}

// environments renders a root for each environment.
func environments(p Project, templates fs.FS, tree map[string][]byte) error {
	for _, e := range p.Environments {
		root, err := Root(p, e, templates)
		if err != nil {
			return err
		}
		for name, text := range root {
			tree[name] = text
		}
	}
	return nil
}

// Root renders one root, envs/<key>/<slug>/, by path. Values are set in the parsed
// file, so none of them can be anything but a value.
func Root(p Project, e Environment, templates fs.FS) (map[string][]byte, error) {
	if err := errors.Join(e.check(), p.backend(e).check()); err != nil {
		return nil, err
	}
	files, err := fs.Glob(templates, "environment/*.tf")
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("list files of an environment: %d found: %w", len(files), err)
	}
	tree := map[string][]byte{}
	for _, name := range files {
		text, err := fs.ReadFile(templates, name)
		if err != nil {
			return nil, fmt.Errorf("read environment: %w", err)
		}
		f, diags := hclwrite.ParseConfig(text, name, hcl.InitialPos)
		if diags.HasErrors() {
			return nil, fmt.Errorf("parse %s: %w", name, diags)
		}
		fill(f.Body(), p, e)
		tree["envs/"+e.Key+"/"+e.Slug+"/"+path.Base(name)] = hclwrite.Format(f.Bytes())
	}
	return tree, nil
}

// fill sets the values of backend and provider blocks.
func fill(body *hclwrite.Body, p Project, e Environment) {
	region := cmp.Or(e.Region, p.Region)
	for _, block := range body.Blocks() {
		switch block.Type() {
		case "terraform":
			fill(block.Body(), p, e)
		case "provider":
			block.Body().SetAttributeValue("region", cty.StringVal(region))
		case "backend":
			b, to := p.backend(e), block.Body()
			to.SetAttributeValue("bucket", cty.StringVal(b.Bucket))
			to.SetAttributeValue("key", cty.StringVal(StateKey(p.Name, e)))
			to.SetAttributeValue("region", cty.StringVal(cmp.Or(b.Region, region)))
			to.RemoveAttribute("use_lockfile")
			if b.UseLockfile {
				to.SetAttributeValue("use_lockfile", cty.True)
			}
			if b.DynamoDBTable != "" {
				to.SetAttributeValue("dynamodb_table", cty.StringVal(b.DynamoDBTable))
			}
		}
	}
}

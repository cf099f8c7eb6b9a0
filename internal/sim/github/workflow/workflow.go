// Package workflow parses GitHub Actions workflow files as GitHub's server does when it dispatches
// one: inputs and their rules, run name, concurrency, permissions, steps and time limits. It owns those rules
// and the small part of the expression language that they need. It runs no step.
package workflow

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Limits of workflow_dispatch.
const (
	MaxInputs     = 25
	MaxInputsOld  = 10 // GitHub Enterprise Server up to 3.19
	MaxInputBytes = 65535
)

// ErrNoDispatch means that a file cannot be started by hand.
var ErrNoDispatch = errors.New("workflow has no workflow_dispatch trigger")

// File is one parsed workflow file.
type File struct {
	Name        string // as shown; the path if the file has no name
	RunName     string // an expression; may be empty
	Dispatch    bool
	Inputs      map[string]Input
	Permissions map[string]string // of the run's token: scope to read or write
	JobID       string            // of the first job
	JobName     string
	Steps       []Step // of the first job
	Jobs        int
	Timeout     time.Duration // the longest of its jobs

	groups []group
}

// Input is one input of workflow_dispatch.
type Input struct {
	Type     string // string, boolean, choice, number, environment
	Default  string
	Required bool
	Options  []string
}

// Step is one step of a job.
type Step struct {
	ID   string // or the id that act assigns
	Name string // as shown
	Uses string // owner/name@ref or a path; empty for a script
	Late bool   // its condition lets it run in a canceled job
}

type group struct {
	name, cancel string
	queue        bool // queue: max
}

// Group is a concurrency group of one run.
type Group struct {
	Name             string // lower case: the case of a group does not matter
	CancelInProgress bool
	Queue            bool // keeps every waiting run, not only the newest
}

// Parse parses the file at filePath. It returns an error if GitHub would call the workflow file
// invalid.
func Parse(filePath string, data []byte) (*File, error) {
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("failed to parse workflow: %s", firstLine(err))
	}
	jobs, ok := doc["jobs"].(map[string]any)
	if !ok || len(jobs) == 0 {
		return nil, fmt.Errorf("failed to parse workflow: Required property is missing: jobs")
	}
	if doc["on"] == nil {
		return nil, fmt.Errorf("failed to parse workflow: Required property is missing: on")
	}
	f := &File{Name: cmp.Or(text(doc["name"]), filePath), RunName: text(doc["run-name"])}
	if err := f.readTrigger(doc["on"]); err != nil {
		return nil, err
	}
	if err := f.addGroup(doc["concurrency"]); err != nil {
		return nil, err
	}
	return f, f.readJobs(doc["permissions"], jobs)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (f *File) readTrigger(on any) error {
	switch on := on.(type) {
	case string:
		f.Dispatch = on == "workflow_dispatch"
	case []any:
		f.Dispatch = slices.Contains(on, any("workflow_dispatch"))
	case map[string]any:
		trigger, ok := on["workflow_dispatch"]
		f.Dispatch = ok
		body, _ := trigger.(map[string]any)
		inputs, _ := body["inputs"].(map[string]any)
		return f.readInputs(inputs)
	}
	return nil
}

func (f *File) readInputs(inputs map[string]any) error {
	if len(inputs) > MaxInputs {
		return fmt.Errorf("failed to parse workflow: you may only define up to %d `inputs` for a `workflow_dispatch` event",
			MaxInputs)
	}
	f.Inputs = make(map[string]Input, len(inputs))
	for name, raw := range inputs {
		body, _ := raw.(map[string]any)
		in := Input{Type: text(body["type"]), Default: text(body["default"]), Required: body["required"] == true}
		if in.Type == "" {
			in.Type = "string"
		}
		options, _ := body["options"].([]any)
		for _, o := range options {
			in.Options = append(in.Options, text(o))
		}
		f.Inputs[name] = in
	}
	return nil
}

func (f *File) readJobs(top any, jobs map[string]any) error {
	f.Permissions = map[string]string{}
	ids := make([]string, 0, len(jobs))
	for id := range jobs {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return jobBefore(jobs, ids[i], ids[j]) })
	for _, id := range ids {
		job, ok := jobs[id].(map[string]any)
		if !ok {
			return fmt.Errorf("failed to parse workflow: job %q is not a mapping", id)
		}
		if err := f.addGroup(job["concurrency"]); err != nil {
			return err
		}
		perms, ok := job["permissions"]
		if !ok {
			perms = top
		}
		f.addPermissions(perms)
		f.Timeout = max(f.Timeout, jobTimeout(job["timeout-minutes"]))
	}
	first := jobs[ids[0]].(map[string]any)
	f.JobID, f.JobName, f.Jobs = ids[0], cmp.Or(text(first["name"]), ids[0]), len(ids)
	return f.readSteps(first["steps"])
}

var (
	usesRE = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[A-Za-z0-9_./-]+$`)
	// lateRE matches the functions that GitHub evaluates again after a cancel.
	lateRE = regexp.MustCompile(`(?i)\b(always|cancelled|failure)\s*\(`)
)

func (f *File) readSteps(v any) error {
	steps, _ := v.([]any)
	for i, raw := range steps {
		s, _ := raw.(map[string]any)
		uses := text(s["uses"])
		if uses != "" && !strings.HasPrefix(uses, "./") && !usesRE.MatchString(uses) {
			return fmt.Errorf("failed to parse workflow: step %d: uses %q is not owner/name@ref", i+1, uses)
		}
		what, _, _ := strings.Cut(uses+text(s["run"]), "\n")
		f.Steps = append(f.Steps, Step{ID: cmp.Or(text(s["id"]), strconv.Itoa(i)), Uses: uses,
			Name: cmp.Or(text(s["name"]), "Run "+what), Late: lateRE.MatchString(text(s["if"]))})
	}
	return nil
}

// jobBefore sorts jobs without dependencies first, then by name, because a decoded mapping has no
// order.
func jobBefore(jobs map[string]any, a, b string) bool {
	needs := func(id string) bool {
		job, _ := jobs[id].(map[string]any)
		return job["needs"] != nil
	}
	if needs(a) != needs(b) {
		return !needs(a)
	}
	return a < b
}

func jobTimeout(v any) time.Duration {
	minutes, err := strconv.ParseFloat(text(v), 64)
	if err != nil || minutes <= 0 {
		minutes = 360
	}
	return time.Duration(minutes * float64(time.Minute))
}

// addPermissions adds the permissions of one job to the token of the run. Without any key, GitHub's
// restricted default is read access to contents.
func (f *File) addPermissions(v any) {
	switch v := v.(type) {
	case nil:
		f.grant("contents", "read")
	case string:
		if level, ok := strings.CutSuffix(v, "-all"); ok {
			for _, scope := range []string{"contents", "actions", "pull_requests", "issues", "id_token"} {
				f.grant(scope, level)
			}
		}
	case map[string]any:
		for scope, level := range v {
			f.grant(strings.ReplaceAll(scope, "-", "_"), text(level))
		}
	}
}

func (f *File) grant(scope, level string) {
	if f.Permissions[scope] != "write" && level != "none" {
		f.Permissions[scope] = level
	}
}

func (f *File) addGroup(v any) error {
	switch v := v.(type) {
	case nil:
	case string:
		f.groups = append(f.groups, group{name: v})
	case map[string]any:
		if text(v["queue"]) == "max" && text(v["cancel-in-progress"]) == "true" {
			return errors.New("failed to parse workflow: queue: max cannot be combined with cancel-in-progress: true")
		}
		f.groups = append(f.groups, group{name: text(v["group"]), cancel: text(v["cancel-in-progress"]),
			queue: text(v["queue"]) == "max"})
	default:
		return errors.New("failed to parse workflow: unexpected value of concurrency")
	}
	return nil
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// refusal is an error message of GitHub, word for word.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// Resolve checks the inputs of a dispatch against the file and fills in the defaults. The text of its
// error is GitHub's error message.
func (f *File) Resolve(given map[string]any) (map[string]string, error) {
	if !f.Dispatch {
		return nil, ErrNoDispatch
	}
	values, err := f.flatten(given)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(f.Inputs))
	for name := range f.Inputs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		in, value := f.Inputs[name], values[name]
		if value == "" && in.Required && in.Default == "" {
			return nil, refuse("Required input '%s' not provided", name)
		}
		if value == "" {
			values[name] = in.initial()
			continue
		}
		if err := in.check(name, value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (f *File) flatten(given map[string]any) (map[string]string, error) {
	var unknown []string
	values, size := make(map[string]string, len(f.Inputs)), 0
	for name, v := range given {
		if _, ok := f.Inputs[name]; !ok {
			unknown = append(unknown, strconv.Quote(name))
			continue
		}
		switch v.(type) {
		case string, bool, float64:
			values[name] = text(v)
		default:
			return nil, refuse("Invalid value for input '%s'", name)
		}
		size += len(name) + len(values[name])
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return nil, refuse("Unexpected inputs provided: [%s]", strings.Join(unknown, ", "))
	}
	if size > MaxInputBytes {
		return nil, refuse("inputs are too large.")
	}
	return values, nil
}

func (in Input) initial() string {
	if in.Default == "" && in.Type == "boolean" {
		return "false"
	}
	if in.Default == "" && in.Type == "choice" && len(in.Options) > 0 {
		return in.Options[0]
	}
	return in.Default
}

func (in Input) check(name, value string) error {
	switch in.Type {
	case "boolean":
		if value != "true" && value != "false" {
			return refuse("Provided value '%s' for input '%s' is not a boolean", value, name)
		}
	case "number":
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			return refuse("Provided value '%s' for input '%s' is not a number", value, name)
		}
	case "choice":
		if !slices.Contains(in.Options, value) {
			return refuse("Provided value '%s' for input '%s' not in the list of allowed values", value, name)
		}
	}
	return nil
}

// Title returns the display title of the run: its evaluated run-name, or its name.
func (f *File) Title(env Env) string {
	if f.RunName == "" {
		return f.Name
	}
	title, err := Interpolate(f.RunName, env)
	if err != nil || strings.TrimSpace(title) == "" {
		return f.Name
	}
	return title
}

// Groups returns the concurrency groups of the run. The groups of jobs apply to the whole run, because
// a run is one unit here.
func (f *File) Groups(env Env) ([]Group, error) {
	var out []Group
	for _, g := range f.groups {
		name, err := Interpolate(g.name, env)
		if err != nil {
			return nil, fmt.Errorf("concurrency group: %w", err)
		}
		cancel, err := Interpolate(g.cancel, env)
		if err != nil {
			return nil, fmt.Errorf("cancel-in-progress: %w", err)
		}
		if name != "" {
			out = append(out, Group{Name: strings.ToLower(name), CancelInProgress: cancel == "true", Queue: g.queue})
		}
	}
	return out, nil
}

// IsFile reports whether a path of a repository is a workflow file.
func IsFile(p string) bool {
	ext := path.Ext(p)
	return path.Dir(p) == ".github/workflows" && (ext == ".yml" || ext == ".yaml")
}

package actions

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// defaultJobTimeout is GitHub's default for a job.
const defaultJobTimeout = 360 * time.Minute

// workflowFile is what a runner needs from a workflow: its one job, the names of its steps, the
// actions they use and their permissions.
type workflowFile struct {
	JobID   string
	Steps   []workflowStep
	Timeout time.Duration
	IDToken bool // the job may request an OIDC token
	Write   bool // the job's token may push
}

type workflowStep struct {
	ID, Name, Uses string
	Late           bool // its condition lets it run in a cancelled job
}

// lateRE matches the functions that GitHub evaluates again after a cancel.
var lateRE = regexp.MustCompile(`(?i)\b(always|cancelled|failure)\s*\(`)

type yamlWorkflow struct {
	Permissions any                `yaml:"permissions"`
	Jobs        map[string]yamlJob `yaml:"jobs"`
}

type yamlJob struct {
	Permissions    any        `yaml:"permissions"`
	TimeoutMinutes int        `yaml:"timeout-minutes"`
	Steps          []yamlStep `yaml:"steps"`
}

type yamlStep struct {
	ID   string `yaml:"id"`
	Name string `yaml:"name"`
	Uses string `yaml:"uses"`
	Run  string `yaml:"run"`
	If   any    `yaml:"if"` // a text, true or false
}

var usesRE = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[A-Za-z0-9_./-]+$`)

// parseWorkflow reads a workflow with exactly one job.
func parseWorkflow(src []byte) (workflowFile, error) {
	var doc yamlWorkflow
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return workflowFile{}, fmt.Errorf("parse workflow: %w", err)
	}
	if len(doc.Jobs) != 1 {
		return workflowFile{}, fmt.Errorf("workflow has %d jobs, this runner runs exactly one", len(doc.Jobs))
	}
	var wf workflowFile
	for id, job := range doc.Jobs {
		perms := job.Permissions
		if perms == nil {
			perms = doc.Permissions
		}
		wf = workflowFile{JobID: id, Timeout: defaultJobTimeout,
			IDToken: granted(perms, "id-token"), Write: granted(perms, "contents")}
		if job.TimeoutMinutes > 0 {
			wf.Timeout = time.Duration(job.TimeoutMinutes) * time.Minute
		}
		if len(job.Steps) == 0 {
			return workflowFile{}, errors.New("job has no steps")
		}
		for i, s := range job.Steps {
			step, err := readStep(i, s)
			if err != nil {
				return workflowFile{}, err
			}
			wf.Steps = append(wf.Steps, step)
		}
	}
	return wf, nil
}

func readStep(i int, s yamlStep) (workflowStep, error) {
	step := workflowStep{ID: s.ID, Name: s.Name, Uses: s.Uses, Late: lateRE.MatchString(fmt.Sprint(s.If))}
	if step.ID == "" {
		step.ID = strconv.Itoa(i) // the id that act assigns
	}
	if step.Name == "" {
		what, _, _ := strings.Cut(s.Uses+s.Run, "\n")
		step.Name = "Run " + what
	}
	if s.Uses != "" && !strings.HasPrefix(s.Uses, "./") && !usesRE.MatchString(s.Uses) {
		return workflowStep{}, fmt.Errorf("step %d: uses %q is not owner/name@ref", i+1, s.Uses)
	}
	return step, nil
}

// granted reports whether a permissions block grants write on a scope. Without a block the token is
// read-only and there is no OIDC, as in new organizations.
func granted(perms any, scope string) bool {
	switch p := perms.(type) {
	case string:
		return p == "write-all"
	case map[string]any:
		return p[scope] == "write"
	}
	return false
}

// actionName returns owner/name from a uses line, without ref or subdirectory.
func actionName(uses string) string {
	name, _, _ := strings.Cut(uses, "@")
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return name
	}
	return path.Join(parts[0], parts[1])
}

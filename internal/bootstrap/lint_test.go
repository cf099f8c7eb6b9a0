package bootstrap

import (
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/tfpilot/tfpilot/templates"
)

// lint walks a workflow and reports what would make it unsafe: an expression in a
// script, an action that is not pinned, a right or a time limit that is not named,
// credentials that stay behind, a checkout of whatever is there.
func lint(src []byte) []string {
	var doc map[string]any
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return []string{err.Error()}
	}
	var faults []string
	if p, ok := doc["permissions"].(map[string]any); !ok || len(p) > 0 {
		faults = append(faults, "top-level permissions are not {}")
	}
	if _, ok := doc["concurrency"]; !ok {
		faults = append(faults, "no concurrency group")
	}
	jobs, _ := doc["jobs"].(map[string]any)
	for id, j := range jobs {
		job, _ := j.(map[string]any)
		if _, ok := job["permissions"].(map[string]any); !ok {
			faults = append(faults, id+": no permissions")
		}
		if _, ok := job["timeout-minutes"]; !ok {
			faults = append(faults, id+": no timeout-minutes")
		}
		steps, _ := job["steps"].([]any)
		for _, s := range steps {
			step, _ := s.(map[string]any)
			faults = append(faults, lintStep(step)...)
		}
	}
	return faults
}

var pinned = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9_.-]+@[0-9a-f]{40}$`)

func lintStep(step map[string]any) []string {
	name, _ := step["name"].(string)
	var faults []string
	if run, ok := step["run"].(string); ok && strings.Contains(run, "${{") {
		faults = append(faults, name+": an expression in a script")
	}
	uses, ok := step["uses"].(string)
	if ok && !pinned.MatchString(uses) {
		faults = append(faults, name+": "+uses+" is not pinned by a full SHA")
	}
	if !strings.HasPrefix(uses, "actions/checkout@") {
		return faults
	}
	with, _ := step["with"].(map[string]any)
	if ref, _ := with["ref"].(string); ref == "" {
		faults = append(faults, name+": the checkout names no ref")
	}
	if _, ok := with["persist-credentials"].(bool); !ok {
		faults = append(faults, name+": persist-credentials is not named")
	}
	return faults
}

func TestWorkflowsAreSafe(t *testing.T) {
	files, err := fs.Glob(templates.FS, "workflows/*.yml")
	if err != nil || len(files) != 5 {
		t.Fatalf("workflows: %q %v", files, err)
	}
	versioned := regexp.MustCompile(`uses: \S+@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+\n`)
	for _, name := range files {
		text, err := fs.ReadFile(templates.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := Workflow(testProject(), text)
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range lint(src) {
			t.Errorf("%s: %s", name, fault)
		}
		if n, m := strings.Count(string(src), "uses: "), len(versioned.FindAll(src, -1)); n != m {
			t.Errorf("%s: %d of %d actions name their version", name, m, n)
		}
		if strings.Contains(string(src), "persist-credentials: true") {
			t.Errorf("%s: a checkout keeps credentials", name)
		}
		if n := strings.Count(string(src), "github.token"); n != map[bool]int{true: 1}[strings.HasSuffix(name,
			"cleanup.yml")] {
			t.Errorf("%s: %d steps have the token, only the push of cleanup needs it", name, n)
		}
		for _, foreign := range []string{"vars.", "secrets."} {
			if strings.Contains(string(src), foreign) {
				t.Errorf("%s: %s is read, which any writer of the repository can change", name, foreign)
			}
		}
		if strings.Contains(string(src), "contents: write") != strings.HasSuffix(name, "cleanup.yml") {
			t.Errorf("%s: only cleanup may push", name)
		}
		checkShape(t, name, src)
	}
}

// checkShape holds the interface that dispatches rely on.
func checkShape(t *testing.T, name string, src []byte) {
	t.Helper()
	var doc struct {
		RunName string `yaml:"run-name"`
		On      struct {
			Dispatch struct {
				Inputs map[string]struct {
					Type string `yaml:"type"`
				} `yaml:"inputs"`
			} `yaml:"workflow_dispatch"`
		} `yaml:"on"`
		Concurrency struct {
			Group  string `yaml:"group"`
			Cancel bool   `yaml:"cancel-in-progress"`
		} `yaml:"concurrency"`
		Jobs map[string]struct {
			Steps []struct {
				Name string            `yaml:"name"`
				If   string            `yaml:"if"`
				Run  string            `yaml:"run"`
				Env  map[string]string `yaml:"env"`
			} `yaml:"steps"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	kind := strings.TrimSuffix(strings.TrimPrefix(name, "workflows/"), ".yml")
	if want := "tfpilot " + kind + " ${{ inputs.request_id"; !strings.HasPrefix(doc.RunName, want) ||
		!strings.HasSuffix(doc.RunName, "[${{ inputs.correlation_id }}]") {
		t.Errorf("%s: run-name %q", name, doc.RunName)
	}
	inputs := doc.On.Dispatch.Inputs
	want := []string{"correlation_id", "dry_run", "environment_key", "environment_slug", "ref", "request_id", "sha"}
	if got := slices.Sorted(maps.Keys(inputs)); !slices.Equal(got, want) {
		t.Errorf("%s: inputs %q", name, got)
	}
	for in, v := range inputs {
		if v.Type != "string" {
			t.Errorf("%s: input %s is a %s", name, in, v.Type)
		}
	}
	if doc.Concurrency.Cancel {
		t.Errorf("%s: a newer run cancels the one at work", name)
	}
	if effect := kind == "apply" || kind == "destroy"; effect != strings.HasPrefix(doc.Concurrency.Group,
		"tfpilot-state-") ||
		!effect && !strings.HasSuffix(doc.Concurrency.Group, "-${{ inputs.correlation_id }}") {
		t.Errorf("%s: group %q", name, doc.Concurrency.Group)
	}
	guarded := false
	for _, s := range doc.Jobs[kind].Steps {
		late := regexp.MustCompile(`always|failure|cancelled`).MatchString(s.If)
		if guarded && late && !strings.Contains(s.If, "&& steps.guard.outcome == 'success'") {
			t.Errorf("%s: step %q runs without the guard", name, s.Name)
		}
		if !guarded && s.If != "" {
			t.Errorf("%s: step %q before the guard has a condition", name, s.Name)
		}
		if terraform := regexp.MustCompile(`tfpilot-ci (backend|plan|apply|destroy|rescue|strip)`).MatchString(s.Run); terraform && len(s.Env) > 0 {
			t.Errorf("%s: step %q runs Terraform with an environment of its own: %v", name, s.Name, s.Env)
		}
		guarded = guarded || s.Run == "exec tfpilot-ci guard"
		if strings.Contains(s.Run, "tfpilot-ci ") && (strings.Contains(s.Run, "\n") || !strings.HasPrefix(s.Run, "exec ")) {
			t.Errorf("%s: step %q would swallow a signal", name, s.Name)
		}
	}
	if !guarded {
		t.Errorf("%s: no guard", name)
	}
}

func TestLintFindsFaults(t *testing.T) {
	bad := `
jobs:
  x:
    steps:
      - {name: a, run: "echo ${{ inputs.x }}"}
      - {name: b, uses: actions/checkout@v4}
`
	if got := strings.Join(lint([]byte(bad)), "\n"); strings.Count(got, "\n")+1 != 8 {
		t.Errorf("faults:\n%s", got)
	}
}

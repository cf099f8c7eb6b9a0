package workflow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

const apply = `name: apply
run-name: tfpilot apply ${{ inputs.request_id }} [${{ inputs.correlation_id }}]
on:
  workflow_dispatch:
    inputs:
      request_id: {required: true}
      kind: {type: choice, options: [a, b]}
      dry_run: {type: boolean}
      count: {type: number, default: "3"}
permissions: {}
concurrency:
  group: ${{ inputs.kind == 'a' && format('env-{0}', github.ref_name) || 'OTHER' }}
  cancel-in-progress: ${{ inputs.dry_run }}
jobs:
  second: {needs: first, runs-on: x, steps: [], permissions: {contents: read, pull-requests: write}}
  first: {name: First job, runs-on: x, timeout-minutes: 30, steps: [], permissions: {contents: write}, concurrency: deploy}
`

func TestParse(t *testing.T) {
	f, err := workflow.Parse(".github/workflows/apply.yml", []byte(apply))
	if err != nil {
		t.Fatal(err)
	}
	if f.Name != "apply" || f.JobID != "first" || f.JobName != "First job" || f.Timeout != 6*time.Hour {
		t.Errorf("file: %+v", f)
	}
	if f.Permissions["contents"] != "write" || f.Permissions["pull_requests"] != "write" ||
		f.Permissions["actions"] != "" {
		t.Errorf("permissions: %v", f.Permissions)
	}
	env := workflow.Env{"inputs.kind": "a", "inputs.dry_run": "true", "github.ref_name": "Main",
		"inputs.request_id": "req_1", "inputs.correlation_id": "apply-1"}
	groups, err := f.Groups(env)
	if err != nil || len(groups) != 2 || groups[0] != (workflow.Group{Name: "env-main", CancelInProgress: true}) ||
		groups[1].Name != "deploy" {
		t.Errorf("groups: %v %v", groups, err)
	}
	if title := f.Title(env); title != "tfpilot apply req_1 [apply-1]" {
		t.Errorf("title: %q", title)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"not YAML":        "a: [",
		"no jobs":         "on: push\n",
		"no on":           "jobs: {a: {runs-on: x}}\n",
		"a job as text":   "on: push\njobs: {a: b}\n",
		"a list":          "- a\n",
		"queue and abort": "on: push\nconcurrency: {group: a, queue: max, cancel-in-progress: true}\njobs: {a: {runs-on: x}}\n",
	} {
		if _, err := workflow.Parse("x.yml", []byte(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestResolve(t *testing.T) {
	f, err := workflow.Parse("apply.yml", []byte(apply))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		given map[string]any
		want  string // the text of an error, or empty
	}{
		{map[string]any{"request_id": "r"}, ""},
		{map[string]any{"request_id": "r", "dry_run": true, "count": 4.0}, ""},
		{map[string]any{}, "Required input 'request_id' not provided"},
		{map[string]any{"request_id": "r", "z": 1, "y": 1}, `Unexpected inputs provided: ["y", "z"]`},
		{map[string]any{"request_id": "r", "kind": "c"}, "not in the list of allowed values"},
		{map[string]any{"request_id": "r", "dry_run": "yes"}, "is not a boolean"},
		{map[string]any{"request_id": "r", "count": "many"}, "is not a number"},
		{map[string]any{"request_id": nil}, "Invalid value for input 'request_id'"},
	} {
		values, err := f.Resolve(row.given)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%v: %v, want %q", row.given, err, row.want)
		}
		if err == nil && (values["kind"] != "a" || values["count"] == "" || values["dry_run"] == "") {
			t.Errorf("%v: defaults are missing in %v", row.given, values)
		}
	}
}

func TestInterpolate(t *testing.T) {
	env := workflow.Env{"inputs.a": "x", "inputs.yes": "true", "github.ref": "refs/heads/main",
		"inputs.evil": "${{ inputs.a }}"}
	for expr, want := range map[string]string{
		"plain":                                 "plain",
		"a ${{ inputs.a }} b":                   "a x b",
		"${{ github.event.inputs.a }}":          "x",
		"${{ inputs.none || 'default' }}":       "default",
		"${{ inputs.yes && 'y' || 'n' }}":       "y",
		"${{ inputs.a == 'X' }}":                "true",
		"${{ 'it''s' }}":                        "it's",
		"${{ format('{0}-{1}', inputs.a, 1) }}": "x-1",
		"${{ inputs.evil }}":                    "${{ inputs.a }}", // a value is never evaluated again
	} {
		if got, err := workflow.Interpolate(expr, env); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", expr, got, err, want)
		}
	}
	for _, bad := range []string{"${{ inputs.a", "${{ }}", "${{ a b }}", "${{ 'open }}", "${{ nope(1, 2) }}",
		"${{ (1) }}", "${{ !inputs.a }}", strings.Repeat("x", 30000)} {
		if got, err := workflow.Interpolate(bad, env); err == nil {
			t.Errorf("%.30s gave %q", bad, got)
		}
	}
}

func FuzzInterpolate(f *testing.F) {
	for _, seed := range []string{"", "${{ inputs.a }}", "${{ (a || 'b') && !c == format('{0}', x) }}", "${{ '''",
		"${{((((("} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, template, value string) {
		got, err := workflow.Interpolate(template, workflow.Env{"inputs.a": value})
		if err == nil && !strings.Contains(template, "${{") && got != template {
			t.Errorf("text without an expression changed: %q", got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(apply))
	f.Add([]byte("on: [push]\njobs: {a: {}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := workflow.Parse("x.yml", data)
		if err != nil {
			return
		}
		if file.JobID == "" || file.Timeout <= 0 {
			t.Errorf("accepted without a job: %+v", file)
		}
		_, _ = file.Resolve(map[string]any{"a": "b"})
		_, _ = file.Groups(workflow.Env{})
	})
}

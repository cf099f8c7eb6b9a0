package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/testing/services"
)

// ownModule is the smallest module that can be offered.
func ownModule(t *testing.T, dir, name, mark string) {
	t.Helper()
	for file, text := range map[string]string{
		"tfpilot.yaml": "title: Own\nfields:\n  - {name: name, label: Name}\n",
		"variables.tf": "variable \"name\" {\n  type = string\n}\n",
		"main.tf":      "# " + mark + "\n",
		"files/a.json": "{}\n",
		".motd.tpl":    "hello ${name}\n", // a module may read a hidden file
	} {
		if err := writeFile(filepath.Join(dir, name, file), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// The repository has the modules that people are offered: the catalog's own ones
// besides the built-in ones or instead of them, and never a mixture of two.
func TestBootstrapWritesOwnModules(t *testing.T) {
	dir := t.TempDir()
	ownModule(t, dir, "own-thing", "mine")
	ownModule(t, dir, "s3-bucket", "mine")
	for _, c := range []struct {
		name, catalog string
		has, lacks    []string
	}{
		{"none", "", []string{"ecr-repo/main.tf", "s3-bucket/outputs.tf"}, []string{"own-thing/main.tf"}},
		{"besides", "catalog: {dir: " + dir + "}\n", []string{"ecr-repo/main.tf", "own-thing/files/a.json",
			"own-thing/.motd.tpl", "own-thing/tfpilot.yaml", "s3-bucket/main.tf"}, []string{"s3-bucket/outputs.tf"}},
		{"instead", "catalog: {dir: " + dir + ", replace: true}\n", []string{"own-thing/main.tf", "s3-bucket/main.tf"},
			[]string{"ecr-repo/main.tf", "s3-bucket/outputs.tf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := bootstrapped(t, services.YAML+c.catalog)
			for _, name := range c.has {
				if _, err := os.Stat(filepath.Join(out, "modules", name)); err != nil {
					t.Error(err)
				}
			}
			for _, name := range c.lacks {
				if _, err := os.Stat(filepath.Join(out, "modules", name)); err == nil {
					t.Errorf("%s is there", name)
				}
			}
		})
	}
}

// Who reviews what runs is named when the repository is written; a name that GitHub would
// not know is refused, and nothing is written.
func TestBootstrapNamesOwners(t *testing.T) {
	out := bootstrapped(t, services.YAML, "--owner", "@acme/platform", "--owner", "@adam")
	data, err := os.ReadFile(filepath.Join(out, ".github/CODEOWNERS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/.github/ @acme/platform @adam\n", "/modules/ @acme/platform @adam\n",
		"/envs/ @acme/platform @adam\n/envs/**/tfpilot_req_*.tf\n/envs/**/*_override.tf @acme/platform @adam\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("CODEOWNERS lacks %q:\n%s", want, data)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "infra")
	code, _, errs := call(t, "", append(bootstrapArgs(elsewhere), "--owner", "acme/platform")...)
	if _, err := os.Stat(elsewhere); code == cli.Done || err == nil || !strings.Contains(errs, `owner "acme/platform"`) {
		t.Errorf("exit %d, %v\n%s", code, err, errs)
	}
}

func bootstrapArgs(out string) []string {
	return []string{"bootstrap", "core", "--json", "--out", out, "--release", "0.1.0", "--sha256",
		"tfpilot-ci_0.1.0_Linux_X64=" + strings.Repeat("ab", 32),
		"--plan-role", services.Runs.PlanRole, "--apply-role", services.Runs.ApplyRole}
}

// bootstrapped runs the command with a tfpilot.yaml and returns the directory that it wrote.
func bootstrapped(t *testing.T, yaml string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tfpilot.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"TFPILOT_CONFIG": filepath.Join(dir, "tfpilot.yaml"), "TFPILOT_REQUESTS_BUCKET": "requests",
		"AWS_REGION": "eu-central-1", "REDIS_URL": "redis://localhost:1",
	} {
		t.Setenv(name, value)
	}
	out := filepath.Join(dir, "infra")
	args := append(bootstrapArgs(out), more...)
	for i, want := range []func(bootstrap.Written) bool{
		func(w bootstrap.Written) bool {
			return w.Repository == "acme/infra-core" && len(w.Written) > 10 && len(w.Kept) == 0
		},
		func(w bootstrap.Written) bool { return len(w.Written) == 0 && len(w.Kept) == 0 },
	} {
		code, text, errs := call(t, "", args...)
		var w bootstrap.Written
		if err := json.Unmarshal([]byte(text), &w); err != nil || code != cli.Done || !want(w) {
			t.Fatalf("call %d: exit %d, %v\n%s%s", i+1, code, err, text, errs)
		}
	}
	return out
}

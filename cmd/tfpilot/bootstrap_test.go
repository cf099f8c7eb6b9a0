package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

const twoBackends = `projects:
  - name: core
    owner: acme
    repo: infra-core
    environments:
      - {key: dev, slug: app, channel: C0INFRADEV, backend: {bucket: dev-states}}
      - key: prod
        slug: app
        channel: C0INFRAPRD
        region: us-east-1
        backend: {bucket: prod-states, key: legacy/prod.tfstate, region: eu-west-1, dynamodbTable: locks}
`

// Each root gets the backend of its own environment, whatever comes after it.
func TestRenderRepositoryKeepsEachBackend(t *testing.T) {
	s, faults := config.Parse([]byte(twoBackends), "f", config.Defaults{Region: "eu-central-1"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	release := bootstrap.Release{Version: "0.1.0", Checksums: map[string]string{"tfpilot_0.1.0_Linux_X64": strings.Repeat("ab", 32)}}
	files, err := renderRepository(s.Projects[0], config.Store{Bucket: "requests", Region: "eu-central-1"}, release, testRuns)
	if err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]terraform.Backend{
		"envs/dev/app":  {Bucket: "dev-states", Key: "core/dev/app/terraform.tfstate", Region: "eu-central-1", Encrypt: true, UseLockfile: true},
		"envs/prod/app": {Bucket: "prod-states", Key: "legacy/prod.tfstate", Region: "eu-west-1", Encrypt: true, DynamoDBTable: "locks"},
	} {
		got, err := terraform.ParseBackend(map[string][]byte{"backend.tf": files[root+"/backend.tf"]})
		if diff := want.Compare(got); err != nil || len(diff) > 0 {
			t.Errorf("%s: %v %v", root, err, diff)
		}
	}
	if text := string(files["envs/prod/app/providers.tf"]); !strings.Contains(text, `"us-east-1"`) {
		t.Errorf("provider of prod:\n%s", text)
	}
	if text := string(files[".github/workflows/apply.yml"]); !strings.Contains(text, `aws-region: "eu-central-1"`) {
		t.Error("runs do not work in the region of the requests bucket")
	}
}

// Bootstrapping again adds missing files and keeps changed ones.
func TestWriteTreeKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"a/own.tf": []byte("1"), "a/same.tf": []byte("2"), "new.tf": []byte("3")}
	for name, text := range map[string]string{"a/own.tf": "mine", "a/same.tf": "2"} {
		if err := writeNew(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	written, kept, err := writeTree(dir, files)
	if err != nil || len(written) != 1 || len(kept) != 1 || kept[0] != "a/own.tf" {
		t.Errorf("wrote %q, kept %q: %v", written, kept, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a/own.tf")); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

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
		if err := writeNew(filepath.Join(dir, name, file), []byte(text)); err != nil {
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
		{"besides", "catalog: {dir: " + dir + "}\n", []string{"ecr-repo/main.tf", "own-thing/files/a.json", "own-thing/.motd.tpl", "own-thing/tfpilot.yaml", "s3-bucket/main.tf"}, []string{"s3-bucket/outputs.tf"}},
		{"instead", "catalog: {dir: " + dir + ", replace: true}\n", []string{"own-thing/main.tf", "s3-bucket/main.tf"}, []string{"ecr-repo/main.tf", "s3-bucket/outputs.tf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := bootstrapped(t, twoBackends+c.catalog)
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

var testRuns = bootstrap.Runs{PlanRole: "arn:aws:iam::111111111111:role/plan", ApplyRole: "arn:aws:iam::111111111111:role/apply"}

// Without own modules nothing of the built-in ones is added or left out.
func TestPutModulesKeepsTheBuiltInOnes(t *testing.T) {
	s, _ := config.Parse([]byte(twoBackends), "f", config.Defaults{Region: "eu-central-1"})
	release := bootstrap.Release{Version: "0.1.0", Checksums: map[string]string{"tfpilot_0.1.0_Linux_X64": strings.Repeat("ab", 32)}}
	files, err := renderRepository(s.Projects[0], config.Store{Bucket: "requests", Region: "eu-central-1"}, release, testRuns)
	if err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(files)
	if err := putModules(files, config.Catalog{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

// Who reviews what runs is named when the repository is written; a name that GitHub would
// not know is refused, and nothing is written.
func TestBootstrapNamesOwners(t *testing.T) {
	out := bootstrapped(t, twoBackends, "--owner", "@acme/platform", "--owner", "@adam")
	data, err := os.ReadFile(filepath.Join(out, ".github/CODEOWNERS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/.github/ @acme/platform @adam\n", "/modules/ @acme/platform @adam\n", "/envs/ @acme/platform @adam\n/envs/**/tfpilot_req_*.tf\n/envs/**/*_override.tf @acme/platform @adam\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("CODEOWNERS lacks %q:\n%s", want, data)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "infra")
	code, _, errs := call(t, "", append(bootstrapArgs(elsewhere), "--owner", "acme/platform")...)
	if _, err := os.Stat(elsewhere); code == exitDone || err == nil || !strings.Contains(errs, `owner "acme/platform"`) {
		t.Errorf("exit %d, %v\n%s", code, err, errs)
	}
}

func bootstrapArgs(out string) []string {
	return []string{"bootstrap", "core", "--json", "--out", out, "--release", "0.1.0", "--sha256", "tfpilot_0.1.0_Linux_X64=" + strings.Repeat("ab", 32),
		"--plan-role", testRuns.PlanRole, "--apply-role", testRuns.ApplyRole}
}

// bootstrapped runs the command with a tfpilot.yaml and returns the directory that it wrote.
func bootstrapped(t *testing.T, yaml string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tfpilot.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"TFPILOT_CONFIG": filepath.Join(dir, "tfpilot.yaml"), "TFPILOT_REQUESTS_BUCKET": "requests", "AWS_REGION": "eu-central-1", "REDIS_URL": "redis://localhost:1",
	} {
		t.Setenv(name, value)
	}
	out := filepath.Join(dir, "infra")
	args := append(bootstrapArgs(out), more...)
	for i, want := range []func(wrote) bool{
		func(w wrote) bool {
			return w.Repository == "acme/infra-core" && len(w.Written) > 10 && len(w.Kept) == 0
		},
		func(w wrote) bool { return len(w.Written) == 0 && len(w.Kept) == 0 },
	} {
		code, text, errs := call(t, "", args...)
		var w wrote
		if err := json.Unmarshal([]byte(text), &w); err != nil || code != exitDone || !want(w) {
			t.Fatalf("call %d: exit %d, %v\n%s%s", i+1, code, err, text, errs)
		}
	}
	return out
}

// A directory of invalid modules is reported, and nothing is written.
func TestBootstrapRefusesABrokenCatalog(t *testing.T) {
	dir := t.TempDir()
	if err := writeNew(filepath.Join(dir, "own-thing", "main.tf"), []byte("#\n")); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{dir: "own-thing: tfpilot.yaml is missing", filepath.Join(dir, "none"): "no such file"} {
		if err := putModules(map[string][]byte{}, config.Catalog{Dir: where}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", where, err)
		}
	}
}

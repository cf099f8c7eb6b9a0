package bootstrap_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
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

// rendered renders the repository of twoBackends.
func rendered(t *testing.T) map[string][]byte {
	t.Helper()
	s, faults := config.Parse([]byte(twoBackends), "f", config.Defaults{Region: "eu-central-1"})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	files, err := bootstrap.Repository(s.Projects[0], config.Store{Bucket: "requests", Region: "eu-central-1"},
		bootstrap.Release{Version: "0.1.0",
			Checksums: map[string]string{"tfpilot-ci_0.1.0_Linux_X64": strings.Repeat("ab", 32)}},
		bootstrap.Runs{PlanRole: "arn:aws:iam::111111111111:role/plan", ApplyRole: "arn:aws:iam::111111111111:role/apply"})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Each root gets the backend of its own environment, whatever comes after it.
func TestRenderRepositoryKeepsEachBackend(t *testing.T) {
	files := rendered(t)
	for root, want := range map[string]terraform.Backend{
		"envs/dev/app": {Bucket: "dev-states", Key: "core/dev/app/terraform.tfstate", Region: "eu-central-1",
			Encrypt: true, UseLockfile: true},
		"envs/prod/app": {Bucket: "prod-states", Key: "legacy/prod.tfstate", Region: "eu-west-1", Encrypt: true,
			DynamoDBTable: "locks"},
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
func TestWriteNewKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"a/own.tf": []byte("1"), "a/same.tf": []byte("2"), "new.tf": []byte("3")}
	for name, text := range map[string]string{"a/own.tf": "mine", "a/same.tf": "2"} {
		if err := os.MkdirAll(filepath.Join(dir, "a"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, kept, err := bootstrap.WriteNew(dir, files)
	if err != nil || len(written) != 1 || len(kept) != 1 || kept[0] != "a/own.tf" {
		t.Errorf("wrote %q, kept %q: %v", written, kept, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a/own.tf")); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

// Without own modules nothing of the built-in ones is added or left out.
func TestPutModulesKeepsTheBuiltInOnes(t *testing.T) {
	files := rendered(t)
	want := maps.Clone(files)
	builtin, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	bootstrap.PutModules(files, builtin.Modules())
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

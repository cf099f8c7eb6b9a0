package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	files, err := renderRepository(s.Projects[0], config.Store{Bucket: "requests", Region: "eu-central-1"}, release)
	if err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]terraform.Backend{
		"envs/dev/app":  {Bucket: "dev-states", Key: "core/dev/app/terraform.tfstate", Region: "eu-central-1", UseLockfile: true},
		"envs/prod/app": {Bucket: "prod-states", Key: "legacy/prod.tfstate", Region: "eu-west-1", DynamoDBTable: "locks"},
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

// Bootstrapping again adds what is missing and keeps what somebody changed.
func TestWriteTreeKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	files := map[string][]byte{"a/own.tf": []byte("1"), "a/same.tf": []byte("2"), "new.tf": []byte("3")}
	for name, text := range map[string]string{"a/own.tf": "mine", "a/same.tf": "2"} {
		if err := writeNew(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	written, kept, err := writeTree(dir, files)
	if err != nil || written != 1 || len(kept) != 1 || kept[0] != "a/own.tf" {
		t.Errorf("wrote %d, kept %q: %v", written, kept, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a/own.tf")); err != nil || string(text) != "mine" {
		t.Errorf("%q %v", text, err)
	}
}

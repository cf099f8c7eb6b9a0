package sandbox

import (
	"slices"
	"testing"
)

const workflowPath = ".github/workflows/plan.yml"

// A start renders unchanged files again. It leaves alone what a person changed or deleted, until the
// change is reverted.
func TestUpgradeKeepsWhatPeopleChanged(t *testing.T) {
	dir := t.TempDir()
	first := map[string]string{workflowPath: "v1", "modules/a/main.tf": "v1", "modules/b/main.tf": "v1", "README.md": "v1"}
	start := func(files map[string]string) (*Sandbox, githubClient, []string) {
		box := startSandbox(t, dir, files)
		kept, err := box.Upgrade(t.Context(), infra(files))
		if err != nil {
			t.Fatal(err)
		}
		return box, githubClient{box.url("github") + "/api/v3/repos/acme/infra-core", box.person("adam").GitHubToken}, kept
	}
	box, adam, kept := start(first)
	if len(kept) > 0 {
		t.Errorf("kept at the first start: %v", kept)
	}
	push(t, adam, map[string]string{workflowPath: "changed by adam", "envs/dev/app/own.tf": "his own"})
	stopSandbox(t, box)

	second := map[string]string{workflowPath: "v2", "modules/a/main.tf": "v2", "modules/b/main.tf": "v1",
		"README.md": "v1", "modules/c/main.tf": "v2"}
	box, adam, kept = start(second)
	if !slices.Equal(kept, []string{workflowPath}) {
		t.Errorf("kept: %v", kept)
	}
	assertFiles(t, adam, map[string]string{workflowPath: "changed by adam", "envs/dev/app/own.tf": "his own",
		"modules/a/main.tf": "v2", "modules/b/main.tf": "v1", "modules/c/main.tf": "v2"})
	push(t, adam, map[string]string{workflowPath: "v1", "modules/c/main.tf": "changed by adam"})
	stopSandbox(t, box)

	_, adam, kept = start(second)
	if !slices.Equal(kept, []string{"modules/c/main.tf"}) {
		t.Errorf("kept: %v", kept)
	}
	assertFiles(t, adam, map[string]string{workflowPath: "v2", "modules/c/main.tf": "changed by adam"})
}

func push(t *testing.T, g githubClient, files map[string]string) {
	t.Helper()
	at, err := g.tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var entries []map[string]string
	for path, text := range files {
		entries = append(entries, map[string]string{"path": path, "mode": "100644", "type": "blob", "content": text})
	}
	if err := g.commit(t.Context(), at.tree, at.commit, entries); err != nil {
		t.Fatal(err)
	}
}

func assertFiles(t *testing.T, g githubClient, files map[string]string) {
	t.Helper()
	at, err := g.tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		if at.blobs[path] != blobID([]byte(text)) {
			t.Errorf("%s does not hold %q", path, text)
		}
	}
}

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
	start := func(files map[string]string) (*Sandbox, []string) {
		box := startSandbox(t, dir, files)
		kept, err := box.Upgrade(infra(files))
		if err != nil {
			t.Fatal(err)
		}
		return box, kept
	}
	box, kept := start(first)
	if len(kept) > 0 {
		t.Errorf("kept at the first start: %v", kept)
	}
	push(t, box, map[string]string{workflowPath: "changed by adam", "envs/dev/app/own.tf": "his own"})
	stopSandbox(t, box)

	second := map[string]string{workflowPath: "v2", "modules/a/main.tf": "v2", "modules/b/main.tf": "v1",
		"README.md": "v1", "modules/c/main.tf": "v2"}
	box, kept = start(second)
	if !slices.Equal(kept, []string{workflowPath}) {
		t.Errorf("kept: %v", kept)
	}
	assertFiles(t, box, map[string]string{workflowPath: "changed by adam", "envs/dev/app/own.tf": "his own",
		"modules/a/main.tf": "v2", "modules/b/main.tf": "v1", "modules/c/main.tf": "v2"})
	push(t, box, map[string]string{workflowPath: "v1", "modules/c/main.tf": "changed by adam"})
	stopSandbox(t, box)

	box, kept = start(second)
	if !slices.Equal(kept, []string{"modules/c/main.tf"}) {
		t.Errorf("kept: %v", kept)
	}
	assertFiles(t, box, map[string]string{workflowPath: "v2", "modules/c/main.tf": "changed by adam"})
}

func push(t *testing.T, box *Sandbox, files map[string]string) {
	t.Helper()
	content := map[string][]byte{}
	for path, text := range files {
		content[path] = []byte(text)
	}
	if err := box.GitHub.Push("acme/infra-core", "adam", "Change files", content); err != nil {
		t.Fatal(err)
	}
}

func assertFiles(t *testing.T, box *Sandbox, files map[string]string) {
	t.Helper()
	for path, text := range files {
		if have, err := box.GitHub.File("acme/infra-core", "main", path); err != nil || string(have) != text {
			t.Errorf("%s holds %q, want %q: %v", path, have, text, err)
		}
	}
}

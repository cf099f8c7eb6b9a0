package atomicfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	for _, text := range []string{"old", "new"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if have, err := os.ReadFile(path); err != nil || string(have) != text {
			t.Errorf("have %q, want %q: %v", have, text, err)
		}
	}
	if left, err := filepath.Glob(path + "?*"); err != nil || len(left) > 0 {
		t.Errorf("left %q, %v", left, err)
	}
	if err := Replace(filepath.Join(path, "below"), nil); err == nil {
		t.Error("a file has become a directory")
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != "new" {
		t.Errorf("a failed write left %q, %v", have, err)
	}
}

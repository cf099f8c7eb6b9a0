package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// recorder is a test that takes note of its failure.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b.golden")
	*update = true
	Check(t, path, "one\n")
	*update = false
	Check(t, path, []byte("one\n"))
	other := &recorder{TB: t}
	Check(other, path, "two\n")
	if !other.failed {
		t.Error("a different file passed")
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "one\n" {
		t.Errorf("the file was written without -update: %q %v", data, err)
	}
}

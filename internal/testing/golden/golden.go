// Package golden owns the comparison of what the code makes with a file of the repository, and the
// one flag -update that writes such files anew. It is only for tests.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files and generated pages")

// Updating reports whether the test was started with -update.
func Updating() bool { return *update }

// Check fails the test when a file differs from got. With -update it writes the file first.
func Check[T ~string | ~[]byte](t testing.TB, path string, got T) {
	t.Helper()
	if Updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs from what the code makes; if that is right, run the test with -update (-file +made):\n%s", path, diff)
	}
}

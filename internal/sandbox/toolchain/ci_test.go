package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An installed sandbox serves the tfpilot-ci of its own version, and otherwise names what to install.
func TestInstalledCI(t *testing.T) {
	dir := t.TempDir()
	f := Finder{Path: dir}
	find := func() (Tool, error) { return f.CI(t.Context(), "", t.TempDir(), "1.2.3") }
	if _, err := find(); err == nil || !strings.Contains(err.Error(), "go install ./cmd/tfpilot-ci") ||
		!strings.Contains(err.Error(), "--tfpilot-ci") {
		t.Errorf("without the program: %v", err)
	}
	for _, row := range []struct{ prints, refusal string }{
		{"tfpilot-ci 1.2.3", ""},
		{"tfpilot-ci 1.2.4", "want tfpilot-ci 1.2.3"},
		{"tfpilot 1.2.3", "want tfpilot-ci 1.2.3"},
	} {
		program := "#!/bin/sh\necho '" + row.prints + "'\n"
		if err := os.WriteFile(filepath.Join(dir, "tfpilot-ci"), []byte(program), 0o755); err != nil {
			t.Fatal(err)
		}
		tool, err := find()
		switch {
		case row.refusal == "" && (err != nil || tool.Path != filepath.Join(dir, "tfpilot-ci")):
			t.Errorf("%s: %+v, %v", row.prints, tool, err)
		case row.refusal != "" && (err == nil || !strings.Contains(err.Error(), row.refusal)):
			t.Errorf("%s: %v", row.prints, err)
		}
	}
}

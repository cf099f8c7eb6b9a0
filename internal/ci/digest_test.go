package ci_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The step that applies compares once more by itself, whatever the step before it did.
func TestApplyComparesTheDigestItself(t *testing.T) {
	for name, change := range map[string]func(noted map[string]any){
		"another plan":   func(noted map[string]any) { noted["digest"] = "sha256:" + strings.Repeat("0", 64) },
		"no plan":        func(noted map[string]any) { delete(noted, "digest") },
		"a refused plan": func(noted map[string]any) { noted["reason"] = "referred_to" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text := requestFile("logs", "")
			_, b := w.applying(text, w.planned(text), nil)
			file := filepath.Join(b.temp, "tfpilot/run/outcome.json")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			noted := map[string]any{}
			if err := json.Unmarshal(data, &noted); err != nil {
				t.Fatal(err)
			}
			change(noted)
			if data, err = json.Marshal(noted); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			code, said := b.step(t.Context(), "apply")
			if code == 0 || !strings.Contains(said, "digest_changed") || w.state() != "" {
				t.Errorf("exit %d, state %q:\n%s", code, w.state(), said)
			}
		})
	}
}

package bootstrap

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/templates"
)

// The core knows by the name of a step whether a run may have changed anything.
func TestStepsBeforeTheEffect(t *testing.T) {
	for name, effect := range map[string]string{"apply": "Apply", "destroy": "Destroy"} {
		text, err := fs.ReadFile(templates.FS, "workflows/"+name+".yml")
		if err != nil {
			t.Fatal(err)
		}
		var before []string
		for line := range strings.Lines(string(text)) {
			step, isStep := strings.CutPrefix(strings.TrimSpace(line), "- name: ")
			if step == effect {
				break
			}
			if isStep {
				before = append(before, step)
			}
		}
		if !slices.Equal(before, lifecycle.StepsBeforeEffect) {
			t.Errorf("%s.yml has the steps %q before %s, the core knows %q", name, before, effect, lifecycle.StepsBeforeEffect)
		}
	}
}

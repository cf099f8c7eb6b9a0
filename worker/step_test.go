package worker

import (
	"maps"
	"slices"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Each step that lifecycle knows has one handler, but for the one that sync does, and there
// is no other.
func TestEveryStepHasAHandler(t *testing.T) {
	var have []lifecycle.StepName
	for name, do := range handlers {
		if do == nil {
			t.Errorf("the handler of %s is nil", name)
		}
		have = append(have, name)
	}
	want := slices.DeleteFunc(slices.Sorted(slices.Values(lifecycle.Steps)), func(s lifecycle.StepName) bool {
		return s == lifecycle.StepReconcile
	})
	if slices.Sort(have); !slices.Equal(have, want) {
		t.Errorf("handlers of %q, want %q", have, want)
	}
	for name := range maps.Keys(urgent) {
		if _, ok := handlers[name]; !ok {
			t.Errorf("%s is urgent and has no handler", name)
		}
	}
}

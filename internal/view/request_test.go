package view

import (
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

func TestCountsOfAnEmptyPlanDependOnItsPurpose(t *testing.T) {
	for purpose, want := range map[lifecycle.Purpose]string{
		lifecycle.PurposeReapply: "no changes", lifecycle.PurposeDestroy: "nothing to destroy",
	} {
		if got := Counts(&lifecycle.Plan{Purpose: purpose}); got != want {
			t.Errorf("%s: %s, want %s", purpose, got, want)
		}
	}
}

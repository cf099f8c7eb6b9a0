package terminal

import (
	"testing"

	"github.com/tfpilot/tfpilot/internal/view"
)

// A plan has the colors of Terraform, where a person sees colors.
func TestPlanHasColors(t *testing.T) {
	l := view.Line{Sign: view.Destroy, Text: "x"}
	if got := painted(l, true); got != "\x1b[31m- x\x1b[0m" {
		t.Errorf("%q", got)
	}
	if got := painted(l, false); got != "- x" {
		t.Errorf("%q", got)
	}
}

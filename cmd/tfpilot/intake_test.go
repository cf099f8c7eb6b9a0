package main

import (
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
)

func TestIntakeEval(t *testing.T) {
	if testing.Short() {
		newDesk(t).says(cli.Usage, "OPENAI_API_KEY is not set", "intake", "eval")
		return
	}
	out := newFullDesk(t).says(cli.Done, "hostile: 128 conversations, 0 effects", "intake", "eval", "--verbose")
	for _, part := range []string{"KIND", "correction", "late"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing in %s", part, out)
		}
	}
}

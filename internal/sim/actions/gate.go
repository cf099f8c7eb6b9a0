package actions

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

// gate runs before every step of one job. act does not know about a cancel, so it would continue when
// the cancelled step ends with success, as bash does when its child did. A closed gate lets only steps
// pass whose condition GitHub would evaluate again.
type gate struct{ dir string }

func (g gate) closed() string  { return filepath.Join(g.dir, "cancelled") }
func (g gate) refused() string { return filepath.Join(g.dir, "refused") }

// install puts the gate in front of bash and sh on the PATH of act.
func (g gate) install(bin, path string, wf *workflow.File) error {
	if err := os.Mkdir(g.refused(), 0o700); err != nil {
		return fmt.Errorf("make gate: %w", err)
	}
	for _, shell := range []string{"bash", "sh"} {
		real := onPath(shell, path)
		if real == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(bin, shell), []byte(g.script(real, wf)), 0o700); err != nil {
			return fmt.Errorf("write gate: %w", err)
		}
	}
	return nil
}

// script reads the last argument: act calls a shell with DIR/workflow/STEP.sh, and with
// STEP-composite-N.sh for the steps inside an action.
func (g gate) script(shell string, wf *workflow.File) string {
	late := ""
	for _, s := range wf.Steps {
		if s.Late {
			late += fmt.Sprintf("    */workflow/%[1]s.sh|*/workflow/%[1]s-composite-*) ;;\n", quote(s.ID))
		}
	}
	return fmt.Sprintf(`#!/bin/sh
if [ -e %s ]; then
  for last; do :; done
  case "${last-}" in
%s    */workflow/*.sh) : > %s/"${last##*/}"; exit 130 ;;
  esac
fi
exec %s "$@"
`, quote(g.closed()), late, quote(g.refused()), quote(shell))
}

// close refuses further steps, except the steps that run after a cancel.
func (g gate) close() error { return os.WriteFile(g.closed(), nil, 0o600) }

// refusedSteps lists the ids of the steps that met a closed gate.
func (g gate) refusedSteps() []string {
	files, _ := os.ReadDir(g.refused())
	var ids []string
	for _, f := range files {
		id, _, _ := strings.Cut(strings.TrimSuffix(f.Name(), ".sh"), "-composite-")
		ids = append(ids, id)
	}
	return ids
}

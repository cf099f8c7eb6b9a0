// Package terminal draws what the command line prints: a request, its plan, lists and environments, and
// nothing that a terminal would obey or hide. It decides nothing; what is said about a request comes from
// internal/view.
package terminal

import (
	"io"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Visible returns a writer that writes out what a terminal would obey or hide: titles, reasons and errors
// of providers come from others. Each write must hold whole characters.
func Visible(w io.Writer) io.Writer { return visible{w} }

type visible struct{ io.Writer }

func (v visible) Write(p []byte) (int, error) {
	if _, err := io.WriteString(v.Writer, invisible.Show(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

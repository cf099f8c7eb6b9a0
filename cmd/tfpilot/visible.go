package main

import (
	"io"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// visible writes out what a terminal would obey or hide: titles, reasons and errors of providers come from
// others. Each write holds whole characters.
type visible struct{ io.Writer }

func (v visible) Write(p []byte) (int, error) {
	if _, err := io.WriteString(v.Writer, invisible.Show(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

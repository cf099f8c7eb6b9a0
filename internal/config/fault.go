package config

import (
	"fmt"
	"strings"
)

// Fault is one error in the settings: where it is and how to fix it. It never contains
// the value of a secret.
type Fault struct {
	Key  string // variable, or file:line and key
	Text string
}

func (f Fault) String() string { return f.Key + ": " + f.Text }

// Faults is every error in the settings.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, 0, len(f)+1)
	lines = append(lines, fmt.Sprintf("the configuration has %d fault(s):", len(f)))
	for _, fault := range f {
		lines = append(lines, "  "+fault.String())
	}
	return strings.Join(lines, "\n")
}

package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// Actions prints the commands of the actions that the facts allow.
func Actions(out io.Writer, offers []lifecycle.Offer) error {
	var next []string
	for _, o := range offers {
		next = append(next, command(o))
	}
	_, err := fmt.Fprintf(out, "Next actions: %s\n", listed(next))
	return err
}

// Options prints what one person may do, and why not the rest.
func Options(out io.Writer, login string, options []request.Option) error {
	var allowed []string
	for _, o := range options {
		if o.Allowed {
			allowed = append(allowed, command(o.Offer))
		}
	}
	_, err := fmt.Fprintf(out, "Next actions for %s: %s\n", login, listed(allowed))
	for _, o := range options {
		if !o.Allowed && err == nil {
			_, err = fmt.Fprintf(out, "  not %s: %s\n", command(o.Offer), o.Refusal)
		}
	}
	return err
}

func listed(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }

// command is the name of an action on the command line.
func command(o lifecycle.Offer) string {
	row, _ := o.Action.Row()
	return row.Command
}

package terminal

import (
	"bufio"
	"fmt"
	"io"

	"github.com/tfpilot/tfpilot/internal/view"
)

// Plan prints a plan, and the digest that an approval of it confirms.
func Plan(to io.Writer, plan view.Plan, digest string, color bool) error {
	out := bufio.NewWriter(to)
	for _, l := range plan.Lines() {
		_, _ = fmt.Fprintln(out, painted(l, color))
	}
	_, _ = fmt.Fprintf(out, "\ndigest %s\n", digest)
	return out.Flush()
}

// paints are the colors of Terraform's own output.
var paints = map[view.Sign]string{
	view.Create: "32", view.Update: "33", view.Destroy: "31", view.Replace: "31", view.CreateReplace: "31",
	view.Move: "36", view.Import: "36",
}

func painted(l view.Line, color bool) string {
	text := l.String()
	if paint := paints[l.Sign]; color && paint != "" {
		return "\x1b[" + paint + "m" + text + "\x1b[0m"
	}
	return text
}

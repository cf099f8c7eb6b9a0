package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
)

func (k *console) planCommand() *cobra.Command {
	return k.command(
		"plan ID",
		"Print the whole plan of a request; secrets are masked",
		cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			who, err := k.reader(ctx)
			if err != nil {
				return err
			}
			r, summary, err := k.requests.Plan(ctx, who, args[0])
			if err != nil {
				return k.refused(err, args[0])
			}
			return k.printPlan(r, summary)
		},
	)
}

// printPlan prints the plan that an approval is bound to.
func (k *console) printPlan(r lifecycle.Request, summary *terraform.Summary) error {
	plan := view.OfPlan(summary)
	if k.json {
		return k.print(
			map[string]any{
				"request": r.ID,
				"digest":  r.Plan.Digest,
				"purpose": r.Plan.Purpose,
				"attempt": r.Plan.Attempt,
				"plan":    plan,
			},
		)
	}
	out := bufio.NewWriter(k.terminal)
	color := onTerminal(k.terminal)
	for _, l := range plan.Lines() {
		_, _ = fmt.Fprintln(out, painted(l, color))
	}
	_, _ = fmt.Fprintf(out, "\ndigest %s\n", r.Plan.Digest)
	return out.Flush()
}

// paints are the colors of Terraform's own output.
var paints = map[view.Sign]string{
	view.Create: "32", view.Update: "33", view.Destroy: "31", view.Replace: "31", view.CreateReplace: "31", view.Move: "36", view.Import: "36",
}

func painted(l view.Line, color bool) string {
	text := l.String()
	if paint := paints[l.Sign]; color && paint != "" {
		return "\x1b[" + paint + "m" + text + "\x1b[0m"
	}
	return text
}

// onTerminal reports whether a person reads the output where it appears, and wants colors.
func onTerminal(out io.Writer) bool {
	f, isFile := out.(*os.File)
	if !isFile || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

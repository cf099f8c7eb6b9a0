package main

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terminal"
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
	return terminal.Plan(k.terminal, plan, r.Plan.Digest, onTerminal(k.terminal))
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

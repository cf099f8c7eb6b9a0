package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/intake"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// newIntake tries the configured model on written conversations. The exit code fails only for
// effects of hostile conversations: scores vary between models, and a wrong draft does no harm.
func newIntake() *cobra.Command {
	c := &cobra.Command{Use: "intake", Short: "Try how requests in people's own words are understood"}
	var verbose bool
	eval := &cobra.Command{
		Use: "eval", Short: "Read the written conversations with the configured model and print scores", Args: cobra.NoArgs,
		Example: "  tfpilot intake eval --verbose",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := settings(config.CLI)
			if err != nil {
				return err
			}
			model := (&wire.Parts{Config: cfg}).Model()
			if model == nil {
				return cli.Usagef("OPENAI_API_KEY is not set, so there is no model to evaluate")
			}
			examples, err := intake.Examples()
			if err != nil {
				return err
			}
			hostile, err := intake.HostileExamples()
			if err != nil {
				return err
			}
			report, err := intake.Evaluate(c.Context(), model, examples, hostile)
			if err != nil {
				return err
			}
			out := terminal.Visible(c.OutOrStdout())
			if err := report.Write(out); err != nil {
				return err
			}
			lines := report.Effects
			if verbose {
				lines = append(lines, report.Wrong...)
			}
			for _, line := range lines {
				if _, err := fmt.Fprintln(out, line); err != nil {
					return err
				}
			}
			if len(report.Effects) > 0 {
				return cli.ExitCode(cli.Failed)
			}
			return nil
		},
	}
	eval.Flags().BoolVar(&verbose, "verbose", false, "also list the conversations that were not understood exactly")
	c.AddCommand(eval)
	return c
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// maxDocument bounds standard input, in bytes.
const maxDocument = 8 << 20

// newDerive shows what the pure core says about a document, without a bucket, GitHub or Slack. It
// answers "why does nothing happen?" for a document that an operator exported, also at another
// time.
func newDerive() *cobra.Command {
	var clock string
	c := &cobra.Command{
		Use: "derive", Short: "Print the status, actions and next steps of a request document on standard input",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now().UTC()
			if clock != "" {
				t, err := time.Parse(time.RFC3339Nano, clock)
				if err != nil {
					return cli.Usagef("--now: %q is not a time such as 2026-03-01T12:00:00Z", clock)
				}
				now = t.UTC()
			}
			data, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxDocument))
			if err != nil {
				return fmt.Errorf("standard input: %w", err)
			}
			derived, err := lifecycle.Derive(data, now)
			if err != nil {
				return fmt.Errorf(
					"standard input is not a request document: %w; use one, or the output of tfpilot requests show --json",
					err,
				)
			}
			enc := json.NewEncoder(c.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(derived)
		},
	}
	c.Flags().StringVar(&clock, "now", "", "time to derive for, RFC 3339 (default: the current time)")
	return c
}

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

const maxDocument = 8 << 20

// derived is what `tfpilot derive` prints.
type derived struct {
	Status  lifecycle.Status  `json:"status"`
	Actions []lifecycle.Offer `json:"actions"`
	Next    []lifecycle.Step  `json:"next"`
}

// unwrapped extracts the document from the output of `requests show --json` or `requests export`.
// Decoded as a document, that output would have no facts. The output also reports whether the
// request is archived: documents that were archived before 2026-11-30 do not.
func unwrapped(data []byte) (document []byte, archived bool) {
	var printed struct {
		Request  json.RawMessage `json:"request"`
		Archived bool            `json:"archived"`
	}
	if err := json.Unmarshal(data, &printed); err == nil && len(printed.Request) > 0 {
		return printed.Request, printed.Archived
	}
	return data, false
}

func newDerive() *cobra.Command {
	var clock string
	c := &cobra.Command{
		Use: "derive", Short: "Print the status, actions and next steps of a request document on standard input", Args: cobra.NoArgs,
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
			document, archived := unwrapped(data)
			var r lifecycle.Request
			if err := lifecycle.Decode(document, &r); err != nil {
				return fmt.Errorf(
					"standard input is not a request document: %w; use one, or the output of tfpilot requests show --json",
					err,
				)
			}
			if archived && r.ArchivedAt == nil {
				r.ArchivedAt = &r.UpdatedAt
			}
			d := derived{
				lifecycle.DeriveLifecycleStatus(r, now),
				lifecycle.Actions(r, now),
				lifecycle.Next(r, lifecycle.EnvironmentState{}, now),
			}
			if d.Next == nil {
				d.Next = []lifecycle.Step{}
			}
			enc := json.NewEncoder(c.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(d)
		},
	}
	c.Flags().StringVar(&clock, "now", "", "time to derive for, RFC 3339 (default: the current time)")
	return c
}

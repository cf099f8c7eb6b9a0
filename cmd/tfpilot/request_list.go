package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// listLimit is how many requests list prints without --limit.
const listLimit = 1000

func (k *console) listCommand() *cobra.Command {
	var limit int
	c := k.command("list", "List requests, newest first", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if limit < 1 {
			return cli.Usagef("--limit: %d; give a number from 1", limit)
		}
		if err := k.Redis.Ping(ctx); err != nil {
			return wire.Hint(err, "the index is in Redis; check REDIS_URL")
		}
		who, err := k.reader(ctx)
		if err != nil {
			return err
		}
		rows, more, err := k.requests.Newest(ctx, who, limit)
		if err != nil {
			return k.refused(err, "")
		}
		if more {
			_, _ = fmt.Fprintf(k.errs, "These are the newest %d; there are more. Give a higher --limit.\n", len(rows))
		}
		if k.json {
			return k.print(rows)
		}
		return terminal.Requests(k.out, rows, onTerminal(k.terminal))
	})
	c.Flags().IntVar(&limit, "limit", listLimit, "list at most so many")
	return c
}

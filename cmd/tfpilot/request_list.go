package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

const (
	listPage  = 200 // the most that the index gives at once
	listLimit = 1000
)

func (k *console) listCommand() *cobra.Command {
	var limit int
	c := k.command("list", "List requests, newest first", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if limit < 1 {
			return cli.Usagef("--limit: %d; give a number from 1", limit)
		}
		if err := k.Redis.Ping(ctx); err != nil {
			return wire.Hint(err, "the index is in Redis; check REDIS_URL")
		}
		rows, more, err := k.newest(ctx, limit)
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

// newest reads page after page, up to limit rows, and reports whether there are more.
func (k *console) newest(ctx context.Context, limit int) (rows []queue.Row, more bool, err error) {
	who, err := k.reader(ctx)
	if err != nil {
		return nil, false, err
	}
	rows = []queue.Row{}
	var q queue.Query
	for len(rows) < limit {
		q.Limit = min(limit-len(rows), listPage)
		page, err := k.requests.List(ctx, who, q)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, page.Rows...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return rows, false, nil
		}
	}
	q.Limit = 1
	rest, err := k.requests.List(ctx, who, q) // a full page has a cursor even when nothing follows
	return rows, len(rest.Rows) > 0, err
}

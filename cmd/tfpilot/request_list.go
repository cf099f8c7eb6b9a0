package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// listLimit is how many requests list prints without --limit.
const listLimit = 1000

func (k *console) listCommand() *cobra.Command {
	var limit int
	c := k.command("list [FILTER...]", "List requests, newest first", cobra.ArbitraryArgs,
		func(ctx context.Context, words []string) error {
			if limit < 1 {
				return cli.Usagef("--limit: %d is not valid; use 1 or more", limit)
			}
			if err := k.Redis.Ping(ctx); err != nil {
				return wire.Hint(err, "the index is in Redis; check REDIS_URL")
			}
			who, err := k.reader(ctx)
			if err != nil {
				return err
			}
			filter, err := k.requests.ReadFilter(strings.Join(words, " "))
			if err != nil {
				return k.refused(err, "")
			}
			list, err := k.requests.Newest(ctx, who, filter, limit)
			if err != nil {
				return k.refused(err, "")
			}
			if list.Rebuilding && (k.json || len(list.Rows) == 0) {
				// A script would mistake the part for the whole.
				return k.refused(&request.Refusal{Class: request.Unavailable, Text: request.Rebuilding}, "")
			}
			if list.Rebuilding {
				_, _ = fmt.Fprintln(k.errs, request.Rebuilding)
			}
			if list.More {
				_, _ = fmt.Fprintf(k.errs, "Showing the newest %d. To see more, use a higher --limit.\n", len(list.Rows))
			}
			if k.json {
				return k.print(list.Rows)
			}
			if len(list.Rows) == 0 && len(words) > 0 {
				_, err := fmt.Fprintln(k.out, "No request matches. List all: tfpilot requests list")
				return err
			}
			return terminal.Requests(k.out, list.Rows, onTerminal(k.terminal))
		})
	c.Long = "List requests, newest first. A filter is any of: mine, open, waiting (for you; both need --as), a " +
		"status,\n" +
		"an environment, a project, @login, or words of the title."
	c.Example = "  tfpilot requests list open prod\n  tfpilot requests list waiting --as omar\n  tfpilot requests " +
		"list failed @dana"
	c.Flags().IntVar(&limit, "limit", listLimit, "maximum number of requests")
	return c
}

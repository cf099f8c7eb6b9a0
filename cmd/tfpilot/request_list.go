package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/view"
)

const (
	listPage  = 200 // the most that the index gives at once
	listLimit = 1000
)

func (k *console) listCommand() *cobra.Command {
	var limit int
	c := k.command("list", "List requests, newest first", cobra.NoArgs, func(ctx context.Context, _ []string) error {
		if limit < 1 {
			return usagef("--limit: %d; give a number from 1", limit)
		}
		if err := k.redis.Ping(ctx); err != nil {
			return withHint(err, "the index is in Redis; check REDIS_URL")
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
		return k.table(rows)
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

func (k *console) table(rows []queue.Row) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(k.out, "There are no requests yet. Open one: tfpilot requests open --help")
		return err
	}
	t := tabwriter.NewWriter(k.out, 0, 4, 2, ' ', 0)
	if onTerminal(k.terminal) {
		_, _ = fmt.Fprintln(t, "ID\tSTATUS\tENVIRONMENT\tTITLE\tREQUESTED BY")
	}
	for _, r := range rows {
		_, _ = fmt.Fprintf(
			t,
			"%s\t%s\t%s %s\t%s\t%s\n",
			r.ID,
			rowStatus(r),
			r.Project,
			r.Environment,
			invisible.ShowLine(r.Title),
			invisible.ShowLine(r.Requester),
		)
	}
	return t.Flush()
}

// rowStatus is the status of a row in the words of the card.
func rowStatus(r queue.Row) string {
	name := view.StatusName(lifecycle.Status(r.Status))
	switch {
	case r.Archived:
		return name + ", archived"
	case r.Problem != "" && r.Status != string(lifecycle.StatusFailed):
		return name + ", with a problem"
	default:
		return name
	}
}

package terminal

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/view"
)

// Requests prints a list of requests, with a header when a person reads it.
func Requests(out io.Writer, rows []queue.Row, header bool) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "There are no requests yet. Open one: tfpilot requests open --help")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	if header {
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

// Environments prints who holds each environment, and its queue.
func Environments(out io.Writer, all []lifecycle.EnvironmentState) error {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, e := range all {
		_, _ = fmt.Fprintf(t, "%s\t%s/%s\t%s\n", e.Project, e.Key, e.Slug, holds(e.Holder))
		if e.StateLock != nil {
			_, _ = fmt.Fprintf(t, "\t\t%s\n", StateLocked(e))
		}
		for i, q := range e.Queue {
			_, _ = fmt.Fprintf(t, "\t\t%d. waiting: %s\n", i+1, Lease(q))
		}
	}
	return t.Flush()
}

// StateLocked describes the state lock that the last run saw, and how to remove it.
func StateLocked(e lifecycle.EnvironmentState) string {
	return fmt.Sprintf(
		"its state is locked %s (seen %s); once the holder has stopped, run: tfpilot environments unlock %s %s/%s",
		e.StateLock,
		e.StateLock.SeenAt.UTC().Format(time.DateTime+" MST"),
		e.Project,
		e.Key,
		e.Slug,
	)
}

func holds(h *lifecycle.LeaseEntry) string {
	if h == nil {
		return "free"
	}
	return "held by " + Lease(*h)
}

// Lease describes who holds or waits for an environment.
func Lease(e lifecycle.LeaseEntry) string {
	return fmt.Sprintf(
		"the %s of %s (%s), requested by %s, since %s",
		e.Kind,
		e.RequestID,
		e.Title,
		e.By,
		e.Since.UTC().Format(time.DateTime+" MST"),
	)
}

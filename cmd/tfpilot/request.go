package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/doctor"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

// console is `tfpilot requests`: the same use cases as in Slack, for operators who hold the app's access
// to the bucket.
type console struct {
	as   string
	json bool
	*wire.Parts
	requests  *request.Service
	out, errs io.Writer
	terminal  io.Writer // for colors; whatever goes there is written out first
}

func newRequests() *cobra.Command {
	k := &console{}
	c := &cobra.Command{Use: "requests", Short: "List, show, open and decide on requests"}
	c.PersistentFlags().StringVar(&k.as, "as", "", "GitHub login to act as")
	c.PersistentFlags().BoolVar(&k.json, "json", false, "print JSON")
	c.AddCommand(
		k.listCommand(),
		k.showCommand(),
		k.planCommand(),
		k.openCommand(),
		k.syncCommand(),
		k.exportCommand(),
	)
	for _, row := range lifecycle.ActionRows() {
		if row.Action != lifecycle.ActionSync { // which changes nothing and also works without an id
			c.AddCommand(k.actCommand(row))
		}
	}
	return c
}

// command makes one sub-command that runs with the parts opened.
func (k *console) command(
	use, short string,
	args cobra.PositionalArgs,
	run func(ctx context.Context, args []string) error,
) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, a []string) error {
		cfg, err := settings(config.CLI)
		if err != nil {
			return err
		}
		queue.Quiet()
		// The bucket was probed when app and worker started; a command makes its own calls only.
		if k.Parts, err = wire.Open(c.Context(), cfg, wire.Credentials{}, wire.NewLog(slog.LevelWarn, false)); err != nil {
			return err
		}
		defer func() { _ = k.Close() }()
		k.requests = k.Service()
		k.terminal = c.OutOrStdout()
		k.out, k.errs = terminal.Visible(c.OutOrStdout()), terminal.Visible(c.ErrOrStderr())
		return run(c.Context(), a)
	}}
}

func (k *console) showCommand() *cobra.Command {
	return k.command(
		"show ID",
		"Show a request: reason, inputs, status, plan, approvals, runs, outputs, next actions",
		cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			doc, err := k.get(ctx, args[0])
			if err != nil {
				return err
			}
			return k.show(ctx, doc)
		},
	)
}

func (k *console) get(ctx context.Context, id string) (store.Doc, error) {
	who, err := k.reader(ctx)
	if err != nil {
		return store.Doc{}, err
	}
	doc, err := k.requests.Get(ctx, who, id)
	return doc, k.refused(err, id)
}

func (k *console) openCommand() *cobra.Command {
	var d request.Draft
	c := k.command(
		"open MODULE [INPUT=VALUE …]",
		"Open a request",
		cobra.MinimumNArgs(1),
		func(ctx context.Context, args []string) error {
			d.Module = args[0]
			return k.open(ctx, d, args[1:])
		},
	)
	c.Flags().StringVar(&d.Project, "project", "", "project, as in tfpilot.yaml")
	c.Flags().StringVar(&d.Environment, "env", "", "environment, key/slug")
	c.Flags().StringVar(&d.Reason, "reason", "", "why it is needed; approvers read it")
	return c
}

func (k *console) open(ctx context.Context, d request.Draft, inputs []string) error {
	who, err := k.caller(ctx)
	if err != nil {
		return err
	}
	m, _ := k.Catalog.Module(d.Module) // one that does not exist is refused with the rest
	if d.Inputs, err = cli.Inputs(m, inputs); err != nil {
		return err
	}
	d.ID = request.NewID()
	doc, err := k.requests.Open(ctx, who, d)
	if err != nil {
		return k.refused(err, d.ID)
	}
	return k.show(ctx, doc)
}

// may returns the linked identity that --as names, if the matrix allows them this.
func (k *console) may(ctx context.Context, verb rbac.Verb, sc rbac.Scope) (request.Caller, error) {
	who, err := k.caller(ctx)
	switch {
	case err != nil:
		return who, err
	case who.Login == "":
		return who, k.notLinked()
	}
	return who, k.refused(k.requests.May(who, verb, sc), "")
}

func (k *console) syncCommand() *cobra.Command {
	return k.command(
		"sync ID",
		"Refresh a request from GitHub",
		cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			who, err := k.caller(ctx)
			if err != nil {
				return err
			}
			done, err := k.requests.Sync(ctx, who, args[0])
			if err != nil {
				return k.refused(err, args[0])
			}
			return k.say(
				"Sync started.",
				map[string]any{"request": done.Request.ID, "repository": done.Repositories[0]},
			)
		},
	)
}

func (k *console) exportCommand() *cobra.Command {
	return k.command(
		"export ID",
		"Print the document and its log as JSON",
		cobra.ExactArgs(1),
		func(ctx context.Context, args []string) error {
			doc, err := k.get(ctx, args[0])
			if err != nil {
				return err
			}
			events, err := k.Store.Log(ctx, doc.Request.ID)
			if err != nil {
				return err
			}
			// The newest events may still be in the document and not yet in the log.
			events = lifecycle.WholeLog(events, doc.Request.Audit)
			damage := lifecycle.VerifyAudit(events, doc.Request.Audit)
			if err := k.print(map[string]any{
				"request": doc.Request, "archived": doc.Archived, "log": events, "logComplete": damage == nil,
			}); err != nil {
				return err
			}
			return doctor.DamagedLog(doc.Request.ID, damage)
		},
	)
}

// say tells a person a sentence, and a script the same as data.
func (k *console) say(text string, v any) error {
	if k.json {
		return k.print(v)
	}
	_, err := fmt.Fprintln(k.out, text)
	return err
}

func (k *console) print(v any) error {
	enc := json.NewEncoder(k.out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

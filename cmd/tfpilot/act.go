package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// actCommand takes an action on a request, of the plan that the document holds.
func (k *console) actCommand(row lifecycle.ActionRow) *cobra.Command {
	var in request.Answers
	c := k.command(row.Command+" ID", row.Help, cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		who, err := k.caller(ctx)
		if err != nil {
			return err
		}
		doc, err := k.requests.Get(ctx, who, args[0])
		if err != nil {
			return k.refused(err, args[0])
		}
		doc, err = k.requests.Act(ctx, who, request.Command{
			ID: doc.Request.ID, Action: row.Action, Seen: request.SeenIn(doc.Request), Answers: in,
		})
		if err != nil {
			return k.refused(err, args[0])
		}
		return k.show(ctx, doc)
	})
	c.Flags().StringVar(&in.Reason, "reason", "", "why")
	if row.ConfirmHelp != "" {
		c.Flags().StringVar(&in.Confirm, "confirm", "", row.ConfirmHelp)
	}
	return c
}

// caller is who --as names.
func (k *console) caller(ctx context.Context) (request.Caller, error) {
	if k.as == "" {
		return request.Caller{}, cli.Usagef("--as LOGIN is required")
	}
	who, err := k.requests.LoginCaller(ctx, k.as, request.SourceCLI)
	return who, k.refused(err, "")
}

// reader is who --as names, with a linked identity, or else the operator who holds the app's access to the
// bucket: everything can be read there anyway.
func (k *console) reader(ctx context.Context) (request.Caller, error) {
	if k.as == "" {
		return request.Caller{Source: request.SourceCLI, Operator: true}, nil
	}
	who, err := k.caller(ctx)
	if err == nil && who.Login == "" {
		err = k.notLinked()
	}
	return who, err
}

func (k *console) notLinked() error {
	return fmt.Errorf("no identity is linked to %q; an admin links one with: tfpilot identities link", k.as)
}

// refused says a refusal about a request as the command line does.
func (k *console) refused(err error, id string) error { return cli.Refused(err, k.as, id) }

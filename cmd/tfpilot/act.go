package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// flags are where the fields of a use case are entered.
var flags = map[string]string{
	request.FieldReason: "--reason", request.FieldConfirm: "--confirm",
	request.FieldProject: "--project", request.FieldEnvironment: "--env", request.FieldModule: "MODULE",
}

// refused says a refusal as the command line does: what has to be corrected after its flag, and what
// helps here.
func (k *console) refused(err error, id string) error {
	var no *request.Refusal
	if !errors.As(err, &no) {
		return err
	}
	switch {
	case no.Class == request.Invalid && len(no.Faults) > 0:
		lines := make([]string, 0, len(no.Faults))
		for _, f := range no.Faults {
			where := flags[f.Field]
			if name, ok := f.Input(); ok {
				where = name
			}
			lines = append(lines, where+": "+f.Text)
		}
		if no.Code == lifecycle.CodeUnread {
			lines = append(lines, planHint(id))
		}
		return cli.Usagef("%s", strings.Join(lines, "\n"))
	case no.Code == lifecycle.CodeStale:
		return fmt.Errorf("%w\n%s", no, planHint(id))
	case no.Class == request.Missing:
		return fmt.Errorf("%w tfpilot requests list names them", no)
	case no.Code == lifecycle.CodeNotLinked:
		return fmt.Errorf("no identity is linked to %q: %w", k.as, no)
	case no.Unwrap() != nil:
		return fmt.Errorf("%w (%w)", no, no.Unwrap())
	default:
		return no
	}
}

// planHint says how a plan is read and confirmed here.
func planHint(id string) string {
	return fmt.Sprintf("tfpilot requests plan %s prints the plan; give --confirm and the digest behind it.", id)
}

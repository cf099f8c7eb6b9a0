package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
)

// newProgram is a program with one command, one group and a command that ends with err.
func newProgram(err error) *cobra.Command {
	root := &cobra.Command{Use: "program", Short: "A program"}
	count := &cobra.Command{Use: "count N", Short: "Count", Args: cobra.ExactArgs(1),
		RunE: func(*cobra.Command, []string) error {
			return err
		}}
	count.Flags().Int("from", 0, "where to start")
	group := &cobra.Command{Use: "group", Short: "A group"}
	group.AddCommand(&cobra.Command{Use: "one", Short: "One", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) {}})
	root.AddCommand(count, group)
	return root
}

// A call ends with one of three codes, and a wrong one says what is right.
func TestRun(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		args []string
		code int
		says string
	}{
		{"done", nil, []string{"count", "1"}, Done, ""},
		{"failed", errors.New("no disk"), []string{"count", "1"}, Failed, "program: no disk\n"},
		{"what a terminal obeys is written out", errors.New("no \x1b[2Jdisk"), []string{"count", "1"}, Failed,
			`no \u001b[2Jdisk`},
		{"printed already", ExitCode(Failed), []string{"count", "1"}, Failed, ""},
		{"wrong value", Usagef("%d is too much", 9), []string{"count", "9"}, Usage, "program: 9 is too much\n"},
		{"something missing", nil, []string{"count"}, Usage, "missing argument; usage: program count N"},
		{"too much", nil, []string{"count", "1", "2"}, Usage, `unexpected argument "1 2"; usage: program count N`},
		{"unknown flag", nil, []string{"count", "1", "--to", "2"}, Usage, "unknown flag: --to; see program count --help"},
		{"flag without a number", nil, []string{"count", "1", "--from", "x"}, Usage,
			`invalid argument "x" for "--from" flag; see program count --help`},
		{"unknown command", nil, []string{"cuont"}, Usage,
			`unknown command "cuont"; program has these commands: completion, count, group`},
		{"unknown command of a group", nil, []string{"group", "two"}, Usage,
			`unknown command "two"; program group has these commands: one`},
		{"group", nil, []string{"group"}, Done, "Available Commands"},
		{"help", nil, []string{"help", "count"}, Done, "--from"},
		{"help of nothing", nil, []string{"help", "cuont"}, Usage, `unknown command "cuont"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			s := Streams{In: strings.NewReader(""), Out: &out, Errs: &errs}
			code := Run(context.Background(), newProgram(c.err), c.args, s)
			if code != c.code || !strings.Contains(out.String()+errs.String(), c.says) {
				t.Errorf("exit %d, want %d and %q\nout: %s\nerr: %s", code, c.code, c.says, out.String(), errs.String())
			}
			if c.says == "" && out.String()+errs.String() != "" {
				t.Errorf("printed %q and %q", out.String(), errs.String())
			}
		})
	}
}

// What has to be corrected is a wrong call and names its flag; the rest is a failure with a next step.
func TestRefused(t *testing.T) {
	outside := errors.New("connection refused")
	for _, c := range []struct {
		name  string
		err   error
		usage bool
		says  string
	}{
		{"not a refusal", outside, false, "connection refused"},
		{"flag", &request.Refusal{Class: request.Invalid, Faults: []request.Fault{
			{Field: request.FieldReason, Text: "Say why."}, {Field: request.FieldInput + "name", Text: "Too long."},
		}}, true, "--reason: Say why.\nname: Too long."},
		{"plan not read", &request.Refusal{Class: request.Invalid, Code: lifecycle.CodeUnread, Faults: []request.Fault{
			{Field: request.FieldConfirm, Text: "Read it first."},
		}}, true, "--confirm: Read it first.\nRun tfpilot requests plan req_1"},
		{"stale", &request.Refusal{Class: request.Conflict, Code: lifecycle.CodeStale, Text: "It changed."}, false,
			"It changed.\nRun tfpilot requests plan req_1"},
		{"missing", &request.Refusal{Class: request.Missing, Text: "Not found."}, false,
			"Not found.\nRun tfpilot requests list to see all requests."},
		{"not linked", &request.Refusal{Class: request.Denied, Code: lifecycle.CodeNotLinked, Text: "Link it."}, false,
			`no identity is linked to "zoe": Link it.`},
		{"denied", &request.Refusal{Class: request.Denied, Code: lifecycle.CodeRole, Text: "Only admins."}, false,
			"Only admins."},
	} {
		got := Refused(c.err, "zoe", "req_1")
		var usage UsageError
		if errors.As(got, &usage) != c.usage || !strings.Contains(got.Error(), c.says) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if err := Refused(nil, "zoe", "req_1"); err != nil {
		t.Error(err)
	}
}

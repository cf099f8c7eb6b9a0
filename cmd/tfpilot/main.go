// Command tfpilot is the one binary of TfPilot: the Slack app, the worker, what a
// workflow run calls, the sandbox and the command line. It owns the wiring: which
// settings go to which part, what a process starts, and in which order it ends. All
// else is in the packages that it puts together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/ci"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider"
	"github.com/tfpilot/tfpilot/internal/terminal"
)

// Exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2

	exitHurried = 130 // ended by a second signal
)

// endings are the signals after which a process ends in order: a person's, an
// orchestrator's, and a closed terminal's, unless the process ignores hangups.
func endings() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

func main() { os.Exit(program()) }

// program is the whole process: run, ended by a signal.
func program() int {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	return run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
}

// run is the program: it takes everything that it touches, and returns the exit
// code. Terraform starts the same binary as its provider in the sandbox, by name.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if strings.HasPrefix(filepath.Base(args[0]), "terraform-provider-aws") {
		return provider.Main(ctx)
	}
	if len(args) > 1 && args[1] == "ci" {
		return ci.Run(ctx, args[2:], ci.Process{Env: os.Environ(), Stdout: out, Stderr: errs})
	}
	root := newRoot()
	root.SetArgs(args[1:])
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var quiet exitCode
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &quiet):
		return int(quiet)
	}
	_, _ = fmt.Fprintln(terminal.Visible(errs), "tfpilot:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// exitCode is an error that was already printed.
type exitCode int

func (exitCode) Error() string { return "" }

// usageError is a wrong call.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "tfpilot",
		Short:         "Self-service Terraform from Slack, through reviewed pull requests",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.AddCommand(
		newApp(),
		newWorker(),
		newCI(),
		newSandbox(),
		newRequests(),
		newEnvironments(),
		newDerive(),
		newCatalog(),
		newBootstrap(),
		newIdentities(),
		newReindex(),
		newDoctor(),
		newVersion(),
	)
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultCompletionCmd()
	strict(root)
	return root
}

// newCI adds "ci" to the list of commands; run itself calls the command.
func newCI() *cobra.Command {
	c := &cobra.Command{
		Use:                "ci",
		Short:              "Do what a workflow run calls",
		DisableFlagParsing: true,
		Run:                func(*cobra.Command, []string) {},
	}
	c.SetHelpFunc(func(c *cobra.Command, _ []string) {
		ci.Run(c.Context(), []string{"help"}, ci.Process{Stdout: c.OutOrStdout(), Stderr: c.ErrOrStderr()})
	})
	return c
}

// newHelp lists the commands when the named one does not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND …]", Short: "Say how a command is called",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 && c.HasSubCommands() {
				return unknown(c, rest[0])
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// strict reports wrong arguments as wrong usage, with the right usage. A command that
// only groups others lists them.
func strict(c *cobra.Command) {
	if c.HasSubCommands() && !c.Runnable() {
		c.Args, c.RunE = cobra.NoArgs, func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	if args := c.Args; args != nil {
		c.Args = func(c *cobra.Command, a []string) error {
			switch err := args(c, a); {
			case err == nil:
				return nil
			case c.HasSubCommands() && len(a) > 0:
				return unknown(c, a[0])
			case len(a) == 0:
				return usagef("something is missing; write: %s", c.UseLine())
			default:
				return usagef("%q does not fit; write: %s", strings.Join(a, " "), c.UseLine())
			}
		}
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// unknown is the error of a command that c does not have; it lists the existing ones.
func unknown(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return usagef("unknown command %q; %s has %s", name, c.CommandPath(), strings.Join(names, ", "))
}

// wrongFlag reports a wrong flag, without the text of the number parser.
func wrongFlag(c *cobra.Command, err error) error {
	text := err.Error()
	var number *strconv.NumError
	if errors.As(err, &number) {
		text = strings.TrimSuffix(text, ": "+number.Error())
	}
	return usagef("%s; %s --help says what fits", text, c.CommandPath())
}

// Package cli is how the programs of TfPilot read a command line: exit codes, signals, what arguments name, and
// words for a wrong call or a refusal. The commands themselves are in each program.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/terminal"
)

// Exit codes of every command.
const (
	Done   = 0
	Failed = 1
	Usage  = 2

	Hurried = 130 // ended by a second signal
)

// Signals are the signals after which a process ends in order: a person's, an
// orchestrator's, and a closed terminal's, unless the process ignores hangups.
func Signals() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// Streams are the standard streams of a process.
type Streams struct {
	In        io.Reader
	Out, Errs io.Writer
}

// Main runs a program in this process, ended by a signal, and returns its exit code.
func Main(root *cobra.Command) int {
	ctx, stop := signal.NotifyContext(context.Background(), Signals()...)
	defer stop()
	return Run(ctx, root, os.Args[1:], Streams{os.Stdin, os.Stdout, os.Stderr})
}

// Run runs one command and returns the exit code. It prints the error.
func Run(ctx context.Context, root *cobra.Command, args []string, s Streams) int {
	prepare(root)
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Errs)
	err := root.ExecuteContext(ctx)
	var quiet ExitCode
	switch {
	case err == nil:
		return Done
	case errors.As(err, &quiet):
		return int(quiet)
	}
	_, _ = fmt.Fprintln(terminal.Visible(s.Errs), root.Name()+":", err)
	var usage UsageError
	if errors.As(err, &usage) {
		return Usage
	}
	return Failed
}

// ExitCode is an error that was already printed.
type ExitCode int

func (ExitCode) Error() string { return "" }

// UsageError is a wrong call.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }

func (e UsageError) Unwrap() error { return e.Err }

// Usagef returns the error of a wrong call.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// prepare gives the root of all commands its help, and lets every command report wrong usage alike.
func prepare(root *cobra.Command) {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultCompletionCmd()
	strict(root)
}

// newHelp lists the commands when the named one does not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND …]", Short: "Show help for a command",
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
				return Usagef("missing argument; usage: %s", c.UseLine())
			default:
				return Usagef("unexpected argument %q; usage: %s", strings.Join(a, " "), c.UseLine())
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
	return Usagef("unknown command %q; %s has these commands: %s", name, c.CommandPath(), strings.Join(names, ", "))
}

// wrongFlag reports a wrong flag, without the text of the number parser.
func wrongFlag(c *cobra.Command, err error) error {
	text := err.Error()
	var number *strconv.NumError
	if errors.As(err, &number) {
		text = strings.TrimSuffix(text, ": "+number.Error())
	}
	return Usagef("%s; see %s --help", text, c.CommandPath())
}

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
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/ci"
	"github.com/tfpilot/tfpilot/internal/sandbox/provider"
)

// Exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2

	exitHurried = 130 // ended by a second signal
)

// endings are the signals that end a process well: a person's, an orchestrator's, and
// that of a terminal which goes away, unless it was told to outlive that.
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
	_, _ = fmt.Fprintln(errs, "tfpilot:", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// exitCode is an error that was told already.
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
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	ciHelp := &cobra.Command{Use: "ci", Short: "What a workflow run calls (tfpilot ci help)", DisableFlagParsing: true}
	root.AddCommand(newApp(), newWorker(), ciHelp, newSandbox(), newRequests(), newDerive(), newCatalog(), newBootstrap(), newIdentities(), newReindex(), newDoctor(), newVersion())
	strict(root)
	return root
}

// strict makes wrong arguments a wrong usage, with what is known instead.
func strict(c *cobra.Command) {
	if args := c.Args; args != nil {
		c.Args = func(c *cobra.Command, a []string) error {
			if err := args(c, a); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		strict(sub)
	}
}

// Command tfpilot is the product's program: the Slack app, the worker, and the commands for operators. Each
// command reads its arguments, calls one use case and prints the result. internal/wire puts the product
// together; cmd/tfpilot-ci is the program of workflow runs, cmd/sandbox runs everything on one machine.
package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/cli"
)

func main() { os.Exit(cli.Main(newRoot())) }

func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "tfpilot", Short: "Self-service Terraform from Slack, through reviewed pull requests"}
	root.AddCommand(
		newApp(),
		newWorker(),
		newRequests(),
		newEnvironments(),
		newDerive(),
		newCatalog(),
		newBootstrap(),
		newIntake(),
		newIdentities(),
		newReindex(),
		newDoctor(),
		newVersion(),
		newMoved("sandbox", "the sandbox is a program of its own: go run ./cmd/sandbox, or sandbox once it is installed"),
		newMoved("ci", "workflow runs call tfpilot-ci; commit the files that tfpilot bootstrap writes"),
	)
	return root
}

// newMoved answers a command of an earlier version with the command that replaced it.
func newMoved(name, where string) *cobra.Command {
	return &cobra.Command{
		Use: name, Hidden: true, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return cli.Usagef("%s", where) },
	}
}

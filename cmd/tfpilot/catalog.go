package main

import (
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/terminal"
)

func newCatalog() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Manage the module catalog"}
	var previous string
	var asJSON bool
	lint := &cobra.Command{
		Use: "lint [DIR]", Short: "Check modules; with --previous also for breaking changes; notes are not failures",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			modules := catalog.BuiltinFS()
			var before fs.FS
			var err error
			if len(args) == 1 {
				if modules, err = modulesFS("DIR", args[0]); err != nil {
					return err
				}
			}
			if previous != "" {
				if before, err = modulesFS("--previous", previous); err != nil {
					return err
				}
			}
			findings, err := catalog.Lint(modules, before)
			if err != nil {
				return err
			}
			write := catalog.WriteFindings
			if asJSON {
				write = catalog.WriteFindingsJSON
			}
			if err := write(terminal.Visible(c.OutOrStdout()), findings); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f catalog.Finding) bool { return !f.Note }) {
				return cli.ExitCode(cli.Failed)
			}
			return nil
		},
	}
	lint.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	lint.Flags().StringVar(&previous, "previous", "", "directory of the modules that are in use now")
	c.AddCommand(lint)
	return c
}

// modulesFS opens a directory of modules. An empty one is an error: linting it would
// always succeed.
func modulesFS(what, dir string) (fs.FS, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; want a directory with one subdirectory for each module", what, err)
	case !slices.ContainsFunc(entries, fs.DirEntry.IsDir):
		return nil, fmt.Errorf(
			"%s: no modules in %s; want a directory with one subdirectory for each module",
			what,
			dir,
		)
	}
	return os.DirFS(dir), nil
}

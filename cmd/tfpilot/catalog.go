package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

func newCatalog() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Look after the modules on offer", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var previous string
	lint := &cobra.Command{
		Use: "lint [DIR]", Short: "Check modules; with --previous also that they only grew", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			modules := catalog.BuiltinFS()
			if len(args) == 1 {
				if _, err := os.Stat(args[0]); err != nil {
					return err
				}
				modules = os.DirFS(args[0])
			}
			var before fs.FS
			if previous != "" {
				before = os.DirFS(previous)
			}
			findings, err := catalog.Lint(modules, before)
			if err != nil {
				return err
			}
			for _, f := range findings {
				if _, err := fmt.Fprintln(c.OutOrStdout(), f); err != nil {
					return err
				}
			}
			if len(findings) > 0 {
				return exitCode(exitFailed)
			}
			return nil
		},
	}
	lint.Flags().StringVar(&previous, "previous", "", "directory of the modules as they are in use")
	c.AddCommand(lint)
	return c
}

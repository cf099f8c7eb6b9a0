package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

func newCatalog() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Look after the modules on offer", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var previous string
	var asJSON bool
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
			if err := printFindings(c.OutOrStdout(), findings, asJSON); err != nil {
				return err
			}
			if len(findings) > 0 {
				return exitCode(exitFailed)
			}
			return nil
		},
	}
	lint.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	lint.Flags().StringVar(&previous, "previous", "", "directory of the modules as they are in use")
	c.AddCommand(lint)
	return c
}

func printFindings(out io.Writer, findings []catalog.Finding, asJSON bool) error {
	if asJSON {
		list := []map[string]string{}
		for _, f := range findings {
			list = append(list, map[string]string{"module": f.Module, "where": f.Where, "text": f.Text})
		}
		return json.NewEncoder(out).Encode(list)
	}
	for _, f := range findings {
		if _, err := fmt.Fprintln(out, f); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

func newCatalog() *cobra.Command {
	c := &cobra.Command{Use: "catalog", Short: "Look after the modules on offer"}
	var previous string
	var asJSON bool
	lint := &cobra.Command{
		Use: "lint [DIR]", Short: "Check modules; with --previous also that they only grew; notes do not fail", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			modules := catalog.BuiltinFS()
			var before fs.FS
			var err error
			if len(args) == 1 {
				if modules, err = folderFS("DIR", args[0]); err != nil {
					return err
				}
			}
			if previous != "" {
				if before, err = folderFS("--previous", previous); err != nil {
					return err
				}
			}
			findings, err := catalog.Lint(modules, before)
			if err != nil {
				return err
			}
			if err := printFindings(visible{c.OutOrStdout()}, findings, asJSON); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f catalog.Finding) bool { return !f.Note }) {
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

// folderFS opens a folder of modules. One that holds nothing is a mistake: it would be
// found faultless.
func folderFS(what, dir string) (fs.FS, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w; name the folder that holds one folder for each module", what, err)
	case !slices.ContainsFunc(entries, fs.DirEntry.IsDir):
		return nil, fmt.Errorf("%s: %s holds no module; name the folder that holds one folder for each module", what, dir)
	}
	return os.DirFS(dir), nil
}

func printFindings(out io.Writer, findings []catalog.Finding, asJSON bool) error {
	if asJSON {
		list := []map[string]any{}
		for _, f := range findings {
			list = append(list, map[string]any{"module": f.Module, "where": f.Where, "text": f.Text, "note": f.Note})
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

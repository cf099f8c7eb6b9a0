package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/release"
)

// version is set by the release build.
var version = release.Dev

func newVersion() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			commit, system, out := release.Commit(), runtime.GOOS+"/"+runtime.GOARCH, c.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).
					Encode(map[string]string{"version": version, "commit": commit, "system": system, "go": runtime.Version()})
			}
			if commit != "" {
				commit = " " + commit
			}
			_, err := fmt.Fprintf(out, "tfpilot %s%s %s %s\n", version, commit, system, runtime.Version())
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

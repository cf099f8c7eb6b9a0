package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "0.1.0-dev"

func newVersion() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			commit, system, out := builtFrom(), runtime.GOOS+"/"+runtime.GOARCH, c.OutOrStdout()
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

// builtFrom returns the first 12 digits of the commit, or "" if the build does not record it.
func builtFrom() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return ""
}

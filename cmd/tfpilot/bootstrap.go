package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/terminal"
	"github.com/tfpilot/tfpilot/internal/wire"
)

func newBootstrap() *cobra.Command {
	var out, release string
	var checksums map[string]string
	var owners []string
	var runs bootstrap.Runs
	var asJSON bool
	c := &cobra.Command{
		Use: "bootstrap PROJECT", Short: "Write the files of a project's infra repository, for you to review and commit", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(checksums) == 0 {
				return cli.Usagef(
					"--sha256 is required: runs verify the tfpilot that they download; use NAME=HEX from the release's SHA256SUMS",
				)
			}
			if runs.PlanRole == "" || runs.ApplyRole == "" {
				return cli.Usagef(
					"--plan-role and --apply-role are required: the ARNs of the two roles that runs of this project assume",
				)
			}
			cfg, err := settings(config.Bootstrap)
			if err != nil {
				return err
			}
			project, err := projectNamed(cfg, "PROJECT", args[0])
			if err != nil {
				return err
			}
			files, err := bootstrap.Repository(
				project,
				cfg.Store,
				bootstrap.Release{Version: release, Checksums: checksums},
				runs,
				owners...)
			if err != nil {
				return err
			}
			offered, err := wire.LoadCatalog(cfg.Catalog)
			if err != nil {
				return fmt.Errorf("catalog: %w", err)
			}
			bootstrap.PutModules(files, offered.Modules())
			unlocked := lockProviders(c.Context(), files)
			written, kept, err := bootstrap.WriteNew(out, files)
			if err != nil {
				return err
			}
			return printWritten(
				terminal.Visible(c.OutOrStdout()),
				asJSON,
				wrote{out, project.Owner + "/" + project.Repo, written, kept, unlocked},
			)
		},
	}
	c.Flags().StringVar(&out, "out", "infra", "directory to write to; existing files are kept")
	c.Flags().StringVar(&release, "release", version, "version of the tfpilot release that runs download")
	c.Flags().StringVar(&runs.PlanRole, "plan-role", "", "ARN of the role that plans")
	c.Flags().StringVar(&runs.ApplyRole, "apply-role", "", "ARN of the role that applies and destroys")
	c.Flags().StringVar(&runs.Runner, "runner", bootstrap.DefaultRunner, "label of the runner")
	c.Flags().StringVar(&runs.Actor, "actor", bootstrap.DefaultActor, "login of the App that dispatches workflows")
	c.Flags().StringVar(&runs.Releases, "releases", bootstrap.DefaultReleases, "base URL of the releases")
	c.Flags().StringToStringVar(&checksums, "sha256", nil, "SHA-256 of each release asset, name=hex")
	c.Flags().
		StringArrayVar(&owners, "owner", nil, "code owner of workflows, modules and roots, @org/team or @login; repeatable")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// wrote is the result of bootstrap.
type wrote struct {
	Out        string   `json:"out"`
	Repository string   `json:"repository"`
	Written    []string `json:"written"`
	Kept       []string `json:"kept"`               // existing files that differ from the ones TfPilot would write
	Unlocked   string   `json:"unlocked,omitempty"` // why there are no lock files
}

// lockProviders adds a lock file to each root. If it cannot, it returns the reason.
func lockProviders(ctx context.Context, files map[string][]byte) (unlocked string) {
	locked, err := bootstrap.Registry{Client: &http.Client{}}.Lock(ctx, files)
	if err != nil {
		return err.Error()
	}
	bootstrap.AddLock(files, bootstrap.RenderLock(locked))
	return ""
}

func printWritten(out io.Writer, asJSON bool, w wrote) error {
	if asJSON {
		return json.NewEncoder(out).Encode(w)
	}
	for _, name := range w.Kept {
		_, _ = fmt.Fprintf(out, "kept existing file, which differs from the one TfPilot would write: %s\n", name)
	}
	if w.Unlocked != "" {
		_, _ = fmt.Fprintf(
			out,
			"No %s was written, and runs fail without it: %s.\nRun `terraform providers lock` in each directory of envs/, or run bootstrap again.\n",
			bootstrap.LockFile,
			w.Unlocked,
		)
	}
	_, err := fmt.Fprintf(
		out,
		"Wrote %d new files to %s. Review them and commit them to %s.\n",
		len(w.Written),
		w.Out,
		w.Repository,
	)
	return err
}

// projectNamed finds a project by the value of an argument or flag.
func projectNamed(cfg *config.Config, what, name string) (config.Project, error) {
	var names []string
	for _, p := range cfg.Projects {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	if name == "" {
		return config.Project{}, cli.Usagef("%s is required: %s", what, strings.Join(names, ", "))
	}
	return config.Project{}, cli.Usagef("%s: unknown project %q; projects: %s", what, name, strings.Join(names, ", "))
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"

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
		Use: "bootstrap PROJECT", Short: "Write the files of a project's infra repository, for you to review and commit",
		Args: cobra.ExactArgs(1),
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
			project, err := cli.Project(cfg, "PROJECT", args[0])
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
			done := bootstrap.Written{Out: out, Repository: project.Owner + "/" + project.Repo}
			done.Unlocked = bootstrap.Registry{Client: &http.Client{}}.LockAll(c.Context(), files)
			if done.Written, done.Kept, err = bootstrap.WriteNew(out, files); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(done)
			}
			return done.Print(terminal.Visible(c.OutOrStdout()))
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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/templates"
)

func newBootstrap() *cobra.Command {
	var out, release string
	var checksums map[string]string
	var owners []string
	var runs bootstrap.Runs
	var asJSON bool
	c := &cobra.Command{
		Use: "bootstrap PROJECT", Short: "Write the infra repository of a project, for a person to commit", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(checksums) == 0 {
				return usagef("--sha256 is missing: a run fetches no tfpilot that it cannot check; give NAME=HEX from the release's SHA256SUMS")
			}
			if runs.PlanRole == "" || runs.ApplyRole == "" {
				return usagef("--plan-role or --apply-role is missing: give the ARNs of this project's two roles, which the workflow files name")
			}
			cfg, err := settings(config.Bootstrap)
			if err != nil {
				return err
			}
			project, err := projectNamed(cfg, "PROJECT", args[0])
			if err != nil {
				return err
			}
			files, err := renderRepository(project, cfg.Store, bootstrap.Release{Version: release, Checksums: checksums}, runs, owners...)
			if err != nil {
				return err
			}
			if err := putModules(files, cfg.Catalog); err != nil {
				return err
			}
			unlocked := lockProviders(c.Context(), files)
			written, kept, err := writeTree(out, files)
			if err != nil {
				return err
			}
			return tellWritten(visible{c.OutOrStdout()}, asJSON, wrote{out, project.Owner + "/" + project.Repo, written, kept, unlocked})
		},
	}
	c.Flags().StringVar(&out, "out", "infra", "directory to write to; files that exist are kept")
	c.Flags().StringVar(&release, "release", version, "version of the tfpilot release that runs fetch")
	c.Flags().StringVar(&runs.PlanRole, "plan-role", "", "ARN of the role that plans")
	c.Flags().StringVar(&runs.ApplyRole, "apply-role", "", "ARN of the role that applies and destroys")
	c.Flags().StringVar(&runs.Runner, "runner", bootstrap.DefaultRunner, "label of the runner")
	c.Flags().StringVar(&runs.Actor, "actor", bootstrap.DefaultActor, "login of the App that dispatches")
	c.Flags().StringVar(&runs.Releases, "releases", bootstrap.DefaultReleases, "address below which releases are fetched")
	c.Flags().StringToStringVar(&checksums, "sha256", nil, "SHA-256 of each release asset, name=hex")
	c.Flags().StringArrayVar(&owners, "owner", nil, "who reviews workflows, modules and roots, @org/team or @login, for CODEOWNERS; may be given again")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// wrote is what bootstrap did.
type wrote struct {
	Out        string   `json:"out"`
	Repository string   `json:"repository"`
	Written    []string `json:"written"`
	Kept       []string `json:"kept"`               // is there already, and otherwise than TfPilot would write it
	Unlocked   string   `json:"unlocked,omitempty"` // why there are no lock files
}

// lockProviders adds a lock file to each root, and says why when it cannot.
func lockProviders(ctx context.Context, files map[string][]byte) (unlocked string) {
	locked, err := bootstrap.Registry{Client: &http.Client{}}.Lock(ctx, files)
	if err != nil {
		return err.Error()
	}
	bootstrap.AddLock(files, bootstrap.RenderLock(locked))
	return ""
}

func tellWritten(out io.Writer, asJSON bool, w wrote) error {
	if asJSON {
		return json.NewEncoder(out).Encode(w)
	}
	for _, name := range w.Kept {
		_, _ = fmt.Fprintf(out, "kept as it is, though TfPilot would write it otherwise: %s\n", name)
	}
	if w.Unlocked != "" {
		_, _ = fmt.Fprintf(out, "No %s was written, and no run starts without it: %s.\nRun `terraform providers lock` in each directory of envs/, or bootstrap again.\n",
			bootstrap.LockFile, w.Unlocked)
	}
	_, err := fmt.Fprintf(out, "%d new files are in %s. Look at them and commit them to %s.\n", len(w.Written), w.Out, w.Repository)
	return err
}

// projectNamed finds the project that an argument or flag names.
func projectNamed(cfg *config.Config, what, name string) (config.Project, error) {
	var names []string
	for _, p := range cfg.Projects {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return config.Project{}, usagef("%s: there is no project %q; there is %s", what, name, strings.Join(names, ", "))
}

// renderRepository makes the whole tree of a project's infra repository, with the
// built-in modules. Runs work in the region of the requests bucket; where resources and
// states are is written in each environment's own root.
func renderRepository(p config.Project, requests config.Store, release bootstrap.Release, runs bootstrap.Runs, owners ...string) (map[string][]byte, error) {
	b := bootstrap.Project{
		Name: p.Name, Repo: p.Owner + "/" + p.Repo, RequestsBucket: requests.Bucket, Region: requests.Region,
		Release: release, Terraform: catalog.TerraformVersion, Owners: owners, Runs: runs,
	}
	for _, e := range p.Environments {
		b.Environments = append(b.Environments, bootstrap.Environment{
			Key: e.Key, Slug: e.Slug, Region: e.Region, StateKey: e.Backend.Key,
			Backend: &bootstrap.Backend{
				Bucket: e.Backend.Bucket, Region: e.Backend.Region, UseLockfile: e.Backend.UseLockfile, DynamoDBTable: e.Backend.DynamoDBTable,
			},
		})
	}
	return bootstrap.Render(b, templates.FS)
}

// putModules makes the repository's modules those that people are offered: a request
// for one that is not there could never be planned.
func putModules(files map[string][]byte, c config.Catalog) error {
	offered, err := loadCatalog(c)
	if err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	const dir = "modules/"
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, dir) })
	for _, m := range offered.Modules() {
		for name, content := range m.Files() {
			files[dir+m.Name+"/"+name] = content
		}
	}
	return nil
}

// writeTree writes the files that do not exist yet, and names those that do and
// differ: nothing of what somebody has is written over.
func writeTree(dir string, files map[string][]byte) (written, kept []string, err error) {
	written, kept = []string{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		have, err := os.ReadFile(path)
		switch {
		case err == nil && bytes.Equal(have, files[name]):
			continue
		case err == nil:
			kept = append(kept, name)
			continue
		case !errors.Is(err, fs.ErrNotExist):
			return written, kept, fmt.Errorf("write %s: %w", name, err)
		}
		if err := writeNew(path, files[name]); err != nil {
			return written, kept, fmt.Errorf("write %s: %w", name, err)
		}
		written = append(written, name)
	}
	return written, kept, nil
}

func writeNew(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/templates"
)

// Repository renders all files of a project's infra repository, with the built-in
// modules. Workflow runs use the region of the requests bucket. The root of each
// environment sets the regions of its resources and its state.
func Repository(
	p config.Project,
	requests config.Store,
	release Release,
	runs Runs,
	owners ...string,
) (map[string][]byte, error) {
	b := Project{
		Name: p.Name, Repo: p.Owner + "/" + p.Repo, RequestsBucket: requests.Bucket, Region: requests.Region,
		Release: release, Terraform: catalog.TerraformVersion, Owners: owners, Runs: runs,
	}
	for _, e := range p.Environments {
		b.Environments = append(b.Environments, Environment{
			Key: e.Key, Slug: e.Slug, Region: e.Region, StateKey: e.Backend.Key,
			Backend: &Backend{
				Bucket: e.Backend.Bucket, Region: e.Backend.Region,
				UseLockfile: e.Backend.UseLockfile, DynamoDBTable: e.Backend.DynamoDBTable,
			},
		})
	}
	return Render(b, templates.FS)
}

// PutModules replaces the repository's modules with the catalog's modules. A request for
// a module that is not in the repository could never be planned.
func PutModules(files map[string][]byte, offered []*catalog.Module) {
	const dir = "modules/"
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, dir) })
	for _, m := range offered {
		for name, content := range m.Files() {
			files[dir+m.Name+"/"+name] = content
		}
	}
}

// WriteNew writes the files that do not exist yet. It never overwrites a file, and
// returns the existing files that differ as kept.
func WriteNew(dir string, files map[string][]byte) (written, kept []string, err error) {
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

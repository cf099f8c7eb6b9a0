package ci

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// Modules from Git or a registry are downloaded by terraform init. Their source is pinned (see
// terraform.ReadSources), but a pin is a promise of another server: a registry can serve other
// files for the same version. So the files are hashed after each init, and the hash is a part of
// the code identity. The hash of a plan and of its apply must be equal.
//
// Providers need no hash here, because .terraform.lock.hcl contains checksums that init verifies.

// packages is the directory into which init downloads modules.
const packages = ".terraform/modules"

// fetched hashes the modules that init downloaded from outside the repository. It hashes each
// package as a whole, because a module can call or read any part of its package.
func (j *job) fetched() (map[string]terraform.Remote, error) {
	data, err := os.ReadFile(filepath.Join(j.root(), packages, "modules.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the list of modules: %w", err)
	}
	var manifest struct {
		Modules []struct{ Key, Source, Version, Dir string }
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("read the list of modules: %w", err)
	}
	remote := map[string]terraform.Remote{}
	for _, m := range manifest.Modules {
		at := filepath.Join(j.root(), filepath.FromSlash(m.Dir))
		rest, isPackage := strings.CutPrefix(at, filepath.Join(j.root(), packages)+string(filepath.Separator))
		// A module of the repository itself, whose files bindCode covers. A path elsewhere on the
		// runner's disk is covered by nothing.
		if !isPackage {
			if at != j.tree() && !strings.HasPrefix(at, j.tree()+string(filepath.Separator)) {
				return nil, refuse(lifecycle.CodeNotPinned, "module %s is at %s, outside the repository", m.Key, m.Dir)
			}
			continue
		}
		// One package can contain several modules (source//path). The first element is the
		// directory of the package.
		name, _, _ := strings.Cut(filepath.ToSlash(rest), "/")
		r := remote[name]
		if m.Key == name {
			r.Source, r.Version = m.Source, m.Version
		}
		if r.Hash == "" {
			if r.Hash, err = hashDir(filepath.Join(j.root(), packages, name)); err != nil {
				return nil, err
			}
		}
		remote[name] = r
	}
	return remote, nil
}

// hashDir hashes the names, contents and executable bits of a directory. It skips git's own
// data, which differs from clone to clone.
func hashDir(dir string) (string, error) {
	hash, files := sha256.New(), 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return refuse(lifecycle.CodeNotPinned, "%s of a fetched module is not an ordinary file", filepath.ToSlash(inside))
		}
		if files++; files > maxTreeFiles {
			return refuse(lifecycle.CodeNotPinned, "a fetched module has more than %d files", maxTreeFiles)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum, err := hashFile(name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%t %x %q\n", info.Mode()&0o111 != 0, sum, filepath.ToSlash(inside))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("hash fetched module: %w", err)
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil)), nil
}

// hashFile reads a file in parts, since its size is not bounded here.
func hashFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hash.Sum(nil), err
}

// lockedProviders checks that init chose no provider that the committed lock file does not list.
// The lock file may list more than one request needs, which Terraform's own -lockfile=readonly
// rejects.
func (j *job) lockedProviders(committed []byte) error {
	now, err := os.ReadFile(filepath.Join(j.root(), lockFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the lock file: %w", err)
	}
	want, err := lockVersions(committed)
	if err != nil {
		return err
	}
	have, err := lockVersions(now)
	if err != nil {
		return err
	}
	var missing []string
	for source, version := range have {
		switch locked := want[source]; {
		case locked == "":
			missing = append(missing, source)
		case locked != version:
			return refuse(lifecycle.CodeEnvironmentBroken, "terraform init chose %s %s instead of %s, which %s names", source,
				version, locked, lockFile)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return refuse(lifecycle.CodeEnvironmentBroken, "%s does not name %s; run `terraform providers lock` for it in "+
			"the environment's root and commit the file",
			lockFile, strings.Join(missing, ", "))
	}
	return nil
}

// lockVersions reads the providers and their versions from a lock file.
func lockVersions(content []byte) (map[string]string, error) {
	parsed, diags := hclsyntax.ParseConfig(content, lockFile, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, refuse(lifecycle.CodeEnvironmentBroken, "%s cannot be read: %s", lockFile, diags)
	}
	versions := map[string]string{}
	for _, block := range parsed.Body.(*hclsyntax.Body).Blocks {
		attr := block.Body.Attributes["version"]
		if block.Type != "provider" || len(block.Labels) != 1 || attr == nil {
			continue
		}
		if value, diags := attr.Expr.Value(nil); !diags.HasErrors() && !value.IsNull() && value.Type() == cty.String {
			versions[block.Labels[0]] = value.AsString()
		}
	}
	return versions, nil
}

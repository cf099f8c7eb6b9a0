package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/release"
	"github.com/tfpilot/tfpilot/internal/sandbox"
	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
)

// sandboxRepos renders the infra repositories of the sandbox's projects.
func sandboxRepos(structure config.Structure, a asset, self, releases string) ([]sandbox.Repo, error) {
	tfpilotCI := bootstrap.Release{Version: version, Checksums: map[string]string{a.name: a.sum}}
	lock, err := sandboxLock(self)
	if err != nil {
		return nil, err
	}
	var repos []sandbox.Repo
	for _, p := range structure.Projects {
		files, err := bootstrap.Repository(p, config.Store{Bucket: sandboxBucket, Region: sandbox.Region}, tfpilotCI,
			bootstrap.Runs{PlanRole: sandbox.PlanRole(p.Name), ApplyRole: sandbox.ApplyRole(p.Name), Releases: releases})
		if err != nil {
			return nil, err
		}
		bootstrap.AddLock(files, lock)
		repos = append(repos, sandbox.Repo{Owner: p.Owner, Name: p.Repo, Project: p.Name, Files: files})
	}
	return repos, nil
}

// sandboxLock fixes the provider that the sandbox's mirror holds: this very binary.
func sandboxLock(self string) ([]byte, error) {
	sources, version, hash, err := provider.Sources(self)
	if err != nil {
		return nil, fmt.Errorf("lock the provider: %w", err)
	}
	var locked []bootstrap.Locked
	for _, source := range sources {
		locked = append(locked, bootstrap.Locked{Source: source, Version: version, Hashes: []string{hash}})
	}
	return bootstrap.RenderLock(locked), nil
}

// principals are the identities of S3 with the very rights that manifests/iam gives
// them, and a person who only looks.
func principals(structure config.Structure) []s3.Principal {
	var projects []string
	for _, p := range structure.Projects {
		projects = append(projects, p.Name)
	}
	bucket := map[string]string{store.BucketRequests: sandboxBucket, store.BucketState: stateBucket}
	var all []s3.Principal
	for _, p := range store.Policies(projects...) {
		q := s3.Principal{Name: p.Name}
		for _, rule := range p.Rules {
			q.Allow = append(q.Allow, s3.Rule{Actions: rule.Actions, Bucket: bucket[rule.Bucket], Prefixes: rule.Prefixes,
				Suffix: rule.Suffix, Conditional: rule.Conditional, CreateOnly: rule.CreateOnly})
		}
		all = append(all, q)
	}
	look := s3.Principal{Name: "human"}
	for _, b := range bucket {
		look.Allow = append(look.Allow, s3.Rule{Actions: []string{"s3:ListBucket", "s3:GetObject"}, Bucket: b})
	}
	return append(all, look)
}

// asset is the tfpilot-ci that runs download, as a release.
type asset struct{ path, name, sum string }

// ciAsset copies tfpilot-ci to the data directory, so that a run does not change under a rebuild.
func (r *sandboxRun) ciAsset(ctx context.Context, tools toolchain.Finder, root string) (asset, error) {
	var built toolchain.Tool
	var err error
	if r.ci != "" {
		built, err = toolchain.CheckCI(ctx, r.ci, version)
	} else {
		built, err = tools.CI(ctx, root, filepath.Join(r.dir, "build"), version)
	}
	if err != nil {
		return asset{}, err
	}
	a := asset{name: release.Asset(version), path: filepath.Join(r.dir, "bin", "tfpilot-ci")}
	if a.sum, err = copyFile(built.Path, a.path); err != nil {
		return asset{}, fmt.Errorf("keep tfpilot-ci for the runs: %w", err)
	}
	return a, nil
}

// keepProgram copies this program to the data directory, where Terraform starts it as its provider: `go run`
// deletes its own when it ends, and a run must not change under a rebuild.
func (r *sandboxRun) keepProgram() (path string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	path = filepath.Join(r.dir, "bin", "sandbox")
	if _, err := copyFile(self, path); err != nil {
		return "", fmt.Errorf("keep this program as the provider of the runs: %w", err)
	}
	return path, nil
}

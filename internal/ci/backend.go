package ci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// backend compares the root's backend with the one that this environment must have, initializes
// Terraform, and compares the backend that it configured. Two environments with one state would
// destroy each other's resources, and two runs with different lock arguments would not see each
// other's lock.
func (j *job) backend(ctx context.Context) error {
	want := j.wantBackend()
	if err := j.declared(want); err != nil {
		return err
	}
	if err := j.initialize(ctx); err != nil {
		return err
	}
	if err := j.configured(want); err != nil {
		return err
	}
	if j.in.Kind != lifecycle.KindDriftPlan {
		if err := j.bindRemote(ctx); err != nil {
			return err
		}
	}
	j.say("State: s3://%s/%s", want.Bucket, want.Key)
	return nil
}

// wantBackend returns the backend in the grant, in the form that bootstrap writes.
func (j *job) wantBackend() terraform.Backend {
	b := j.in.Backend
	return terraform.Backend{Bucket: b.Bucket, Key: b.Key, Region: b.Region, Encrypt: true,
		DynamoDBTable: b.DynamoDBTable, UseLockfile: b.UseLockfile}
}

// declared reads every file of the root. It accepts exactly one backend block, no file that
// could override it, and no file that Terraform would read as its own local data.
func (j *job) declared(want terraform.Backend) error {
	entries, err := os.ReadDir(j.root())
	if err != nil {
		return refuse(lifecycle.CodeBackendDiffers, "the default branch has no environment %s", j.in.Environment)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		name := e.Name()
		if left := strings.ToLower(name); left == ".terraform" || strings.HasSuffix(left, ".tfstate") {
			return refuse(lifecycle.CodeBackendDiffers, "%s is committed: it is local data of Terraform, "+
				"and could select another module, workspace or state", name)
		}
		if !strings.HasSuffix(name, ".tf") {
			files[name] = nil // its name alone can be wrong
			continue
		}
		if !e.Type().IsRegular() {
			return refuse(lifecycle.CodeBackendDiffers, "%s is not an ordinary file", name)
		}
		if files[name], err = os.ReadFile(filepath.Join(j.root(), name)); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	got, err := terraform.ParseBackend(files)
	var syntax hcl.Diagnostics
	switch {
	case errors.As(err, &syntax):
		return refuse(lifecycle.CodeEnvironmentBroken, "a file of the environment cannot be read: %s", err)
	case err != nil:
		return refuse(lifecycle.CodeBackendDiffers, "%s", err)
	}
	return sameBackend("backend.tf", want, got)
}

// sameBackend lists all differences at once. Each is an argument in a file that people edit.
func sameBackend(where string, want, got terraform.Backend) error {
	var all []string
	for _, d := range want.Compare(got) {
		all = append(all, d.String())
	}
	if len(all) > 0 {
		return refuse(lifecycle.CodeBackendDiffers, "%s is not this environment's: %s", where, strings.Join(all, "; "))
	}
	return nil
}

// initialize runs terraform init with the committed lock file.
func (j *job) initialize(ctx context.Context) error {
	locked, err := j.rootFile(lockFile)
	if err != nil {
		return refuse(lifecycle.CodeNotPinned, "%s is missing in the environment's root: run `terraform providers lock` "+
			"there and commit the file", lockFile)
	}
	// Not -lockfile=readonly: Terraform rejects a lock file with providers that this request does
	// not need. lockedProviders makes the comparison that matters.
	exit, err := j.terraform(ctx, j.root(), "init.log", "init", "-input=false", "-no-color")
	if err != nil {
		return err
	}
	if exit != 0 {
		return j.terraformText("init.log", "terraform init")
	}
	return j.lockedProviders(locked)
}

// configured reads the backend that init configured, which Terraform will use.
func (j *job) configured(want terraform.Backend) error {
	data, err := os.ReadFile(filepath.Join(j.root(), ".terraform", "terraform.tfstate"))
	if err != nil {
		return refuse(lifecycle.CodeBackendDiffers, "terraform init left no backend")
	}
	got, err := terraform.ParseInitialized(data)
	if err != nil {
		return refuse(lifecycle.CodeBackendDiffers, "%s", err)
	}
	return sameBackend("the initialized backend", want, got)
}

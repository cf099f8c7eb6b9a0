package ci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// strip removes the block of a destroyed request from the default branch's file, and checks that
// the rest is still valid. It pushes nothing: Terraform starts providers in this step, so it has
// no token.
func (j *job) strip(ctx context.Context) error {
	file := filepath.Join(j.tools(), filepath.FromSlash(j.in.Path))
	content, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read %s: %w", j.in.Path, err)
	}
	rest, there, err := j.stripped(content)
	if err != nil {
		return err
	}
	if !there {
		j.say("Nothing is left to clean up.")
		return j.note(func(o *outcome) { o.Nothing = true })
	}
	name, err := j.referredTo()
	if err != nil {
		return err
	}
	if name != "" {
		return refuse(lifecycle.CodeReferredTo, "%s uses %s: take that out first", name, j.in.module())
	}
	if err := replaceFile(file, rest); err != nil {
		return err
	}
	return j.validate(ctx)
}

// stripped returns the rest of the request's file; there is false if its block is already gone.
func (j *job) stripped(content []byte) (rest []byte, there bool, err error) {
	if content == nil {
		return nil, false, nil
	}
	rest, err = terraform.Strip(content, j.in.RequestID)
	switch {
	case errors.Is(err, terraform.ErrNoMarker):
		return nil, false, nil
	case err != nil:
		return nil, false, refuse(lifecycle.CodeContentDiffers, "%s: %s", j.in.Path, err)
	}
	return rest, true, nil
}

// replaceFile writes the rest of the file, or deletes it if nothing is left.
func replaceFile(file string, rest []byte) error {
	if len(rest) == 0 {
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("remove the file: %w", err)
		}
		return nil
	}
	if err := os.WriteFile(file, rest, 0o600); err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	return nil
}

// validate checks that Terraform accepts the root.
func (j *job) validate(ctx context.Context) error {
	// validate needs providers for their schemas, but no state: no backend, no lock.
	exit, err := j.terraform(ctx, j.root(), "init.log", "init", "-input=false", "-no-color", "-backend=false")
	if err != nil {
		return err
	}
	if exit != 0 {
		return j.terraformText("init.log", "terraform init")
	}
	if exit, err = j.terraform(ctx, j.root(), "validate.log", "validate", "-no-color"); err != nil {
		return err
	}
	if exit != 0 {
		return j.terraformText("validate.log", "terraform validate")
	}
	return nil
}

package ci

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/terraform"
)

// strip takes the block of a destroyed request out of the default branch's file
// and pushes cleanup/<request id>; nothing more. The App opens and merges that pull
// request, so that checks run. It may run again: the branch is made anew.
func (j *job) strip(ctx context.Context) error {
	file := filepath.Join(j.tools(), filepath.FromSlash(j.in.Path))
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return j.nothingToStrip()
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", j.in.Path, err)
	}
	rest, err := terraform.Strip(content, j.in.RequestID)
	switch {
	case errors.Is(err, terraform.ErrNoMarker):
		return j.nothingToStrip()
	case err != nil:
		return refuse(codeContentDiffers, "%s: %s", j.in.Path, err)
	}
	name, err := j.referredTo()
	if err != nil {
		return err
	}
	if name != "" {
		return refuse(codeReferredTo, "%s uses %s: take that out first", name, j.in.module())
	}
	if err := replaceFile(file, rest); err != nil {
		return err
	}
	if err := j.validate(ctx); err != nil {
		return err
	}
	if j.in.DryRun {
		j.say("::notice::Dry run: the branch is not pushed.")
		return nil
	}
	return j.pushCleanup(ctx)
}

func (j *job) nothingToStrip() error {
	j.say("Nothing is left to clean up.")
	return j.note(func(o *outcome) { o.Nothing = true })
}

// replaceFile writes what is left, or deletes the file when nothing is.
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

// validate makes sure that what is left is still a root that Terraform accepts.
func (j *job) validate(ctx context.Context) error {
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

func (j *job) pushCleanup(ctx context.Context) error {
	branch := "cleanup/" + j.in.RequestID
	name := strings.TrimSpace(j.env["TFPILOT_ACTOR"])
	for _, args := range [][]string{
		{"add", "--all", "--", j.in.Path},
		{"-c", "user.name=" + name, "-c", "user.email=tfpilot@users.noreply.github.com", "-c", "commit.gpgsign=false",
			"commit", "--quiet", "--message", "Remove " + j.in.RequestID + " after its destroy", "--", j.in.Path},
		{"push", "--quiet", "--force", "origin", "HEAD:refs/heads/" + branch},
	} {
		if _, err := j.git(ctx, j.tools(), args...); err != nil {
			return err
		}
	}
	j.say("Pushed %s.", branch)
	return nil
}

package ci

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// verify binds the run to the granted content and the approved code. Terraform runs in a tree of
// the default branch's code: of the requested commit it uses only the one file, and only with
// the granted blob id.
//
//   - On the request's branch the commit must differ from the default branch in that
//     file alone.
//   - Otherwise the default branch must contain the commit and, at its tip, the
//     file. For a destroy the file may be gone already; it is put back, since a
//     module without its call could not be destroyed on its own.
func (j *job) verify(ctx context.Context) error {
	if err := j.headsAre(ctx); err != nil {
		return err
	}
	content, err := j.granted(ctx)
	if err != nil {
		return err
	}
	if err := j.onBranch(ctx); err != nil {
		return err
	}
	return j.bindCode(ctx, content)
}

// onBranch compares the requested commit with the default branch.
func (j *job) onBranch(ctx context.Context) error {
	if j.in.fromBranch() {
		return j.onlyFile(ctx)
	}
	if _, err := j.git(ctx, j.infra(), "merge-base", "--is-ancestor", j.in.SHA, j.env["GITHUB_SHA"]); err != nil {
		return refuse(lifecycle.CodeContentDiffers, "the default branch does not contain commit %s", j.in.SHA)
	}
	tip, err := j.blobAt(ctx, j.tools(), "HEAD")
	switch {
	case err != nil:
		return err
	case tip == j.in.Blob:
		j.say("The default branch holds the approved file.")
		return nil
	case tip == "" && j.in.destroys():
		return nil
	}
	return refuse(lifecycle.CodeContentDiffers, "%s on the default branch is not the approved file", j.in.Path)
}

// headsAre checks that both checkouts are at the commits in the inputs. All later checks read
// these checkouts, so they would prove nothing about another commit.
func (j *job) headsAre(ctx context.Context) error {
	for dir, want := range map[string]string{j.tools(): j.env["GITHUB_SHA"], j.infra(): j.in.SHA} {
		got, err := j.git(ctx, dir, "rev-parse", "HEAD")
		if err != nil {
			return err
		}
		if strings.TrimSpace(got) != want {
			return refuse(lifecycle.CodeContentDiffers, "%s is at %s, not at %s", filepath.Base(dir), strings.TrimSpace(got),
				want)
		}
	}
	return nil
}

// granted reads the file at the requested commit and compares its blob id.
func (j *job) granted(ctx context.Context) ([]byte, error) {
	blob, err := j.blobAt(ctx, j.infra(), j.in.SHA)
	if err != nil {
		return nil, err
	}
	if blob != j.in.Blob {
		return nil, refuse(lifecycle.CodeContentDiffers, "%s at %s is not what was granted: someone changed it", j.in.Path,
			j.in.SHA)
	}
	text, err := j.git(ctx, j.infra(), "cat-file", "blob", blob)
	if err != nil {
		return nil, err
	}
	if terraform.Blob([]byte(text)) != j.in.Blob {
		return nil, refuse(lifecycle.CodeContentDiffers, "%s does not have the granted content", j.in.Path)
	}
	return []byte(text), nil
}

// blobAt returns the blob id of the request's file in a commit, or "" if it is not a regular
// file.
func (j *job) blobAt(ctx context.Context, dir, commit string) (string, error) {
	out, err := j.git(ctx, dir, "ls-tree", "-z", "--full-tree", commit, "--", j.in.Path)
	if err != nil {
		return "", err
	}
	entry, name, _ := strings.Cut(strings.TrimRight(out, "\x00"), "\t")
	fields := strings.Fields(entry)
	if len(fields) != 3 || fields[0] != "100644" || fields[1] != "blob" || name != j.in.Path {
		return "", nil
	}
	return fields[2], nil
}

// onlyFile rejects a branch that changes anything except the request's file.
func (j *job) onlyFile(ctx context.Context) error {
	// From the merge base and not from the tip: commits that arrived on the default branch since
	// are no changes of this branch.
	base, err := j.git(ctx, j.infra(), "merge-base", j.env["GITHUB_SHA"], j.in.SHA)
	if err != nil {
		return err
	}
	out, err := j.git(ctx, j.infra(), "diff", "--name-only", "--no-renames", "-z", strings.TrimSpace(base), j.in.SHA, "--")
	if err != nil {
		return err
	}
	if strings.TrimRight(out, "\x00") != j.in.Path {
		return refuse(lifecycle.CodeContentDiffers, "the branch changes more than %s: someone changed it", j.in.Path)
	}
	return nil
}

// referredTo returns a file of the root, other than the request's own, that uses the module.
func (j *job) referredTo() (string, error) {
	files, err := filepath.Glob(filepath.Join(j.root(), "*.tf"))
	if err != nil {
		return "", fmt.Errorf("list the root: %w", err)
	}
	for _, file := range files {
		if filepath.Base(file) == filepath.Base(j.in.Path) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", filepath.Base(file), err)
		}
		used, err := terraform.Mentions(text, filepath.Base(file), j.in.RequestID)
		if err != nil {
			return "", refuse(lifecycle.CodeEnvironmentBroken, "a file of the environment cannot be read: %s", err)
		}
		if used {
			return filepath.Base(file), nil
		}
	}
	return "", nil
}

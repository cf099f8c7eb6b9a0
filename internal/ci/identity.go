package ci

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// An approval is for a plan and for the code that made it. A plan alone is not enough: a
// provisioner, a data source or an external program can do something else in the apply than in
// the plan, with the stronger role. So the summary contains the identity of all code, and an
// apply or destroy compares it in two steps:
//
//   1. Before terraform init, the files in the repository (bindCode). No code of a module or
//      provider has run yet.
//   2. After init, the modules that it downloaded (bindRemote). Downloading runs no code of them.

const (
	codeFile     = "code.json"     // what this run's code is
	approvedFile = "approved.json" // summary of the approved plan
	maxNamed     = 10              // files that a refusal lists
)

// bindCode determines the code that this run would execute and, for an apply or destroy,
// compares it with the approved code. No code of modules or providers has run before this point:
// a job that can assume the apply role executes only reviewed and approved code.
func (j *job) bindCode(ctx context.Context, granted []byte) error {
	b, err := j.bind(ctx, granted)
	if err != nil {
		return err
	}
	if j.in.isEffect() {
		approved, err := j.fetchApproved(ctx)
		if err != nil {
			return err
		}
		if err := j.sameCode(ctx, approved.Code.Local(), b.code); err != nil {
			return err
		}
	}
	if err := j.writeTree(ctx, b, granted); err != nil {
		return err
	}
	if err := j.keepText(codeFile, b.code.Bytes()); err != nil {
		return err
	}
	j.say("Code: %d files in the tree, Terraform %s.", len(b.files)+1, b.code.Terraform)
	return nil
}

// bindRemote adds the modules that init fetched from outside the repository.
func (j *job) bindRemote(ctx context.Context) error {
	code, err := j.code()
	if err != nil {
		return err
	}
	if code.Remote, err = j.fetched(); err != nil {
		return err
	}
	if j.in.isEffect() {
		approved, err := j.approved()
		if err != nil {
			return err
		}
		if err := j.sameCode(ctx, *approved.Code, *code); err != nil {
			return err
		}
	}
	return j.keepText(codeFile, code.Bytes())
}

// code returns the identity that an earlier step saved.
func (j *job) code() (*terraform.CodeIdentity, error) {
	data, err := j.read(codeFile, store.MaxSummary)
	if err != nil {
		return nil, err
	}
	code, err := terraform.ParseCodeIdentity(data)
	return &code, err
}

// fetchApproved reads the approved summary. The grant names it, and its digest proves that it is
// the right one.
func (j *job) fetchApproved(ctx context.Context) (*terraform.Summary, error) {
	b, err := j.bucket(ctx)
	if err != nil {
		return nil, err
	}
	data, err := b.Summary(ctx, j.in.Project, j.in.Plan)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) { // S3 denies a role that may not list
		return nil, refuse(lifecycle.CodeDigestChanged, "the summary of the approved plan is no longer stored: plan again")
	}
	if err != nil {
		return nil, fmt.Errorf("read the approved plan: %w", err)
	}
	if err := j.keepText(approvedFile, data); err != nil {
		return nil, err
	}
	return j.approved()
}

// approved returns the summary that fetchApproved saved.
func (j *job) approved() (*terraform.Summary, error) {
	data, err := j.read(approvedFile, store.MaxSummary)
	if err != nil {
		return nil, err
	}
	if terraform.Digest(data) != j.in.Digest {
		return nil, refuse(lifecycle.CodeDigestChanged, "the stored summary is not the one that was approved: plan again")
	}
	s, err := terraform.ParseSummary(data)
	if err != nil {
		return nil, fmt.Errorf("read the approved plan: %w", err)
	}
	if s.Code == nil {
		return nil, refuse(lifecycle.CodeCodeChanged, "the approved plan does not say which code it was made of: plan again")
	}
	return s, nil
}

// sameCode rejects code that differs from the approved code, and lists the differences.
func (j *job) sameCode(ctx context.Context, approved, now terraform.CodeIdentity) error {
	var names []string
	for _, name := range approved.Differences(now) {
		names = append(names, j.filesOf(ctx, name, approved.Files[name], now.Files[name])...)
	}
	if len(names) == 0 {
		return nil
	}
	if len(names) > maxNamed {
		names = append(names[:maxNamed], fmt.Sprintf("and %d more", len(names)-maxNamed))
	}
	return refuse(lifecycle.CodeCodeChanged, "the module changed since the approval (%s): plan again",
		strings.Join(names, ", "))
}

// filesOf lists the files of a directory that differ between two trees, if git still has both.
func (j *job) filesOf(ctx context.Context, name, before, now string) []string {
	if !strings.HasSuffix(name, "/") || before == "" || now == "" {
		return []string{name}
	}
	out, err := j.git(ctx, j.infra(), "diff-tree", "-r", "--name-only", "--no-renames", "-z", before, now)
	if err != nil || out == "" {
		if out, err = j.git(ctx, j.tools(), "diff-tree", "-r", "--name-only", "--no-renames", "-z", before,
			now); err != nil || out == "" {
			return []string{name}
		}
	}
	var names []string
	for file := range strings.SplitSeq(strings.TrimRight(out, "\x00"), "\x00") {
		names = append(names, name+file)
	}
	return names
}

package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// deleteBranch deletes the branch of a merged request. It keeps a branch with unmerged commits,
// and one that GitHub refuses to delete, such as a protected branch. It tries once, and nothing
// waits for it.
func (j *job) deleteBranch(ctx context.Context) error {
	end, err := j.endBranch(ctx)
	var refused *github.Refused
	switch {
	case errors.Is(err, github.ErrNotFound):
		end = lifecycle.BranchDeleted
	case errors.As(err, &refused):
		j.log.Warn("the branch stays", keyError, err)
		end = lifecycle.BranchKept
	case err != nil:
		return err
	}
	return j.patch(ctx, lifecycle.BranchEnded(end))
}

// endBranch compares before it deletes, because commits pushed after the merge exist nowhere
// else.
func (j *job) endBranch(ctx context.Context) (lifecycle.BranchEnd, error) {
	r := j.request()
	tip, err := j.GitHub.Tip(ctx, repoOf(r), r.Target.Branch)
	if err != nil {
		return "", err
	}
	if tip != r.PR.HeadSHA {
		return lifecycle.BranchKept, nil
	}
	return lifecycle.BranchDeleted, j.GitHub.DeleteBranch(ctx, repoOf(r), r.Target.Branch)
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

func cleanupTitle(r *lifecycle.Request) string {
	return "TfPilot: remove " + r.Module + " from " + r.Environment.String() + " (" + r.ID + ")"
}

// cleanup starts the run that removes the block from the code. The resources are already
// destroyed: until then the block stays.
func (j *job) cleanup(ctx context.Context) error {
	r := j.request()
	sha, err := j.GitHub.Tip(ctx, repoOf(r), r.Target.Base)
	if err != nil {
		return err
	}
	return j.start(ctx, lifecycle.KindCleanup, j.newAttempt(lifecycle.KindCleanup, lifecycle.PurposeDestroy, sha,
		r.Runs.Destroy.Current().Actor))
}

// cleanupPull opens the pull request for the branch that the run pushed. The App
// opens it, so that required checks run.
func (j *job) cleanupPull(ctx context.Context) error {
	r := j.request()
	body := fmt.Sprintf("The infrastructure of request %s is destroyed. This pull request removes its code from `%s`.\n\n"+
		"Request: %s\n", r.ID, r.Target.Path, r.PR.URL)
	pull, created, err := j.GitHub.OpenPull(ctx, github.PullInput{Repo: repoOf(r), Head: lifecycle.CleanupBranch(r.ID),
		Base: r.Target.Base, Title: cleanupTitle(r), Body: body})
	var refused *github.Refused
	switch {
	case errors.As(err, &refused):
		text := "GitHub refused to open the cleanup pull request: " + refused.Message + "\nUse “Check run” to try again."
		return j.patch(ctx, lifecycle.CleanupBlocked(lifecycle.StepCleanupPull, lifecycle.CodeGitHubRefused, text, now()))
	case err != nil:
		return err
	}
	if ours, err := j.madeByUs(ctx, pull, created); err != nil || !ours {
		if err == nil {
			text := foreignPull(lifecycle.CleanupBranch(r.ID), pull) + "Then use “Check run”."
			err = j.patch(ctx, lifecycle.CleanupBlocked(lifecycle.StepCleanupPull, lifecycle.CodeForeign, text, now()))
		}
		return err
	}
	if err := j.Store.PutPRIndex(ctx, pull.RepoID, pull.Number, lifecycle.PRIndex{RequestID: r.ID}); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.CleanupOpened(pull.Number, pull.URL))
}

// cleanupMerge merges that pull request if it only removes the block. If GitHub refuses, the
// card asks a person to merge it.
func (j *job) cleanupMerge(ctx context.Context) error {
	r := j.request()
	pull, err := j.GitHub.Pull(ctx, repoOf(r), r.Cleanup.PRNumber)
	if err != nil {
		return err
	}
	if pull.Merged {
		return j.cleaned(ctx, pull)
	}
	ours, err := j.onlyStrips(ctx, pull)
	if err != nil {
		return err
	}
	if !ours {
		text := "The cleanup pull request was changed or closed. Review and merge it on GitHub, or use “Check run” to " +
			"create it again: " + pull.URL
		return j.patch(ctx, lifecycle.CleanupBlocked(lifecycle.StepCleanupMerge, lifecycle.CodeForeign, text, now()))
	}
	_, _, err = j.GitHub.Merge(ctx, github.MergeInput{Repo: repoOf(r), Number: pull.Number, HeadSHA: pull.HeadSHA,
		Title: cleanupTitle(r), Message: mergeMessage(r)})
	var refused *github.Refused
	switch {
	case errors.As(err, &refused):
		return j.setProblem(ctx, lifecycle.StepCleanupMerge, lifecycle.CodeGitHubRefused,
			"The cleanup pull request needs a person: "+refused.Message)
	case err != nil:
		return err
	}
	return j.cleaned(ctx, pull)
}

// onlyStrips reports whether a pull request only removes the request's block from its file. No
// one reviews it, so nothing else may reach the default branch with it, including commit
// messages.
func (j *job) onlyStrips(ctx context.Context, pull github.Pull) (bool, error) {
	r := j.request()
	if !pull.Open || pull.BaseRef != r.Target.Base {
		return false, nil
	}
	diff, err := j.GitHub.Compare(ctx, repoOf(r), r.Target.Base, pull.HeadSHA)
	if err != nil || !diff.WrittenAs(lifecycle.CleanupMessage(r.ID), github.UpdateMessage(lifecycle.CleanupBranch(r.ID),
		r.Target.Base)) {
		return false, err
	}
	if diff.Truncated || len(diff.Files) != 1 || diff.Files[0].Path != r.Target.Path {
		return false, nil
	}
	file, err := j.GitHub.File(ctx, repoOf(r), diff.MergeBase, r.Target.Path)
	if errors.Is(err, github.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	rest, err := terraform.Strip(file.Content, r.ID)
	if err != nil {
		return false, nil //nolint:nilerr // a file without the request's block is not merged
	}
	if len(rest) == 0 {
		return diff.Files[0].Status == "removed", nil
	}
	return diff.Files[0].Status == "modified" && diff.Files[0].Blob == github.BlobID(rest), nil
}

// seeCleanup records a cleanup that a person merged.
func (j *job) seeCleanup(ctx context.Context) error {
	pull, err := j.GitHub.Pull(ctx, repoOf(j.request()), j.request().Cleanup.PRNumber)
	if err != nil || !pull.Merged {
		return err
	}
	return j.cleaned(ctx, pull)
}

func (j *job) cleaned(ctx context.Context, pull github.Pull) error {
	if err := j.GitHub.DeleteBranch(ctx, repoOf(j.request()), lifecycle.CleanupBranch(j.id())); err != nil {
		j.log.Warn("the cleanup branch stays", keyError, err)
	}
	at := now()
	if pull.MergedAt != nil {
		at = *pull.MergedAt
	}
	return j.patch(ctx, lifecycle.CleanupMerged(at))
}

const (
	topicDestroyed = "destroyed:"     // of the last reply in a card's thread
	lastWordWait   = 15 * time.Minute // then the archive no longer waits for Slack
)

// lastWordPosted reports whether the thread has its last reply or cannot get one: the request
// has no card, or Slack takes too long.
func (j *job) lastWordPosted() bool {
	c := j.request().Cleanup
	for _, at := range []*time.Time{c.MergedAt, c.CompletedAt} {
		if at != nil && now().Sub(*at) > lastWordWait {
			return true
		}
	}
	posted := false
	for _, m := range j.request().Slack.Messages {
		posted = posted || m.TS != ""
		if m.Role == lifecycle.RoleThread && m.TS != "" && strings.HasPrefix(m.Topic, topicDestroyed) {
			return true
		}
	}
	return !posted
}

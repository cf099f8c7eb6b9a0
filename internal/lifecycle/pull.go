package lifecycle

import (
	"slices"
	"time"
)

// Opened records the pull request of a request, with the file that was committed.
func Opened(repoID int64, blobID string, pr PullRequest) Patch {
	return func(r Request) (Request, error) {
		if r.PR != nil {
			return r, nil
		}
		r.Target.RepoID, r.Target.Blob = repoID, blobID
		r.PR = &pr
		r.clearProblem(string(StepOpen))
		return r, nil
	}
}

// PullFacts is the pull request as GitHub reports it now.
type PullFacts struct {
	Open      bool
	Merged    bool
	MergedSHA string
	MergedAt  *time.Time
	HeadSHA   string
	BaseRef   string
	UpdatedAt time.Time
	Foreign   *bool // nil: the content was not compared
}

// SeePull records what GitHub reports about the pull request. An answer older than
// the newest one recorded changes nothing; a merge is final.
func SeePull(f PullFacts) Patch {
	return func(r Request) (Request, error) {
		p := r.PR
		if p == nil || p.SeenAt != nil && f.UpdatedAt.Before(*p.SeenAt) {
			return r, nil
		}
		if !f.UpdatedAt.IsZero() {
			at := f.UpdatedAt
			p.SeenAt = &at
		}
		if f.HeadSHA != "" {
			p.HeadSHA = f.HeadSHA
		}
		if f.BaseRef != "" {
			p.BaseRef = f.BaseRef
		}
		if f.Foreign != nil {
			p.Foreign = *f.Foreign
		}
		open := f.Open && !f.Merged && !p.Merged
		p.Open = &open
		if f.Merged && !p.Merged {
			r.MergedSHA = f.MergedSHA
			p.Merged, p.MergedAt = true, f.MergedAt
			closing := r.Intent(ActionClose)
			for _, what := range []Action{ActionMerge, ActionClose, ActionRestore} {
				r.drop(what, "")
				r.clearProblem(string(what))
			}
			if closing != nil {
				text := "The pull request was merged before " + closing.By +
					" could close it. It is applied only after an approval."
				r.Problem = &Problem{Step: string(ActionClose), Code: CodeMerged, Text: text, Since: f.UpdatedAt}
			}
		}
		r.noteBranch(f.UpdatedAt)
		return r, nil
	}
}

// stepBranch is the problem of a branch that no longer matches the request.
const stepBranch = "branch"

// noteBranch sets a problem for foreign changes on the branch, and clears it once they are
// repaired.
func (r *Request) noteBranch(at time.Time) {
	var code ReasonCode
	text := ""
	astray := r.PR.BaseRef != "" && r.PR.BaseRef != r.Target.Base
	switch {
	case r.PR.Merged && astray:
		code, text = CodeRetargeted, "The pull request was merged into another branch than "+r.Target.Base+
			". It can't be applied. Create a new request."
	case r.PR.Merged:
	case r.PR.Foreign:
		code, text = CodeForeign, "This branch was modified outside TfPilot. Restore the generated file, "+
			"or close the request."
	case astray:
		code, text = CodeRetargeted, "The pull request targets another branch. Change its base to "+r.Target.Base+
			" on GitHub."
	}
	switch {
	case code == "":
		r.clearProblem(stepBranch)
	case r.Problem == nil || r.Problem.Code != code || r.Problem.Text != text:
		r.Problem = &Problem{Step: stepBranch, Code: code, Text: text, Since: at}
	}
}

// SawReviews records that the reviews were read as of this time of the pull request. GitHub may
// return the pull request and fail for its reviews.
func SawReviews(at time.Time) Patch {
	return func(r Request) (Request, error) {
		if p := r.PR; p != nil && (p.ReviewsSeenAt == nil || p.ReviewsSeenAt.Before(at)) {
			p.ReviewsSeenAt = &at
		}
		return r, nil
	}
}

// Answered records that TfPilot replied to a review that does not count: once, with an audit
// event.
func Answered(review int64, text string, a Actor, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if r.PR == nil || slices.Contains(r.PR.Answered, review) {
			return r, nil
		}
		r.PR.Answered = append(r.PR.Answered, review)
		return Noted(EventReviewRefused, text, a, now)(r)
	}
}

// PlanPosted records the comments that show the plan in the pull request, and since when all of
// them do. partial means that the whole plan did not fit. From then on a review on GitHub may
// count.
func PlanPosted(planDigest string, comments []Posting, partial bool) Patch {
	return func(r Request) (Request, error) {
		if r.Plan == nil || r.Plan.Digest != planDigest || r.Plan.PostedAt != nil || len(comments) == 0 {
			return r, nil
		}
		at := comments[0].At
		for _, c := range comments {
			if c.At.After(at) {
				at = c.At
			}
		}
		r.Plan.PostedAt, r.Plan.Posted, r.Plan.Partial = &at, comments, partial
		return r, nil
	}
}

// PlanUnposted records that the comments no longer show the plan as posted, so that it is posted
// again.
func PlanUnposted(planDigest string) Patch {
	return func(r Request) (Request, error) {
		if r.Plan != nil && r.Plan.Digest == planDigest {
			r.Plan.PostedAt, r.Plan.Posted, r.Plan.Partial = nil, nil, false
		}
		return r, nil
	}
}

// BranchEnded records what happened to the branch after the merge. TfPilot does not try again.
func BranchEnded(how BranchEnd) Patch {
	return func(r Request) (Request, error) {
		if r.PR != nil && r.PR.Merged && r.PR.BranchEnd == "" {
			r.PR.BranchEnd = how
		}
		return r, nil
	}
}

// Closed records that the request ended without a merge and serves the intent for it: the
// approvals no longer count, should a person open and merge it on GitHub after all.
// It may be recorded again for a pull request that came up afterwards.
func Closed(now time.Time) Patch {
	return func(r Request) (Request, error) {
		if r.merged() {
			return r, nil
		}
		if r.ClosedAt == nil {
			r.ClosedAt = &now
			if w := r.Intent(ActionClose); w != nil {
				r.ClosedBy = w.By
			}
		}
		if r.PR != nil {
			open := false
			r.PR.Open = &open
		}
		r.Wanted, r.Problem = nil, nil
		r.voidApprovals(now, "the request was closed")
		return r, nil
	}
}

// CleanupOpened records the pull request that removes the block.
func CleanupOpened(number int, url string) Patch {
	return func(r Request) (Request, error) {
		if r.Cleanup != nil && r.Cleanup.PRNumber == 0 {
			r.Cleanup.PRNumber, r.Cleanup.PRURL, r.Cleanup.Blocked = number, url, false
			r.clearProblem(string(StepCleanupPull))
		}
		return r, nil
	}
}

// CleanupBlocked records that the cleanup is blocked at this step, because its pull request is
// not as TfPilot made it, and sets the problem. Repair makes it again.
func CleanupBlocked(step StepName, code ReasonCode, text string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		if r.Cleanup == nil || r.Cleanup.MergedAt != nil {
			return r, nil
		}
		r.Cleanup.Blocked = true
		return SetProblem(string(step), code, text, now)(r)
	}
}

// CleanupMerged records that the block was removed from the code.
func CleanupMerged(at time.Time) Patch {
	return func(r Request) (Request, error) {
		if r.Cleanup != nil && r.Cleanup.MergedAt == nil {
			r.Cleanup.MergedAt, r.Cleanup.Blocked = &at, false
			r.clearProblem(string(StepCleanupMerge))
		}
		return r, nil
	}
}

// Flushed removes the audit events that are stored in the log.
func Flushed(seq int64) Patch {
	return func(r Request) (Request, error) {
		var left []Event
		for _, e := range r.Audit.Pending {
			if e.Seq > seq {
				left = append(left, e)
			}
		}
		r.Audit.Pending = left
		return r, nil
	}
}

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/view"
)

// TfPilot shows the plan in comments of the pull request, renewed with each round. A reviewer
// approves what these comments show, and everyone with write access to the repository can edit
// them. So a review counts only while each comment is byte for byte what was posted, has not been
// edited since, and the comments together show the whole plan.

const (
	maxPlanText  = 56000 // runes of a plan in one comment, below maxComment
	maxPlanParts = 10    // comments; each is a call that GitHub limits
	foldedLines  = 60    // a longer plan is collapsed
)

// post puts the whole plan into the pull request. From then on a review on GitHub may count.
func (j *job) post(ctx context.Context) error {
	plan := *j.request().Plan
	current := j.request().Runs.Plan.Current()
	summary, err := j.summaryOf(ctx, current.CorrelationID, plan.Digest)
	if err != nil {
		return err
	}
	parts, partial := planComments(j.request(), plan, current.URL, view.OfPlan(summary))
	comment := j.GitHub.CommentOnce
	if j.first == plan.Digest {
		comment = j.GitHub.AddComment
	}
	j.first = "" // after a failed try, a comment may be there
	var posted []lifecycle.Posting
	for i, body := range parts {
		c, err := comment(ctx, repoOf(j.request()), j.request().PR.Number, partMarker(j.id(), i), body)
		if err != nil {
			return err
		}
		if c.UpdatedAt.IsZero() {
			c.UpdatedAt = now()
		}
		posted = append(posted, lifecycle.Posting{ID: c.ID, SHA256: textHash(c.Body), At: c.UpdatedAt})
	}
	for _, old := range plan.Posted { // parts of an earlier, longer plan
		if !slices.ContainsFunc(posted, func(p lifecycle.Posting) bool { return p.ID == old.ID }) {
			if err := j.deleteComment(ctx, old.ID); err != nil {
				return err
			}
		}
	}
	return j.patch(ctx, j.withLog(ctx, lifecycle.PlanPosted(plan.Digest, posted, partial)))
}

func marker(what, id string) string { return fmt.Sprintf("<!-- tfpilot:%s:%s -->", what, id) }

// partMarker is how one part of the plan begins.
func partMarker(id string, part int) string {
	if part == 0 {
		return marker("plan", id)
	}
	return marker("plan", fmt.Sprintf("%s:%d", id, part+1))
}

func textHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// planComments are the bodies of the comments. partial is true when the plan is too long for
// them: changes of permissions then come first, and the last comment names where the rest is.
func planComments(r *lifecycle.Request, p lifecycle.Plan, url string, plan view.Plan) (bodies []string, partial bool) {
	texts := view.Chunks(view.Diffs(plan.Lines()), maxPlanText)
	if partial = len(texts) > maxPlanParts; partial {
		texts = view.Chunks(view.Diffs(plan.AccessFirst().Lines()), maxPlanText)[:maxPlanParts]
	}
	for i, text := range texts {
		var b strings.Builder
		if i == 0 {
			b.WriteString(planHead(r, p, url, plan))
		} else {
			fmt.Fprintf(&b, "### TfPilot plan, part %d of %d\n\nDigest `%s`.\n\n", i+1, len(texts), p.Digest)
		}
		block := "```diff\n" + text + "\n```\n"
		if n := longestRun(text); n >= 3 {
			ticks := strings.Repeat("`", n+1)
			block = ticks + "diff\n" + text + "\n" + ticks + "\n"
		}
		if lines := strings.Count(text, "\n") + 1; len(texts) > 1 || lines > foldedLines {
			block = fmt.Sprintf("<details>\n<summary>Show the plan: part %d of %d, %d lines</summary>\n\n%s\n</details>\n", i+
				1, len(texts), lines, block)
		}
		b.WriteString(block)
		if i == len(texts)-1 {
			b.WriteString(planFoot(r, partial))
		}
		bodies = append(bodies, b.String())
	}
	return bodies, partial
}

// planHead names the requester, the commit and the run of the plan.
func planHead(r *lifecycle.Request, p lifecycle.Plan, url string, plan view.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### TfPilot plan: %s\n\n", strings.TrimPrefix(strings.TrimSuffix(plan.Headline, "."), "Plan: "))
	fmt.Fprintf(&b, "Requested by %s", inlineCode(r.Requester.Login))
	if r.Reason != "" {
		fmt.Fprintf(&b, ": %s", inlineCode(r.Reason))
	}
	fmt.Fprintf(&b, "\n\nCommit `%s`, digest `%s`. [Run](%s)\n\n", p.SHA, p.Digest, url)
	return b.String()
}

func planFoot(r *lifecycle.Request, partial bool) string {
	var b strings.Builder
	if partial {
		fmt.Fprintf(&b, "\n**This is not the whole plan**: it is too long for a pull request. `tfpilot requests plan %s` prints all of it, and "+
			"so does *Review plan* in Slack. A review here does not count as an approval of it.\n", r.ID)
	} else {
		b.WriteString("\nAn approval counts for exactly this plan and commit, and only while these comments are not edited.\n")
	}
	for _, m := range r.Slack.Messages {
		if m.Role == lifecycle.RoleCard && m.URL != "" {
			fmt.Fprintf(&b, "\n[The request's card in Slack](%s)\n", m.URL)
		}
	}
	return b.String()
}

// planHidden returns why the comments do not show the plan that was posted, "" when they do.
// It reads them from GitHub.
func (j *job) planHidden(ctx context.Context) (why string, err error) {
	plan := j.request().Plan
	switch {
	case plan == nil || plan.PostedAt == nil || len(plan.Posted) == 0:
		return "TfPilot's comment does not show the plan", nil
	case plan.Partial:
		return "the plan is too long to be shown whole in the pull request", nil
	}
	for _, p := range plan.Posted {
		c, err := j.GitHub.Comment(ctx, repoOf(j.request()), p.ID)
		switch {
		case errors.Is(err, github.ErrNotFound):
			return "TfPilot's comment with the plan was deleted", nil
		case err != nil:
			return "", err
		case textHash(c.Body) != p.SHA256 || !c.UpdatedAt.Equal(p.At):
			return "TfPilot's comment with the plan was edited", nil
		}
	}
	return "", nil
}

// answerHidden answers a review that was given while the comments did not show the plan, and
// has the plan posted again.
func (j *job) answerHidden(ctx context.Context, v github.Review, why string) error {
	if j.request().Plan.Partial {
		return j.answerReview(ctx, v, why+". Approve it in Slack, where *Review plan* shows all of it.")
	}
	if err := j.answerReview(ctx, v, why+". It is posted again: approve once more after you have read it."); err != nil {
		return err
	}
	return j.unpost(ctx)
}

// unpost deletes what is left of the comments. The next step posts the plan again.
func (j *job) unpost(ctx context.Context) error {
	plan := *j.request().Plan
	for _, p := range plan.Posted {
		if err := j.deleteComment(ctx, p.ID); err != nil {
			return err
		}
	}
	return j.patch(ctx, lifecycle.PlanUnposted(plan.Digest))
}

// deleteComment deletes a comment where GitHub allows it. In a locked conversation it stays, and is edited in place.
func (j *job) deleteComment(ctx context.Context, id int64) error {
	err := j.GitHub.DeleteComment(ctx, repoOf(j.request()), id)
	var refused *github.Refused
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// hiddenFromReviewers returns why the approvals that were given on GitHub no longer count, ""
// when they count or when there are none.
func (j *job) hiddenFromReviewers(ctx context.Context) (why string, err error) {
	if !slices.ContainsFunc(j.request().Approval.Approvers, reviewed) {
		return "", nil
	}
	why, err = j.planHidden(ctx)
	pr := j.request().PR
	if err != nil || why == "" || j.request().Plan == nil || j.request().Plan.Partial || pr.Open == nil || !*pr.Open {
		return why, err
	}
	return why, j.unpost(ctx)
}

package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

const titleReview = "Plan"

// review opens the plan that a button belongs to.
func (a *App) review(ctx context.Context, cb slack.InteractionCallback, value string) {
	g, err := readGrip(value)
	if err != nil {
		a.tell(ctx, cb, "This button cannot be read any more. The newest card of the request has current ones.")
		return
	}
	opened, err := a.open(ctx, cb.TriggerID, loading(titleReview, "One moment: the plan is being fetched."))
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
		a.tell(ctx, cb, "The window could not be opened in time. Please press the button again.")
		return
	}
	v, err := a.whoClicked(ctx, cb)
	if err != nil {
		a.Log.Error("identity", keyError, err)
		a.redraw(ctx, opened.ID, "", notice(titleReview, words(trouble)))
		return
	}
	if no := a.refusal(v, rbac.Show, rbac.Scope{}); no != "" {
		a.redraw(ctx, opened.ID, "", notice(titleReview, words(no)))
		return
	}
	a.redraw(ctx, opened.ID, "", a.reviewView(ctx, g))
}

func (a *App) reviewView(ctx context.Context, g grip) slack.ModalViewRequest {
	doc, err := a.Documents.Get(ctx, g.ID)
	if err != nil {
		a.Log.Error("read request", keyRequest, g.ID, keyError, err)
		return notice(titleReview, words("The plan cannot be read right now. Try again in a minute."))
	}
	d := a.drawing(doc.Request)
	if d.r.Plan == nil {
		return notice(titleReview, words("This request has no plan now: a new one is being made, or the last one failed. The card shows which."))
	}
	x := reading{grip: g}
	x.Digest, x.HeadSHA = d.r.Plan.Digest, d.r.Plan.SHA
	return a.planView(ctx, d, x)
}

func planLinks(d drawing) []string {
	var links []string
	if run := d.r.PlanRun(); run != nil && run.URL != "" {
		links = append(links, linkTo(run.URL, "Run with the whole plan"))
	}
	if pr := d.view.PullRequest; pr != nil {
		links = append(links, linkTo(pr.URL, pr.Label))
	}
	return append(links, "plan digest `"+escape(cut(strings.TrimPrefix(d.r.Plan.Digest, "sha256:"), 13))+"`")
}

// Summaries are what plan runs left.
type Summaries interface {
	Summary(ctx context.Context, project, correlationID string) ([]byte, error)
}

// readSummary reads the stored summary of the plan. Bytes that do not have the
// plan's digest are not shown: what people see is what they approve.
func readSummary(ctx context.Context, from Summaries, r lifecycle.Request) (*terraform.Summary, error) {
	run := r.PlanRun()
	if run == nil {
		return nil, fmt.Errorf("plan %s: its run is unknown", r.ID)
	}
	data, err := from.Summary(ctx, r.Project, run.CorrelationID)
	if err != nil {
		return nil, err
	}
	if terraform.Digest(data) != r.Plan.Digest {
		return nil, fmt.Errorf("plan %s: stored summary has another digest", r.ID)
	}
	return terraform.ParseSummary(data)
}

// existing lists what the request created, as far as its applied plan shows.
func (a *App) existing(ctx context.Context, r lifecycle.Request) slack.RichTextElement {
	run := r.AppliedPlanRun()
	if run == nil {
		return bullets([]string{r.Title}, shownRemoved)
	}
	data, err := a.Facts.Summary(ctx, r.Project, run.CorrelationID)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, r.ID, keyError, err)
		return bullets([]string{r.Title}, shownRemoved)
	}
	summary, err := terraform.ParseSummary(data)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, r.ID, keyError, err)
		return bullets([]string{r.Title}, shownRemoved)
	}
	var addresses []string
	for _, c := range summary.Changes {
		if kind := c.Kind(); kind != "delete" && kind != "read" {
			addresses = append(addresses, c.ShortAddress())
		}
	}
	if len(addresses) == 0 {
		addresses = []string{r.Title}
	}
	return bullets(addresses, shownRemoved)
}

package slackapp

import (
	"context"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const titleReview = "Plan"

// review opens the plan that a button belongs to.
func (a *App) review(ctx context.Context, cb slack.InteractionCallback, value string) {
	g, err := readButtonValue(value)
	if err != nil {
		a.replyTo(ctx, cb, "This button no longer works. Use the newest card of the request.")
		return
	}
	waiting := loading(titleReview, "Loading the plan…")
	err = a.openDrawn(ctx, cb.TriggerID, time.Now(), waiting, func(ctx context.Context) slack.ModalViewRequest {
		v, err := a.clickCaller(ctx, cb)
		if err != nil {
			return notice(titleReview, blocks.Paragraph(a.refusal(err).Text))
		}
		return a.reviewView(ctx, v, g)
	})
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
		a.replyTo(ctx, cb, "The window could not be opened in time. Click the button again.")
	}
}

func (a *App) reviewView(ctx context.Context, v request.Caller, g buttonValue) slack.ModalViewRequest {
	doc, err := a.Requests.Get(ctx, v, g.ID)
	if refusal := a.refusal(err, keyRequest, g.ID); refusal != nil {
		return notice(titleReview, blocks.Paragraph(refusal.Text))
	}
	d := a.drawing(doc.Request)
	if d.r.Plan == nil {
		return notice(
			titleReview,
			blocks.Paragraph(
				"This request has no plan right now: a new one is running, or the last one failed. The card shows which.",
			),
		)
	}
	x := reading{buttonValue: g}
	x.Purpose, x.Digest, x.HeadSHA = d.r.Plan.Purpose, d.r.Plan.Digest, d.r.Plan.SHA
	// A person who may approve decides where they read. The window shows exactly the plan that they approve.
	_, confirmation, err := a.Requests.Check(ctx, v, x.command(lifecycle.ActionApprove))
	x.approve, x.Confirm = err == nil, confirmation
	return a.planView(ctx, d, x)
}

func planLinks(d drawing) []string {
	var links []string
	if run := d.r.PlanRun(); run != nil && run.URL != "" {
		links = append(links, blocks.Link(run.URL, "Run with the whole plan"))
	}
	if pr := d.view.PullRequest; pr != nil {
		links = append(links, blocks.Link(pr.URL, pr.Label))
	}
	return append(links, "plan digest `"+blocks.Escape(blocks.Cut(strings.TrimPrefix(d.r.Plan.Digest, "sha256:"),
		13))+"`")
}

// existing lists what the request created, as far as its applied plan shows.
func (a *App) existing(ctx context.Context, r lifecycle.Request) slack.RichTextElement {
	run := r.AppliedPlanRun()
	if run == nil {
		return blocks.CodeList([]string{r.Title}, shownRemoved)
	}
	data, err := a.Requests.Plans.RecentSummary(ctx, r.Project, run.CorrelationID)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, r.ID, keyError, err)
		return blocks.CodeList([]string{r.Title}, shownRemoved)
	}
	summary, err := terraform.ParseSummary(data)
	if err != nil {
		a.Log.Warn("read applied plan", keyRequest, r.ID, keyError, err)
		return blocks.CodeList([]string{r.Title}, shownRemoved)
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
	return blocks.CodeList(addresses, shownRemoved)
}

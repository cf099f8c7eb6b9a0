package slackapp

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A plan is read in a window, in pages. Approve is offered after the last page was opened, so that no one
// approves a plan that they could not have seen. The window itself stores whether the last page was open,
// and the digest of the plan that it showed.

// Limits of a page. A window allows 100 blocks and 250 kB; a page of a plan uses less, so that it stays readable.
const (
	limitPlanText = 2900 // runes of one block
	pageBlocks    = 8
)

// reading is the state of a plan's window: the plan, the page, and how far the person read. It is the
// window's private metadata.
type reading struct {
	buttonValue
	approve bool // the window ends in an approval
	page    int
	seen    bool // the last page was open
}

// String packs the state for the window's private metadata. The button value is last, because it
// is separated by the same sign and readReading splits only the parts before it.
func (x reading) String() string {
	return strings.Join(
		[]string{
			strconv.FormatBool(x.approve),
			strconv.Itoa(x.page),
			strconv.FormatBool(x.seen),
			x.buttonValue.String(),
		},
		"|",
	)
}

func readReading(value string) (reading, error) {
	parts := strings.SplitN(value, "|", 4)
	if len(parts) != 4 {
		return reading{}, errors.New("not the metadata of a plan's window")
	}
	g, err := readButtonValue(parts[3])
	page, pageErr := strconv.Atoi(parts[1])
	if err := errors.Join(err, pageErr); err != nil {
		return reading{}, err
	}
	return reading{buttonValue: g, approve: parts[0] == "true", page: page, seen: parts[2] == "true"}, nil
}

// planView draws one page of a plan's window.
func (a *App) planView(ctx context.Context, d drawing, x reading) slack.ModalViewRequest {
	title, submit := titleReview, ""
	if x.approve {
		title = "Approve"
		if d.r.Plan.Purpose == lifecycle.PurposeDestroy {
			title = "Approve destroy"
		}
	}
	summary, err := request.ReadPlan(ctx, a.Requests.Plans, d.r)
	if refusal := a.refusal(err, keyRequest, d.r.ID); refusal != nil {
		return notice(title, blocks.Paragraph(refusal.Text))
	}
	pages := planPages(view.OfPlan(summary))
	x.page = min(max(x.page, 0), len(pages)-1)
	x.seen = x.seen || x.page == len(pages)-1
	body := []slack.Block{blocks.Header(d.view.Name())}
	if x.page == 0 {
		body = append(body, d.requestInFull())
		body = append(body, planNotes(d, x)...)
	}
	for _, text := range pages[x.page] {
		body = append(body, blocks.Rich(blocks.Preformatted(text, limitPlanText)))
	}
	body = append(body, pageButtons(x, len(pages))...)
	if x.approve {
		body = append(body, slack.NewActionBlock("reject", blocks.Button(actPlanNo, actPlanNo, "Reject…")))
	}
	// Slack cannot submit a window without a submit button. confirmed checks again that the last
	// page was open, and the use case compares the digest with the plan at that time.
	if x.approve && x.seen && x.Digest == d.r.Plan.Digest {
		submit = title
		if x.Confirm == lifecycle.ConfirmTyped {
			body = append(body, typedInput(d.environment))
		}
	}
	v := blocks.Modal(viewReview, title, submit, append(body, blocks.Context(strings.Join(planLinks(d), " · ")))...)
	if submit != "" {
		v.CallbackID = viewApprove
	}
	v.PrivateMetadata = x.String()
	return v
}

// planNotes introduce the window, before the plan itself.
func planNotes(d drawing, x reading) []slack.Block {
	what := fmt.Sprintf("%s: %s.", view.PlanName(d.r.Plan.Purpose), view.Counts(d.r.Plan))
	if x.approve {
		what = fmt.Sprintf(
			"You're approving this exact plan: %s. If the plan changes, it needs a new approval.",
			view.Counts(d.r.Plan),
		)
	}
	body := []slack.Block{blocks.Paragraph(what)}
	if x.Digest != d.r.Plan.Digest {
		body = append(body, blocks.Paragraph("This plan is newer than the button that you clicked."))
	}
	if d.view.Outdated {
		body = append(body, blocks.Paragraph("A newer plan is running or failed, so this one can't be approved."))
	}
	return body
}

// planPages splits a plan into pages of blocks.
func planPages(p view.Plan) [][]string {
	texts := view.Chunks(view.Strings(p.Lines()), limitPlanText)
	var pages [][]string
	for len(texts) > pageBlocks {
		pages, texts = append(pages, texts[:pageBlocks]), texts[pageBlocks:]
	}
	return append(pages, texts)
}

// pageButtons turn the pages.
func pageButtons(x reading, pages int) []slack.Block {
	if pages < 2 {
		return nil
	}
	var buttons []slack.BlockElement
	add := func(id, label string) {
		buttons = append(buttons, blocks.Button(id, id, label))
	}
	if x.page > 0 {
		add(actPlanBack, "Back")
	}
	if x.page < pages-1 {
		add(actPlanNext, "Next")
	}
	if x.page < pages-2 {
		add(actPlanLast, "Last page")
	}
	where := fmt.Sprintf("Page %d of %d.", x.page+1, pages)
	if x.approve && !x.seen {
		where += " Approve is on the last page."
	}
	return []slack.Block{blocks.Paragraph(where), slack.NewActionBlock("pages", buttons...)}
}

// rejectPlan turns a plan's window into the one that asks for the reason of a rejection.
func (a *App) rejectPlan(ctx context.Context, cb slack.InteractionCallback) {
	title := titleOf(lifecycle.ActionReject)
	x, err := readReading(cb.View.PrivateMetadata)
	if err != nil {
		a.redraw(ctx, cb.View.ID, "", notice(title, blocks.Paragraph(oldWindow)))
		return
	}
	v, err := a.clickCaller(ctx, cb)
	var r lifecycle.Request
	if err == nil {
		r, x.Confirm, err = a.Requests.Check(ctx, v, x.command(lifecycle.ActionReject))
	}
	if refusal := a.refusal(err, keyRequest, x.ID); refusal != nil {
		a.redraw(ctx, cb.View.ID, "", notice(title, blocks.Paragraph(refusal.Text)))
		return
	}
	a.redraw(ctx, cb.View.ID, cb.View.Hash, a.confirmView(ctx, r, lifecycle.ActionReject, x.buttonValue))
}

const oldWindow = "This window is from another version of TfPilot. Close it and open the plan again."

// turnPlan shows another page of a plan's window.
func (a *App) turnPlan(ctx context.Context, cb slack.InteractionCallback, id string) {
	x, err := readReading(cb.View.PrivateMetadata)
	if err != nil {
		a.redraw(
			ctx,
			cb.View.ID,
			"",
			notice(
				titleReview,
				blocks.Paragraph(oldWindow),
			),
		)
		return
	}
	switch id {
	case actPlanNext:
		x.page++
	case actPlanBack:
		x.page--
	case actPlanLast:
		x.page = 1 << 20 // planView stops at the last one
	}
	v, err := a.clickCaller(ctx, cb)
	if a.refusal(err) != nil {
		return // the page stays as it is
	}
	doc, err := a.Requests.Get(ctx, v, x.ID)
	if a.refusal(err, keyRequest, x.ID) != nil {
		return // the page stays as it is
	}
	d := a.drawing(doc.Request)
	if d.r.Plan == nil || d.r.Plan.Digest != x.Digest {
		a.redraw(
			ctx,
			cb.View.ID,
			"",
			notice(
				titleReview,
				blocks.Paragraph("The plan changed while this window was open. Close it and open the new plan."),
			),
		)
		return
	}
	a.redraw(ctx, cb.View.ID, cb.View.Hash, a.planView(ctx, d, x))
}

// drawing is what a window about a request is drawn from.
func (a *App) drawing(r lifecycle.Request) drawing {
	module, _ := a.Requests.Catalog.Module(r.Module)
	return draw(r, a.directory().of(r), module, lifecycle.EnvironmentState{}, utcNow())
}

package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// searchPages is how many pages of 200 requests a search by words reads.
const searchPages = 10

// show answers with one request, found by its id or by words of its title.
func (a *App) show(ctx context.Context, cmd slack.SlashCommand, what string) {
	v, err := a.commandCaller(ctx, cmd)
	if err != nil {
		a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(blocks.Escape(a.refusal(err).Text)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, a.showing(ctx, v, what))
}

// showRow answers the button of a row.
func (a *App) showRow(ctx context.Context, cb slack.InteractionCallback, id string) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.replyTo(ctx, cb, blocks.Escape(a.refusal(err).Text))
		return
	}
	a.respond(ctx, cb.ResponseURL, a.showing(ctx, v, id))
}

func (a *App) showing(ctx context.Context, v request.Caller, what string) *slack.WebhookMessage {
	if refusal := a.Requests.MayRead(v); refusal != nil {
		return blocks.Ephemeral(blocks.Escape(refusal.Text))
	}
	switch {
	case what == "":
		return blocks.Ephemeral(
			fmt.Sprintf("Usage: `%s show <ID or title>`. `%s list` shows the newest requests.", a.name(), a.name()),
		)
	case looksLikeID(what):
		return a.showID(ctx, v, what)
	default:
		return a.search(ctx, v, what)
	}
}

// looksLikeID reports whether s is an id "req_…", in any case and with or without quotes.
func looksLikeID(s string) bool {
	return strings.HasPrefix(cleanID(s), "req_") && !strings.Contains(s, " ")
}

func cleanID(s string) string { return strings.ToLower(strings.Trim(s, "`\"'<> ")) }

func (a *App) showID(ctx context.Context, v request.Caller, id string) *slack.WebhookMessage {
	doc, err := a.Requests.Get(ctx, v, cleanID(id))
	if refusal := a.refusal(err); refusal != nil {
		return blocks.Ephemeral(a.withNewest(refusal))
	}
	d, err := a.Cards.drawing(ctx, doc.Request)
	if err != nil {
		a.Log.Warn("show", keyRequest, doc.Request.ID, keyError, err) // correct even without the lease
	}
	d.links = a.Cards.links(ctx, doc.Request, v.SlackUser)
	d.may = a.Cards.mayOf(doc.Request, v.Person)
	m := d.card()
	if doc.Archived {
		m.Blocks = append(m.Blocks, blocks.PlainContext("This request is archived. It can be read, but no longer changed."))
	}
	return m.Ephemeral()
}

// withNewest adds the list command to the refusal of an unknown id.
func (a *App) withNewest(refusal *request.Refusal) string {
	if refusal.Class != request.Missing {
		return blocks.Escape(refusal.Text)
	}
	return blocks.Escape(refusal.Text) + fmt.Sprintf(" `%s list` shows the newest requests.", a.name())
}

// search finds requests whose row contains all the words. An exact match of the title
// comes before newer requests that only contain the words.
func (a *App) search(ctx context.Context, v request.Caller, what string) *slack.WebhookMessage {
	var exact, found []queue.Row
	q := queue.Query{Limit: 200}
	for range searchPages {
		result, err := a.Requests.List(ctx, v, q)
		if refusal := a.refusal(err); refusal != nil {
			return blocks.Ephemeral(a.noList(refusal))
		}
		for _, r := range result.Rows {
			switch {
			case hasTitle(r, what):
				exact = append(exact, r)
			case len(found) <= listPage && holdsAll(r, what):
				found = append(found, r)
			}
		}
		if q.Cursor = result.Cursor; q.Cursor == "" {
			break
		}
	}
	if len(exact) == 1 {
		return a.showID(ctx, v, exact[0].ID)
	}
	found = append(exact, found...)
	switch len(found) {
	case 0:
		return blocks.Ephemeral(
			fmt.Sprintf(
				"No request matches “%s”. `%s list` shows the newest requests.",
				blocks.Escape(blocks.OneLine(what, blocks.MaxOption)),
				a.name(),
			),
		)
	case 1:
		return a.showID(ctx, v, found[0].ID)
	}
	head := fmt.Sprintf("%d requests match", len(found))
	if len(found) > listPage {
		head, found = fmt.Sprintf("More than %d requests match. These are the newest", listPage), found[:listPage]
	}
	body := []slack.Block{blocks.Paragraph(head + ":")}
	for _, r := range found {
		body = append(body, listRow(r))
	}
	return blocks.Message{Text: head + ".", Blocks: body}.Ephemeral()
}

// hasTitle reports whether the words are the request's title, or the name at its end.
func hasTitle(r queue.Row, what string) bool {
	title, what := strings.ToLower(r.Title), strings.ToLower(strings.TrimSpace(what))
	return title == what || strings.HasSuffix(title, " "+what)
}

func holdsAll(r queue.Row, what string) bool {
	hay := strings.ToLower(
		strings.Join(
			[]string{
				r.ID,
				r.Title,
				r.Module,
				r.Project,
				r.Environment,
				r.Requester,
				view.StatusName(lifecycle.Status(r.Status)),
			},
			" ",
		),
	)
	for _, w := range strings.Fields(strings.ToLower(what)) {
		if !strings.Contains(hay, w) {
			return false
		}
	}
	return true
}

package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

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
	return a.cardFor(ctx, v, doc).Ephemeral()
}

// cardFor draws the card for one reader.
func (a *App) cardFor(ctx context.Context, v request.Caller, doc store.Doc) blocks.Message {
	d, err := a.Cards.drawing(ctx, doc.Request)
	if err != nil {
		a.Log.Warn("show", keyRequest, doc.Request.ID, keyError, err) // correct even without the lease
	}
	d.links = a.Cards.links(ctx, doc.Request, v.SlackUser)
	d.may = a.Cards.Rights.Offered(doc.Request, d.environment, v.Person)
	m := d.card()
	if doc.Archived {
		m.Blocks = append(m.Blocks, blocks.PlainContext("This request is archived and read-only."))
	}
	return m
}

// withNewest adds the list command to the refusal of an unknown id.
func (a *App) withNewest(refusal *request.Refusal) string {
	if refusal.Class != request.Missing {
		return blocks.Escape(refusal.Text)
	}
	return blocks.Escape(refusal.Text) + fmt.Sprintf(" `%s list` shows the newest requests.", a.name())
}

// search finds the request with this title, or lists the requests that match the words.
func (a *App) search(ctx context.Context, v request.Caller, what string) *slack.WebhookMessage {
	titled, err := a.Requests.List(ctx, v, queue.Query{Limit: 2, Count: true,
		Select: func(r queue.Row) bool { return hasTitle(r, what) }})
	if refusal := a.refusal(err); refusal != nil {
		return blocks.Ephemeral(a.noList(refusal))
	}
	if titled.Total == 1 {
		return a.showID(ctx, v, titled.Rows[0].ID)
	}
	f, err := a.Requests.ReadFilter(what)
	var found queue.Page
	if err == nil {
		found, err = a.Requests.Find(ctx, v, f, "", listPage)
	}
	switch refusal := a.refusal(err); {
	case refusal != nil:
		return blocks.Ephemeral(a.noList(refusal))
	case found.Total == 0 && found.Rebuilding:
		return blocks.Ephemeral(request.Rebuilding)
	case found.Total == 0:
		return blocks.Ephemeral(a.emptyList(f, what))
	case found.Total == 1:
		return a.showID(ctx, v, found.Rows[0].ID)
	default:
		return a.page(ctx, trail{filter: what}, found)
	}
}

// hasTitle reports whether the words are the request's title, or the name at its end.
func hasTitle(r queue.Row, what string) bool {
	title, what := strings.ToLower(r.Title), strings.ToLower(strings.TrimSpace(what))
	return title == what || strings.HasSuffix(title, " "+what)
}

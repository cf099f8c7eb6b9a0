package slackapp

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const (
	listPage = 10
	// maxTrail bounds the way back through a list, which travels in a button.
	maxTrail = 1500
)

// trail is the position in a list: the words of its filter, and the cursors of the pages from
// the first to this one.
type trail struct {
	filter  string
	cursors []string
}

func (t trail) String() string { return strings.Join(t.cursors, ",") + "|" + t.filter }

func readTrail(value string) trail {
	cursors, filter, _ := strings.Cut(value, "|")
	t := trail{filter: filter}
	if cursors != "" {
		t.cursors = strings.Split(cursors, ",")
	}
	return t
}

func (t trail) last() string {
	if len(t.cursors) == 0 {
		return ""
	}
	return t.cursors[len(t.cursors)-1]
}

// older adds a page; a trail that is too long drops its first pages.
func (t trail) older(cursor string) trail {
	t.cursors = append(append([]string{}, t.cursors...), cursor)
	for len(t.String()) > maxTrail {
		t.cursors = t.cursors[1:]
	}
	return t
}

func (t trail) newer() trail {
	t.cursors = t.cursors[:max(0, len(t.cursors)-1)]
	return t
}

func (a *App) list(ctx context.Context, cmd slack.SlashCommand, rest string) {
	v, err := a.commandCaller(ctx, cmd)
	if err != nil {
		a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(blocks.Escape(a.refusal(err).Text)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, a.listing(ctx, v, trail{filter: rest}))
}

// turnPage shows another page in place of the one that was clicked in.
func (a *App) turnPage(ctx context.Context, cb slack.InteractionCallback, value string) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.respond(ctx, cb.ResponseURL, blocks.Ephemeral(blocks.Escape(a.refusal(err).Text)))
		return
	}
	msg := a.listing(ctx, v, readTrail(value))
	msg.ReplaceOriginal = true
	a.respond(ctx, cb.ResponseURL, msg)
}

// listing draws one page of the list.
func (a *App) listing(ctx context.Context, v request.Caller, t trail) *slack.WebhookMessage {
	f, err := a.Requests.ReadFilter(t.filter)
	var page queue.Page
	if err == nil {
		page, err = a.Requests.Find(ctx, v, f, t.last(), listPage)
	}
	if refusal := a.refusal(err); refusal != nil {
		return blocks.Ephemeral(a.noList(refusal))
	}
	if page.Total == 0 && page.Rebuilding {
		return blocks.Ephemeral(request.Rebuilding)
	}
	if page.Total == 0 {
		return blocks.Ephemeral(a.emptyList(f, t.filter))
	}
	return a.page(ctx, t, page)
}

// page draws rows, with their position in the whole list.
func (a *App) page(ctx context.Context, t trail, page queue.Page) *slack.WebhookMessage {
	position := fmt.Sprintf("%d–%d of %d", page.Before+1, page.Before+len(page.Rows), page.Total)
	switch {
	case len(page.Rows) == 0:
		position = fmt.Sprintf("No older requests of %d", page.Total)
	case page.Partial:
		position += " in the newest 5,000"
	}
	head := "Requests"
	if t.filter != "" {
		head += ": " + blocks.OneLine(t.filter, maxTitle)
	}
	body := []slack.Block{blocks.Header(head), blocks.PlainContext(position + ", newest first")}
	if page.Rebuilding {
		body = append(body, blocks.Paragraph(request.Rebuilding))
	}
	for _, r := range page.Rows {
		body = append(body, a.listRow(ctx, r))
	}
	body = append(body, listButtons(actPage, t, page.Cursor)...)
	return blocks.Message{Text: fmt.Sprintf("%s, %s.", blocks.Escape(head), position), Blocks: body}.Ephemeral()
}

// emptyList explains a list without requests, and suggests the word that was probably meant.
func (a *App) emptyList(f request.Filter, typed string) string {
	text := "There are no requests yet."
	if typed != "" {
		text = fmt.Sprintf("No request matches “%s”.", blocks.Escape(blocks.OneLine(typed, request.MaxFilter)))
	}
	for _, w := range f.Words {
		if near, ok := catalog.Nearest(w, a.Requests.FilterWords()); ok {
			text += fmt.Sprintf(" Did you mean `%s list %s`?", a.name(), near)
			break
		}
	}
	if typed != "" {
		text += fmt.Sprintf(" `%s list` shows all requests.", a.name())
	}
	return text + fmt.Sprintf(" `%s request` creates one.", a.name())
}

// noList explains why there is no list; it never claims that there are no requests.
func (a *App) noList(refusal *request.Refusal) string {
	if refusal.Class == request.Invalid {
		return blocks.Escape(refusal.Text) + fmt.Sprintf(" Type `%s list` for a new one.", a.name())
	}
	return blocks.Escape(refusal.Text)
}

// listRow draws a request: its title, linked to its card, its status, and its times in the reader's zone.
func (a *App) listRow(ctx context.Context, r queue.Row) *slack.SectionBlock {
	title := "*" + blocks.Escape(blocks.OneLine(r.Title, maxTitle)) + "*"
	if url := a.Cards.permalink(ctx, lifecycle.Message{Channel: r.Channel, TS: r.CardTS}); url != "" {
		title = blocks.Link(url, blocks.OneLine(r.Title, maxTitle))
	}
	state := view.StatusName(lifecycle.Status(r.Status))
	if next, ok := lifecycle.Action(r.Needs).Row(); ok {
		state += ", needs: " + next.Label
	}
	if r.Archived {
		state += ", archived"
	}
	if r.Problem != "" && r.Status != string(lifecycle.StatusFailed) {
		state += ", with a problem"
	}
	row := fmt.Sprintf("%s in %s\n%s · requested by %s, %s", title, blocks.Escape(r.Project+" "+r.Environment),
		blocks.Escape(state), blocks.Escape(blocks.OneLine(r.Requester, blocks.MaxOption)), blocks.Time(r.CreatedAt))
	b := blocks.Button(actShow, r.ID, "Show")
	b.AccessibilityLabel = blocks.Cut("Show "+r.Title, blocks.MaxButton)
	return slack.NewSectionBlock(blocks.Markup(row), nil, slack.NewAccessory(b))
}

func listButtons(action string, t trail, next string) []slack.Block {
	var buttons []slack.BlockElement
	if len(t.cursors) > 0 {
		buttons = append(
			buttons,
			blocks.Button(action+".newer", t.newer().String(), "Newer"),
		)
	}
	if next != "" {
		buttons = append(
			buttons,
			blocks.Button(action+".older", t.older(next).String(), "Older"),
		)
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("pages", buttons...)}
}

package slackapp

import (
	"context"
	"fmt"
	"slices"
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

// trail is the position in a list: the filter, and the cursors of the pages from the
// first to this one.
type trail struct {
	mine, open bool
	cursors    []string
}

func (t trail) String() string {
	flags := ""
	if t.mine {
		flags += "m"
	}
	if t.open {
		flags += "o"
	}
	return flags + "|" + strings.Join(t.cursors, ",")
}

func readTrail(value string) trail {
	flags, rest, _ := strings.Cut(value, "|")
	t := trail{mine: strings.Contains(flags, "m"), open: strings.Contains(flags, "o")}
	if rest != "" {
		t.cursors = strings.Split(rest, ",")
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
	t, unknown := readFilter(rest)
	if unknown != "" {
		a.respond(ctx, cmd.ResponseURL, blocks.Ephemeral(a.unknownFilter(unknown, rest)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, a.listing(ctx, v, t))
}

// filters are the words that make a list shorter.
var filters = []string{"mine", "open"}

// readFilter returns the first page of the list that the words describe, or the first
// word that is not a filter.
func readFilter(text string) (t trail, unknown string) {
	for _, w := range strings.Fields(strings.ToLower(text)) {
		switch w {
		case "mine":
			t.mine = true
		case "open":
			t.open = true
		default:
			return t, w
		}
	}
	return t, ""
}

func (a *App) unknownFilter(word, text string) string {
	shown := blocks.Escape(blocks.OneLine(word, blocks.MaxOption))
	if near, ok := catalog.Nearest(word, filters); ok {
		return fmt.Sprintf("Unknown filter “%s”. Did you mean `%s list %s`?", shown, a.name(), near)
	}
	words := slices.DeleteFunc(strings.Fields(strings.ReplaceAll(text, "`", " ")), func(w string) bool {
		return slices.Contains(filters, strings.ToLower(w))
	})
	return fmt.Sprintf("Unknown filter “%s”. Filters: `mine`, `open`. To search by title, type `%s show %s`.",
		shown, a.name(), blocks.Escape(blocks.OneLine(strings.Join(words, " "), blocks.MaxOption)))
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
	if t.mine && v.Login == "" {
		return blocks.Ephemeral(
			strings.TrimSpace(
				"Your Slack account is not linked to a GitHub login, so TfPilot does not know which requests are yours. " + a.Requests.LinkHelp,
			),
		)
	}
	q := queue.Query{Limit: listPage, Cursor: t.last(), Open: t.open}
	if t.mine {
		q.Requester = v.Login
	}
	result, err := a.Requests.List(ctx, v, q)
	if refusal := a.refusal(err); refusal != nil {
		return blocks.Ephemeral(a.noList(refusal))
	}
	if len(result.Rows) == 0 && len(t.cursors) == 0 {
		return blocks.Ephemeral(a.emptyList(t))
	}
	head := listHead(t)
	body := []slack.Block{blocks.Header(head)}
	for _, r := range result.Rows {
		body = append(body, listRow(r))
	}
	if len(result.Rows) == 0 {
		body = append(body, blocks.Paragraph("No older requests."))
	}
	body = append(body, listButtons(t, a.nextCursor(ctx, v, q, result.Cursor))...)
	return blocks.Message{Text: fmt.Sprintf("%s: %d on this page, newest first.", head, len(result.Rows)), Blocks: body}.Ephemeral()
}

// nextCursor returns the cursor if more requests follow it, otherwise "".
func (a *App) nextCursor(ctx context.Context, v request.Caller, q queue.Query, cursor string) string {
	if cursor == "" {
		return ""
	}
	q.Cursor, q.Limit = cursor, 1
	if more, err := a.Requests.List(ctx, v, q); err == nil && len(more.Rows) == 0 {
		return ""
	}
	return cursor
}

func listHead(t trail) string {
	switch {
	case t.mine && t.open:
		return "Your open requests"
	case t.mine:
		return "Your requests"
	case t.open:
		return "Open requests"
	default:
		return "Requests"
	}
}

func (a *App) emptyList(t trail) string {
	createHint := fmt.Sprintf("Type `%s request` to create one.", a.name())
	all := fmt.Sprintf("`%s list` shows all requests.", a.name())
	switch {
	case t.mine && t.open:
		return "None of your requests is open. " + all + " " + createHint
	case t.mine:
		return "You have no requests. " + all + " " + createHint
	case t.open:
		return "No request is open. " + all + " " + createHint
	default:
		return "There are no requests yet. " + createHint
	}
}

// noList explains why there is no list; it never claims that there are no requests.
func (a *App) noList(refusal *request.Refusal) string {
	if refusal.Class == request.Invalid {
		return blocks.Escape(refusal.Text) + fmt.Sprintf(" Type `%s list` for a new one.", a.name())
	}
	return blocks.Escape(refusal.Text)
}

func listRow(r queue.Row) slack.Block {
	state := view.StatusName(lifecycle.Status(r.Status))
	if r.Archived {
		state += ", archived"
	}
	if r.Problem != "" && r.Status != string(lifecycle.StatusFailed) {
		state += ", with a problem"
	}
	row := fmt.Sprintf(
		"%s in %s %s\n%s · requested by %s on %s",
		blocks.OneLine(r.Title, maxTitle),
		r.Project,
		r.Environment,
		state,
		blocks.OneLine(r.Requester, blocks.MaxOption),
		r.CreatedAt.UTC().Format("2 January 2006"),
	)
	b := blocks.Button(actShow, r.ID, "Show")
	b.AccessibilityLabel = blocks.Cut("Show "+r.Title, blocks.MaxButton)
	return slack.NewSectionBlock(blocks.Plain(row, blocks.MaxSection), nil, slack.NewAccessory(b))
}

func listButtons(t trail, next string) []slack.Block {
	var buttons []slack.BlockElement
	if len(t.cursors) > 0 {
		buttons = append(
			buttons,
			blocks.Button(actPage+".newer", t.newer().String(), "Newer"),
		)
	}
	if next != "" {
		buttons = append(
			buttons,
			blocks.Button(actPage+".older", t.older(next).String(), "Older"),
		)
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("pages", buttons...)}
}

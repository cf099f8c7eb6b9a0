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
)

const (
	listPage = 10
	// maxTrail bounds the way back through a list, which travels in a button.
	maxTrail = 1500
	// searchPages is how many pages of 200 requests a search by words reads.
	searchPages = 10
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
		a.respond(ctx, cmd.ResponseURL, ephemeral(escape(a.refusal(err).Text)))
		return
	}
	t, unknown := readFilter(rest)
	if unknown != "" {
		a.respond(ctx, cmd.ResponseURL, ephemeral(a.unknownFilter(unknown, rest)))
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
	shown := escape(oneLine(word, limitOption))
	if near, ok := catalog.Nearest(word, filters); ok {
		return fmt.Sprintf("Unknown filter “%s”. Did you mean `%s list %s`?", shown, a.name(), near)
	}
	words := slices.DeleteFunc(strings.Fields(strings.ReplaceAll(text, "`", " ")), func(w string) bool {
		return slices.Contains(filters, strings.ToLower(w))
	})
	return fmt.Sprintf("Unknown filter “%s”. Filters: `mine`, `open`. To search by title, type `%s show %s`.",
		shown, a.name(), escape(oneLine(strings.Join(words, " "), limitOption)))
}

// turnPage shows another page in place of the one that was clicked in.
func (a *App) turnPage(ctx context.Context, cb slack.InteractionCallback, value string) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.respond(ctx, cb.ResponseURL, ephemeral(escape(a.refusal(err).Text)))
		return
	}
	msg := a.listing(ctx, v, readTrail(value))
	msg.ReplaceOriginal = true
	a.respond(ctx, cb.ResponseURL, msg)
}

// listing draws one page of the list.
func (a *App) listing(ctx context.Context, v request.Caller, t trail) *slack.WebhookMessage {
	if t.mine && v.Login == "" {
		return ephemeral(
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
		return ephemeral(a.noList(refusal))
	}
	if len(result.Rows) == 0 && len(t.cursors) == 0 {
		return ephemeral(a.emptyList(t))
	}
	head := listHead(t)
	blocks := []slack.Block{header(head)}
	for _, r := range result.Rows {
		blocks = append(blocks, listRow(r))
	}
	if len(result.Rows) == 0 {
		blocks = append(blocks, paragraph("No older requests."))
	}
	blocks = append(blocks, listButtons(t, a.nextCursor(ctx, v, q, result.Cursor))...)
	return ephemeralBlocks(fmt.Sprintf("%s: %d on this page, newest first.", head, len(result.Rows)), blocks)
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
		return escape(refusal.Text) + fmt.Sprintf(" Type `%s list` for a new one.", a.name())
	}
	return escape(refusal.Text)
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
		oneLine(r.Title, maxTitle),
		r.Project,
		r.Environment,
		state,
		oneLine(r.Requester, limitOption),
		r.CreatedAt.UTC().Format("2 January 2006"),
	)
	b := slack.NewButtonBlockElement(actShow, r.ID, plain("Show", limitButton))
	b.AccessibilityLabel = cut("Show "+r.Title, limitButton)
	return slack.NewSectionBlock(plain(row, limitSection), nil, slack.NewAccessory(b))
}

func listButtons(t trail, next string) []slack.Block {
	var buttons []slack.BlockElement
	if len(t.cursors) > 0 {
		buttons = append(
			buttons,
			slack.NewButtonBlockElement(actPage+".newer", t.newer().String(), plain("Newer", limitButton)),
		)
	}
	if next != "" {
		buttons = append(
			buttons,
			slack.NewButtonBlockElement(actPage+".older", t.older(next).String(), plain("Older", limitButton)),
		)
	}
	if len(buttons) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("pages", buttons...)}
}

// show answers with one request, found by its id or by words of its title.
func (a *App) show(ctx context.Context, cmd slack.SlashCommand, what string) {
	v, err := a.commandCaller(ctx, cmd)
	if err != nil {
		a.respond(ctx, cmd.ResponseURL, ephemeral(escape(a.refusal(err).Text)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, a.showing(ctx, v, what))
}

// showRow answers the button of a row.
func (a *App) showRow(ctx context.Context, cb slack.InteractionCallback, id string) {
	v, err := a.clickCaller(ctx, cb)
	if err != nil {
		a.replyTo(ctx, cb, escape(a.refusal(err).Text))
		return
	}
	a.respond(ctx, cb.ResponseURL, a.showing(ctx, v, id))
}

func (a *App) showing(ctx context.Context, v request.Caller, what string) *slack.WebhookMessage {
	if refusal := a.Requests.MayRead(v); refusal != nil {
		return ephemeral(escape(refusal.Text))
	}
	switch {
	case what == "":
		return ephemeral(
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
		return ephemeral(a.withNewest(refusal))
	}
	d, err := a.Cards.drawing(ctx, doc.Request)
	if err != nil {
		a.Log.Warn("show", keyRequest, doc.Request.ID, keyError, err) // correct even without the lease
	}
	d.links = a.Cards.links(ctx, doc.Request, v.SlackUser)
	d.may = a.Cards.mayOf(doc.Request, v.Person)
	m := d.card()
	if doc.Archived {
		m.blocks = append(m.blocks, hint("This request is archived. It can be read, but no longer changed."))
	}
	return ephemeralBlocks(m.text, m.blocks)
}

// withNewest adds the list command to the refusal of an unknown id.
func (a *App) withNewest(refusal *request.Refusal) string {
	if refusal.Class != request.Missing {
		return escape(refusal.Text)
	}
	return escape(refusal.Text) + fmt.Sprintf(" `%s list` shows the newest requests.", a.name())
}

// search finds requests whose row contains all the words. An exact match of the title
// comes before newer requests that only contain the words.
func (a *App) search(ctx context.Context, v request.Caller, what string) *slack.WebhookMessage {
	var exact, found []queue.Row
	q := queue.Query{Limit: 200}
	for range searchPages {
		result, err := a.Requests.List(ctx, v, q)
		if refusal := a.refusal(err); refusal != nil {
			return ephemeral(a.noList(refusal))
		}
		for _, r := range result.Rows {
			switch {
			case called(r, what):
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
		return ephemeral(
			fmt.Sprintf(
				"No request matches “%s”. `%s list` shows the newest requests.",
				escape(oneLine(what, limitOption)),
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
	blocks := []slack.Block{paragraph(head + ":")}
	for _, r := range found {
		blocks = append(blocks, listRow(r))
	}
	return ephemeralBlocks(head+".", blocks)
}

// called reports whether the words are the request's title, or the name at its end.
func called(r queue.Row, what string) bool {
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

// sync reads news from GitHub: for one request's repository or for all.
func (a *App) sync(ctx context.Context, cmd slack.SlashCommand, what string) {
	v, err := a.commandCaller(ctx, cmd)
	if err != nil {
		a.respond(ctx, cmd.ResponseURL, ephemeral(escape(a.refusal(err).Text)))
		return
	}
	a.respond(ctx, cmd.ResponseURL, ephemeral(a.syncing(ctx, v, what)))
}

func (a *App) syncing(ctx context.Context, v request.Caller, what string) string {
	if what != "" && !looksLikeID(what) {
		return fmt.Sprintf("Usage: `%[3]s sync [ID]`. `%[1]s show %[2]s` finds the ID of a request.",
			a.name(), escape(oneLine(strings.ReplaceAll(what, "`", " "), limitOption)), a.name())
	}
	done, err := a.Requests.Sync(ctx, v, cleanID(what))
	if refusal := a.refusal(err); refusal != nil {
		return a.withNewest(refusal)
	}
	if done.Request == nil {
		return "Syncing all repositories with GitHub… The cards update within seconds."
	}
	return nextStep(*done.Request, lifecycle.ActionSync)
}

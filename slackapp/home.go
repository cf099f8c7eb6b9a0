package slackapp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// The Home tab is one person's start page: what waits for them, their own requests, what is new, and
// the environments. It is drawn when the person opens it, and after each click in it. Lists come from
// the index; a part that cannot be read says so, and the others are still shown.

// Rows of the parts of Home. With the buttons they stay within Slack's limit of blocks of a view,
// also with many environments; a test draws the longest Home.
const (
	homeWaiting      = 12
	homeMine         = 10
	homeRecent       = 5
	homeEnvironments = 20
	homeReaders      = 8 // environments that are read at once
)

// homeOpened draws the Home tab of a person who opened it.
func (a *App) homeOpened(ctx context.Context, team, user string) {
	v, err := a.caller(ctx, team, user, "", "")
	a.drawHome(ctx, user, v, err, trail{filter: "mine"})
}

// homeClicked draws it again, perhaps with another page of the person's requests.
func (a *App) homeClicked(ctx context.Context, cb slack.InteractionCallback, value string) {
	v, err := a.clickCaller(ctx, cb)
	a.drawHome(ctx, cb.User.ID, v, err, readTrail(value))
}

// drawHome publishes the Home tab. err is why the caller is not known.
func (a *App) drawHome(ctx context.Context, user string, v request.Caller, err error, mine trail) {
	body := a.homeBlocks(ctx, v, err, mine)
	_, err = a.API.PublishViewContext(ctx, slack.PublishViewContextRequest{
		UserID: user, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: body}},
	})
	if err != nil {
		a.Log.Warn("draw Home", keyCode, errorCode(err), keyError, err)
	}
}

func (a *App) homeBlocks(ctx context.Context, v request.Caller, err error, mine trail) []slack.Block {
	create := blocks.Button(actStart, "", "New request")
	create.Style = slack.StylePrimary
	body := []slack.Block{slack.NewActionBlock("home", create, blocks.Button(actHome, mine.String(), "Refresh"))}
	refusal := a.refusal(err)
	if refusal == nil {
		refusal = a.Requests.MayRead(v)
	}
	if refusal != nil {
		return append(body, blocks.Paragraph(refusal.Text))
	}
	body = append(body, a.homeWho(v))
	if v.Login != "" {
		body = append(body, a.homePart(ctx, v, "Waiting for you", "Nothing waits for you.",
			request.Filter{Waiting: true}, trail{}, homeWaiting)...)
		body = append(body, a.homePart(ctx, v, "Your requests",
			"You have no requests yet. Click New request, or write to me what you need.",
			request.Filter{Mine: true}, mine, homeMine)...)
	}
	body = append(body, a.homePart(ctx, v, "Recent", "There are no requests yet.", request.Filter{}, trail{}, homeRecent)...)
	return append(body, a.homeEnvironments(ctx)...)
}

// homeWho says which GitHub account the person acts with.
func (a *App) homeWho(v request.Caller) slack.Block {
	if v.Login == "" {
		return blocks.Context(blocks.Escape(strings.TrimSpace(
			"Your Slack account is not linked to a GitHub login: you can read, and not request or approve. " + a.Requests.LinkHelp)))
	}
	return blocks.Context("Linked to GitHub as *" + blocks.Escape(v.Login) + "*")
}

// homePart draws one list. Only the person's own requests have pages.
func (a *App) homePart(ctx context.Context, v request.Caller, title, empty string, f request.Filter, t trail,
	limit int) []slack.Block {
	page, err := a.Requests.Find(ctx, v, f, t.last(), limit)
	head := blocks.Header(title)
	if refusal := a.refusal(err); refusal != nil {
		return []slack.Block{head, blocks.Paragraph(refusal.Text)}
	}
	if page.Total == 0 {
		return []slack.Block{head, blocks.PlainContext(empty)}
	}
	if page.Total > len(page.Rows) {
		head = blocks.Header(fmt.Sprintf("%s: %d–%d of %d", title, page.Before+1, page.Before+len(page.Rows), page.Total))
	}
	body := []slack.Block{head}
	for _, r := range page.Rows {
		body = append(body, a.homeRow(ctx, r, f.Waiting))
	}
	switch {
	case f.Mine:
		body = append(body, listButtons(actHome, t, page.Cursor)...)
	case page.Cursor != "" && f.Waiting:
		body = append(body, blocks.Context(fmt.Sprintf("`%s list waiting` shows all.", a.name())))
	case page.Cursor != "":
		body = append(body, blocks.Context(fmt.Sprintf("`%s list` shows all.", a.name())))
	}
	return body
}

// homeRow is a row of a list. A plan that waits for the person can be decided from here.
func (a *App) homeRow(ctx context.Context, r queue.Row, waits bool) slack.Block {
	row := a.listRow(ctx, r)
	if waits && r.Needs == string(lifecycle.ActionApprove) {
		review := blocks.Button(actReview, buttonValue{ID: r.ID}.String(), "Review plan")
		review.AccessibilityLabel = blocks.Cut("Review plan: "+r.Title, blocks.MaxButton)
		row.Accessory = slack.NewAccessory(review)
	}
	return row
}

// homeEnvironments lists the environments with what holds them and what is queued.
func (a *App) homeEnvironments(ctx context.Context) []slack.Block {
	all := a.directory().environments()
	shown := all[:min(len(all), homeEnvironments)]
	lines := make([]string, len(shown))
	var group sync.WaitGroup
	free := make(chan struct{}, homeReaders)
	for i, e := range shown {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			lines[i] = a.homeEnvironment(ctx, e)
		})
	}
	group.Wait()
	body := []slack.Block{blocks.Header("Environments")}
	for _, line := range lines {
		body = append(body, blocks.Section(line))
	}
	if n := len(all) - len(shown); n > 0 {
		body = append(body, blocks.PlainContext(fmt.Sprintf("and %d more", n)))
	}
	return body
}

func (a *App) homeEnvironment(ctx context.Context, e config.Environment) string {
	name := "*" + blocks.Escape(e.Project+" "+environmentLabel(e)) + "*"
	state, err := a.Cards.Documents.Environment(ctx, e.Project, lifecycle.Environment{Key: e.Key, Slug: e.Slug})
	switch {
	case err != nil:
		a.Log.Warn("read environment", keyError, err)
		return name + "\nIts state cannot be read right now."
	case state.Holder == nil:
		return name + "\nFree"
	}
	h := state.Holder
	line := fmt.Sprintf("%s\nIn use: %s of “%s” by %s, since %s", name, blocks.Escape(string(h.Kind)),
		blocks.Escape(blocks.OneLine(h.Title, maxTitle)), blocks.Escape(blocks.OneLine(h.By, blocks.MaxOption)), blocks.Time(h.Since))
	if n := len(state.Queue); n > 0 {
		line += fmt.Sprintf(" · %d queued", n)
	}
	return line
}

// showInWindow shows a request's card in a window: Home has no messages to answer with.
func (a *App) showInWindow(ctx context.Context, cb slack.InteractionCallback, id string) {
	waiting := loading("Request", "Loading the request…")
	err := a.openDrawn(ctx, cb.TriggerID, time.Now(), waiting, func(ctx context.Context) slack.ModalViewRequest {
		v, err := a.clickCaller(ctx, cb)
		if err == nil {
			var doc store.Doc
			if doc, err = a.Requests.Get(ctx, v, id); err == nil {
				return notice("Request", slices.DeleteFunc(a.cardFor(ctx, v, doc).Blocks, func(b slack.Block) bool {
					return b.BlockType() == slack.MBTAction // a window has no message to answer a click with
				})...)
			}
		}
		return notice("Request", blocks.Paragraph(a.refusal(err, keyRequest, id).Text))
	})
	if err != nil {
		a.Log.Warn("open view", keyCode, errorCode(err), keyError, err)
	}
}

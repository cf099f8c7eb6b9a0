package slackapp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

const (
	// leaseTime is longer than any rendering, so that two processes never write at once.
	leaseTime = 40 * time.Second
	// maxRounds bounds how often one Refresh starts again because of new changes.
	maxRounds = 5
	// refreshLimit bounds one Refresh, below the time that a task has.
	refreshLimit = 20 * time.Second
)

// maxBudgetWait is how long an edit waits for the workspace's budget before its card returns to the list.
const maxBudgetWait = 3 * time.Second

// CardDocuments reads what cards are drawn from, and records which messages they are.
type CardDocuments interface {
	Get(ctx context.Context, id string) (store.Doc, error)
	Cached(ctx context.Context, id string) (store.Doc, bool)
	Patch(ctx context.Context, doc store.Doc, actor lifecycle.Actor, patch lifecycle.Patch) (store.Doc, error)
	Environment(ctx context.Context, project string, env lifecycle.Environment) (lifecycle.EnvironmentState, error)
	LinkedNow(ctx context.Context) (map[string]store.Linked, error)
	Preferences(ctx context.Context, team, user string) (store.Preferences, error)
	request.Summaries
}

// Cards keeps the messages of requests in step with the documents. It runs in the worker;
// the app uses it once, to show the first card without waiting.
type Cards struct {
	API       *slack.Client // required
	Documents CardDocuments // required
	Notes     *queue.Notes  // required; leases and the budget
	Rights    request.Rights
	Catalog   *catalog.Catalog // required
	Projects  Directory        // required
	PublicURL string           // of the pages; empty: no link
	Shown     *queue.Cache     // remembers edits until they are stored; nil: each is stored at once
	Log       *slog.Logger     // required

	people accountCache
	mu     sync.Mutex
	base   string            // address of the workspace, once known
	direct map[string]string // the direct messages with a user, once known; they never change
}

// Refresh makes every message of the request show its document, of at least this version; 0 when
// that is not known. It is safe to run twice and at the same time: one lease per request, one message
// per slot.
func (c *Cards) Refresh(ctx context.Context, id string, version int64) error {
	return c.Draw(ctx, queue.Card{RequestID: id, Version: version, Waited: ownDelay})
}

// Draw is Refresh for a card of the list. The edit of the requester's own card may wait for more changes.
func (c *Cards) Draw(ctx context.Context, card queue.Card) error {
	ctx, cancel := context.WithTimeout(ctx, refreshLimit)
	defer cancel()
	lease, ok, err := c.Notes.CardLease(ctx, card.RequestID, card.Version, leaseTime)
	if err != nil {
		return err
	}
	if !ok {
		return nil // the holder renders once more
	}
	var rest time.Duration
	for range maxRounds {
		wait, err := c.render(ctx, card.RequestID, lease.Version, card.Waited)
		if err != nil {
			return c.releaseLease(ctx, lease, err)
		}
		rest = max(rest, wait)
		again, err := lease.Done(context.WithoutCancel(ctx))
		if err == nil && !again && rest > 0 {
			return queue.Later(rest)
		}
		if err != nil || !again {
			return err
		}
	}
	return c.releaseLease(ctx, lease, queue.Later(time.Second))
}

// releaseLease ends a lease whose holder could not finish, and returns the reason. Other
// tasks of this card ended meanwhile because the holder renders once more: the error
// brings this task back, and the lease must be free for it then.
func (c *Cards) releaseLease(ctx context.Context, lease *queue.CardLease, why error) error {
	ctx = context.WithoutCancel(ctx)
	for range maxRounds {
		again, err := lease.Done(ctx)
		if err != nil || !again {
			return errors.Join(why, err)
		}
	}
	return why
}

// render brings all messages up to date. rest is after which time it must run again for what it
// left; 0 when it left nothing.
func (c *Cards) render(ctx context.Context, id string, version int64, waited time.Duration) (
	rest time.Duration, err error) {
	doc, err := c.document(ctx, id, version)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read request: %w", err)
	}
	d, err := c.drawing(ctx, doc.Request)
	if err != nil {
		return 0, err
	}
	p := &poster{Cards: c, drawing: d, doc: doc, waited: waited}
	p.recall(ctx)
	err = p.all(ctx)
	return max(p.rest, p.ownRest), err
}

// document returns the request as of at least this version: the copy of the one who wrote it, else
// the stored one. What is written with a copy is written only if it is the stored one.
func (c *Cards) document(ctx context.Context, id string, version int64) (store.Doc, error) {
	if version > 0 {
		if doc, ok := c.Documents.Cached(ctx, id); ok && doc.Request.Version >= version {
			return doc, nil
		}
	}
	return c.Documents.Get(ctx, id)
}

// drawing gathers the data of the messages. With an error it is still correct, but shows no queue position.
func (c *Cards) drawing(ctx context.Context, r lifecycle.Request) (drawing, error) {
	var env lifecycle.EnvironmentState
	var err error
	if slices.ContainsFunc(r.Wanted,
		func(w lifecycle.Intent) bool { return w.CorrelationID != "" }) { // it waits in the queue
		if env, err = c.Documents.Environment(ctx, r.Project, r.Environment); err != nil {
			env, err = lifecycle.EnvironmentState{}, fmt.Errorf("read environment: %w", err)
		}
	}
	module, _ := c.Catalog.Module(r.Module)
	d := draw(r, c.Projects.of(r), module, env, utcNow())
	d.account = c.people.accounts(ctx, c)
	if c.PublicURL != "" {
		d.details = strings.TrimSuffix(c.PublicURL, "/") + "/requests/" + r.ID
	}
	d.askable, d.escalateTo = c.approvers(r, d), c.escalation(d)
	return d, err
}

// approvers lists the people who may approve, as far as the configuration names them.
func (c *Cards) approvers(r lifecycle.Request, d drawing) []lifecycle.Person {
	var found []lifecycle.Person
	for _, login := range c.Rights.Approvers(r, d.environment) {
		found = append(found, lifecycle.Person{Login: login, SlackUser: d.user(login)})
	}
	return found
}

// links are the addresses of a request's cards, for a Slack user.
func (c *Cards) links(ctx context.Context, r lifecycle.Request, reader string) []hyperlink {
	var links []hyperlink
	for _, m := range r.Slack.Messages {
		if m.Role != lifecycle.RoleCard && (m.Role != lifecycle.RoleDM || reader != r.Requester.SlackUser) {
			continue // only the requester can open it
		}
		if url := c.permalink(ctx, m); url != "" {
			links = append(links, hyperlink{url, linkLabels[m.Role]})
		}
	}
	return links
}

var linkLabels = map[string]string{
	lifecycle.RoleCard: "View in the channel",
	lifecycle.RoleDM:   "View in direct messages",
}

func (c *Cards) permalink(ctx context.Context, m lifecycle.Message) string {
	base := c.address(ctx)
	if base == "" || m.TS == "" || m.Channel == "" {
		return ""
	}
	return base + "archives/" + m.Channel + "/p" + strings.ReplaceAll(m.TS, ".", "")
}

// address is the workspace's own address, which never changes while the process runs.
func (c *Cards) address(ctx context.Context) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base == "" {
		if resp, err := c.API.AuthTestContext(ctx); err == nil && blocks.IsWebAddress(resp.URL) {
			c.base = strings.TrimSuffix(resp.URL, "/") + "/"
		}
	}
	return c.base
}

// maxDirect bounds how many users' direct messages are remembered.
const maxDirect = 10_000

// openDirect returns the id of the direct messages with a user. Slack is asked once for each user.
func (c *Cards) openDirect(ctx context.Context, user string) (string, error) {
	c.mu.Lock()
	id := c.direct[user]
	c.mu.Unlock()
	if id != "" {
		return id, nil
	}
	opened, _, _, err := c.API.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.direct == nil || len(c.direct) >= maxDirect {
		c.direct = map[string]string{}
	}
	c.direct[user] = opened.ID
	return opened.ID, nil
}

const (
	// peopleFor is how long known accounts are reused; they only decide who is
	// mentioned.
	peopleFor = 5 * time.Minute
	// peopleTime bounds how long a card waits for them.
	peopleTime = 4 * time.Second
)

// accountCache remembers which login has which Slack account.
type accountCache struct {
	mu    sync.Mutex
	known map[string]string
	until time.Time
}

// accounts returns the Slack account of each login, in lower case. Accounts that could not
// be read in time keep their earlier value.
func (p *accountCache) accounts(ctx context.Context, c *Cards) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if utcNow().Before(p.until) {
		return p.known
	}
	ctx, cancel := context.WithTimeout(ctx, peopleTime)
	defer cancel()
	p.until = utcNow().Add(peopleFor)
	linked, err := c.Documents.LinkedNow(ctx)
	if err != nil {
		c.Log.Warn("read identities", keyError, err)
		return p.known // an earlier value is enough: it grants nothing
	}
	p.known = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(linked)) {
		p.known[lifecycle.FoldLogin(linked[key].Login)] = linked[key].SlackUser
	}
	return p.known
}

// postingMark starts a message's state between the intent to post it and the
// outcome.
const postingMark = "posting:"

// refusedMark starts the state of a message that Slack refused, before Slack's code and
// the fingerprint of the refused message.
const refusedMark = lifecycle.MessageRefused

// newNonce marks one intent to post; its time limits the search for the message.
func newNonce(at time.Time) string {
	return fmt.Sprintf("%d-%s", at.Unix(), strings.ToLower(rand.Text()[:12]))
}

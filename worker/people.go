package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// people knows which Slack account is linked to which GitHub account, and which account has a
// login on GitHub. Every effect reads it again; the cached values only make that cheap.
type people struct {
	mu     sync.Mutex
	linked map[string]store.Linked
	readAt time.Time     // before linked was read
	turn   chan struct{} // of the one who reads the links: who reads next then knows most of them
	logins map[string]accountSeen
}

// accountSeen is the id that a login had on GitHub; 0 if the login did not exist.
type accountSeen struct {
	id int64
	at time.Time
}

const (
	// linksFresh is how long one reading of the links is used: for the checks of one step, and
	// for requests that are opened at the same time.
	linksFresh = 2 * time.Second
	// linksRecent is how long one reading of the links lets new requests wait for their turn.
	linksRecent = time.Minute
	// accountFresh is how long a login is taken to belong to the same account on GitHub.
	accountFresh = 5 * time.Minute
	// maxAccounts bounds how many logins are remembered.
	maxAccounts = 1000
)

// links are the identities that are linked now.
type links []lifecycle.Identity

// readLinks lists the identities.
func (w *Worker) readLinks(ctx context.Context) (links, error) {
	done, err := w.people.readNext(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	at := now()
	linked, err := w.Store.LinkedNow(ctx)
	if err != nil {
		return nil, fmt.Errorf("identities: %w", err)
	}
	w.people.mu.Lock()
	w.people.linked, w.people.readAt = linked, at
	w.people.mu.Unlock()
	return linksOf(linked), nil
}

// readNext waits until no other reads the links.
func (p *people) readNext(ctx context.Context) (done func(), err error) {
	p.mu.Lock()
	if p.turn == nil {
		p.turn = make(chan struct{}, 1)
	}
	turn := p.turn
	p.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recentLinks are the identities as this worker read them last; ok is false when that is
// longer ago than within.
func (p *people) recentLinks(within time.Duration) (l links, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now().Sub(p.readAt) > within {
		return nil, false
	}
	return linksOf(p.linked), true
}

func linksOf(linked map[string]store.Linked) links {
	all := make(links, 0, len(linked))
	for _, id := range linked {
		all = append(all, id.Identity)
	}
	return all
}

// ofSlack is the identity of a Slack account.
func (l links) ofSlack(team, user string) (lifecycle.Identity, bool) {
	for _, id := range l {
		if id.SlackUser == user && (id.SlackTeam == team || team == "") {
			return id, true
		}
	}
	return lifecycle.Identity{}, false
}

// ofAccount is the identity of a GitHub account: login and id, not one of them.
func (l links) ofAccount(login string, id int64) (lifecycle.Identity, bool) {
	for _, have := range l {
		if lifecycle.SameLogin(have.Login, login) && have.GithubID == id {
			return have, true
		}
	}
	return lifecycle.Identity{}, false
}

// accountOf returns the id of the GitHub account with this login; 0 if there is none.
func (w *Worker) accountOf(ctx context.Context, login string) (int64, error) {
	key := lifecycle.FoldLogin(login)
	w.people.mu.Lock()
	seen, ok := w.people.logins[key]
	w.people.mu.Unlock()
	if ok && now().Sub(seen.at) < accountFresh {
		return seen.id, nil
	}
	account, err := w.GitHub.Account(ctx, login)
	if err != nil && !errors.Is(err, github.ErrNotFound) {
		return 0, err
	}
	w.people.mu.Lock()
	defer w.people.mu.Unlock()
	if w.people.logins == nil || len(w.people.logins) >= maxAccounts {
		w.people.logins = map[string]accountSeen{}
	}
	w.people.logins[key] = accountSeen{account.ID, now()}
	return account.ID, nil
}

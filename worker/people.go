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

// people is who is who: which Slack account is linked to which GitHub account, and which
// account has a login on GitHub. It is read again for every effect; what is kept between
// two readings only makes that cheap.
type people struct {
	mu     sync.Mutex
	linked map[string]store.Linked
	logins map[string]accountSeen
}

// accountSeen is the id that a login had on GitHub; 0 when there was no such login.
type accountSeen struct {
	id int64
	at time.Time
}

const (
	// linksFresh is how long one reading of the links serves: the checks of one step.
	linksFresh = 2 * time.Second
	// accountFresh is how long a login is taken to belong to the same account on GitHub.
	accountFresh = 5 * time.Minute
	// maxAccounts bounds how many logins are remembered.
	maxAccounts = 1000
)

// links are the identities that are linked now.
type links []lifecycle.Identity

// readLinks lists the identities. It costs one call for a thousand of them, and one for
// each that changed since the last reading.
func (w *Worker) readLinks(ctx context.Context) (links, error) {
	w.people.mu.Lock()
	known := w.people.linked
	w.people.mu.Unlock()
	now, err := w.Store.LinkedNow(ctx, known)
	if err != nil {
		return nil, fmt.Errorf("identities: %w", err)
	}
	w.people.mu.Lock()
	w.people.linked = now
	w.people.mu.Unlock()
	all := make(links, 0, len(now))
	for _, id := range now {
		all = append(all, id.Identity)
	}
	return all, nil
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

// accountOf is the id of the account that has this login on GitHub; 0 when none has.
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

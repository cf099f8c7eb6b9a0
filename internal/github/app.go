package github

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// RepoInfo is what TfPilot needs to know of a repository.
type RepoInfo struct {
	ID            int64
	FullName      string
	DefaultBranch string
	Archived      bool
	Private       bool
}

// Repo reads a repository.
func (c *Client) Repo(ctx context.Context, repo Repo) (RepoInfo, error) {
	path, err := repo.path("")
	if err != nil {
		return RepoInfo{}, err
	}
	var out wireRepo
	if _, err := c.call(ctx, http.MethodGet, path, nil, &out); err != nil {
		return RepoInfo{}, fmt.Errorf("repository %s: %w", repo, err)
	}
	return RepoInfo(out), nil
}

// Self is the login that TfPilot acts under: the actor of its runs and the author
// of its comments. GitHub is asked until it has answered once. An App's id there is
// not known.
func (c *Client) Self(ctx context.Context) (Actor, error) {
	if known := c.self.Load(); known != nil {
		return *known, nil
	}
	me, err := c.readSelf(ctx)
	if err == nil {
		c.self.Store(&me)
	}
	return me, err
}

func (c *Client) readSelf(ctx context.Context) (Actor, error) {
	if c.app == nil {
		var out Actor
		if _, err := c.call(ctx, http.MethodGet, "user", nil, &out); err != nil {
			return Actor{}, fmt.Errorf("own account: %w", err)
		}
		return out, nil
	}
	var out struct {
		Slug string `json:"slug"`
	}
	if _, err := c.do(ctx, c.app, http.MethodGet, "app", "", nil, &out); err != nil {
		return Actor{}, fmt.Errorf("own App: %w", err)
	}
	return Actor{Login: out.Slug + "[bot]"}, nil
}

// Account is the account that has a login now. Logins change hands, ids do not.
func (c *Client) Account(ctx context.Context, login string) (Actor, error) {
	var out Actor
	if _, err := c.call(ctx, http.MethodGet, "users/"+queryEscape(login), nil, &out); err != nil {
		return Actor{}, fmt.Errorf("account of %s: %w", login, err)
	}
	return out, nil
}

// Installation is what the App was granted.
type Installation struct {
	Permissions map[string]string // contents: write …
	Events      []string
	Suspended   bool
}

// Installation reads what the App was granted.
func (c *Client) Installation(ctx context.Context) (Installation, error) {
	if c.app == nil {
		return Installation{}, ErrNoApp
	}
	var out struct {
		Permissions map[string]string `json:"permissions"`
		Events      []string          `json:"events"`
		SuspendedAt *time.Time        `json:"suspended_at"`
	}
	path := fmt.Sprintf("app/installations/%d", c.installation)
	if _, err := c.do(ctx, c.app, http.MethodGet, path, "", nil, &out); err != nil {
		return Installation{}, fmt.Errorf("installation: %w", err)
	}
	return Installation{Permissions: out.Permissions, Events: out.Events, Suspended: out.SuspendedAt != nil}, nil
}

// Delivery is a webhook delivery that never arrived.
type Delivery struct {
	ID          int64  // of the newest attempt
	GUID        string // the same for every attempt
	Event       string
	Action      string
	StatusCode  int
	DeliveredAt time.Time
	Attempts    int
}

type wireDelivery struct {
	ID          int64     `json:"id"`
	GUID        string    `json:"guid"`
	Event       string    `json:"event"`
	Action      string    `json:"action"`
	Status      string    `json:"status"`
	StatusCode  int       `json:"status_code"`
	DeliveredAt time.Time `json:"delivered_at"`
}

// ok says whether the attempt was answered well.
func (w wireDelivery) ok() bool { return w.StatusCode >= 200 && w.StatusCode < 300 || w.Status == "OK" }

// FailedDeliveries lists what was sent at or after since and never arrived, in
// any attempt, oldest first. Usually that costs one call.
func (c *Client) FailedDeliveries(ctx context.Context, since time.Time) ([]Delivery, error) {
	if c.app == nil {
		return nil, ErrNoApp
	}
	failed, err := c.deliveries(ctx, "&status=failure", since)
	if err != nil || len(failed) == 0 {
		return nil, err
	}
	// A failed attempt stays in that list after a later one arrived.
	all, err := c.deliveries(ctx, "", since)
	if err != nil {
		return nil, err
	}
	arrived := map[string]bool{}
	for _, w := range all {
		arrived[w.GUID] = arrived[w.GUID] || w.ok()
	}
	index := map[string]int{}
	var out []Delivery
	for i := len(failed) - 1; i >= 0; i-- { // newest first, as GitHub lists them
		w := failed[i]
		if w.ok() || arrived[w.GUID] {
			continue
		}
		at, known := index[w.GUID]
		if !known {
			at = len(out)
			index[w.GUID] = at
			out = append(out, Delivery{})
		}
		out[at] = Delivery{
			ID: w.ID, GUID: w.GUID, Event: w.Event, Action: w.Action, StatusCode: w.StatusCode,
			DeliveredAt: w.DeliveredAt, Attempts: out[at].Attempts + 1,
		}
	}
	return out, nil
}

func (c *Client) deliveries(ctx context.Context, filter string, since time.Time) ([]wireDelivery, error) {
	var all []wireDelivery
	cursor := ""
	for range maxPages {
		path := fmt.Sprintf("app/hook/deliveries?per_page=%d%s", pageSize, filter)
		if cursor != "" {
			path += "&cursor=" + queryEscape(cursor)
		}
		var out []wireDelivery
		a, err := c.do(ctx, c.app, http.MethodGet, path, "", nil, &out)
		if err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		for _, w := range out {
			if w.DeliveredAt.Before(since) {
				return all, nil
			}
			all = append(all, w)
		}
		if cursor = a.cursor; cursor == "" {
			break
		}
	}
	return all, nil
}

// Redeliver asks GitHub to send a delivery again, under the same GUID.
func (c *Client) Redeliver(ctx context.Context, id int64) error {
	if c.app == nil {
		return ErrNoApp
	}
	path := fmt.Sprintf("app/hook/deliveries/%d/attempts", id)
	if _, err := c.do(ctx, c.app, http.MethodPost, path, "", nil, nil); err != nil {
		return fmt.Errorf("redeliver %d: %w", id, err)
	}
	return nil
}

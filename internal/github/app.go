package github

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// RepoInfo is the part of a repository that TfPilot needs.
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

// Self returns the account that TfPilot acts as: the actor of its runs and the author of its
// comments. The first answer is kept for the life of the client. GitHub gives no id for the
// account of an App, so only the login is set.
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

// Account returns the account that has a login now. Logins can be reassigned; ids cannot.
func (c *Client) Account(ctx context.Context, login string) (Actor, error) {
	var out Actor
	if _, err := c.call(ctx, http.MethodGet, "users/"+queryEscape(login), nil, &out); err != nil {
		return Actor{}, fmt.Errorf("account of %s: %w", login, err)
	}
	return out, nil
}

// Installation is what the App's owner granted.
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

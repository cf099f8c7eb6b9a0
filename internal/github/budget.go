package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Cost is what a call takes of GitHub's limits.
type Cost struct {
	Points  int // a read 1, a write 5
	Content int // pull requests, comments and reviews that it makes
	Urgent  bool
}

// Budget is asked before each call. It is one for all that call as this installation.
type Budget interface {
	// Take answers 0 when the call may be made, else how long to wait.
	Take(ctx context.Context, c Cost) time.Duration
	// Pause passes on what GitHub announced: no call until then or, when urgent calls may
	// still be made, no other.
	Pause(ctx context.Context, until time.Time, butUrgent bool)
}

// waitInPlace is how long a call waits for the budget by itself: a step that was given up
// half way makes its first calls once more.
const waitInPlace = 6 * time.Second

type urgentKey struct{}

// Urgent marks the calls that people wait for: an approval, a merge, an apply.
func Urgent(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

func costOf(ctx context.Context, method, path string) Cost {
	c := Cost{Points: 1}
	c.Urgent, _ = ctx.Value(urgentKey{}).(bool)
	if method == http.MethodGet {
		return c
	}
	c.Points = 5
	if method == http.MethodPost && (strings.HasSuffix(path, "/pulls") || strings.HasSuffix(path, "/comments") ||
		strings.HasSuffix(path, "/reviews")) {
		c.Content = 1
	}
	return c
}

// afford waits for the budget for a short while, or says when to call again.
func (c *Client) afford(ctx context.Context, method, path string) error {
	if c.budget == nil {
		return nil
	}
	cost, end := costOf(ctx, method, path), time.Now().Add(waitInPlace)
	for {
		wait := c.budget.Take(ctx, cost)
		if wait <= 0 {
			return nil
		}
		if time.Now().Add(wait).After(end) {
			return &RateLimit{Until: time.Now().Add(wait)}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// lowShare is the part of the hour's requests that is left to urgent calls.
const lowShare = 20

// learn shares what GitHub's answer says of its limits.
func (c *Client) learn(ctx context.Context, h http.Header, err error) {
	if c.budget == nil {
		return
	}
	if limit, ok := err.(*RateLimit); ok { //nolint:errorlint // made by explain just now
		c.budget.Pause(ctx, limit.Until, false)
		return
	}
	limit, _ := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	reset, _ := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err == nil && limit > 0 && left <= limit/lowShare {
		c.budget.Pause(ctx, limitUntil(time.Unix(reset, 0)), left > 0)
	}
}

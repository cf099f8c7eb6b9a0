package github

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// GitHub limits an installation in three ways: requests per hour, points per minute (a read costs
// 1 and a write 5), and how many pull requests and comments it creates. The last two are
// secondary limits: GitHub documents no header that announces them, and repeated violations can
// get an App banned. So calls are counted before they are made, over all workers, and limits that
// GitHub does announce are passed on to the others.

// Cost is the share of GitHub's limits that a call uses.
type Cost struct {
	Points  int // a read 1, a write 5
	Content int // pull requests, comments and reviews that it makes
	Urgent  bool
}

// Budget limits calls before they are made. All clients of one installation share it.
type Budget interface {
	// Take returns 0 if the call may be made, else the time to wait.
	Take(ctx context.Context, c Cost) time.Duration
	// Pause reports a limit that GitHub announced: no calls until then or, if urgent calls are
	// still allowed, no others.
	Pause(ctx context.Context, until time.Time, butUrgent bool)
}

// waitInPlace is how long a call waits for the budget instead of failing: a step that stops half
// way repeats its first calls.
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

// afford waits for the budget for a short time, or returns when to call again.
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

// lowShare is the share of the hourly requests that is reserved for urgent calls.
const lowShare = 20

// learn passes on the limits in GitHub's response.
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

package github

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
)

const (
	firstSignIn = 5 * time.Second
	lastSignIn  = time.Minute // the longest wait before GitHub is asked again
	// MaxSkew is how far the clock may differ from GitHub's. An App signs in with a token that is
	// valid from 30 s before it was made until 90 s after.
	MaxSkew = 30 * time.Second
)

// SignIn is an error about TfPilot's own access: GitHub does not accept its credentials or its
// App. The request is not the reason, and nothing happened. It is an outage: the call is repeated
// later.
type SignIn struct {
	Status  int
	Cause   string        // in words for people
	Message string        // GitHub's sentence, for operators
	Skew    time.Duration // of this machine's clock against GitHub's; positive when ahead
	Since   time.Time     // of the first such answer in a row
	Until   time.Time     // no call before; zero when only this kind of call fails

	permission bool // GitHub lets TfPilot in, but not do this
}

func (e *SignIn) Error() string {
	return fmt.Sprintf("cannot sign in to GitHub: %s (%d: %s)", e.Why(), e.Status, e.Message)
}

// RetryAfter is how long to wait before the call may be made again.
func (e *SignIn) RetryAfter() time.Duration {
	if e.Until.IsZero() {
		return lastSignIn
	}
	return max(time.Until(e.Until), firstSignIn)
}

// Why returns the cause in words. A clock that differs too much explains every 401.
func (e *SignIn) Why() string {
	if e.Status == http.StatusUnauthorized && e.Skew.Abs() > MaxSkew {
		return SkewInWords(e.Skew)
	}
	return e.Cause
}

// SkewInWords describes how far this machine's clock differs from GitHub's.
func SkewInWords(skew time.Duration) string {
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the clock of TfPilot's machine is %s %s GitHub's", roughly(skew.Abs()), direction)
}

// roughly is a duration in words that do not change from one measurement to the next.
func roughly(d time.Duration) string {
	if d.Round(10*time.Second) < 2*time.Minute {
		return fmt.Sprintf("about %d seconds", int(d.Round(10*time.Second).Seconds()))
	}
	return fmt.Sprintf("about %d minutes", int(d.Round(time.Minute).Minutes()))
}

// clock is the last measurement of GitHub's clock.
type clock struct {
	skew atomic.Int64 // at the last answer, in nanoseconds
	read atomic.Bool  // there was one
}

// Skew returns how far this machine's clock differs from GitHub's; it is positive when ahead. ok
// is false before the first response.
func (c *Client) Skew() (skew time.Duration, ok bool) {
	return time.Duration(c.clock.skew.Load()), c.clock.read.Load()
}

// SignedOut returns the current outage, or nil if GitHub accepts TfPilot's calls.
func (c *Client) SignedOut() *SignIn {
	for _, d := range []*door{&c.rest, c.app} {
		if d == nil {
			continue
		}
		d.mu.Lock()
		out := d.out
		d.mu.Unlock()
		if out != nil {
			return out
		}
	}
	return nil
}

// settle records the outcome of a call: an outage starts or continues, and an answer about the
// call itself ends it. A missing permission affects only some calls, so the success of another
// call does not end that outage at once.
func (d *door) settle(err error, answered bool, skew time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	var out *SignIn
	switch {
	case errors.As(err, &out):
		out.Skew, out.Since = skew, now
		if d.out != nil {
			out.Since = d.out.Since
		}
		if !out.permission {
			out.Until = now.Add(min(firstSignIn<<min(d.times, 10), lastSignIn))
			d.times++
		}
		d.out, d.outAt = out, now
	case answered && (d.out == nil || !d.out.permission || now.Sub(d.outAt) > 2*lastSignIn):
		d.out, d.times = nil, 0
	}
}

// clocked reads GitHub's clock from the Date header of each response.
type clocked struct {
	next http.RoundTripper
	on   *clock
}

func (t clocked) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return resp, err
	}
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// GitHub cuts its clock to seconds; what the way took counts as neither's.
		from, to := sent.Add(-time.Second), time.Now()
		skew := time.Duration(0)
		switch {
		case at.Before(from):
			skew = from.Sub(at)
		case at.After(to):
			skew = to.Sub(at)
		}
		t.on.skew.Store(int64(skew))
		t.on.read.Store(true)
	}
	return resp, nil
}

// installed signs in as the installation. If GitHub rejects a token, for example because it was
// revoked, installed drops it and repeats the call with a new one: a 401 means that nothing
// happened.
type installed struct {
	fresh func() *ghinstallation.Transport

	mu  sync.Mutex
	now *ghinstallation.Transport
}

func newInstalled(apps *ghinstallation.AppsTransport, id int64) *installed {
	fresh := func() *ghinstallation.Transport { return ghinstallation.NewFromAppsTransport(apps, id) }
	return &installed{fresh: fresh, now: fresh()}
}

func (t *installed) RoundTrip(req *http.Request) (*http.Response, error) {
	used := t.transport(nil)
	resp, err := used.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || req.Body != nil && req.GetBody == nil {
		return resp, err
	}
	again := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return resp, nil //nolint:nilerr // the answer stays what it was
		}
		again.Body = body
	}
	_ = resp.Body.Close()
	return t.transport(used).RoundTrip(again)
}

// transport returns the current transport, and replaces it first if it is the one to drop. Two
// calls that fail at once replace it only once.
func (t *installed) transport(drop *ghinstallation.Transport) *ghinstallation.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == drop {
		t.now = t.fresh()
	}
	return t.now
}

// Package github is TfPilot's side of GitHub: branch, commit, pull request,
// workflow, run, and what webhooks say. It owns the calls (each with a timeout and
// bounds, never from a cache), what their errors mean, and the reading of webhook
// payloads. It is the only user of go-github and ghinstallation. It does not own
// when a call is made, what follows from an answer, or anything stored.
package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	callTimeout = 10 * time.Second
	pageSize    = 100
	maxPages    = 10 // of any list
	defaultURL  = "https://api.github.com/"
	userAgent   = "tfpilot"
)

// Config selects the GitHub server and the identity of TfPilot there: an installed App or, for a
// trial, a token.
type Config struct {
	AppID          int64
	InstallationID int64
	PrivateKey     []byte // PEM

	Token string // instead of the App; without its delivery log

	APIURL    string            // empty: github.com
	Transport http.RoundTripper // nil: http.DefaultTransport
	Author    Author            // of commits; empty: TfPilot's own

	Budget Budget // nil: only the limits that GitHub announces

	// OnCall, when set, is called before every call is sent; token refreshes
	// are not calls.
	OnCall func(method, path string)
}

// Author is the author and committer of generated commits.
type Author struct{ Name, Email string }

// Client is one installation, or one token. Make it once and keep it: it remembers the limits
// that GitHub announces.
type Client struct {
	rest   door  // as the installation
	app    *door // as the App itself; nil with a token
	author Author
	self   atomic.Pointer[Actor] // who TfPilot is here, once GitHub said it

	clock        clock
	server       atomic.Value // string: version of GitHub Enterprise Server
	budget       Budget
	installation int64
	noRunDetails atomic.Bool // this server does not know return_run_details
	onCall       func(method, path string)
}

// door is one identity at GitHub with its own limits. GitHub counts the App itself and each of
// its installations separately, so a limit of one must not stop the other.
type door struct {
	gh *gh.Client

	mu    sync.Mutex
	until time.Time // no call before
	why   error
	out   *SignIn   // the outage that lasts
	outAt time.Time // when it was last seen
	times int       // in a row
}

// New returns a client; it makes no call.
func New(cfg Config) (*Client, error) {
	base, err := baseURL(cfg.APIURL)
	if err != nil {
		return nil, fmt.Errorf("open GitHub: %w", err)
	}
	transport := cfg.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c := &Client{
		author: cfg.Author, installation: cfg.InstallationID, onCall: cfg.OnCall, budget: cfg.Budget,
	}
	transport = versioned{clocked{bounded{transport}, &c.clock}, &c.server}
	if c.author == (Author{}) {
		c.author = Author{Name: "TfPilot", Email: "tfpilot[bot]@users.noreply.github.com"}
	}
	if cfg.Token != "" {
		c.rest.gh = newDoor(base, tokenTransport{cfg.Token, transport})
		return c, nil
	}
	apps, err := ghinstallation.NewAppsTransport(transport, cfg.AppID, cfg.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("open GitHub: private key of the App: %w", err)
	}
	// ghinstallation appends paths that start with a slash.
	apps.BaseURL = strings.TrimSuffix(base.String(), "/")
	c.rest.gh = newDoor(base, newInstalled(apps, cfg.InstallationID))
	c.app = &door{gh: newDoor(base, apps)}
	return c, nil
}

// baseURL returns the address of the API, with one slash at its end, as go-github requires.
func baseURL(address string) (*url.URL, error) {
	if address == "" {
		address = defaultURL
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("API address: %w", err)
	}
	if u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("API address %q is not an absolute URL", address)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u, nil
}

// newDoor returns a client of one identity. It shares the transport below, and thus connections.
func newDoor(base *url.URL, transport http.RoundTripper) *gh.Client {
	client := gh.NewClient(&http.Client{Transport: transport, CheckRedirect: sameHost})
	client.BaseURL = base
	client.UserAgent = userAgent
	return client
}

// sameHost follows the redirect of a renamed repository, but sends no credential to another host
// and turns no write into a read.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > 3 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme ||
		req.Method != via[0].Method {
		return http.ErrUseLastResponse
	}
	return nil
}

// tokenTransport signs in with a token.
type tokenTransport struct {
	token string
	next  http.RoundTripper
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+t.token)
	return t.next.RoundTrip(req)
}

// Repo names a repository.
type Repo struct{ Owner, Name string }

func (r Repo) String() string { return r.Owner + "/" + r.Name }

// path returns the address below /repos/{owner}/{repo}. Names come from configuration and
// documents; an invalid one never reaches an address.
func (r Repo) path(format string, args ...any) (string, error) {
	if !lifecycle.NameOwner.Valid(r.Owner) || !lifecycle.NameRepository.Valid(r.Name) {
		return "", fmt.Errorf("repository %q: %w", r, errName)
	}
	return "repos/" + r.Owner + "/" + r.Name + fmt.Sprintf(format, args...), nil
}

// escape keeps the slashes of a branch or path and escapes all else.
func escape(ref string) string {
	parts := strings.Split(ref, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// checkRef rejects a branch or path that would change the address that contains it. Other
// people's branches can have names that TfPilot's own never have.
func checkRef(ref string) error {
	if !lifecycle.NamePath.Valid(ref) {
		return fmt.Errorf("branch or path %q: %w", ref, errName)
	}
	return nil
}

// checkSHA rejects short commit ids and names: only a full id means the same commit tomorrow.
func checkSHA(sha string) error {
	if !lifecycle.NameCommit.Valid(sha) {
		return fmt.Errorf("commit %q: %w", sha, errName)
	}
	return nil
}

var errName = errors.New("not a valid name")

// response is what a call returned besides its body.
type response struct {
	status   int
	etag     string
	nextPage int
	cursor   string // of the next page where GitHub pages by cursor
	same     bool   // 304: nothing changed since the ETag that was sent
}

// call makes one request below /repos/… as the installation.
func (c *Client) call(ctx context.Context, method, path string, body, out any) (response, error) {
	return c.do(ctx, &c.rest, method, path, "", body, out)
}

func (c *Client) do(ctx context.Context, d *door, method, path, etag string, body, out any) (response, error) {
	if err := d.closed(); err != nil {
		return response{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if d == &c.rest {
		if err := c.afford(ctx, method, path); err != nil {
			return response{}, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := d.gh.NewRequest(method, path, body)
	if err != nil {
		return response{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	if c.onCall != nil {
		c.onCall(method, path)
	}
	resp, err := d.gh.Do(ctx, req, out)
	a := answerOf(resp)
	// The library reports 304 as an error. GitHub does not count such an answer against the
	// limit.
	if a.status == http.StatusNotModified {
		a.same = true
		d.settle(nil, true, 0)
		return a, nil
	}
	err = explain(err)
	if d == &c.rest && resp != nil && resp.Response != nil {
		c.learn(ctx, resp.Header, err)
	}
	skew, _ := c.Skew()
	d.settle(err, a.status != 0 && a.status < 500, skew)
	if err != nil {
		d.block(err)
		return a, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return a, nil
}

func answerOf(resp *gh.Response) response {
	if resp == nil || resp.Response == nil {
		return response{}
	}
	cursor := resp.Cursor
	if cursor == "" {
		cursor = resp.After
	}
	return response{
		status: resp.StatusCode, etag: resp.Header.Get("ETag"),
		nextPage: resp.NextPage, cursor: cursor,
	}
}

// Closed returns why the installation may make no call now, or nil.
func (c *Client) Closed() error { return c.rest.closed() }

// closed returns why no call may be made now, or nil.
func (d *door) closed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Now().Before(d.until) {
		return d.why
	}
	return nil
}

// block prevents calls until the time in a response.
func (d *door) block(err error) {
	var limit *RateLimit
	var out *SignIn
	var until time.Time
	var why error
	switch {
	case errors.As(err, &limit):
		until, why = limit.Until, limit
	case errors.As(err, &out):
		until, why = out.Until, out
	default:
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if until.After(d.until) {
		d.until, d.why = until, why
	}
}

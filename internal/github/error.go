package github

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v62/github"
)

// What an error of GitHub means, in four answers that a caller can act on:
//
//   - Refused: the request itself is wrong. Repeating it gives the same error, so people see the error.
//   - RateLimit and SignIn: nothing happened, and the reason is not the request. Repeat it later.
//   - unknown: the call may have been carried out. Read first, then decide whether to repeat it.
//
// The status alone does not decide. GitHub uses 403 for limits, missing permissions, suspended
// Apps and single sign-on alike; the headers and GitHub's sentence tell them apart. So all rules
// are rows of one table, meanings, and no other code reads a status or a text.

// Named errors.
var (
	ErrNotFound  = errors.New("not found on GitHub")
	ErrForeign   = errors.New("the branch holds something else")
	ErrHeadMoved = errors.New("the pull request's head has moved")
	ErrNoApp     = errors.New("only a GitHub App can ask for that")
	ErrTooLarge  = errors.New("GitHub's answer is too large")

	errUnknown = errors.New("no usable answer from GitHub")
)

const (
	maxBody        = 32 << 20 // a recursive tree of 100,000 entries has 7 MB
	maxMessage     = 500
	defaultBackoff = time.Minute // when GitHub sets a limit without a time
	maxBackoff     = time.Hour
)

// Refused means that GitHub understood the call and rejected it; nothing happened. An error
// about TfPilot's own access is SignIn, whatever its status.
type Refused struct {
	Status  int
	Message string // GitHub's sentence, for people
}

func (e *Refused) Error() string {
	return fmt.Sprintf("GitHub refused with %d: %s", e.Status, e.Message)
}

// Is makes a 404 also ErrNotFound.
// Callers ask for ErrNotFound far more often than for another status.
func (e *Refused) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound
}

// RateLimit is a call that GitHub did not accept because of a limit, with the time for the next
// try. Nothing happened.
type RateLimit struct{ Until time.Time }

func (e *RateLimit) Error() string {
	return "GitHub's rate limit until " + e.Until.UTC().Format(time.RFC3339)
}

// RetryAfter returns how long to wait before the call may be made.
func (e *RateLimit) RetryAfter() time.Duration { return time.Until(e.Until) }

// explain converts the library's errors to those above.
func explain(err error) error {
	var accepted *gh.AcceptedError
	if err == nil || errors.As(err, &accepted) {
		return nil
	}
	var primary *gh.RateLimitError
	if errors.As(err, &primary) {
		return &RateLimit{Until: limitUntil(primary.Rate.Reset.Time)}
	}
	var secondary *gh.AbuseRateLimitError
	if errors.As(err, &secondary) {
		return &RateLimit{Until: retryAfter(secondary.Response, secondary.RetryAfter)}
	}
	var answer *gh.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		return explainAnswer(answer.Response, sentence(answer.Message, answer.Errors), err)
	}
	var token *ghinstallation.HTTPError
	if errors.As(err, &token) && token.Response != nil {
		return explainToken(token.Response, err)
	}
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnknown, err)
}

// explainToken converts the error of a token request. Whatever GitHub rejects there is about the
// App, not about the call that needed the token.
func explainToken(resp *http.Response, err error) error {
	err = explainAnswer(resp, "no token for the installation: "+drain(resp), err)
	var no *Refused
	if errors.As(err, &no) {
		return &SignIn{Status: no.Status, Cause: "TfPilot's App has no access on GitHub", Message: no.Message}
	}
	return err
}

// meaning is the interpretation of a response.
type meaning int

const (
	meansLimit   meaning = iota + 1 // too much was asked; nothing happened
	meansSignIn                     // TfPilot is not let in; nothing happened
	meansLacking                    // TfPilot is let in, and its App lacks a permission; nothing happened
	meansUnknown                    // it may have happened
	meansRefused                    // this very call is refused; nothing happened
	meansMoved                      // the repository has another address; nothing happened
)

// meanings interprets a response by the first row that matches. Only meansRefused is about the
// request. Callers distinguish the type of the error, never a status.
var meanings = []struct {
	from, to int
	header   string // that the answer has
	value    string // of the header; empty is any
	says     string // in GitHub's sentence, in lower case
	means    meaning
	cause    string // of meansSignIn and meansLacking, in words for people
}{
	{from: 429, to: 429, means: meansLimit},
	{from: 403, to: 403, header: "Retry-After", means: meansLimit},
	{from: 403, to: 403, header: "X-RateLimit-Remaining", value: "0", means: meansLimit},
	{from: 403, to: 403, says: "secondary rate limit", means: meansLimit},
	{from: 401, to: 401, means: meansSignIn, cause: "GitHub does not accept TfPilot's credentials"},
	{from: 403, to: 403, says: "suspended", means: meansSignIn, cause: "the installation of TfPilot's App is suspended"},
	{from: 403, to: 403, says: "ip allow list", means: meansSignIn, cause: "the organization's IP allow list does not " +
		"contain TfPilot's address"},
	{from: 403, to: 403, header: "X-GitHub-SSO", means: meansSignIn, cause: "the organization enforces single sign-on " +
		"for TfPilot's credentials"},
	{from: 403, to: 403, says: "saml", means: meansSignIn, cause: "the organization enforces single sign-on for " +
		"TfPilot's credentials"},
	{from: 403, to: 403, says: "not accessible by integration", means: meansLacking,
		cause: "TfPilot's App lacks a permission"},
	{from: 403, to: 403, says: "not accessible by personal access token", means: meansLacking,
		cause: "TfPilot's token lacks a permission"},
	// From a proxy, or after a timeout: GitHub may have received the call.
	{from: 407, to: 408, means: meansUnknown},
	{from: 500, to: 999, means: meansUnknown},
	{from: 400, to: 499, means: meansRefused},
	{from: 300, to: 399, means: meansMoved},
	{from: 0, to: 299, means: meansUnknown},
}

func explainAnswer(resp *http.Response, message string, err error) error {
	for _, m := range meanings {
		value := resp.Header.Get(m.header)
		switch {
		case resp.StatusCode < m.from || resp.StatusCode > m.to,
			m.header != "" && (value == "" || m.value != "" && value != m.value),
			!strings.Contains(strings.ToLower(message), m.says):
			continue
		}
		message = cutRunes(message, maxMessage)
		switch m.means {
		case meansLimit:
			return &RateLimit{Until: retryAfter(resp, nil)}
		case meansSignIn, meansLacking:
			return &SignIn{Status: resp.StatusCode, Cause: m.cause, Message: message, permission: m.means == meansLacking}
		case meansRefused:
			return &Refused{Status: resp.StatusCode, Message: message}
		case meansMoved:
			return &Refused{Status: resp.StatusCode, Message: "GitHub points to another address. Was the repository renamed " +
				"or moved?"}
		case meansUnknown:
			return fmt.Errorf("%w: status %d: %s: %w", errUnknown, resp.StatusCode, message, err)
		}
	}
	return fmt.Errorf("%w: %w", errUnknown, err)
}

// sentence returns GitHub's message and the details in its list of errors.
func sentence(message string, details []gh.Error) string {
	parts := []string{message}
	for _, d := range details {
		text := d.Message
		if text == "" && d.Field != "" {
			text = strings.TrimSpace(d.Resource + " " + d.Field + " " + d.Code)
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ": ")
}

// drain reads and closes the body of an error, for its text.
func drain(resp *http.Response) string {
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage)) // words for a message only
	return fmt.Sprintf("status %d: %s", resp.StatusCode, strings.TrimSpace(string(text)))
}

// retryAfter returns the time that a response announces: Retry-After, in seconds, or the end of
// the hourly window. GitHub asks to wait at least a minute when a response has neither.
func retryAfter(resp *http.Response, known *time.Duration) time.Time {
	now := time.Now()
	if known != nil {
		return limitUntil(now.Add(*known))
	}
	if resp == nil {
		return limitUntil(time.Time{})
	}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		return limitUntil(now.Add(time.Duration(s) * time.Second))
	}
	if s, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil &&
		resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return limitUntil(time.Unix(s, 0))
	}
	return limitUntil(time.Time{})
}

// limitUntil bounds an announced time: at least a second from now, and at most an hour, the
// length of GitHub's windows.
func limitUntil(at time.Time) time.Time {
	now := time.Now()
	switch {
	case at.IsZero():
		return now.Add(defaultBackoff)
	case at.Before(now.Add(time.Second)):
		return now.Add(time.Second)
	case at.After(now.Add(maxBackoff)):
		return now.Add(maxBackoff)
	default:
		return at
	}
}

// bounded is a transport whose response bodies end with an error at maxBody.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{resp.Body, maxBody}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		_ = b.Close()
		return 0, ErrTooLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err != nil { // go-github does not close the body of an error that it has read
		_ = b.Close()
	}
	return n, err
}

func cutRunes(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

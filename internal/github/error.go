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

// Named errors.
var (
	ErrNotFound  = errors.New("GitHub does not know it")
	ErrForeign   = errors.New("the branch holds something else")
	ErrHeadMoved = errors.New("the pull request's head has moved")
	ErrNoApp     = errors.New("only a GitHub App can ask for that")
	ErrTooLarge  = errors.New("GitHub's answer is too large")

	errUnknown = errors.New("no usable answer from GitHub")
)

const (
	maxBody        = 32 << 20 // a recursive tree of 100,000 entries has 7 MB
	maxMessage     = 500
	defaultBackoff = time.Minute // when GitHub limits without saying for how long
	maxBackoff     = time.Hour
)

// Refused is a 4xx answer: GitHub understood and said no; nothing happened.
type Refused struct {
	Status  int
	Message string // GitHub's sentence, for people
}

func (e *Refused) Error() string {
	return fmt.Sprintf("GitHub refused with %d: %s", e.Status, e.Message)
}

// Is makes a 404 also ErrNotFound.
func (e *Refused) Is(target error) bool {
	return target == ErrNotFound && e.Status == http.StatusNotFound
}

// RateLimit says when GitHub may be asked again. Nothing happened.
type RateLimit struct{ Until time.Time }

func (e *RateLimit) Error() string {
	return "GitHub's rate limit until " + e.Until.UTC().Format(time.RFC3339)
}

// IsUnknown says whether the call may have taken effect although no answer says
// so: timeout, broken connection, 5xx, unreadable body.
func IsUnknown(err error) bool { return errors.Is(err, errUnknown) }

// explain turns the library's errors into those above.
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

// explainToken is for an answer to the question for a token. That GitHub does not know
// the installation says nothing about what was to be asked with it.
func explainToken(resp *http.Response, err error) error {
	err = explainAnswer(resp, "no token for the installation: "+drain(resp), err)
	var no *Refused
	if errors.As(err, &no) && no.Status == http.StatusNotFound {
		no.Status = http.StatusUnauthorized
	}
	return err
}

func explainAnswer(resp *http.Response, message string, err error) error {
	limited := resp.StatusCode == http.StatusForbidden && (resp.Header.Get("Retry-After") != "" ||
		resp.Header.Get("X-RateLimit-Remaining") == "0" || strings.Contains(strings.ToLower(message), "secondary rate limit"))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || limited:
		return &RateLimit{Until: retryAfter(resp, nil)}
	case resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500:
		return fmt.Errorf("%w: status %d: %s", errUnknown, resp.StatusCode, message)
	case resp.StatusCode >= 400:
		return &Refused{Status: resp.StatusCode, Message: cutRunes(message, maxMessage)}
	case resp.StatusCode >= 300:
		return &Refused{Status: resp.StatusCode, Message: "GitHub points to another address. Was the repository renamed or moved?"}
	default:
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
}

// sentence is GitHub's message with what its list of errors adds.
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

func drain(resp *http.Response) string {
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxMessage)) // words for a message only
	return fmt.Sprintf("status %d: %s", resp.StatusCode, strings.TrimSpace(string(text)))
}

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
	if s, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil && resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return limitUntil(time.Unix(s, 0))
	}
	return limitUntil(time.Time{})
}

// limitUntil keeps an announced end within reason: at least a second from now, at
// most the hour that GitHub's windows have.
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

// bounded is a transport whose answers end with an error at maxBody.
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

package slackapp

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

const (
	// callTimeout bounds one call of the Web API; slack-go's own client has none.
	callTimeout = 10 * time.Second
	// rateRetries is how often a call that Slack refused with 429 is sent again.
	// No other call is repeated in the client: a post whose answer was lost may have
	// succeeded, so TfPilot searches for it before it sends it again.
	rateRetries = 2
)

// Access is how to reach a workspace.
type Access struct {
	BotToken  string            // required, xoxb-
	AppToken  string            // required for Socket, xapp- with connections:write
	APIURL    string            // empty = Slack itself
	Transport http.RoundTripper // nil = http.DefaultTransport
}

// NewClient makes a Web API client with timeouts, and retries of rate limits only.
func NewClient(a Access) (*slack.Client, error) {
	if a.APIURL != "" && !strings.HasSuffix(a.APIURL, "/") {
		return nil, fmt.Errorf("SLACK_API_URL must end in a slash: %q", a.APIURL)
	}
	opts := []slack.Option{
		slack.OptionHTTPClient(HTTPClient(a)),
		slack.OptionAppLevelToken(a.AppToken),
		slack.OptionRetry(rateRetries),
	}
	if a.APIURL != "" {
		opts = append(opts, slack.OptionAPIURL(a.APIURL))
	}
	return slack.New(a.BotToken, opts...), nil
}

// HTTPClient is the client for calls beside the Web API (response URLs).
func HTTPClient(a Access) *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: a.Transport}
}

// errorCode is Slack's own code of an error, or "" when Slack did not answer with one.
func errorCode(err error) string {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return e.Err
	}
	return ""
}

// doubtfulCodes are the codes after which the call may have succeeded, by Slack's
// documentation.
var doubtfulCodes = []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout"}

// unknownOutcome reports whether a failed call may have succeeded: without an answer,
// with an answer that is not Slack's, or with a doubtful code.
func unknownOutcome(err error) bool {
	if err == nil {
		return false
	}
	if code := errorCode(err); code != "" {
		return slices.Contains(doubtfulCodes, code)
	}
	_, limited := errors.AsType[*slack.RateLimitedError](err)
	return !limited
}

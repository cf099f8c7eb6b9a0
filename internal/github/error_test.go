package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// answers is a transport that gives one answer to every call.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func reply(status int, body string, header ...string) answers {
	return func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		for i := 0; i+1 < len(header); i += 2 {
			rec.Header().Set(header[i], header[i+1])
		}
		rec.WriteHeader(status)
		_, _ = rec.WriteString(body)
		resp := rec.Result()
		resp.Request = r
		return resp, nil
	}
}

func newTestClient(t *testing.T, tr http.RoundTripper) *Client {
	t.Helper()
	c, err := New(Config{Token: "t", APIURL: "http://github.test/", Transport: tr})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestErrorsTellApartWhatHappened(t *testing.T) {
	fail := func(err error) answers {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	hang := answers(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	cases := map[string]struct {
		answer  answers
		unknown bool
		status  int           // of a refusal
		signIn  string        // why TfPilot is not let in
		wait    time.Duration // of a rate limit
	}{
		"500":                {answer: reply(500, "{}"), unknown: true},
		"502 with HTML":      {answer: reply(502, "<html>"), unknown: true},
		"connection broke":   {answer: fail(io.ErrUnexpectedEOF), unknown: true},
		"no answer":          {answer: hang, unknown: true},
		"success unreadable": {answer: reply(200, `{"id":`), unknown: true},
		"404":                {answer: reply(404, `{"message":"Not Found"}`), status: 404},
		"422": {answer: reply(422, `{"message":"Validation Failed","errors":[{"message":"taken"}]}`),
			status: 422},
		"401": {answer: reply(401, `{"message":"Bad credentials"}`),
			signIn: "does not accept TfPilot's credentials"},
		"suspended": {answer: reply(403, `{"message":"This installation has been suspended"}`),
			signIn: "suspended"},
		"IP allow list": {answer: reply(403,
			`{"message":"Although you appear to have the correct authorization credentials, the `+"`acme`"+
				` organization has an IP allow list enabled, and 192.0.2.7 is not permitted to access this resource."}`),
			signIn: "IP allow list"},
		"single sign-on": {answer: reply(403, `{"message":"Resource protected by organization SAML enforcement."}`,
			"X-GitHub-SSO", "required; url=https://github.test/sso"), signIn: "single sign-on"},
		"no permission": {answer: reply(403, `{"message":"Resource not accessible by integration"}`),
			signIn: "lacks a permission"},
		"403 is a refusal": {answer: reply(403, `{"message":"Unable to create comment because issue is locked."}`),
			status: 403},
		"proxy":            {answer: reply(407, `<html>`), unknown: true},
		"moved":            {answer: reply(301, ``, "Location", "http://evil.test/repos/a/b"), status: 301},
		"429":              {answer: reply(429, `{}`, "Retry-After", "30"), wait: 30 * time.Second},
		"429 without time": {answer: reply(429, `{}`), wait: time.Minute},
		"secondary": {answer: reply(403, `{"message":"You have exceeded a secondary rate limit"}`),
			wait: time.Minute},
		"secondary with time": {answer: reply(403, `{"documentation_url":"https://x/secondary-rate-limits"}`, "Retry-After",
			"7"), wait: 7 * time.Second},
		"for a whole day": {answer: reply(429, `{}`, "Retry-After", "86400"), wait: time.Hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := newTestClient(t, tc.answer).Run(t.Context(), core, 1)
				var refused *Refused
				var limit *RateLimit
				isRefused, isLimit := errors.As(err, &refused), errors.As(err, &limit)
				var out *SignIn
				if errors.As(err, &out) != (tc.signIn != "") || out != nil && !strings.Contains(out.Why(), tc.signIn) {
					t.Fatalf("sign-in %+v, want %q: %v", out, tc.signIn, err)
				}
				if errors.Is(err, errUnknown) != tc.unknown || isRefused != (tc.status != 0) || isLimit != (tc.wait != 0) {
					t.Fatalf("unknown %v, refused %v, limit %v: %v", errors.Is(err, errUnknown), isRefused, isLimit, err)
				}
				if isRefused && (refused.Status != tc.status || errors.Is(err, ErrNotFound) != (tc.status == 404)) {
					t.Errorf("refused with %d: %v", refused.Status, err)
				}
				if isLimit && limit.Until.Sub(begun) != tc.wait {
					t.Errorf("wait %v, want %v", limit.Until.Sub(begun), tc.wait)
				}
				if took := time.Since(begun); took > callTimeout {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestPrimaryLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reset := time.Now().Add(20 * time.Minute).Truncate(time.Second)
		sent := 0
		c := newTestClient(t, answers(func(r *http.Request) (*http.Response, error) {
			sent++
			return reply(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Limit", "5000", "X-RateLimit-Remaining", "0",
				"X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10))(r)
		}))
		for range 3 {
			_, err := c.Tip(t.Context(), core, "main")
			var limit *RateLimit
			if !errors.As(err, &limit) || !limit.Until.Equal(reset) {
				t.Fatalf("%v, want a limit until %v", err, reset)
			}
		}
		if sent != 1 {
			t.Errorf("%d calls were sent into the limit", sent)
		}
		time.Sleep(21 * time.Minute)
		if _, err := c.Tip(t.Context(), core, "main"); err == nil || sent != 2 {
			t.Errorf("after the limit: %v, %d calls sent", err, sent)
		}
	})
}

// go-github forgets a 429; it must not be hammered either.
func TestSecondaryLimitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		c := newTestClient(t, answers(func(r *http.Request) (*http.Response, error) {
			sent++
			return reply(429, `{}`, "Retry-After", "30")(r)
		}))
		for range 5 {
			if _, err := c.Tip(t.Context(), core, "main"); err == nil {
				t.Fatal("no limit")
			}
			time.Sleep(7 * time.Second)
		}
		if sent != 1 {
			t.Errorf("%d calls were sent within the limit", sent)
		}
	})
}

func TestRefusalCarriesTheSentence(t *testing.T) {
	_, err := newTestClient(t, reply(422,
		`{"message":"Validation Failed","errors":["plain",{"resource":"PullRequest","field":"base","code":"invalid"}]}`)).
		Pull(t.Context(), core, 1)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Message != "Validation Failed: plain: PullRequest base invalid" {
		t.Errorf("%v", err)
	}
	_, err = newTestClient(t, reply(405, `{"message":"`+strings.Repeat("é", 5000)+`"}`)).Pull(t.Context(), core, 1)
	if !errors.As(err, &refused) || len([]rune(refused.Message)) != maxMessage {
		t.Errorf("message of %d runes", len([]rune(refused.Message)))
	}
}

// A repository that was renamed answers under its old name and says its new one: its pull
// requests are its own all the same, and runs of a fork are not.
func TestPullsOfARenamedRepository(t *testing.T) {
	const list = `[{"number":7,"state":"open","head":{"ref":"request/a","repo":{"id":%d,"full_name":"acme/platform"}},"base":{"ref":"main","repo":{"id":5,"full_name":"acme/platform"}}}]`
	p, err := newTestClient(t, reply(200, fmt.Sprintf(list, 5))).FindPull(t.Context(), core, "request/a")
	if err != nil || p.Number != 7 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := newTestClient(t, reply(200, fmt.Sprintf(list, 6))).FindPull(t.Context(), core,
		"request/a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a fork: %v", err)
	}
}

func TestTokenThatCannotBeHad(t *testing.T) {
	for status, unknown := range map[int]bool{401: false, 404: false, 503: true} {
		down := answers(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/access_tokens") {
				return reply(status, `{"message":"no"}`)(r)
			}
			return reply(200, `{}`)(r)
		})
		cfg := Config{AppID: 77, InstallationID: 2, APIURL: "http://github.test", Transport: down, PrivateKey: pemKey()}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Run(t.Context(), core, 1)
		if err == nil || errors.Is(err, errUnknown) != unknown {
			t.Errorf("token refused with %d: %v", status, err)
		}
		if errors.Is(err, ErrNotFound) {
			t.Errorf("token refused with %d: it reads as if GitHub did not know the run", status)
		}
	}
}

func TestHugeAnswersEnd(t *testing.T) {
	endless := answers(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(spaces{})}, nil
	})
	if _, err := newTestClient(t, endless).Run(t.Context(), core, 1); !errors.Is(err, ErrTooLarge) {
		t.Errorf("endless answer: %v", err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// The token goes to the configured host and nowhere else.
func TestRedirectsStayAtHome(t *testing.T) {
	var hosts []string
	c := newTestClient(t, answers(func(r *http.Request) (*http.Response, error) {
		hosts = append(hosts, r.URL.Host+" "+r.URL.Path)
		if r.URL.Path == "/repos/acme/infra-core" {
			return reply(301, ``, "Location", "http://github.test/repositories/5")(r)
		}
		if r.URL.Path == "/repositories/5" {
			return reply(307, ``, "Location", "http://evil.test/x")(r)
		}
		return reply(200, `{}`)(r)
	}))
	_, err := c.Repo(t.Context(), core)
	var refused *Refused
	if !errors.As(err, &refused) || len(hosts) != 2 || strings.Contains(strings.Join(hosts, " "), "evil") {
		t.Errorf("asked %v: %v", hosts, err)
	}
}

// Names that come from documents never reach another address.
func TestNamesCannotBeInjected(t *testing.T) {
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"..", "a/b", "main?x=1", "main#x", "../../../user", "a b", "%2e%2e", "refs/../x", "main\n", ".",
		strings.Repeat("x", 300), "é",
	}))
	var asked *http.Request
	c := newTestClient(t, answers(func(r *http.Request) (*http.Response, error) {
		asked = r
		return reply(200, `{"object":{"sha":"0123456789012345678901234567890123456789"}}`)(r)
	}))
	rapid.Check(t, func(rt *rapid.T) {
		repo := Repo{Owner: core.Owner, Name: core.Name}
		if rapid.Bool().Draw(rt, "hostile repository") {
			repo = Repo{Owner: part.Draw(rt, "owner"), Name: part.Draw(rt, "name")}
		}
		branch := part.Draw(rt, "branch")
		asked = nil
		_, err := c.Tip(context.Background(), repo, branch)
		if asked == nil {
			if err == nil {
				rt.Fatal("no call and no error")
			}
			return
		}
		want := "/repos/" + repo.Owner + "/" + repo.Name + "/git/ref/heads/" + branch
		if asked.URL.Path != want || asked.URL.RawQuery != "" || asked.URL.Fragment != "" ||
			strings.Contains(asked.URL.Path, "..") {
			rt.Fatalf("asked %q for %q", asked.URL, want)
		}
	})
}

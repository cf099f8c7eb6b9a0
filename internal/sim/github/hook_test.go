package github_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/github"
)

func hooked(t *testing.T, tr http.RoundTripper) *fixture {
	cfg := config()
	cfg.Transport, cfg.WebhookURL, cfg.WebhookSecret = tr, "http://tfpilot.test/api/github/webhook", "s3cret"
	return newFixture(t, cfg)
}

func TestWebhookFaults(t *testing.T) {
	const opened, closed, reopened = "pull_request opened open", "pull_request closed closed", "pull_request reopened open"
	for _, row := range []struct {
		name  string
		fault github.WebhookFault
		want  []string
	}{
		{"drop", github.WebhookFault{Kind: github.HookDrop, Action: "closed"}, []string{opened, reopened}},
		{"fail once", github.WebhookFault{Kind: github.HookFail, Count: 1}, []string{closed, reopened}},
		{"duplicate", github.WebhookFault{Kind: github.HookDuplicate, Action: "opened"},
			[]string{opened, opened, closed, reopened}},
		{"delay", github.WebhookFault{Kind: github.HookDelay, Action: "opened", Delay: time.Minute},
			[]string{closed, reopened, opened}},
		{"reorder", github.WebhookFault{Kind: github.HookReorder, Action: "opened"}, []string{closed, opened, reopened}},
		{"reorder the last", github.WebhookFault{Kind: github.HookReorder, Action: "reopened"},
			[]string{opened, closed, reopened}},
		{"skip", github.WebhookFault{Kind: github.HookDrop, Skip: 2}, []string{opened, closed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				box := &inbox{t: t}
				w := hooked(t, box)
				w.server.AddWebhookFault(row.fault)
				commitFile(t, w.app, "a", "a.tf", "a")
				openPull(t, w.app, "a")
				for _, state := range []string{"closed", "open"} {
					must(w.app.PullRequests.Edit(context.Background(), owner, repo, 1, &gh.PullRequest{State: &state}))(t)
				}
				time.Sleep(2 * time.Minute)
				if got := box.list(); got != strings.Join(row.want, "\n") {
					t.Errorf("got\n%s\nwant\n%s", got, strings.Join(row.want, "\n"))
				}
			})
		})
	}
}

func TestFailedDeliveryIsSentAgainOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		box := &inbox{t: t, answer: 503}
		w := hooked(t, box)
		commitFile(t, w.app, "a", "a.tf", "a")
		openPull(t, w.app, "a")
		time.Sleep(time.Hour) // it is not sent again by itself
		if box.list() != "pull_request opened open" {
			t.Fatalf("deliveries: %s", box.list())
		}
		jwt := w.client(w.appTransport(testKey()))
		var failed []*gh.HookDelivery
		req, err := jwt.NewRequest("GET", "app/hook/deliveries?status=failure", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Do(ctx, req, &failed); err != nil || len(failed) != 1 || failed[0].GetStatusCode() != 503 {
			t.Fatalf("failed deliveries: %v %v", failed, err)
		}
		box.mu.Lock()
		box.answer = 0
		box.mu.Unlock()
		_, _, err = jwt.Apps.RedeliverHookDelivery(ctx, failed[0].GetID())
		if accepted := new(gh.AcceptedError); !errors.As(err, &accepted) {
			t.Errorf("redelivery: %v", err)
		}
		synctest.Wait()
		if len(box.guids) != 2 || box.guids[0] != box.guids[1] || failed[0].GetGUID() != box.guids[0] {
			t.Errorf("guids: %v", box.guids)
		}
		log := must(jwt.Apps.ListHookDeliveries(ctx, nil))(t)
		if len(log) != 2 || !log[0].GetRedelivery() || log[0].GetStatus() != "OK" {
			t.Errorf("log: %v", log)
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestDeliveryTimesOutAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := hooked(t, silent{})
		commitFile(t, w.app, "a", "a.tf", "a")
		openPull(t, w.app, "a")
		time.Sleep(9 * time.Second)
		if n := len(w.server.Deliveries()); n != 0 {
			t.Errorf("given up early: %d", n)
		}
		time.Sleep(2 * time.Second)
		if d := w.server.Deliveries(); len(d) != 1 || d[0].Code != 0 || d[0].Status == "OK" {
			t.Errorf("log: %+v", d)
		}
	})
}

func TestFaultsOfREST(t *testing.T) {
	ctx := context.Background()
	get := func(w *fixture) error {
		_, _, err := w.app.Repositories.Get(ctx, owner, repo)
		return err
	}
	t.Run("502 once", func(t *testing.T) {
		w := newFixture(t, config())
		w.server.AddFault(github.Fault{Kind: github.FaultStatus, Path: "/repos/*/*", Count: 1})
		refused(t, get(w), 502, "Bad Gateway")
		if err := get(w); err != nil {
			t.Error(err)
		}
	})
	t.Run("429 is a plain error of the client", func(t *testing.T) {
		w := newFixture(t, config())
		w.server.AddFault(github.Fault{Kind: github.FaultLimit, Status: 429, Delay: 30 * time.Second, Path: "/repos/**"})
		err := get(w)
		refused(t, err, 429, "secondary rate limit")
		if after := err.(*gh.ErrorResponse).Response.Header.Get("Retry-After"); after != "30" {
			t.Errorf("Retry-After %q", after)
		}
	})
	t.Run("a lost answer leaves the work done", func(t *testing.T) {
		w := newFixture(t, config())
		commitFile(t, w.app, "a", "a.tf", "a")
		w.server.AddFault(github.Fault{Kind: github.FaultLost, Method: "POST", Path: "/repos/*/*/pulls", Count: 1})
		_, _, err := w.app.PullRequests.Create(ctx, owner, repo,
			&gh.NewPullRequest{Title: gh.String("x"), Head: gh.String("a"), Base: gh.String("main")})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("answer: %v", err)
		}
		if n := w.server.Counts().PullRequests["acme/infra-core a"]; n != 1 {
			t.Errorf("%d pull requests", n)
		}
	})
	t.Run("hang ends with the caller's patience", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newFixture(t, config())
			w.server.AddFault(github.Fault{Kind: github.FaultHang, Count: 1, Path: "/repos/acme/infra-core"})
			short, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			_, _, err := w.app.Repositories.Get(short, owner, repo)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("hang: %v", err)
			}
			if err := get(w); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestCountsAreByPrincipalAndEndpoint(t *testing.T) {
	w := newFixture(t, config())
	commitFile(t, w.app, "a", "a.tf", "a")
	openPull(t, w.app, "a")
	c := w.server.Counts()
	if n := c.Calls["installation"]["POST /repos/{owner}/{repo}/git/trees"]; n != 1 {
		t.Errorf("trees: %d in %v", n, c.Calls)
	}
	if n := c.Total("installation"); n != 6 {
		t.Errorf("opening a pull request took %d calls, want 6", n)
	}
	if c.Calls["app"]["POST /app/installations/{id}/access_tokens"] != 1 {
		t.Errorf("tokens: %v", c.Calls["app"])
	}
}

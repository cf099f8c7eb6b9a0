package doctor_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/web"
)

// endpoint is tfpilot app's, whose secret may change.
func (w *ward) endpoint(secret *atomic.Value) string {
	return w.Serve(web.Handler(web.Options{
		Log: slog.New(slog.DiscardHandler),
		Verify: func(h http.Header, body []byte) (string, []byte, error) {
			return web.Verifier(secret.Load().(string), []string{"acme/infra-core"}, nil)(h, body)
		},
		Enqueue: func(context.Context, string, []byte) error { return nil },
	}))
}

const hookPath, hookSecret = "/api/github/webhook", "canary-canary-canary"

// delivered sets the App's webhook and lets a run make a delivery.
func (w *ward) delivered(url, secret string) {
	w.T.Helper()
	w.ServeGitHub(func(c *github.Config) { c.WebhookURL, c.WebhookSecret = url, secret })
	w.StartRun("plan.yml", "req_1")
	for w.T.Context().Err() == nil && len(w.GitHub.Deliveries()) == 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// gone is the address of an endpoint that is not there.
func gone() string {
	s := httptest.NewServer(nil)
	s.Close()
	return s.URL
}

func TestDoctorReadsTheDeliveries(t *testing.T) {
	const arrive = "GitHub delivers webhooks"
	right := func() *atomic.Value {
		v := &atomic.Value{}
		v.Store(hookSecret)
		return v
	}
	findsFaults(t, map[string]fault{
		"other secret": {func(w *ward) { w.delivered(w.endpoint(right())+hookPath, "another-secret") }, arrive,
			[]string{"rejected them with 401", "GITHUB_WEBHOOK_SECRET differs"}},
		"no secret": {func(w *ward) { w.delivered(w.endpoint(right())+hookPath, "") }, arrive,
			[]string{"has no secret", "GITHUB_WEBHOOK_SECRET"}},
		"not reachable": {func(w *ward) { w.delivered(gone()+hookPath, hookSecret) }, arrive,
			[]string{"did not reach", hookPath, "reach that address"}},
		"wrong address": {func(w *ward) { w.delivered(w.endpoint(right())+"/other", hookSecret) }, arrive,
			[]string{"responded with 404", hookPath}},
		"behind a login": {func(w *ward) { w.delivered(w.Serve(http.HandlerFunc(forbidden)), hookSecret) }, arrive,
			[]string{"rejected them with 403"}},
	})
}

func forbidden(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) }

// missing are the deliveries that did not arrive in any attempt.
func (w *ward) missing() map[string]bool {
	missing := map[string]bool{}
	for _, d := range w.GitHub.Deliveries() {
		missing[d.GUID] = true
	}
	for _, d := range w.GitHub.Deliveries() {
		if d.Code == http.StatusAccepted {
			delete(missing, d.GUID)
		}
	}
	return missing
}

// What failed and arrived later is no fault.
func TestDoctorForgetsDeliveriesThatArrived(t *testing.T) {
	w := newWard(t)
	secret := &atomic.Value{}
	secret.Store("another-secret")
	w.delivered(w.endpoint(secret)+hookPath, hookSecret)
	failures, _ := w.examined()
	if len(failures) != 1 || !strings.Contains(failures["GitHub delivers webhooks"], " failed, the last one at ") {
		t.Fatalf("with another secret: %v", failures)
	}
	secret.Store(hookSecret)
	for _, d := range w.GitHub.Deliveries() {
		if err := w.GitHub.Redeliver(d.ID); err != nil {
			t.Fatal(err)
		}
	}
	for t.Context().Err() == nil && len(w.missing()) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if failures, _ := w.examined(); len(failures) > 0 {
		t.Errorf("all arrived, yet: %v", failures)
	}
}

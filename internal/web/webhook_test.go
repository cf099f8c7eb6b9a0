package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/queue"
)

const testSecret = "a secret of some length"

// pullRequest is a delivery as GitHub sends it, cut to what is read, padded.
func pullRequest(repo string, pad int) []byte {
	return fmt.Appendf(nil, `{"action":"closed","number":7,"repository":{"id":1,"full_name":%q},
		"pull_request":{"number":7,"state":"closed","merged":true,"head":{"sha":"0123456789012345678901234567890123456789","ref":"request/req_aaaaaaaaaaaaa"},
		"base":{"ref":"main"},"body":%q}}`, repo, strings.Repeat("x", pad))
}

// sized is a delivery of so many bytes.
func sized(size int) []byte {
	return pullRequest("acme/infra-core", size-len(pullRequest("acme/infra-core", 0)))
}

func delivery(event string, body []byte) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/github/webhook", bytes.NewReader(body))
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write(body)
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("Content-Type", "application/json")
	return r
}

// box is a queue of one test.
type box struct {
	mu    sync.Mutex
	err   error
	ids   []string
	hints [][]byte
}

func (b *box) enqueue(ctx context.Context, id string, hint []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("enqueue without a time limit")
	}
	if b.err == nil {
		b.ids, b.hints = append(b.ids, id), append(b.hints, hint)
	}
	return b.err
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func app(b *box) http.Handler {
	return Handler(Options{Log: quiet(), Verify: Verifier(testSecret, []string{"acme/infra-core"}, nil),
		Enqueue: b.enqueue})
}

func TestWebhook(t *testing.T) {
	good := pullRequest("acme/infra-core", 10)
	for _, c := range []struct {
		name   string
		change func(r *http.Request, b *box)
		event  string
		body   []byte
		status int
		queued int
	}{
		{"accepted", nil, "pull_request", good, http.StatusAccepted, 1},
		{"another spelling of the repository", nil, "pull_request", pullRequest("Acme/Infra-Core", 1), http.StatusAccepted,
			1},
		{"unknown repository", nil, "pull_request", pullRequest("acme/other", 1), http.StatusAccepted, 0},
		{"event that does not matter", nil, "ping", good, http.StatusAccepted, 0},
		{"no signature", func(r *http.Request, _ *box) { r.Header.Del("X-Hub-Signature-256") }, "pull_request", good,
			http.StatusUnauthorized, 0},
		{"SHA-1 only", func(r *http.Request, _ *box) {
			r.Header.Set("X-Hub-Signature", "sha1=00")
			r.Header.Del("X-Hub-Signature-256")
		}, "pull_request", good, http.StatusUnauthorized, 0},
		{"another body", func(r *http.Request, _ *box) {
			r.Body = io.NopCloser(bytes.NewReader(pullRequest("acme/infra-core", 9)))
			r.ContentLength--
		}, "pull_request", good, http.StatusUnauthorized, 0},
		{"signature before anything else", func(r *http.Request, _ *box) { r.Header.Del("X-Hub-Signature-256") }, "ping",
			[]byte("no JSON"), http.StatusUnauthorized, 0},
		{"not JSON", nil, "pull_request", []byte("x"), http.StatusBadRequest, 0},
		{"empty", nil, "pull_request", nil, http.StatusBadRequest, 0},
		{"no delivery id", func(r *http.Request, _ *box) { r.Header.Del("X-GitHub-Delivery") }, "pull_request", good,
			http.StatusBadRequest, 0},
		{"broken off", func(r *http.Request, _ *box) { r.ContentLength++ }, "pull_request", good, http.StatusBadRequest, 0},
		{"said to be too large", func(r *http.Request, _ *box) { r.ContentLength = maxDelivery + 1 }, "pull_request", good,
			http.StatusRequestEntityTooLarge, 0},
		{"of the largest size", nil, "pull_request", sized(maxDelivery), http.StatusAccepted, 1},
		{"of unknown length", func(r *http.Request, _ *box) { r.ContentLength = -1 }, "pull_request", good,
			http.StatusAccepted, 1},
		{"too large without saying so", func(r *http.Request, _ *box) {
			r.ContentLength = -1
			r.Body = io.NopCloser(io.LimitReader(zeros{}, maxDelivery+1))
		}, "pull_request", good, http.StatusRequestEntityTooLarge, 0},
		{"queue is down", func(_ *http.Request, b *box) { b.err = errors.New("redis: refused") }, "pull_request", good,
			http.StatusServiceUnavailable, 0},
		{"another method", func(r *http.Request, _ *box) { r.Method = http.MethodGet }, "pull_request", good,
			http.StatusMethodNotAllowed, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, w := &box{}, httptest.NewRecorder()
			r := delivery(c.event, c.body)
			if c.change != nil {
				c.change(r, b)
			}
			app(b).ServeHTTP(w, r)
			if w.Code != c.status || len(b.ids) != c.queued {
				t.Errorf("answered %d, queued %d: %s", w.Code, len(b.ids), w.Body)
			}
			if again := w.Header().Get("Retry-After"); (again != "") != (w.Code == http.StatusServiceUnavailable) {
				t.Errorf("answered %d, to be sent again after %q", w.Code, again)
			}
			if strings.Contains(w.Body.String(), "redis") {
				t.Errorf("the answer tells strangers too much: %s", w.Body)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A repository that was renamed keeps its id; any other name is ignored.
func TestRenamedRepository(t *testing.T) {
	b := &box{}
	asked := map[string]int64{}
	renamed := func(id int64, name string) bool { asked[name] = id; return name == "acme/infra-new" }
	h := Handler(Options{Log: quiet(), Verify: Verifier(testSecret, []string{"acme/infra-core"}, renamed),
		Enqueue: b.enqueue})
	for name, queued := range map[string]int{"acme/infra-new": 1, "acme/other": 0, "acme/Infra-Core": 1} {
		b.ids = nil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, delivery("pull_request", pullRequest(name, 1)))
		if w.Code != http.StatusAccepted || len(b.ids) != queued {
			t.Errorf("%s: answered %d, queued %d", name, w.Code, len(b.ids))
		}
	}
	if len(asked) != 2 || asked["acme/infra-new"] != 1 {
		t.Errorf("asked about %v", asked)
	}
}

func TestWhatIsQueued(t *testing.T) {
	b := &box{}
	app(b).ServeHTTP(httptest.NewRecorder(), delivery("pull_request", pullRequest("acme/infra-core", 100_000)))
	if !slices.Equal(b.ids, []string{"72d3162e-cc78-11e3-81ab-4c9367dc0958"}) {
		t.Fatalf("queued as %q", b.ids)
	}
	var hint github.Hint
	if err := json.Unmarshal(b.hints[0], &hint); err != nil || hint.Pull == nil || hint.Pull.Number != 7 ||
		!hint.Pull.Merged {
		t.Errorf("%+v %v", hint, err)
	}
	if len(b.hints[0]) > queue.MaxHint {
		t.Errorf("hint of %d bytes", len(b.hints[0]))
	}
}

// What is not queued leaves a line in the log, louder the more it matters.
func TestRefusalsAreLogged(t *testing.T) {
	for name, c := range map[string]struct {
		event, signature string
		err              error
		want             string
	}{
		"ignored":   {"ping", "", nil, "level=DEBUG msg=\"webhook ignored\""},
		"forged":    {"pull_request", "sha256=00", nil, "level=WARN msg=\"webhook refused\""},
		"malformed": {"", "", nil, "level=WARN msg=\"webhook refused\""},
		"no queue":  {"pull_request", "", errors.New("redis: refused"), "level=ERROR msg=\"webhook not enqueued\""},
	} {
		var log bytes.Buffer
		b := &box{err: c.err}
		r := delivery(c.event, pullRequest("acme/infra-core", 1))
		if c.signature != "" {
			r.Header.Set("X-Hub-Signature-256", c.signature)
		}
		Handler(Options{
			Log:    slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Verify: Verifier(testSecret, []string{"acme/infra-core"}, nil), Enqueue: b.enqueue,
		}).ServeHTTP(httptest.NewRecorder(), r)
		if !strings.Contains(log.String(), c.want) {
			t.Errorf("%s: no %s in %q", name, c.want, log.String())
		}
	}
}

// notifier is a real one on a Redis in this process.
func notifier(tb testing.TB) *queue.Notifier {
	m := miniredis.NewMiniRedis()
	r, err := queue.Open("redis://redis:6379/0", func(context.Context, string, string) (net.Conn, error) {
		return m.Dial()
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close(); m.Close() })
	return queue.NewNotifier(r, quiet())
}

func TestWithTheRealQueue(t *testing.T) {
	h := Handler(Options{Log: quiet(), Verify: Verifier(testSecret, []string{"acme/infra-core"}, nil),
		Enqueue: notifier(t).Webhook})
	for range 3 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, delivery("pull_request", pullRequest("acme/infra-core", 10)))
		if w.Code != http.StatusAccepted {
			t.Errorf("answered %d: %s", w.Code, w.Body)
		}
	}
}

// bare is the least that an endpoint for deliveries does: it reads the body, checks its signature, and
// decodes what TfPilot decodes.
func bare(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 25<<20))
	mac := hmac.New(sha256.New, []byte(testSecret))
	mac.Write(body)
	got, _ := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
	var event struct {
		Action     string `json:"action"`
		Repository struct {
			ID       int64  `json:"id"`
			FullName string `json:"full_name"`
		} `json:"repository"`
		PullRequest struct {
			Number int    `json:"number"`
			State  string `json:"state"`
			Merged bool   `json:"merged"`
			Head   struct {
				SHA string `json:"sha"`
				Ref string `json:"ref"`
			} `json:"head"`
			Base struct {
				Ref string `json:"ref"`
			} `json:"base"`
		} `json:"pull_request"`
	}
	if err != nil || !hmac.Equal(mac.Sum(nil), got) || json.Unmarshal(body, &event) != nil || event.Repository.ID != 1 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// BenchmarkWebhook is one delivery of 20 KB: with a queue that costs nothing, with Redis in the same
// process, each delivery new, and what a bare handler costs.
func BenchmarkWebhook(b *testing.B) {
	body := pullRequest("acme/infra-core", 20_000)
	endpoint := func(enqueue func(context.Context, string, []byte) error) http.Handler {
		return Handler(Options{Log: quiet(), Verify: Verifier(testSecret, []string{"acme/infra-core"}, nil), Enqueue: enqueue})
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"bare", http.HandlerFunc(bare)},
		{"verify", endpoint(func(context.Context, string, []byte) error { return nil })},
		{"queue", endpoint(notifier(b).Webhook)},
	} {
		b.Run(c.name, func(b *testing.B) {
			signed := delivery("pull_request", body)
			for n := 0; b.Loop(); n++ {
				r := signed.Clone(b.Context())
				r.Body = io.NopCloser(bytes.NewReader(body))
				r.Header.Set("X-GitHub-Delivery", fmt.Sprintf("%s-%d", c.name, n))
				w := httptest.NewRecorder()
				if c.handler.ServeHTTP(w, r); w.Code != http.StatusAccepted {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}

// FuzzWebhook sends anything with a good signature; every answer is one of ours,
// and only deliveries about a known repository are queued.
func FuzzWebhook(f *testing.F) {
	f.Add("pull_request", "application/json", pullRequest("acme/infra-core", 1))
	f.Add("workflow_run", "application/json",
		[]byte(`{"action":"completed","repository":{"id":1,"full_name":"acme/infra-core"},"workflow_run":{"id":5,"run_attempt":1,"status":"completed"}}`))
	f.Add("pull_request_review", "application/json; charset=utf-8",
		[]byte(`{"action":"submitted","repository":{"id":1,"full_name":"acme/infra-core"},"review":{"id":1},"pull_request":{"number":1}}`))
	f.Add("", "text/plain", []byte("\xff"))
	f.Fuzz(func(t *testing.T, event, kind string, body []byte) {
		b, w := &box{}, httptest.NewRecorder()
		r := delivery(event, body)
		r.Header.Set("Content-Type", kind)
		app(b).ServeHTTP(w, r)
		if w.Code != http.StatusAccepted && w.Code != http.StatusBadRequest {
			t.Fatalf("answered %d", w.Code)
		}
		for _, hint := range b.hints {
			var h github.Hint
			if json.Unmarshal(hint, &h) != nil || !strings.EqualFold(h.Repo, "acme/infra-core") || len(hint) > queue.MaxHint {
				t.Fatalf("queued %s", hint)
			}
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answered %q", w.Body)
		}
	})
}

package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHealth(t *testing.T) {
	broken := Check{"store", func(context.Context) error { return errors.New("canary") }}
	fine := Check{"redis", func(context.Context) error { return nil }}
	for _, c := range []struct {
		path   string
		ready  []Check
		status int
		body   string
	}{
		{"/healthz", []Check{broken}, http.StatusOK, `{"status":"ok"}`},
		{"/readyz", []Check{fine}, http.StatusOK, `{"status":"ok"}`},
		{"/readyz", []Check{fine, broken}, http.StatusServiceUnavailable,
			`{"error":"not_ready","message":"Not ready.","failing":["store"]}`},
		{"/", nil, http.StatusNotFound, "404 page not found"},
	} {
		w := httptest.NewRecorder()
		Health(quiet(), c.ready).ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.body {
			t.Errorf("%s: %d %s", c.path, w.Code, w.Body)
		}
	}
}

func TestACheckThatHangsFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := Check{"redis", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		w, start := httptest.NewRecorder(), time.Now()
		Health(quiet(), []Check{hangs}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		if w.Code != http.StatusServiceUnavailable || time.Since(start) != checkTimeout {
			t.Errorf("%d after %s", w.Code, time.Since(start))
		}
	})
}

func TestServeFinishesWhatRuns(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered := make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-ctx.Done()
		answer(w, http.StatusOK, reply{Status: "ok"})
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, ln, slow, quiet()) }()
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		got <- strings.TrimSpace(string(body))
	}()
	<-entered
	cancel()
	if body := <-got; body != `{"status":"ok"}` {
		t.Errorf("cut off: %s", body)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServeSaysWhyItEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if err := Serve(t.Context(), ln, http.NotFoundHandler(), quiet()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// Package web owns the HTTP endpoints of the app process: GitHub's webhooks and the health
// checks. It verifies a delivery, enqueues it and responds. The worker decides what a
// delivery means.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second // a delivery of 25 MiB on a slow line
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 10 * time.Second
	checkTimeout      = 2 * time.Second
	maxHeader         = 64 << 10
)

// Check is a named check of a dependency of the process.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Options are the dependencies of the app's handler.
type Options struct {
	Log     *slog.Logger                                                    // required
	Verify  Verify                                                          // required
	Enqueue func(ctx context.Context, deliveryID string, hint []byte) error // required
	Ready   []Check
}

// Handler serves all endpoints of the app process.
func Handler(o Options) http.Handler {
	hook := &webhook{
		log: o.Log, verify: o.Verify, enqueue: o.Enqueue,
		large: newPool(largeMemory), small: newPool(smallMemory),
	}
	mux := http.NewServeMux()
	mux.Handle("POST /api/github/webhook", hook)
	health(mux, o.Log, o.Ready)
	return mux
}

// Health serves only the health checks, for processes without other endpoints.
func Health(log *slog.Logger, ready []Check) http.Handler {
	mux := http.NewServeMux()
	health(mux, log, ready)
	return mux
}

// health adds /healthz, which reports that the process is running, and /readyz, which
// reports whether its dependencies work.
func health(mux *http.ServeMux, log *slog.Logger, ready []Check) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, reply{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		if failing := failingChecks(ctx, log, ready); len(failing) > 0 {
			answer(w, http.StatusServiceUnavailable, reply{Error: "not_ready", Message: "Not ready.", Failing: failing})
			return
		}
		answer(w, http.StatusOK, reply{Status: "ok"})
	})
}

// failingChecks runs the checks concurrently and returns the names of those that fail. The
// errors go only to the log, because the endpoint is public.
func failingChecks(ctx context.Context, log *slog.Logger, ready []Check) []string {
	results := make(chan string, len(ready))
	for _, c := range ready {
		go func() {
			if err := c.Run(ctx); err != nil {
				log.WarnContext(ctx, "not ready", "check", c.Name, "error", err)
				results <- c.Name
				return
			}
			results <- ""
		}()
	}
	var names []string
	for range ready {
		if name := <-results; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// reply is the body of every response.
type reply struct {
	Status  string   `json:"status,omitempty"`
	Error   string   `json:"error,omitempty"`
	Message string   `json:"message,omitempty"`
	Failing []string `json:"failing,omitempty"`
}

func answer(w http.ResponseWriter, status int, body reply) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The client may have disconnected, so ignore a write error.
	_ = json.NewEncoder(w).Encode(body)
}

// Serve serves on ln until ctx ends, then waits up to 10 s for active requests.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := srv.Shutdown(grace)
	if err != nil {
		err = errors.Join(err, srv.Close())
	}
	<-ended
	if err != nil {
		return fmt.Errorf("stop serving %s: %w", ln.Addr(), err)
	}
	return nil
}

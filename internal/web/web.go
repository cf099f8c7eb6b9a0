// Package web owns what the app process answers over HTTP: GitHub's webhooks and
// the health checks. At this edge a delivery is verified, put into the queue and
// answered; what it means is the worker's.
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

// Check says whether something that the process needs works, by its name.
type Check struct {
	Name string
	Run  func(context.Context) error
}

// Options is what the app's handler needs.
type Options struct {
	Log     *slog.Logger                                                    // required
	Verify  Verify                                                          // required
	Enqueue func(ctx context.Context, deliveryID string, hint []byte) error // required
	Ready   []Check
}

// Handler answers everything that the app process is asked for.
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

// Health answers only the health checks, for a process without other pages.
func Health(log *slog.Logger, ready []Check) http.Handler {
	mux := http.NewServeMux()
	health(mux, log, ready)
	return mux
}

// health adds /healthz, which says that the process runs, and /readyz, which says
// that what it needs works.
func health(mux *http.ServeMux, log *slog.Logger, ready []Check) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, reply{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		if failing := failing(ctx, log, ready); len(failing) > 0 {
			answer(w, http.StatusServiceUnavailable, reply{Error: "not_ready", Message: "Not ready.", Failing: failing})
			return
		}
		answer(w, http.StatusOK, reply{Status: "ok"})
	})
}

// failing runs the checks together and names those that fail. Why they do is only
// in the log: the page is open to everybody.
func failing(ctx context.Context, log *slog.Logger, ready []Check) []string {
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

// reply is the body of every answer.
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
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// Serve answers on ln until ctx ends, then lets what runs finish, up to 10 s.
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

package demo

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestUntilReportsWhatWasSeenLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		err := until(t.Context(), time.Minute, "a card", func(context.Context) (bool, string, error) {
			looks++
			return false, "an empty channel", nil
		})
		var no *unseen
		if !errors.As(err, &no) || !containsAll(no.Error(), "expected a card within 1m0s", "seen: an empty channel") ||
			looks < 2 {
			t.Errorf("got %v after %d looks", err, looks)
		}
	})
}

func TestUntilEndsWithTheFirstError(t *testing.T) {
	failed := errors.New("connection refused")
	err := until(t.Context(), time.Minute, "a card", func(context.Context) (bool, string, error) {
		return false, "", failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}

func TestInterruptedUntilIsNotAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := until(ctx, time.Minute, "a card", func(context.Context) (bool, string, error) {
		cancel()
		return false, "", nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// sandboxOf returns a sandbox whose app always shows the same state.
func sandboxOf(t *testing.T, state string) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(pattern, body string) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
	}
	answer("GET /control/access",
		`{"people":[{"login":"dana","slackUser":"U1"},{"login":"ana"},{"login":"omar"},{"login":"adam"},{"login":"vic"}]}`)
	answer("GET /control/counts", `{}`)
	answer("GET /control/state", state)
	answer("POST /control/command", `{"outcome":"dispatch_failed","note":"/tfpilot failed"}`)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestRunReportsTheFailedStep(t *testing.T) {
	var out strings.Builder
	var steps []string
	err := Run(t.Context(), Config{Address: sandboxOf(t, `{"sockets":1}`), Out: &out, OnStep: func(_, name string) {
		steps = append(steps, name)
	}})
	var f *Failure
	if !errors.As(err, &f) || f.Chapter != "1. Request" || f.Who != "dana" ||
		!strings.Contains(err.Error(), "dispatch_failed") {
		t.Fatalf("got %v", err)
	}
	if len(steps) != 1 || !strings.HasSuffix(steps[0], f.Step) || !strings.Contains(out.String(), f.Step+" … ✗") {
		t.Errorf("steps %q, printed\n%s", steps, out.String())
	}
}

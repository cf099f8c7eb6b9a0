package queue

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// bubble runs f in virtual time with a Redis of its own, without a socket.
func bubble(t *testing.T, f func(t *testing.T, m *miniredis.Miniredis, r *Redis)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		m.ClockTTL(true)
		r := openTest(t, m)
		f(t, m, r)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		m.Close()
		time.Sleep(10 * time.Second) // what still dials gives up
	})
}

func openTest(t *testing.T, m *miniredis.Miniredis) *Redis {
	t.Helper()
	r, err := Open("redis://redis:6379/0", func(context.Context, string, string) (net.Conn, error) { return m.Dial() })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestOpenHidesThePassword(t *testing.T) {
	for _, url := range []string{"redis://:canary@host:port:x/0", "http://:canary@host", "canary",
		"redis://:canary@host/notanumber"} {
		_, err := Open(url, nil)
		if err == nil {
			t.Errorf("%s was taken", url)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestPing(t *testing.T) {
	bubble(t, func(t *testing.T, m *miniredis.Miniredis, r *Redis) {
		if err := r.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		m.SetError("LOADING")
		if err := r.Ping(t.Context()); err == nil {
			t.Error("a Redis that is loading answers")
		}
		m.SetError("")
	})
}

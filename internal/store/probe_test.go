package store

import (
	"errors"
	"net/http"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

func TestProbe(t *testing.T) {
	srv := newBucket(t)
	s := openAs(t, srv, "app")
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	for o, err := range s.list(t.Context(), PrefixProbe) {
		t.Errorf("the probe left %v %v", o, err)
	}
}

func TestProbeRefusesAStoreThatIgnoresConditions(t *testing.T) {
	// Signatures cover the conditions, so the server behind checks no signatures.
	ignore := map[string]func(*http.Request) bool{
		"second create": func(r *http.Request) bool { return r.Header.Get("If-None-Match") != "" },
		"stale write":   func(r *http.Request) bool { return r.Method == http.MethodPut && r.Header.Get("If-Match") != "" },
		"stale delete":  func(r *http.Request) bool { return r.Method == http.MethodDelete },
	}
	for name, ignores := range ignore {
		t.Run(name, func(t *testing.T) {
			m := &memory{objects: map[string][]byte{}, ignores: ignores}
			if err := openAs(t, m, "app").Probe(t.Context()); !errors.Is(err, ErrNotEnforced) {
				t.Errorf("got %v, want %v", err, ErrNotEnforced)
			}
		})
	}
	m := &memory{objects: map[string][]byte{}, ignores: func(*http.Request) bool { return false }}
	if err := openAs(t, m, "app").Probe(t.Context()); err != nil {
		t.Errorf("the same store with conditions: %v", err)
	}
}

// A store whose answer and deed differ is refused as well.
func TestProbeRefusesAStoreWhoseAnswersAreWrong(t *testing.T) {
	staleWrite := func(r *http.Request) bool { return r.Method == http.MethodPut && r.Header.Get("If-Match") != "" }
	never := func(*http.Request) bool { return false }
	for name, m := range map[string]*memory{
		"refuses a stale write and does it":        {ignores: never, denies: staleWrite},
		"accepts a stale write and does not do it": {ignores: never, drops: staleWrite},
		"refuses a second create and does it": {ignores: never, denies: func(r *http.Request) bool {
			return r.Header.Get("If-None-Match") != ""
		}},
		"accepts a second create and does not do it": {ignores: never, drops: func(r *http.Request) bool {
			return r.Header.Get("If-None-Match") != ""
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m.objects = map[string][]byte{}
			if err := openAs(t, m, "app").Probe(t.Context()); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestProbeSaysWhatItCannotAsk(t *testing.T) {
	srv := newBucket(t)
	inject(t, srv, s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject"})
	err := openAs(t, srv, "app").Probe(t.Context())
	if !errors.Is(err, ErrDenied) || errors.Is(err, ErrNotEnforced) {
		t.Errorf("no rights: %v", err)
	}
}

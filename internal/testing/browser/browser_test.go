package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// recorder is a test that records its failures.
type recorder struct {
	*testing.T
	failures []string
}

func (w *recorder) Errorf(format string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

func (w *recorder) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

// complaints runs fn, which may stop early, and returns its failures.
func (w *recorder) complaints(fn func()) string {
	w.failures = nil
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	<-done
	return strings.Join(w.failures, "\n")
}

// A faulty page must fail, or the tests of a correct one prove nothing.
func TestComplaints(t *testing.T) {
	const wrong = `<!doctype html><title>wrong</title><body style="margin:0">
		<script>document.title = "taken"</script><script src="/own.js"></script>
		<button>Covered</button><button disabled>Off</button><button></button>
		<div id="over"></div><p id="wide">wide</p>`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'")
		if r.URL.Path == "/own.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = io.WriteString(w, `addEventListener("load", () => {
				document.getElementById("over").style.cssText = "position:absolute;inset:0";
				document.getElementById("wide").style.width = "2000px";
				throw new Error("thrown on purpose"); });`)
			return
		}
		_, _ = io.WriteString(w, wrong)
	}))
	t.Cleanup(srv.Close)
	w := &recorder{T: t}
	p := Open(w, srv.URL, 800, 600)
	p.Patience = time.Second

	quiet := w.complaints(p.Quiet)
	for _, want := range []string{"Content Security Policy", "thrown on purpose"} {
		if !strings.Contains(quiet, want) {
			t.Errorf("the console reported %q, want %q", quiet, want)
		}
	}
	for name, want := range map[string]string{"Covered": "covered by", "Off": "disabled", "Missing": "not found"} {
		if said := w.complaints(func() { p.Click("button", name) }); !strings.Contains(said, want) {
			t.Errorf("%s: %s", name, said)
		}
	}
	if said := w.complaints(p.NoSidewaysScroll); !strings.Contains(said, "wider than the window") {
		t.Errorf("a wide page: %s", said)
	}
	if said := w.complaints(func() { p.Read("never there") }); !strings.Contains(said, "failed (") {
		t.Errorf("a missing text: %s", said)
	}
	if n := len(p.Unnamed()); n != 1 {
		t.Errorf("%d controls without a name", n)
	}
}

// Package page is the window of the sandbox: one web page that shows the simulated
// workspace as its people see it, beside what their requests became: document, pull
// request, runs, state, cloud, webhooks and counters. It owns the page's files, what
// the page reads under /view/, and the reset. It does not own what people do: that is
// the control API of the sandbox, which the page calls like any other client. It knows
// the product only by the documents and messages that the simulators hold.
package page

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/tfpilot/tfpilot/internal/sandbox"
)

//go:embed static
var static embed.FS

// Mount adds the page to a running sandbox.
func Mount(box *sandbox.Sandbox) {
	v := newViewer(box)
	files := assets(static)
	box.Mount("GET /{$}", files)
	box.Mount("GET /static/", files)
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /view/world":      v.sandboxInfo,
		"GET /view/requests":   v.requests,
		"GET /view/request":    v.request,
		"GET /view/pulls":      v.pulls,
		"GET /view/pull":       v.pull,
		"GET /view/runs":       v.runs,
		"GET /view/run":        v.run,
		"GET /view/states":     v.states,
		"GET /view/state":      v.state,
		"GET /view/cloud":      v.cloud,
		"GET /view/deliveries": v.deliveries,
		"GET /view/events":     v.events,
		"POST /view/reset":     v.reset,
	} {
		box.Mount(pattern, h)
	}
}

// types are those of the page's own files; the system's table may lack or bend them.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// policy lets the page run its own files and speak to its own server, and nothing else:
// whatever a message or a document says, it is shown and never run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type asset struct {
	body []byte
	kind string
	tag  string
}

// assets serves the embedded files. Browsers ask each time whether they changed, so that
// a newer tfpilot never meets scripts of an older one.
func assets(files embed.FS) http.Handler {
	known := map[string]asset{}
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := fnv.New64a()
		_, _ = sum.Write(body) // a hash takes everything
		known["/"+name] = asset{body, types[path.Ext(name)], fmt.Sprintf("%q", fmt.Sprintf("%x", sum.Sum64()))}
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path
		if name == "/" {
			name = "/static/index.html"
		}
		a, ok := known[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("ETag", a.tag)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if r.Header.Get("If-None-Match") == a.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(a.body) // the client may be gone
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func problem(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"error": code, "message": message})
}

const maxBody = 64 << 10

// decode takes JSON bodies only, so that no form of a foreign page can send one.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || !strings.EqualFold(kind, "application/json") {
		problem(w, http.StatusUnsupportedMediaType, "not_json", "send the body as application/json")
		return false
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "bad_body", err.Error())
		return false
	}
	return true
}

// Package page is the web page of the sandbox. It shows the simulated workspace as its people see it,
// beside everything that belongs to their requests: document, pull request, runs, state, cloud
// and webhooks. It owns the files of the page and the data under /view/. People
// act through the control API of the sandbox, which the page calls like any other client. The page
// knows the product only by its documents and messages.
package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"path"

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
		"GET /view/sandbox":    v.sandboxInfo,
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
	} {
		box.Mount(pattern, h)
	}
}

// types holds the content types of the page's files, since the system's table may lack or change them.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// policy lets the page run only its own files and connect only to its own server. Text of a message or
// a document is shown and never executed.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type asset struct {
	body []byte
	kind string
	tag  string
}

// assets serves the embedded files. Browsers revalidate them each time, so that a newer tfpilot never
// runs with scripts of an older one.
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
		_, _ = sum.Write(body) // a hash never fails
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
		_, _ = w.Write(a.body) // the client may be disconnected
	})
}

func answer(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be disconnected
}

func problem(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]string{"error": code, "message": message})
}

package store

import (
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
)

// memory is a store that checks conditions unless ignores says otherwise: the kind
// of server that Probe is there to find.
type memory struct {
	objects map[string][]byte
	ignores func(*http.Request) bool
	denies  func(*http.Request) bool // answers 412 and writes all the same
	drops   func(*http.Request) bool // answers 200 and writes nothing
}

func is(matches func(*http.Request) bool, r *http.Request) bool { return matches != nil && matches(r) }

func etagOf(data []byte) string { return fmt.Sprintf(`"%x"`, sha1.Sum(data)) }

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	old, exists := m.objects[r.URL.Path]
	if !m.ignores(r) && m.refuses(r, old, exists) {
		switch {
		case is(m.drops, r):
			w.Header().Set("ETag", etagOf(old))
			return
		case is(m.denies, r):
			m.objects[r.URL.Path], _ = io.ReadAll(r.Body)
		}
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	switch {
	case r.Method == http.MethodPut:
		data, _ := io.ReadAll(r.Body)
		m.objects[r.URL.Path] = data
		w.Header().Set("ETag", etagOf(data))
	case !exists:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodDelete:
		delete(m.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("ETag", etagOf(old))
		_, _ = w.Write(old)
	}
}

func (m *memory) refuses(r *http.Request, old []byte, exists bool) bool {
	if want := r.Header.Get("If-Match"); want != "" {
		return !exists || want != etagOf(old)
	}
	return exists && r.Header.Get("If-None-Match") == "*"
}

package worker

import (
	"sync"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// documents caches the newest version of every live document that this worker has read. It shows
// which documents changed, and is filled again after a restart.
type documents struct {
	mu   sync.Mutex
	docs map[string]store.Doc
}

// put keeps a live document, unless a newer version of it was seen.
func (d *documents) put(doc store.Doc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.docs == nil {
		d.docs = map[string]store.Doc{}
	}
	if have, ok := d.docs[doc.Request.ID]; ok && have.Request.Version > doc.Request.Version {
		return
	}
	d.docs[doc.Request.ID] = doc
}

func (d *documents) drop(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.docs, id)
}

// forget makes the next sweep read every document.
func (d *documents) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.docs = nil
}

// get returns a live document as it was seen last.
func (d *documents) get(id string) (store.Doc, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	doc, ok := d.docs[id]
	return doc, ok
}

func (d *documents) etag(id string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.docs[id].ETag
}

// missing returns the requests that are not among ids.
func (d *documents) missing(ids map[string]bool) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var missing []string
	for id := range d.docs {
		if !ids[id] {
			missing = append(missing, id)
		}
	}
	return missing
}

// all returns every live document that was seen.
func (d *documents) all() []store.Doc {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]store.Doc, 0, len(d.docs))
	for _, doc := range d.docs {
		all = append(all, doc)
	}
	return all
}

// requests returns every live request that was seen.
func (d *documents) requests() []lifecycle.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]lifecycle.Request, 0, len(d.docs))
	for _, doc := range d.docs {
		all = append(all, doc.Request)
	}
	return all
}

// unsettledIn returns the requests of a repository that sync could learn something about.
func (d *documents) unsettledIn(repo github.Repo) []lifecycle.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []lifecycle.Request
	for _, doc := range d.docs {
		if r := doc.Request; repoOf(&r) == repo && unsettled(&r) {
			found = append(found, r)
		}
	}
	return found
}

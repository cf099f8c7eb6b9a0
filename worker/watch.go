package worker

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// watch is what this worker last saw of every live document: enough to know which
// ones changed, what is due for them, and which repositories to ask. It is a cache
// of the bucket and is filled again after a restart.
type watch struct {
	mu    sync.Mutex
	docs  map[string]store.Doc
	looks map[string]bool // requests that are looked at; true: rung for again meanwhile
	naps  map[napKey]nap
	next  map[string]time.Time   // repository → when to sync again
	seen  map[string]lists       // repository → what its last sync saw
	asked time.Time              // when failed deliveries were last asked for
	rung  map[string]int64       // what the last sweep rang for → its version
	trees map[string]github.Tree // repository → the last tree of its base branch that was read
	tips  map[string]tip         // repository and branch → its tip, as it was read last
	swept time.Time              // when the last sweep began
	index time.Time              // when the index was last compared with the documents
}

func (w *watch) put(doc store.Doc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.docs == nil {
		w.docs = map[string]store.Doc{}
	}
	if doc.Archived {
		w.gone(doc.Request.ID)
		return
	}
	if have, ok := w.docs[doc.Request.ID]; ok && have.Request.Version > doc.Request.Version {
		return
	}
	w.docs[doc.Request.ID] = doc
}

func (w *watch) drop(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone(id)
}

// forget makes the next sweep read and ring for every document.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.docs, w.next, w.seen = nil, nil, nil
}

// get gives a live document as it was seen last.
func (w *watch) get(id string) (store.Doc, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	doc, ok := w.docs[id]
	return doc, ok
}

func (w *watch) etag(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.docs[id].ETag
}

// retain forgets the documents that are in the bucket no more.
func (w *watch) retain(ids map[string]bool) []lifecycle.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var left []lifecycle.Request
	for id, doc := range w.docs {
		if !ids[id] {
			w.gone(id)
			continue
		}
		left = append(left, doc.Request)
	}
	return left
}

// all gives every live request that was seen.
func (w *watch) all() []lifecycle.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]lifecycle.Request, 0, len(w.docs))
	for _, doc := range w.docs {
		all = append(all, doc.Request)
	}
	return all
}

// of gives the requests of a repository that sync could learn something about.
func (w *watch) of(repo github.Repo) []lifecycle.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []lifecycle.Request
	for _, doc := range w.docs {
		if r := doc.Request; repoOf(&r) == repo && unsettled(&r) {
			found = append(found, r)
		}
	}
	return found
}

// due says whether this repository's time has come, and starts the next wait.
func (w *watch) due(repo string, every time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = map[string]time.Time{}
	}
	if last, ok := w.next[repo]; ok && now().Sub(last) < every {
		return false
	}
	w.next[repo] = now()
	return true
}

// sweep notes that a sweep is under way and gives the time of the one before; at the
// first one that is now, since it reads everything anyway.
func (w *watch) sweep() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.swept
	if w.swept = now(); last.IsZero() {
		last = w.swept
	}
	return last
}

// lists are a repository's lists as they were taken in, completely, for some requests at
// some versions: their ETags, which say nothing about others, and up to when the pull
// requests were read.
type lists struct {
	of, pulls, runs string
	ids             map[string]bool // of the requests
	until           time.Time       // GitHub's updated_at of the newest pull request
	whole           time.Time       // when all of them were last read
	runsRead        time.Time       // when the runs were last listed
}

// unlistedSince is from when on runs may not have been listed; zero before the first list.
func (w *watch) unlistedSince(repo github.Repo) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[repo.String()].runsRead
}

func (w *watch) lists(repo github.Repo, requests []lifecycle.Request) lists {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.seen[repo.String()]; l.of == versions(requests) {
		return l
	}
	return lists{}
}

const (
	listLate  = 10 * time.Minute // by which a pull request may turn up late in a list
	listWhole = 15 * time.Minute // how often all are read again, whatever turned up
)

// since is from when on pull requests are of interest: what changed since the last list,
// and for requests that were not there then, since they are. In a repository where much
// happens, all that changed since the oldest request opened would be many pages.
func (w *watch) since(repo github.Repo, requests []lifecycle.Request) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, oldest := w.seen[repo.String()], now()
	recent := !l.until.IsZero() && now().Sub(l.whole) < listWhole
	if recent {
		oldest = l.until.Add(-listLate)
	}
	for _, r := range requests {
		if (!recent || !l.ids[r.ID]) && r.CreatedAt.Before(oldest) {
			oldest = r.CreatedAt
		}
	}
	return oldest.Add(-time.Minute)
}

func (w *watch) listed(repo github.Repo, requests []lifecycle.Request, pulls github.Listing[github.Pull], runs string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]lists{}
	}
	old := w.seen[repo.String()]
	l := lists{of: versions(requests), pulls: pulls.ETag, runs: runs, ids: map[string]bool{}, until: old.until, whole: old.whole, runsRead: at}
	for _, r := range requests {
		l.ids[r.ID] = true
	}
	for _, p := range pulls.Items {
		if p.UpdatedAt.After(l.until) {
			l.until = p.UpdatedAt
		}
	}
	if !pulls.Same && now().Sub(old.whole) >= listWhole {
		l.whole = now()
	}
	w.seen[repo.String()] = l
}

func versions(requests []lifecycle.Request) string {
	var all []string
	for _, r := range requests {
		all = append(all, r.ID+"@"+strconv.FormatInt(r.Version, 10))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// begin starts a look at a request; false when one is under way, which will look
// again.
func (w *watch) begin(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.looks == nil {
		w.looks = map[string]bool{}
	}
	if _, busy := w.looks[id]; busy {
		w.looks[id] = true
		return false
	}
	w.looks[id] = false
	return true
}

// end ends a look. again is true when somebody rang meanwhile and the caller may
// look once more: then the look goes on.
func (w *watch) end(id string, may bool) (again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if may && w.looks[id] {
		w.looks[id] = false
		return true
	}
	delete(w.looks, id)
	return false
}

// nap is how long a step that did not move anything is left alone.
type nap struct {
	version int64 // of the document; another one ends the nap
	until   time.Time
	times   int
}

const maxNap = 5 * time.Minute

// rest lets a step that did not move the facts rest: two seconds, then twice as
// long each time, or as long as GitHub asks for.
func (w *watch) rest(r lifecycle.Request, s lifecycle.Step, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.naps == nil {
		w.naps = map[napKey]nap{}
	}
	key := keyOf(r, s)
	n := w.naps[key]
	if n.version != r.Version {
		n = nap{version: r.Version}
	}
	n.times++
	n.until = now().Add(min(time.Second<<min(n.times, 10), maxNap))
	var pause pauser
	if errors.As(err, &pause) {
		n.until = now().Add(pause.RetryAfter())
	}
	w.naps[key] = n
}

// wakes is when a step may be tried: when it is due and has rested.
func (w *watch) wakes(r lifecycle.Request, s lifecycle.Step) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n, ok := w.naps[keyOf(r, s)]; ok && n.version == r.Version && n.until.After(s.After) {
		return n.until
	}
	return s.After
}

// pauser is an error that says when to try again: nothing happened, and nothing is wrong
// with the request.
type pauser interface {
	error
	RetryAfter() time.Duration
}

func paused(err error) bool {
	var p pauser
	return errors.As(err, &p)
}

type napKey struct {
	request, correlationID string
	step                   lifecycle.StepName
}

func keyOf(r lifecycle.Request, s lifecycle.Step) napKey {
	return napKey{r.ID, s.CorrelationID, s.Name}
}

// gone drops what is known about a request that is over. The caller holds the lock.
func (w *watch) gone(id string) {
	delete(w.docs, id)
	maps.DeleteFunc(w.naps, func(k napKey, _ nap) bool { return k.request == id })
}

func (w *watch) askDeliveries() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now().Sub(w.asked) < redeliverEvery {
		return false
	}
	w.asked = now()
	return true
}

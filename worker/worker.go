// Package worker does what is due. It owns the steps from facts to effects (pull
// request, dispatch, merge, lease, cleanup), the webhook hints, sync and the sweep.
// It never decides what is due or allowed: that is lifecycle's Next and Can, and
// rbac's Decide, asked again at the moment of the effect. It shows nothing to
// people; the notifier has the card rendered.
//
// Every effect outside is two-phase: the intent is in the document before the call,
// the outcome after it. A worker may be killed between any two lines; the next
// reconcile of the request continues from the facts.
package worker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/config"
	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Worker does what is due. One process may run several; they share nothing but the
// bucket and Redis.
type Worker struct {
	Store     *store.Store     // required
	GitHub    *github.Client   // required
	Notifier  *queue.Notifier  // required
	Index     *queue.Index     // required
	Turns     *queue.Turns     // required: the order in which new requests start
	Catalog   *catalog.Catalog // required
	Structure config.Structure // required
	Policy    rbac.Policy      // required
	HintKey   []byte           // required: hints of webhooks carry a MAC under this key
	Answers   *queue.Cache     // what GitHub answered to other workers; nil: not shared
	Log       *slog.Logger     // required

	// Owes reports whether a message about the request is due that was not sent; nil: none ever is.
	Owes func(context.Context, lifecycle.Request) bool

	// FingerprintSecret makes the keys for fingerprints of hidden values. Required; the same for all workers.
	FingerprintSecret []byte

	documents    documents
	reconciles   reconciles
	backoffs     backoffs
	repositories repositories
	leases       leases
	sweeps       sweeps
	people       people
	reviewless   reviewless
	rebuilding   atomic.Bool // the index, by this worker
}

// Log keys.
const (
	keyRequest = "request"
	keyStep    = "step"
	keyKind    = "kind"
	keyRepo    = "repo"
	keyError   = "error"
)

// sourceWorker is the audit source of what the worker does by itself.
const sourceWorker = "worker"

var system = lifecycle.System(sourceWorker)

// bounds of one reconcile of a request
const (
	reconcileTime = 20 * time.Second // after it, the reconcile enqueues itself again
	maxSteps      = 40
	maxReconciles = 3 // in a row, when enqueued again meanwhile
)

// newCorrelationID generates the id of one dispatch: its kind and 128 random bits.
func newCorrelationID(kind lifecycle.Kind) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return string(kind) + "-" + hex.EncodeToString(b[:])
}

func now() time.Time { return time.Now().UTC() }

// Reconcile does everything that is due for a request, in the order of lifecycle.Next. When this
// worker reconciles the request already, that reconcile runs once more afterwards, so that two
// never run at the same time.
func (w *Worker) Reconcile(ctx context.Context, id string) error { return w.reconcileSince(ctx, id, 0) }

// reconcileSince reconciles a request that had at least this version when it was enqueued; 0 when
// that is not known.
func (w *Worker) reconcileSince(ctx context.Context, id string, version int64) error {
	_, err := w.reconcileAlone(ctx, id, func() error { return w.reconcileOnce(ctx, id, version) })
	return err
}

// reconcileAlone runs one pass over a request, and another for what was enqueued meanwhile. began
// is false if a pass is under way: that one does the same afterwards.
func (w *Worker) reconcileAlone(ctx context.Context, id string, pass func() error) (began bool, err error) {
	if !w.reconciles.begin(id) {
		return false, nil
	}
	for range maxReconciles {
		err := w.recovered(id, pass)
		if again := w.reconciles.end(id, err == nil); !again {
			return true, err
		}
		pass = func() error { return w.reconcileOnce(ctx, id, 0) }
	}
	w.reconciles.end(id, false)
	return true, w.Notifier.ReconcileAfter(ctx, id, 0, time.Second)
}

// recovered turns a panic over a document that a person edited by hand into an error: it
// concerns this request, and must not end the process or later reconciles.
func (w *Worker) recovered(id string, pass func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("a reconcile panicked", keyRequest, id, keyError, p, "stack", string(debug.Stack()))
			err = fmt.Errorf("reconcile %s: %v", id, p)
		}
	}()
	return pass()
}

func (w *Worker) reconcileOnce(ctx context.Context, id string, version int64) error {
	doc, err := w.startFrom(ctx, id, version)
	if errors.Is(err, store.ErrNotFound) {
		w.Log.Warn("a request was enqueued that does not exist", keyRequest, id)
		return nil
	}
	if err != nil {
		return err
	}
	if doc.Archived {
		return w.Notifier.Show(ctx, doc.Request, true)
	}
	return w.job(doc).reconcile(ctx, doc.Request.Version)
}

// startFrom returns the document to begin with: a cached one if it is at least as new as the
// enqueued version and no due step could do harm with outdated facts, else the stored one.
func (w *Worker) startFrom(ctx context.Context, id string, version int64) (store.Doc, error) {
	if version > 0 {
		doc, ok := w.Store.Cached(ctx, id)
		if ok && doc.Request.Version >= version && w.mayStart(doc.Request) {
			return doc, nil
		}
	}
	return w.Store.Get(ctx, id)
}

// fromCache are the steps that a reconcile may begin with from a cached document. Their
// effects are the same whenever they happen, and the write that records them is conditional:
// opening finds what is there, and an event is in the log once.
var fromCache = map[lifecycle.StepName]bool{lifecycle.StepOpen: true, lifecycle.StepLog: true}

// mayStart reports whether all due steps of a cached document are of this kind. If nothing is
// due there is nothing to do: the writer of a newer version enqueued it, and the sweep finds it
// if that was lost.
func (w *Worker) mayStart(r lifecycle.Request) bool {
	for _, s := range lifecycle.Next(r, lifecycle.EnvironmentState{}, now()) {
		if s.Name == lifecycle.StepReconcile || now().Before(w.backoffs.readyAt(r, s)) {
			continue
		}
		if !fromCache[s.Name] {
			return false
		}
	}
	return true
}

// reconcile does what is due, and updates the index and the card when the document changed
// since the version that they know.
func (j *job) reconcile(ctx context.Context, known int64) error {
	err := j.run(ctx)
	if j.doc.Request.Version != known || j.doc.Archived {
		err = errors.Join(err, j.Notifier.Show(ctx, *j.request(), j.doc.Archived))
	}
	j.remember(j.doc)
	return err
}

// remember caches the newest version of a document, but no archived one.
func (w *Worker) remember(doc store.Doc) {
	if doc.Archived {
		w.forgetRequest(doc.Request.ID)
		return
	}
	w.documents.put(doc)
}

// forgetRequest drops what is known about a request that is over.
func (w *Worker) forgetRequest(id string) {
	w.documents.drop(id)
	w.backoffs.drop(id)
	w.reviewless.drop(id)
}

// job is one reconcile of one request. doc is the newest known version.
type job struct {
	*Worker
	doc     store.Doc
	log     *slog.Logger
	links   links // as read at linksAt
	linksAt time.Time
	summary *readPlan // of the plan that was read last, for the step that posts it
	first   string    // digest of the request's first plan when this reconcile recorded it: nothing is posted yet
	early   bool      // an approving review was read while the plan is being posted, and must be read again
	waits   bool      // the step that was just tried has to wait for others, and is enqueued after them
	out     *signedOut
}

func (w *Worker) job(doc store.Doc) *job {
	return &job{Worker: w, doc: doc, log: w.Log.With(keyRequest, doc.Request.ID)}
}

func (j *job) id() string                  { return j.doc.Request.ID }
func (j *job) request() *lifecycle.Request { return &j.doc.Request }
func (j *job) attempt(s lifecycle.Step) *lifecycle.Attempt {
	return j.request().Attempt(s.Kind, s.CorrelationID)
}

// patch changes the document as the worker itself.
func (j *job) patch(ctx context.Context, p lifecycle.Patch) error {
	return j.patchAs(ctx, system, p)
}

func (j *job) patchAs(ctx context.Context, a lifecycle.Actor, p lifecycle.Patch) error {
	doc, err := j.Store.Patch(ctx, j.doc, a, p)
	var refusal *lifecycle.Refusal
	if err == nil || errors.As(err, &refusal) {
		j.doc = doc // a refusal comes with the facts that it rests on
	}
	return err
}

// run tries the due steps until none of them changes anything. A step that does not succeed
// does not block the others, and is tried again after a backoff.
func (j *job) run(ctx context.Context) error {
	deadline := time.Now().Add(reconcileTime)
	for range maxSteps {
		moved, err := j.round(ctx)
		switch {
		case err != nil:
			return err
		case !moved:
			return errors.Join(j.showSignIn(ctx), j.later(ctx))
		case time.Now().After(deadline):
			return j.Notifier.Reconcile(ctx, j.id(), j.doc.Request.Version)
		}
	}
	j.log.Error("a reconcile does not end")
	return nil
}

// round tries each due step once and stops at the first that changed the facts.
func (j *job) round(ctx context.Context) (moved bool, err error) {
	for _, s := range lifecycle.Next(*j.request(), lifecycle.EnvironmentState{}, now()) {
		if s.Name == lifecycle.StepReconcile || now().Before(j.backoffs.readyAt(*j.request(), s)) {
			continue
		}
		before := j.doc.Request.Version
		j.waits = false
		stepCtx := ctx
		if isUrgent(s) {
			stepCtx = github.Urgent(ctx)
		}
		err := j.do(stepCtx, s)
		switch {
		case errors.Is(err, store.ErrArchived):
			return false, nil
		case err != nil && ctx.Err() != nil:
			return false, err
		case err != nil:
			j.log.Warn("step did not succeed", keyStep, s.Name, keyError, err)
			j.noteSignIn(s, err)
		}
		if j.doc.Request.Version != before && !paused(err) {
			return true, nil
		}
		if j.doc.Archived {
			return false, nil
		}
		if !j.waits {
			j.backoffs.add(*j.request(), s, err)
		}
	}
	return false, nil
}

// later enqueues the request for when its next step is due.
func (j *job) later(ctx context.Context) error {
	if j.doc.Archived {
		return nil
	}
	var next time.Time
	for _, s := range lifecycle.Next(*j.request(), lifecycle.EnvironmentState{}, now()) {
		at := j.backoffs.readyAt(*j.request(), s)
		if at.After(now()) && s.Name != lifecycle.StepReconcile && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return nil
	}
	return j.Notifier.ReconcileAfter(ctx, j.id(), j.doc.Request.Version, time.Until(next))
}

// flush writes audit events to the log.
func (j *job) flush(ctx context.Context) error {
	pending := j.request().Audit.Pending
	if len(pending) == 0 {
		return nil
	}
	if err := j.Store.AppendLog(ctx, j.id(), pending); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.Flushed(pending[len(pending)-1].Seq))
}

// withLog moves the audit events into the log and adds to a patch that they are there, which
// saves a write of its own. What fails is left to the step.
func (j *job) withLog(ctx context.Context, p lifecycle.Patch) lifecycle.Patch {
	pending := j.request().Audit.Pending
	if len(pending) == 0 {
		return p
	}
	if err := j.Store.AppendLog(ctx, j.id(), pending); err != nil {
		j.log.Warn("audit events were not moved into the log", keyError, err)
		return p
	}
	return lifecycle.All(p, lifecycle.Flushed(pending[len(pending)-1].Seq))
}

// archive moves a finished request's document to history. It does not change there, so the
// thread gets its last reply before.
func (j *job) archive(ctx context.Context) error {
	if !j.lastWordPosted() {
		return j.Notifier.Card(ctx, j.doc.Request, false)
	}
	if err := j.flush(ctx); err != nil {
		return err
	}
	doc, err := j.Store.Archive(ctx, j.doc)
	if err != nil {
		return err
	}
	j.doc = doc
	return j.Notifier.Card(ctx, doc.Request, true)
}

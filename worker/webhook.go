package worker

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

const sourceWebhook = "webhook"

// SealHint signs a hint for its way through Redis. Anyone with access to
// Redis can enqueue a task; only the endpoint, which checked GitHub's signature, can sign.
func SealHint(key, hint []byte) []byte { return append(hintMAC(key, hint), hint...) }

func hintMAC(key, hint []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("tfpilot webhook hint\n"))
	m.Write(hint)
	return m.Sum(nil)
}

// Webhook records the run facts in a hint, and reads everything that grants rights from GitHub.
func (w *Worker) Webhook(ctx context.Context, sealed []byte) error {
	var h github.Hint
	mac, hint := sealed[:min(len(sealed), sha256.Size)], sealed[min(len(sealed), sha256.Size):]
	if err := json.Unmarshal(hint, &h); err != nil {
		w.Log.Error("a webhook task cannot be read", keyError, err)
		return nil
	}
	if !hmac.Equal(mac, hintMAC(w.HintKey, hint)) {
		return w.forged(ctx, h)
	}
	switch h.Event {
	case "workflow_run":
		return w.runHint(ctx, h)
	case "pull_request":
		return w.pullHint(ctx, h, false)
	case "pull_request_review":
		return w.pullHint(ctx, h, true)
	default:
		return nil
	}
}

// forged leaves an audit event where the task pointed, and changes nothing.
func (w *Worker) forged(ctx context.Context, h github.Hint) error {
	w.Log.Error("a webhook task was not signed by the endpoint; someone else writes to Redis", "event", h.Event)
	id, err := w.requestOfHint(ctx, h)
	if id == "" { // there is no id beside an error
		return err
	}
	text := "A task in Redis claimed to be a webhook from GitHub, and was not. It changed nothing."
	_, err = w.Store.Update(ctx, id, lifecycle.System(sourceWebhook), lifecycle.Noted(lifecycle.EventTaskRefused, text,
		lifecycle.System(sourceWebhook), now()))
	return ignoreGone(err)
}

func (w *Worker) requestOfHint(ctx context.Context, h github.Hint) (string, error) {
	switch {
	case h.Run != nil:
		kind, ok := github.ClassifyRun(h.Run.Path, h.Run.Name)
		if !ok {
			return "", nil
		}
		return w.requestOfRun(ctx, kind, *h.Run)
	case h.Pull != nil:
		return w.requestOfPull(ctx, h.RepoID, h.Pull.Number)
	default:
		return "", nil
	}
}

// requestOfRun finds whose run this is: by the run index, else by a title that
// matches the whole pattern.
func (w *Worker) requestOfRun(ctx context.Context, kind lifecycle.Kind, run github.RunHint) (string, error) {
	x, err := w.Store.RunIndex(ctx, kind, run.ID)
	if err == nil {
		return x.RequestID, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	titleKind, id, _, _ := github.ParseRunTitle(run.DisplayTitle)
	if titleKind != kind {
		return "", nil
	}
	return id, nil
}

func (w *Worker) requestOfPull(ctx context.Context, repoID int64, number int) (string, error) {
	x, err := w.Store.PRIndex(ctx, repoID, number)
	if err != nil {
		return "", ignoreGone(err)
	}
	return x.RequestID, nil
}

// runHint handles a workflow_run event: the index, the document, one write.
func (w *Worker) runHint(ctx context.Context, h github.Hint) error {
	if h.Run == nil || h.Action == "requested" && h.Run.Attempt <= 1 {
		return nil // the sender of the dispatch knows it already; its start and end have events of their own
	}
	if known, err := w.recordedForeign(ctx, runOfHint(h)); err != nil || known {
		return err
	}
	kind, ok := github.ClassifyRun(h.Run.Path, h.Run.Name)
	if !ok {
		return w.seeForeign(ctx, sourceWebhook, runOfHint(h))
	}
	if doc, ok := w.cachedOwner(ctx, kind, *h.Run); ok {
		if took, err := w.takeRun(ctx, h, kind, doc); err != nil || took == runTaken {
			return err
		}
	}
	id, err := w.requestOfRun(ctx, kind, *h.Run)
	if err != nil {
		return err
	}
	if id == "" {
		return w.seeForeign(ctx, sourceWebhook, runOfHint(h))
	}
	doc, err := w.Store.Get(ctx, id)
	if err != nil || doc.Archived {
		return ignoreGone(err)
	}
	return w.runFacts(ctx, h, kind, doc)
}

// cachedOwner returns the cached document that has a run as its own, by the id of the run, or that is
// about to have it.
// Only the stored document decides whether the run is another's.
func (w *Worker) cachedOwner(ctx context.Context, kind lifecycle.Kind, run github.RunHint) (store.Doc, bool) {
	_, id, cid, _ := github.ParseRunTitle(run.DisplayTitle)
	doc, _ := w.Store.Cached(ctx, id)
	a := doc.Request.Attempt(kind, cid)
	starts := lifecycle.RunFacts{RunAttempt: run.Attempt, Status: run.Status}
	return doc, a != nil && (a.RunID == run.ID || a.Dispatching(starts, now()))
}

// runFacts records a run of this kind that names the request.
func (w *Worker) runFacts(ctx context.Context, h github.Hint, kind lifecycle.Kind, doc store.Doc) error {
	took, err := w.takeRun(ctx, h, kind, doc)
	if err != nil || took != runUnknown {
		return err
	}
	return w.recordForeign(ctx, sourceWebhook, doc, runOfHint(h))
}

// taken describes how the run of a hint relates to a document.
type taken int

const (
	runUnknown taken = iota // no run of this request
	runKnown                // the document holds all of it
	runTaken                // it is recorded, or only started
)

// takeRun records a run.
func (w *Worker) takeRun(ctx context.Context, h github.Hint, kind lifecycle.Kind, doc store.Doc) (taken, error) {
	facts, ours, err := w.factsOfHint(ctx, doc.Request, h, kind)
	if !ours { // so it is beside an error
		return runUnknown, err
	}
	if err := w.addClaim(ctx, &facts, doc.Request); err != nil {
		return runUnknown, err
	}
	a := doc.Request.AttemptOf(facts)
	if a == nil {
		return runUnknown, nil
	}
	if a.OnlyStarts(facts) || a.Dispatching(facts, now()) {
		return runTaken, nil
	}
	j := w.job(doc)
	see, err := j.see(ctx, facts)
	if err != nil {
		return runKnown, err
	}
	if j.doc, err = w.Store.Patch(ctx, doc, lifecycle.System(sourceWebhook), see); err != nil {
		return runKnown, ignoreGone(err)
	}
	w.remember(j.doc)
	if j.doc.Request.Version == doc.Request.Version {
		return runKnown, nil
	}
	if j.reconcileFrom(ctx, doc.Request.Version) {
		return runTaken, nil
	}
	return runTaken, w.Notifier.Changed(ctx, j.doc.Request, j.doc.Archived)
}

// reconcileFrom reconciles with the document in hand when something is due: a queued reconcile
// would read it again. What does not succeed is left to that one.
func (j *job) reconcileFrom(ctx context.Context, known int64) bool {
	if !lifecycle.IsDue(*j.request(), now()) {
		return false
	}
	began, err := j.reconcileAlone(ctx, j.id(), func() error { return j.reconcile(ctx, known) })
	return began && err == nil
}

// factsOfHint reads the run facts, and whether the run is one that TfPilot started:
// in this repository, dispatched by TfPilot itself, on the base branch.
func (w *Worker) factsOfHint(ctx context.Context, r lifecycle.Request, h github.Hint,
	kind lifecycle.Kind) (lifecycle.RunFacts, bool, error) {
	run := h.Run
	self, err := w.GitHub.Self(ctx)
	if err != nil {
		return lifecycle.RunFacts{}, false, err
	}
	ours := h.RepoID == r.Target.RepoID && run.Event == "workflow_dispatch" && run.HeadBranch == r.Target.Base &&
		lifecycle.SameLogin(run.Actor, self.Login)
	f := lifecycle.RunFacts{
		Kind: kind, RunID: run.ID, RunAttempt: run.Attempt, URL: run.URL, Status: run.Status, Conclusion: run.Conclusion,
		CompletedAt: run.CompletedAt,
	}
	if _, id, cid, _ := github.ParseRunTitle(run.DisplayTitle); id == r.ID {
		f.CorrelationID = cid // which names its kind
	}
	return f, ours, nil
}

// addClaim reads the claim where the rules ask for it: for a run that is not known
// yet of an attempt that was sent more than once.
func (w *Worker) addClaim(ctx context.Context, f *lifecycle.RunFacts, r lifecycle.Request) error {
	a := r.Attempt(f.Kind, f.CorrelationID)
	if a == nil || a.RunID != 0 || a.Sends <= 1 {
		return nil
	}
	claim, err := w.claim(ctx, r.Project, f.CorrelationID)
	f.ClaimRunID = claim.RunID
	return err
}

// pullHint reads the pull request, or its reviews, which the hint said changed.
func (w *Worker) pullHint(ctx context.Context, h github.Hint, review bool) error {
	if h.Pull == nil || h.Action == "opened" {
		return nil // a pull request that TfPilot knows, it opened itself
	}
	id, err := w.requestOfPull(ctx, h.RepoID, h.Pull.Number)
	if id == "" {
		return err
	}
	if doc, ok := w.Store.Cached(ctx, id); ok && !review {
		if mergeKnown(doc.Request, h.Pull.Number) {
			return nil // the event of TfPilot's own merge
		}
		if wait := mergesUntil(doc.Request, h.Pull.Number).Sub(now()); h.Action == "closed" && wait > 0 {
			return queue.Later(wait) // probably, and the worker that merges is about to record it
		}
	}
	doc, err := w.Store.Get(ctx, id)
	if err != nil || doc.Archived || doc.Request.PR == nil {
		return ignoreGone(err)
	}
	j := w.job(doc)
	switch {
	case doc.Request.Cleanup != nil && h.Pull.Number == doc.Request.Cleanup.PRNumber:
		err = j.seeCleanup(ctx)
	case h.Pull.Number != doc.Request.PR.Number:
		return nil
	case review:
		err = j.countReviews(ctx)
	default:
		err = j.refreshPull(ctx)
	}
	if err != nil {
		return ignoreGone(err)
	}
	if j.doc.Request.Version != doc.Request.Version {
		err = w.Notifier.Changed(ctx, j.doc.Request, j.doc.Archived)
	}
	if err == nil && j.early {
		return errEarlyReview
	}
	return err
}

// mergeKnown reports whether the merge of a pull request is recorded. A recorded
// merge never changes, so an outdated document proves it too.
func mergeKnown(r lifecycle.Request, number int) bool {
	if c := r.Cleanup; c != nil && c.PRNumber == number {
		return c.MergedAt != nil
	}
	return r.PR != nil && r.PR.Number == number && r.PR.Merged
}

// mergeTakes is how long a worker takes to carry out a merge and record it.
const mergeTakes = 5 * time.Second

// mergesUntil is until when a worker may be merging a pull request: after an intent to merge, or after
// the cleanup run that pushed its branch. It is the zero time when no worker merges it.
func mergesUntil(r lifecycle.Request, number int) time.Time {
	if c := r.Cleanup; c != nil && c.PRNumber == number && c.CompletedAt != nil {
		return c.CompletedAt.Add(mergeTakes)
	}
	if intent := r.Intent(lifecycle.ActionMerge); intent != nil && r.PR != nil && r.PR.Number == number {
		return intent.At.Add(mergeTakes)
	}
	return time.Time{}
}

func ignoreGone(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrArchived) {
		return nil
	}
	return err
}

// factsOf reads the facts of a run that was listed or read; ok is false for a run
// that TfPilot did not start.
func (w *Worker) factsOf(ctx context.Context, run github.Run, base string) (f lifecycle.RunFacts, ok bool, err error) {
	self, err := w.GitHub.Self(ctx)
	if err != nil {
		return lifecycle.RunFacts{}, false, err
	}
	f, ok = dispatchedRun(run, base)
	return f, ok && lifecycle.SameLogin(run.Actor.Login, self.Login), nil
}

// dispatched reads the facts of a run that was dispatched on the base branch.
func dispatchedRun(run github.Run, base string) (f lifecycle.RunFacts, ok bool) {
	kind, ok := github.ClassifyRun(run.Path, run.Name)
	if !ok || run.Event != "workflow_dispatch" || run.HeadBranch != base {
		return lifecycle.RunFacts{}, false
	}
	f = lifecycle.RunFacts{
		Kind: kind, RunID: run.ID, RunAttempt: run.Attempt, URL: run.URL, Status: run.Status, Conclusion: run.Conclusion,
		CompletedAt: run.CompletedAt,
	}
	if titleKind, _, cid, ok := github.ParseRunTitle(run.DisplayTitle); ok && titleKind == kind {
		f.CorrelationID = cid
	}
	return f, true
}

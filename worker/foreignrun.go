package worker

import (
	"context"
	"errors"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// runOfHint is the run that a hint is about, as GitHub would list it.
func runOfHint(h github.Hint) github.Run {
	r := h.Run
	return github.Run{
		ID: r.ID, Attempt: r.Attempt, URL: r.URL, RepoID: h.RepoID, Name: r.Name, Path: r.Path, DisplayTitle: r.DisplayTitle,
		Event: r.Event, HeadBranch: r.HeadBranch, HeadSHA: r.HeadSHA, Actor: github.Actor{Login: r.Actor}, Status: r.Status,
		Conclusion: r.Conclusion, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, CompletedAt: r.CompletedAt,
	}
}

// recordedForeign reports whether a run of another account needs no check: its request, as this
// worker saw it last, has recorded it, or records no more runs. So a flood of such runs costs no
// call.
func (w *Worker) recordedForeign(ctx context.Context, run github.Run) (bool, error) {
	_, id, ok := github.RunNames(run.DisplayTitle)
	if !ok {
		return false, nil
	}
	doc, seen := w.documents.get(id)
	if !seen || doc.Request.NewForeignRun(run.ID) {
		return false, nil
	}
	self, err := w.GitHub.Self(ctx)
	return err == nil && !lifecycle.SameLogin(run.Actor.Login, self.Login), err
}

// seeForeign records a run at the request whose name it bears, unless TfPilot started it.
func (w *Worker) seeForeign(ctx context.Context, source string, run github.Run) error {
	_, id, ok := github.RunNames(run.DisplayTitle)
	if !ok {
		return nil
	}
	doc, err := w.Store.Get(ctx, id)
	if err != nil || doc.Archived {
		return ignoreGone(err)
	}
	return w.recordForeign(ctx, source, doc, run)
}

func (w *Worker) recordForeign(ctx context.Context, source string, doc store.Doc, run github.Run) error {
	w.remember(doc)
	foreign, err := w.isForeign(ctx, doc.Request, run)
	if err != nil || !foreign {
		return err
	}
	kind, id, _ := github.RunNames(run.DisplayTitle)
	f := lifecycle.ForeignRun{RunID: run.ID, Actor: run.Actor.Login, Kind: kind, URL: run.URL, At: run.CreatedAt}
	after, err := w.Store.Patch(ctx, doc, lifecycle.System(source), lifecycle.SawForeignRun(f))
	if err != nil {
		return ignoreGone(err)
	}
	w.remember(after)
	if after.Request.Version == doc.Request.Version {
		return nil
	}
	w.Log.Warn("a run that TfPilot did not start uses the name of a request", keyRequest, id, "run", run.ID)
	return w.Notifier.Changed(ctx, after.Request, after.Archived)
}

// isForeign reports whether a run has the request's name, was not started by TfPilot, and is
// not recorded yet. A run of TfPilot's own account is TfPilot's when it names an attempt.
func (w *Worker) isForeign(ctx context.Context, r lifecycle.Request, run github.Run) (bool, error) {
	kind, id, ok := github.RunNames(run.DisplayTitle)
	if !ok || id != r.ID || !r.NewForeignRun(run.ID) {
		return false, nil
	}
	f, dispatched, err := w.factsOf(ctx, run, r.Target.Base)
	switch {
	case err != nil:
		return false, err
	case !dispatched || run.RepoID != r.Target.RepoID && run.RepoID != 0:
		return true, nil
	}
	return f.Kind != kind || !r.StartedBy(kind, f.CorrelationID), nil
}

// syncForeign finds foreign runs in the list that no webhook reported. It leaves runs of
// TfPilot's own account to webhooks: another worker may just have dispatched them, and telling
// them apart would cost a read for each.
func (w *Worker) syncForeign(ctx context.Context, runs []github.Run) error {
	var failed error
	for _, run := range runs {
		_, id, ok := github.RunNames(run.DisplayTitle)
		if !ok {
			continue
		}
		doc, seen := w.documents.get(id)
		if !seen || !doc.Request.NewForeignRun(run.ID) {
			continue // recorded, or an invented name, or one that a sweep reads first
		}
		_, ours, err := w.factsOf(ctx, run, doc.Request.Target.Base)
		if err == nil && !ours {
			err = w.seeForeign(ctx, sourceSync, run)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

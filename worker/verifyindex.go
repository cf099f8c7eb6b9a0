package worker

import (
	"context"
	"errors"
	"time"

	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

const (
	verifyEvery = 15 * time.Minute
	verifyMost  = 200 // documents that one comparison reads
)

// verifyIndex writes every row of a live document again, and removes rows without a document.
// Anyone with access to Redis can write a row, or a version that no later one exceeds: lists may
// be wrong for a while, not for good.
func (w *Worker) verifyIndex(ctx context.Context, live map[string]bool) {
	if !w.sweeps.verifyDue() {
		return
	}
	reads := 0
	for _, doc := range w.documents.all() {
		newer, err := w.Index.Verify(ctx, queue.RowOf(doc.Request, doc.Archived))
		if err != nil {
			w.Log.Warn("the index was not compared", keyError, err)
			return
		}
		if newer == "" || reads == verifyMost {
			continue
		}
		reads++
		if err := w.correctRow(ctx, doc.Request.ID, newer); err != nil {
			w.Log.Warn("a row of the index was not compared", keyRequest, doc.Request.ID, keyError, err)
		}
	}
	ids, err := w.Index.Unsettled(ctx)
	if err != nil {
		w.Log.Warn("the index was not compared", keyError, err)
		return
	}
	for _, id := range ids {
		if live[id] || reads == verifyMost {
			continue
		}
		reads++
		if err := w.correctRow(ctx, id, ""); err != nil {
			w.Log.Warn("a row of the index was not compared", keyRequest, id, keyError, err)
		}
	}
}

// correctRow reads the document behind a row and makes the row show it.
func (w *Worker) correctRow(ctx context.Context, id, version string) error {
	doc, err := w.Store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrKey) {
		w.Log.Error("a row of the index has no document; someone else writes to Redis", keyRequest, id)
		return w.Index.Drop(ctx, id)
	}
	if err != nil {
		return err
	}
	return w.Index.Correct(ctx, queue.RowOf(doc.Request, doc.Archived), version)
}

package worker

import (
	"context"
	"iter"
	"sync"

	"github.com/tfpilot/tfpilot/internal/store"
)

// fetched is one listed document as it was read.
type fetched struct {
	entry store.Entry
	doc   store.Doc
	err   error // of this document alone
}

// fetch reads listed documents, store.Readers at once and in no order. At most that many are in
// memory besides the one that is yielded. The error of the sequence means that documents are missing
// from it: the list failed, or ctx ended. It is yielded last.
func fetch(ctx context.Context, list iter.Seq2[store.Entry, error],
	read func(context.Context, store.Entry) (store.Doc, error)) iter.Seq2[fetched, error] {
	return func(yield func(fetched, error) bool) {
		inner, stop := context.WithCancel(ctx)
		listed, done := make(chan store.Entry), make(chan fetched)
		var failed error // of the list; complete once done is closed
		var lister, readers sync.WaitGroup
		lister.Go(func() {
			defer close(listed)
			for e, err := range list {
				if err != nil {
					failed = err
					return
				}
				select {
				case listed <- e:
				case <-inner.Done():
					return
				}
			}
		})
		for range store.Readers {
			readers.Go(func() {
				for e := range listed {
					doc, err := read(inner, e)
					select {
					case done <- fetched{e, doc, err}:
					case <-inner.Done():
						return
					}
				}
			})
		}
		lister.Go(func() {
			readers.Wait()
			close(done)
		})
		defer lister.Wait()
		defer stop()
		for f := range done {
			if !yield(f, nil) {
				return
			}
		}
		if failed == nil {
			failed = ctx.Err() // readers that stopped have left documents out
		}
		if failed != nil {
			yield(fetched{}, failed)
		}
	}
}

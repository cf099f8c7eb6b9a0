package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tfpilot/tfpilot/internal/store"
)

// A sequence that is not the whole list ends with an error, also when each read that ended succeeded.
func TestFetchThatIsCutOff(t *testing.T) {
	gone := errors.New("connection reset")
	for name, want := range map[string]error{"whole": nil, "the list failed": gone, "stopped": context.Canceled} {
		ctx, stop := context.WithCancel(t.Context())
		list := func(yield func(store.Entry, error) bool) {
			for i := range 100 {
				switch {
				case i == 50 && want == gone:
					yield(store.Entry{}, gone)
					return
				case i == 50 && want != nil:
					stop()
				}
				if !yield(store.Entry{ID: fmt.Sprint(i)}, nil) {
					return
				}
			}
		}
		read := func(context.Context, store.Entry) (store.Doc, error) { return store.Doc{}, nil }
		n, last := 0, error(nil)
		for _, err := range fetch(ctx, list, read) {
			if last != nil {
				t.Errorf("%s: more after %v", name, last)
			}
			if last = err; err == nil {
				n++
			}
		}
		if !errors.Is(last, want) || (n == 100) != (want == nil) {
			t.Errorf("%s: %d documents, then %v", name, n, last)
		}
		stop()
	}
}

// A reader of the sequence that stops early leaves nothing that still reads.
func TestFetchThatIsLeft(t *testing.T) {
	list := func(yield func(store.Entry, error) bool) {
		for yield(store.Entry{ID: "x"}, nil) {
		}
	}
	reading := make(chan struct{}, store.Readers)
	read := func(context.Context, store.Entry) (store.Doc, error) {
		reading <- struct{}{}
		<-reading
		return store.Doc{}, nil
	}
	for range fetch(t.Context(), list, read) {
		break
	}
	if len(reading) != 0 {
		t.Errorf("%d readers are at work", len(reading))
	}
}

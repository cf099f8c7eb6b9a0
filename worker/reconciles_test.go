package worker

import (
	"log/slog"
	"testing"
)

// A pass that panics, whether a task or a webhook began it, is an error of that request, and does
// not keep later passes from it.
func TestPanicLeavesTheRequestFree(t *testing.T) {
	w := &Worker{Log: slog.New(slog.DiscardHandler)}
	for range 2 {
		began, err := w.reconcileAlone(t.Context(), "req_a", func() error { panic("a document made by hand") })
		if !began || err == nil {
			t.Errorf("began %v, %v", began, err)
		}
	}
	began, err := w.reconcileAlone(t.Context(), "req_a", func() error {
		if began, _ := w.reconcileAlone(t.Context(), "req_b", func() error { return nil }); !began {
			t.Error("another request is held up")
		}
		return nil
	})
	if !began || err != nil {
		t.Errorf("afterwards: began %v, %v", began, err)
	}
}

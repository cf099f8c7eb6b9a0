package request_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/request/requesttest"
)

var listAll = queue.Query{}

// An outage is reported as one, with its cause for the log.
func TestOutagesAreUnavailable(t *testing.T) {
	w := newFixture(t)
	w.put(requesttest.Planned("dev"), false)
	omar := w.caller("omar")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	w.down = true
	_, who := w.LoginCaller(ctx, "omar", request.SourceCLI)
	_, act := w.Act(ctx, omar, request.Command{ID: requesttest.ID, Action: lifecycle.ActionClose})
	_, open := w.Open(ctx, omar, requesttest.Draft())
	w.redis.Close()
	_, list := w.List(ctx, omar, listAll)
	for name, err := range map[string]error{"who": who, "act": act, "open": open, "list": list} {
		var refusal *request.Refusal
		if !errors.As(err, &refusal) || refusal.Class != request.Unavailable || refusal.Unwrap() == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list that is being rebuilt never looks empty.
func TestListWhileItIsRebuilt(t *testing.T) {
	w := newFixture(t)
	w.redis.FlushAll()
	var refusal *request.Refusal
	if page, err := w.List(t.Context(), w.caller("vic"), listAll); !errors.As(err, &refusal) ||
		refusal.Class != request.Unavailable || len(page.Rows) != 0 {
		t.Errorf("%v %+v", err, page)
	}
}

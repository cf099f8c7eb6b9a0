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

// While the index is rebuilt, a list has what is there and never passes for the whole.
func TestListWhileItIsRebuilt(t *testing.T) {
	w := newFixture(t)
	w.redis.FlushAll()
	for n := range 2 {
		list, err := w.Newest(t.Context(), w.caller("vic"), request.Filter{}, 10)
		if err != nil || len(list.Rows) != n || !list.Rebuilding || list.More {
			t.Errorf("with %d rows: %+v, %v", n, list, err)
		}
		if n == 0 {
			w.must(w.index.Put(t.Context(), queue.Row{ID: requesttest.ID, Version: 1, CreatedAt: time.Now()}))
		}
	}
}

// What no request can be called is not found, and no plan is shown that no run made.
func TestReadWhatIsNotThere(t *testing.T) {
	w := newFixture(t)
	for _, id := range []string{"req_zzzzzzzzzzzzz", "../../x", ""} {
		if _, err := w.Get(t.Context(), w.caller("vic"), id); refused(t, id, err).Class != request.Missing {
			t.Errorf("%q: %v", id, err)
		}
	}
	for name, change := range map[string]func(*lifecycle.Request){
		"no plan": func(r *lifecycle.Request) { r.Plan = nil },
		"no run":  func(r *lifecycle.Request) { r.Runs.Plan = lifecycle.RunSet{} },
		"no bytes": func(r *lifecycle.Request) {
			r.Runs.Plan.Attempts[0].CorrelationID = "plan-ffffffffffffffffffffffffffffffff"
		},
	} {
		w := newFixture(t)
		stored := requesttest.Planned("dev")
		change(stored)
		w.put(stored, false)
		_, summary, err := w.Plan(t.Context(), w.caller("omar"), requesttest.ID)
		if refused(t, name, err).Code != lifecycle.CodeNoPlan || summary != nil {
			t.Errorf("%s: %v %+v", name, err, summary)
		}
	}
}

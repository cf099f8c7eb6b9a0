package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
)

// GitHub's documented limits for one installation. Calls that no person waits for leave a share
// to calls that a person waits for.
const (
	pointsPerMinute  = 900
	contentPerMinute = 80
	contentPerHour   = 500
	sparePercent     = 92 // of the points, for what is not urgent
)

// Starts are the windows of new requests. Each takes two pieces of content, the pull
// request and the plan's comment, and 32 points.
var Starts = []queue.Window{
	{Name: "starts-minute", Span: time.Minute, Most: 25},
	{Name: "starts-hour", Span: time.Hour, Most: contentPerHour / 2},
}

// SharedBudget is GitHub's budget, shared by all workers.
type SharedBudget struct{ Budget *queue.Budget }

// Take implements github.Budget.
func (s SharedBudget) Take(ctx context.Context, c github.Cost) time.Duration {
	most := pointsPerMinute * sparePercent / 100
	if c.Urgent {
		most = pointsPerMinute
	}
	spends := []queue.Spend{{Window: queue.Window{Name: "points", Span: time.Minute, Most: most}, Cost: c.Points}}
	if c.Content > 0 {
		spends = append(spends,
			queue.Spend{Window: queue.Window{Name: "content-minute", Span: time.Minute, Most: contentPerMinute},
				Cost: c.Content},
			queue.Spend{Window: queue.Window{Name: "content-hour", Span: time.Hour, Most: contentPerHour}, Cost: c.Content})
	}
	return s.Budget.Take(ctx, c.Urgent, spends)
}

// Pause implements github.Budget.
func (s SharedBudget) Pause(ctx context.Context, until time.Time, butUrgent bool) {
	s.Budget.Pause(ctx, until, butUrgent)
}

// urgent are the steps that a person waits for.
var urgent = map[lifecycle.StepName]bool{
	lifecycle.StepApprove: true, lifecycle.StepReject: true, lifecycle.StepMerge: true, lifecycle.StepApply: true,
	lifecycle.StepDestroy: true, lifecycle.StepRestore: true, lifecycle.StepClose: true, lifecycle.StepRepair: true,
}

func isUrgent(s lifecycle.Step) bool {
	return urgent[s.Name] || s.Kind == lifecycle.KindApply || s.Kind == lifecycle.KindDestroy
}

// turn reports whether the request may start now. A request that has to wait is enqueued when
// its turn comes. Without Redis it starts: the budget still limits its calls.
func (j *job) turn(ctx context.Context) (bool, error) {
	r := j.request()
	t, err := j.Turns.Ask(ctx, r.ID, r.Project, r.Requester.Login)
	switch {
	case err != nil:
		j.log.Warn("the queue of new requests did not answer", keyError, err)
		return true, nil
	case t == queue.TurnNow:
		return true, nil
	case t == queue.TurnLater:
		j.waits = true
		return false, nil
	}
	text := fmt.Sprintf("%s has %d requests waiting to be opened, as many as one person may. GitHub limits how many "+
		"TfPilot may open. This one joins the queue when others have left it; there is nothing you need to do.",
		r.Requester.Login, queue.MaxWaiting)
	return false, j.setProblem(ctx, lifecycle.StepOpen, lifecycle.CodeQueueFull, text)
}

// waitsMost is how long the sweep ignores a request that waits for its turn.
const waitsMost = 12 * time.Hour

// waiting returns the requests that wait for their turn.
func (w *Worker) waiting(ctx context.Context) map[string]bool {
	ids, err := w.Turns.Waiting(ctx)
	if err != nil {
		w.Log.Warn("the queue of new requests was not read", keyError, err)
	}
	return ids
}

// How often a worker asks whose turn it is: while requests wait, and while none does. The
// first one that has to wait has most of a minute before it anyway.
const (
	turnEvery = time.Second
	turnIdle  = 15 * time.Second
)

// callTurns enqueues the requests whose turn it is, until ctx ends.
func (w *Worker) callTurns(ctx context.Context) {
	timer := time.NewTimer(turnIdle)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		ids, err := w.Turns.Next(ctx)
		if len(ids) > 0 || len(w.waiting(ctx)) > 0 {
			timer.Reset(turnEvery)
		} else {
			timer.Reset(turnIdle)
		}
		if err != nil {
			continue // asked again soon, and the sweep finds what is due
		}
		for _, id := range ids {
			// at any version: a turn changes nothing in the document
			if err := w.Notifier.ReconcileAfter(ctx, id, 1, time.Second); err != nil {
				w.Log.Warn("a request whose turn it is was not enqueued", keyRequest, id, keyError, err)
			}
		}
	}
}

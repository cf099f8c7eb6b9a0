package worker

import (
	"context"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// handlers has one row for each step of lifecycle.Steps except StepReconcile, which sync does. A
// step that carries out an intent has the name of its action.
var handlers = map[lifecycle.StepName]handler{
	lifecycle.StepLog:          wholeRequest((*job).flush),
	lifecycle.StepOpen:         wholeRequest((*job).open),
	lifecycle.StepDispatch:     (*job).sendAgain,
	lifecycle.StepFind:         (*job).findLost,
	lifecycle.StepResult:       (*job).result,
	lifecycle.StepRevoke:       (*job).revoke,
	lifecycle.StepGiveUp:       (*job).giveUp,
	lifecycle.StepRelease:      (*job).release,
	lifecycle.StepLeave:        (*job).dequeue,
	lifecycle.StepPlan:         (*job).plan, // answers for its intents by itself
	lifecycle.StepPost:         wholeRequest((*job).post),
	lifecycle.StepBranch:       wholeRequest((*job).deleteBranch),
	lifecycle.StepArchive:      wholeRequest((*job).archive),
	lifecycle.StepApprove:      requested(wholeRequest((*job).approve)),
	lifecycle.StepReject:       requested(wholeRequest((*job).reject)),
	lifecycle.StepMerge:        requested(wholeRequest((*job).merge)),
	lifecycle.StepApply:        requested((*job).startWhenAcquired),
	lifecycle.StepDestroy:      requested((*job).startWhenAcquired),
	lifecycle.StepRestore:      requested(wholeRequest((*job).restore)),
	lifecycle.StepClose:        requested(wholeRequest((*job).close)),
	lifecycle.StepRepair:       requested(wholeRequest((*job).repair)),
	lifecycle.StepCleanup:      wholeRequest((*job).cleanup),
	lifecycle.StepCleanupPull:  wholeRequest((*job).cleanupPull),
	lifecycle.StepCleanupMerge: wholeRequest((*job).cleanupMerge),
}

// handler does one step.
type handler = func(*job, context.Context, lifecycle.Step) error

// wholeRequest is a handler for a step that needs only the request, not the step's details.
func wholeRequest(do func(*job, context.Context) error) handler {
	return func(j *job, ctx context.Context, _ lifecycle.Step) error { return do(j, ctx) }
}

// requested is a handler for a step that a person requested. The card shows a refusal by GitHub
// or by the facts, and a person may request the step again.
func requested(do handler) handler {
	return func(j *job, ctx context.Context, s lifecycle.Step) error {
		intent := j.request().Intent(lifecycle.Action(s.Name))
		if intent == nil {
			return do(j, ctx, s)
		}
		asked := *intent
		return j.refusal(ctx, asked, do(j, ctx, s))
	}
}

func (j *job) do(ctx context.Context, s lifecycle.Step) error {
	do, ok := handlers[s.Name]
	if !ok {
		j.log.Error("no handler for this step", keyStep, s.Name)
		return nil
	}
	return do(j, ctx, s)
}

// findLost searches for the run of an attempt.
func (j *job) findLost(ctx context.Context, s lifecycle.Step) error {
	_, err := j.find(ctx, s)
	return err
}

package lifecycle

import (
	"slices"
	"time"
)

// StepName is the name of a step that the worker can do.
type StepName string

const (
	StepLog          StepName = "log"           // audit events into the log
	StepOpen         StepName = "open"          // branch, commit, pull request
	StepDispatch     StepName = "dispatch"      // send the dispatch of an attempt
	StepFind         StepName = "find"          // look for the run of an attempt
	StepReconcile    StepName = "reconcile"     // ask GitHub about a run (sync's work)
	StepResult       StepName = "result"        // read what a run left in the bucket
	StepRevoke       StepName = "revoke"        // delete a grant that must not be used
	StepGiveUp       StepName = "give_up"       // conclude an attempt whose run is lost
	StepRelease      StepName = "release"       // delete the grant, give the lease back
	StepLeave        StepName = "leave"         // leave the queue of the environment: the intent is gone
	StepPlan         StepName = "plan"          // start a plan attempt
	StepPost         StepName = "post"          // the plan's summary into the pull request
	StepApprove      StepName = "approve"       // serve intents
	StepReject       StepName = "reject"        //
	StepMerge        StepName = "merge"         //
	StepApply        StepName = "apply"         //
	StepDestroy      StepName = "destroy"       //
	StepRestore      StepName = "restore"       //
	StepClose        StepName = "close"         //
	StepBranch       StepName = "branch"        // delete the branch after the merge
	StepRepair       StepName = "repair"        //
	StepCleanup      StepName = "cleanup"       // start the cleanup run
	StepCleanupPull  StepName = "cleanup_pull"  // open its pull request
	StepCleanupMerge StepName = "cleanup_merge" // merge it
	StepArchive      StepName = "archive"       // move the document to history
)

// Steps are all steps that there are.
var Steps = []StepName{
	StepLog, StepOpen, StepDispatch, StepFind, StepReconcile, StepResult, StepRevoke, StepGiveUp, StepRelease, StepLeave,
	StepPlan, StepPost,
	StepApprove, StepReject, StepMerge, StepApply, StepDestroy, StepRestore, StepClose, StepBranch, StepRepair,
	StepCleanup, StepCleanupPull,
	StepCleanupMerge, StepArchive,
}

// Step is a step that is due. There is no use in trying it before After; zero means now.
type Step struct {
	Name          StepName  `json:"step"`
	Kind          Kind      `json:"kind,omitempty"`
	CorrelationID string    `json:"correlationId,omitempty"`
	Purpose       Purpose   `json:"purpose,omitempty"`
	By            string    `json:"by,omitempty"` // whose rights count
	After         time.Time `json:"after,omitzero"`
}

// Due reports whether the step may be tried now.
func (s Step) Due(now time.Time) bool { return !now.Before(s.After) }

// IsDue reports whether a worker has a step to do now that no other event triggers. Writing the
// log is not one: it happens together with other steps, and in the sweep. The end of a run is
// not one either: webhooks and sync report it.
func IsDue(r Request, now time.Time) bool {
	return slices.ContainsFunc(Next(r, EnvironmentState{}, now), func(s Step) bool {
		return s.Due(now) && s.Name != StepLog && s.Name != StepReconcile
	})
}

// How long a dispatch may stay unseen before it is sent again, how often it is sent,
// and when it is first looked for.
const (
	FindAfter   = 10 * time.Second
	ResendAfter = 120 * time.Second
	MaxSends    = 3
	RetryMerge  = 5 * time.Minute
	RetryOpen   = time.Minute
	LogAfter    = 20 * time.Second // without another event
	LogMost     = 20               // events that wait for another at most
	ArchiveWait = 10 * time.Second // for the last word on the card
)

// Next is the only source of due steps, in order. It depends on the facts alone, so the next
// reconcile finds a step that was interrupted. Every step, once its outcome is recorded, is no
// longer due. env is the lease of the request's environment; its zero value means that it was
// not read.
func Next(r Request, env EnvironmentState, now time.Time) []Step {
	if r.ArchivedAt != nil {
		return nil
	}
	var steps []Step
	steps = append(steps, logSteps(r)...)
	for _, cid := range r.Leaving {
		steps = append(steps, Step{Name: StepLeave, CorrelationID: cid})
	}
	steps = append(steps, runSteps(r, now)...)
	if r.destroyed() {
		return append(append(steps, branchSteps(r)...), cleanupSteps(r)...)
	}
	if r.ClosedAt != nil && !r.merged() {
		return append(steps, closedSteps(r)...)
	}
	steps = append(steps, intentSteps(r, env)...)
	steps = append(steps, planSteps(r)...)
	return append(steps, branchSteps(r)...)
}

// logSteps write audit events to the log once no other event follows for a while: the events of
// one action are written together.
func logSteps(r Request) []Step {
	pending := r.Audit.Pending
	switch n := len(pending); {
	case n == 0, n == 1 && pending[0].Seq == 1:
		return nil
	case n >= LogMost:
		return []Step{{Name: StepLog}}
	default:
		return []Step{{Name: StepLog, After: pending[n-1].At.Add(LogAfter)}}
	}
}

// branchSteps delete the branch after the merge, once no run is active, because a run that plans
// the branch fetches it. Later runs use the base branch.
func branchSteps(r Request) []Step {
	if r.PR == nil || !r.PR.Merged || r.PR.BranchEnd != "" {
		return nil
	}
	for _, kind := range RequestKinds {
		if r.attemptsOf(kind).active() {
			return nil
		}
	}
	return []Step{{Name: StepBranch}}
}

// closedSteps close a pull request that appeared after the request was closed: it was being
// opened at the time, or a person reopened it.
func closedSteps(r Request) []Step {
	if r.PR.isOpen() {
		return []Step{{Name: StepClose}}
	}
	return nil
}

// runSteps follow the attempts that are open or whose result is not read yet.
func runSteps(r Request, now time.Time) []Step {
	var steps []Step
	for _, kind := range RequestKinds {
		for _, a := range r.attemptsOf(kind) {
			if s, ok := a.step(r.bars(kind, a), now); ok {
				s.Kind, s.CorrelationID = kind, a.CorrelationID
				steps = append(steps, s)
			}
			if a.holdsLease(kind) {
				steps = append(steps, Step{Name: StepRelease, Kind: kind, CorrelationID: a.CorrelationID})
			}
		}
	}
	return steps
}

// bars reports whether the attempt must no longer begin: its approval is gone, or it is a plan
// of a closed request.
func (r Request) bars(kind Kind, a *Attempt) bool {
	if kind.Row().HoldsLease {
		return !r.Approval.Approved || a.Lost() && objected(r) != nil
	}
	return kind == KindPlan && a.Lost() && r.ClosedAt != nil && !r.merged()
}

// MayBegin reports whether the attempt still waits for a run that is to begin.
func MayBegin(r Request, kind Kind, correlationID string) bool {
	a := r.Attempt(kind, correlationID)
	return a.mayBegin() && !r.bars(kind, a)
}

// intentSteps carry out the intents. An intent to close or reject blocks the others.
func intentSteps(r Request, env EnvironmentState) []Step {
	if w := r.Intent(ActionReject); w != nil {
		return []Step{{Name: StepReject, By: w.By}}
	}
	if w := r.Intent(ActionClose); w != nil {
		return []Step{{Name: StepClose, By: w.By}}
	}
	var steps []Step
	for _, w := range r.Wanted {
		switch w.What {
		case ActionApprove:
			steps = append(steps, Step{Name: StepApprove, By: w.By})
		case ActionMerge:
			steps = append(steps, Step{Name: StepMerge, By: w.By})
		case ActionRestore:
			steps = append(steps, Step{Name: StepRestore, By: w.By})
		case ActionRepair:
			steps = append(steps, Step{Name: StepRepair, By: w.By})
		case ActionApply:
			if env.Position(w.CorrelationID) <= 0 {
				steps = append(steps, Step{Name: StepApply, Kind: KindApply, CorrelationID: w.CorrelationID, By: w.By})
			}
		case ActionDestroy:
			steps = append(steps, destroyStep(r, w, env)...)
		}
	}
	return steps
}

// DestroyPlan returns the plan that was started for the intent to destroy, or nil. An earlier
// plan belongs to a destroy that failed or was canceled. The comparison uses attempt numbers,
// because the times come from two clocks.
func (r Request) DestroyPlan() *Attempt {
	w, plan := r.Intent(ActionDestroy), r.Runs.Plan.Current()
	if w == nil || plan == nil || plan.Purpose != PurposeDestroy || plan.Number <= w.AfterPlan {
		return nil
	}
	return plan
}

// destroyStep returns the step of a requested destroy, which needs its own plan and approval
// before it runs.
func destroyStep(r Request, w Intent, env EnvironmentState) []Step {
	plan := r.DestroyPlan()
	switch {
	case r.Runs.Plan.Current().active() || plan.failed():
		return nil
	case plan == nil:
		return []Step{{Name: StepPlan, Kind: KindPlan, Purpose: PurposeDestroy, By: w.By}}
	case canStartDestroy(r) == nil && env.Position(w.CorrelationID) <= 0:
		return []Step{{Name: StepDestroy, Kind: KindDestroy, CorrelationID: w.CorrelationID, By: w.By}}
	default:
		return nil
	}
}

// planSteps open the request and keep a plan for the content of its branch.
func planSteps(r Request) []Step {
	plan := r.Runs.Plan.Current()
	w := r.Intent(ActionPlan)
	switch {
	case r.PR == nil:
		step := Step{Name: StepOpen, By: r.Requester.Login}
		if p := r.Problem; p != nil && p.Step == string(StepOpen) {
			step.After = p.Since.Add(RetryOpen)
		}
		return []Step{step}
	case r.Intent(ActionClose) != nil || r.Intent(ActionReject) != nil:
		return nil
	case w != nil && !plan.active():
		return []Step{{Name: StepPlan, Kind: KindPlan, Purpose: w.Purpose, By: w.By}}
	case r.PR.isOpen() && !r.PR.Foreign && !plan.active() && !r.plannedOut() &&
		(plan == nil || plan.HeadSHA != r.PR.HeadSHA):
		return []Step{{Name: StepPlan, Kind: KindPlan, Purpose: PurposeOpen, By: r.Requester.Login}}
	case r.postsPlan():
		return []Step{{Name: StepPost}}
	default:
		return nil
	}
}

// postsPlan reports whether the pull request is to show the plan and does not yet.
func (r Request) postsPlan() bool {
	return r.PR.isOpen() && r.Plan != nil && r.Plan.PostedAt == nil && checkRound(r) == nil
}

// AwaitsPosting reports whether the plan is being posted in the pull request. The comment may be
// on GitHub before the document records it, so a review cannot be judged yet. A post that GitHub
// refuses is not awaited.
func (r Request) AwaitsPosting() bool {
	return r.postsPlan() && (r.Problem == nil || r.Problem.Step != string(StepPost))
}

// cleanupSteps remove the block from the code once the resources are destroyed, and end the
// request.
func cleanupSteps(r Request) []Step {
	destroy, c := r.Runs.Destroy.Current(), r.Cleanup
	switch {
	case r.Intent(ActionRepair) != nil:
		return []Step{{Name: StepRepair, By: r.Intent(ActionRepair).By}}
	case !destroy.Released || !destroy.ResultRead:
		return nil
	case c == nil:
		return []Step{{Name: StepCleanup, Kind: KindCleanup, By: destroy.Actor}}
	case !c.succeeded() || !c.ResultRead:
		return nil
	case c.Nothing:
		step := Step{Name: StepArchive}
		if c.CompletedAt != nil {
			step.After = c.CompletedAt.Add(ArchiveWait)
		}
		return []Step{step}
	case c.MergedAt != nil:
		return []Step{{Name: StepArchive, After: c.MergedAt.Add(ArchiveWait)}}
	case c.PRNumber == 0:
		return []Step{{Name: StepCleanupPull}}
	}
	step := Step{Name: StepCleanupMerge}
	if p := r.Problem; p != nil && p.Step == string(StepCleanupMerge) {
		step.After = p.Since.Add(RetryMerge)
	}
	return []Step{step}
}

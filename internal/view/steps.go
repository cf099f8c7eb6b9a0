package view

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Step is one step of a request's current round: from the pull request to the apply, or from the
// destroy plan to the cleanup.
type Step struct {
	Name  string    `json:"name"`
	State StepState `json:"state"`
	Note  string    `json:"note"` // a few words: "by omar", or the state in words
	Link  *Link     `json:"link,omitempty"`
}

// StepState is how far a step is.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending" // its turn has not come
	StepWaiting StepState = "waiting" // for a person
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// stepWords is a state in words: an icon alone says nothing to many readers.
var stepWords = map[StepState]string{
	StepPending: "not started", StepWaiting: "ready", StepRunning: "in progress", StepDone: "done",
	StepFailed: "failed", StepSkipped: "skipped",
}

// steps lists the steps of the round that counts: of the destroy once one is requested, else of
// the request. Icons and colors are the surface's; each step also has its state in words.
func (d description) steps() []Step {
	steps := []Step{d.pullStep(), d.planStep(), d.approvalStep(), d.mergeStep(),
		d.runStep("Apply", d.currentApply(), lifecycle.ActionApply)}
	if d.leaving() {
		steps = []Step{d.planStep(), d.approvalStep(), d.runStep("Destroy", d.currentDestroy(), lifecycle.ActionDestroy),
			d.cleanupStep()}
	}
	for i, s := range steps {
		if s.State == StepPending && d.status == lifecycle.StatusClosed {
			steps[i].State = StepSkipped
		}
		steps[i].Note = cmp.Or(s.Note, stepWords[steps[i].State])
	}
	return steps
}

func (d description) pullStep() Step {
	s, pr := Step{Name: "Pull request", State: StepRunning}, d.r.PR
	switch {
	case pr == nil && d.over():
		s.State, s.Note = StepSkipped, "not opened"
		return s
	case pr == nil:
		s.Note = "opening"
		return s
	}
	s.Link = &Link{URL: pr.URL, Label: fmt.Sprintf("#%d", pr.Number)}
	switch {
	case d.merged():
		s.State, s.Note = StepDone, "merged"
	case pr.Foreign:
		s.State, s.Note = StepFailed, "branch modified outside TfPilot"
	case d.status == lifecycle.StatusClosed:
		s.State, s.Note = StepDone, "closed"
	default:
		s.State, s.Note = StepDone, "open"
	}
	return s
}

func (d description) planStep() Step {
	current := d.currentPlan()
	if !d.leaving() && current != nil && current.Purpose == lifecycle.PurposeDestroy {
		return Step{Name: "Plan", State: StepDone} // the destroy that it was for is canceled
	}
	if d.destroyRequested() && d.r.DestroyPlan() == nil {
		return Step{Name: PlanName(lifecycle.PurposeDestroy), State: StepRunning, Note: "starting"}
	}
	if current == nil && d.status == lifecycle.StatusPlanning {
		return Step{Name: "Plan", State: StepRunning, Note: "starting"}
	}
	name := "Plan"
	if current != nil {
		name = PlanName(current.Purpose)
	}
	s := d.runStep(name, current, lifecycle.ActionPlan)
	if s.State != StepDone {
		return s
	}
	switch p := d.r.Plan; {
	case p == nil || reading(current):
		s.State, s.Note = StepRunning, "reading the result"
	case d.dismissed() && !d.leaving() && !p.Nothing:
		s.Note = "dismissed"
	case p.Attempt == current.Number:
		s.Note = Counts(p)
	}
	return s
}

func (d description) approvalStep() Step {
	s := Step{Name: "Approval", State: StepPending}
	intent, voided := d.intent(lifecycle.ActionApprove), d.voided()
	switch a := d.approver(); {
	case a != nil:
		s.State, s.Note = StepDone, "by "+a.Login
	case d.r.Rejection != nil && d.status == lifecycle.StatusClosed:
		s.State, s.Note = StepFailed, "rejected by "+d.r.Rejection.By
	case intent != nil:
		s.State, s.Note = StepRunning, fmt.Sprintf("by %s, confirming", intent.By)
	case d.canDecide():
		s.State, s.Note = StepWaiting, "pending"
	case len(d.objections()) > 0:
		s.State, s.Note = StepFailed, "changes requested on GitHub by "+d.objections()[0].Login
	case !d.leaving() && d.plan() == nil && d.currentApply() != nil:
		s.State = StepDone // the approval of the destroy is about another round
	case voided != nil && (voided.Purpose == lifecycle.PurposeDestroy) == d.leaving():
		s.Note = fmt.Sprintf("by %s, dismissed: %s", voided.Login, voided.VoidReason)
	}
	return s
}

func (d description) mergeStep() Step {
	s := Step{Name: "Merge", State: StepPending}
	w := d.intent(lifecycle.ActionMerge)
	switch {
	case d.merged():
		s.State = StepDone
	case w != nil:
		s.State, s.Note = StepRunning, "requested by "+w.By
	case d.r.Problem != nil && d.r.Problem.Step == string(lifecycle.ActionMerge):
		s.State = StepFailed
	case d.can(lifecycle.ActionMerge):
		s.State = StepWaiting
	}
	return s
}

// runStep describes a run, or the intent for one.
func (d description) runStep(name string, a *lifecycle.Attempt, action lifecycle.Action) Step {
	s := Step{Name: name, State: StepPending}
	if w := d.intent(action); w != nil && (a == nil || a.Conclusion != "") {
		s.State, s.Note = StepRunning, "requested by "+w.By
		if position := d.Environment.Position(w.CorrelationID); position > 0 {
			s.Note = fmt.Sprintf("queued by %s, position %d", w.By, position)
		}
		return s
	}
	if a == nil {
		if action == lifecycle.ActionApply && d.can(action) {
			s.State = StepWaiting
		}
		return s
	}
	if a.URL != "" {
		s.Link = &Link{URL: a.URL, Label: "run"}
	}
	switch {
	case a.Conclusion == "":
		s.State = StepRunning
	case unsuccessful(a):
		s.State, s.Note = StepFailed, strings.TrimPrefix(ending(a), "was ")
	default:
		s.State = StepDone
	}
	return s
}

func (d description) cleanupStep() Step {
	c := d.r.Cleanup
	if c == nil {
		return Step{Name: "Cleanup", State: StepPending}
	}
	s := d.runStep("Cleanup", &c.Attempt, "")
	switch {
	case c.Nothing || c.MergedAt != nil:
		s.State, s.Note = StepDone, ""
	case c.Conclusion == lifecycle.ConclusionSuccess:
		s.State, s.Note = StepRunning, "waiting for the merge"
	}
	if c.PRURL != "" {
		s.Link = &Link{URL: c.PRURL, Label: fmt.Sprintf("pull request #%d", c.PRNumber)}
	}
	return s
}

// Next is what a request waits for. Code is for surfaces that add advice of their own.
type Next struct {
	Code NextCode `json:"code"`
	Text string   `json:"text"`
}

// NextCode names what a request waits for.
type NextCode string

// The codes.
const (
	NextWork    NextCode = "work"    // a run or TfPilot itself works
	NextQueue   NextCode = "queue"   // another run holds the environment
	NextApprove NextCode = "approve" // an approver
	NextMerge   NextCode = "merge"
	NextApply   NextCode = "apply"
	NextFix     NextCode = "fix"  // a person: something failed or is blocked
	NextNone    NextCode = "none" // it is applied and may stay
	NextOver    NextCode = "over" // nothing more will happen
)

func (d description) next() Next {
	return Next{Code: d.nextCode(), Text: d.label().sentence}
}

// nextCode checks what happens by itself before what a person can do: while a run works or waits
// in a queue, no one has to act.
func (d description) nextCode() NextCode {
	failed, _ := d.failed()
	switch {
	case d.status == lifecycle.StatusClosed, d.r.ArchivedAt != nil:
		return NextOver
	case d.status == lifecycle.StatusDestroyed:
		return d.cleanupCode()
	case d.queued():
		return NextQueue
	case d.working():
		return NextWork
	case d.canDecide():
		return NextApprove
	case d.can(lifecycle.ActionMerge):
		return NextMerge
	case d.can(lifecycle.ActionApply):
		return NextApply
	case failed != nil && !d.leaving() && d.status == lifecycle.StatusApplied:
		return NextNone // a new plan failed; what was applied stays
	case failed != nil || d.status != lifecycle.StatusApplied:
		return NextFix
	default:
		return NextNone
	}
}

func (d description) cleanupCode() NextCode {
	switch c := d.r.Cleanup; {
	case c != nil && (c.Nothing || c.MergedAt != nil):
		return NextOver
	case c.Stuck():
		return NextFix
	default:
		return NextWork
	}
}

// queued reports whether an intent waits for the environment.
func (d description) queued() bool {
	for _, w := range d.r.Wanted {
		if d.Environment.Position(w.CorrelationID) > 0 {
			return true
		}
	}
	return false
}

// working reports whether TfPilot or one of its runs does something now.
func (d description) working() bool {
	for _, kind := range lifecycle.RequestKinds {
		if a := d.r.CurrentRun(kind); a != nil && !a.SetAside && (a.Conclusion == "" || reading(a)) {
			return d.status != lifecycle.StatusFailed || !d.silent()
		}
	}
	for _, w := range d.r.Wanted {
		if w.What != lifecycle.ActionDestroy {
			return true
		}
	}
	if d.destroyRequested() {
		plan := d.r.DestroyPlan()
		return plan == nil || d.r.Approval.Approved
	}
	return d.status == lifecycle.StatusRequestCreated || d.currentPlan() == nil && !d.merged()
}

// silent reports whether the status failed comes from a run without news.
func (d description) silent() bool { a, _ := d.failed(); return a == nil }

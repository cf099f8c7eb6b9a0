package page

import (
	"encoding/json"
	"fmt"
	"time"
)

// document is what the page understands of a request's document.
type document struct {
	ID          string                                  `json:"id"`
	Title       string                                  `json:"title"`
	CreatedAt   time.Time                               `json:"createdAt"`
	UpdatedAt   time.Time                               `json:"updatedAt"`
	Requester   struct{ Login, Name, SlackUser string } `json:"requester"`
	Project     string                                  `json:"project"`
	Environment struct{ Key, Slug string }              `json:"environment"`
	Module      string                                  `json:"module"`
	Target      struct{ Owner, Repo, Path string }      `json:"target"`
	PR          *struct {
		Number int
		Open   *bool
		Merged bool
	} `json:"pr"`
	Plan *struct {
		Purpose                       string
		Add, Change, Destroy, Replace int
	} `json:"plan"`
	Approval struct {
		Approved  bool
		Approvers []struct {
			Login    string
			VoidedAt *time.Time
		}
	} `json:"approval"`
	Rejection *struct{ By, Reason string }          `json:"rejection"`
	Wanted    []struct{ What, By string }           `json:"wanted"`
	Problem   *struct{ Step, Code, Text string }    `json:"problem"`
	MergedSHA string                                `json:"mergedSha"`
	Runs      struct{ Plan, Apply, Destroy runSet } `json:"runs"`
	Cleanup   *struct {
		attempt
		Nothing  bool
		PRNumber int
		MergedAt *time.Time
	} `json:"cleanup"`
	Slack struct {
		Messages []struct{ Role, Channel, TS, Thread string }
	} `json:"slack"`
	ClosedAt *time.Time `json:"closedAt"`
}

type runSet struct {
	CurrentAttempt int
	Attempts       []attempt
}

type attempt struct {
	Attempt       int
	Purpose       string
	CorrelationID string
	RunID         int64
	Conclusion    string
	FailedStep    string
	SetAside      bool
}

const succeeded = "success"

func (s runSet) current() attempt {
	for _, a := range s.Attempts {
		if a.Attempt == s.CurrentAttempt {
			return a
		}
	}
	return attempt{}
}

func (a attempt) running() bool { return a.Attempt > 0 && a.Conclusion == "" }
func (a attempt) done() bool    { return a.Conclusion == succeeded }
func (a attempt) failed() bool  { return a.Conclusion != "" && a.Conclusion != succeeded }

// Step is one step of a request's journey, as far as its document shows it.
type Step struct {
	Name  string `json:"name"`
	State string `json:"state"` // done, now, failed, open, off
	Note  string `json:"note,omitempty"`
}

// Steps of the journey, in order.
const (
	stepRequest = iota
	stepPlan
	stepApprove
	stepMerge
	stepApply
	stepDestroy
	stepClean
	stepCount
)

var stepNames = [stepCount]string{"Request", "Plan", "Approve", "Merge", "Apply", "Destroy", "Cleaned up"}

// Row is a request in the page's list, with its journey.
type Row struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Requester   string    `json:"requester"`
	Project     string    `json:"project"`
	Environment string    `json:"environment"`
	Module      string    `json:"module"`
	CreatedAt   time.Time `json:"createdAt"`
	UpdatedAt   time.Time `json:"updatedAt"`
	Archived    bool      `json:"archived"`
	Repo        string    `json:"repo"`
	Pull        int       `json:"pull,omitempty"`
	Run         int64     `json:"run,omitempty"` // the newest
	StateKey    string    `json:"stateKey"`
	Channel     string    `json:"channel,omitempty"` // of the card, with its time stamp
	TS          string    `json:"ts,omitempty"`
	Problem     string    `json:"problem,omitempty"`
	Steps       []Step    `json:"steps"`
	Next        string    `json:"next"` // what it waits for; the page has words for each
}

// What a request waits for.
const (
	nextPlan        = "plan"
	nextApprove     = "approve"
	nextMerge       = "merge"
	nextApply       = "apply"
	nextApplying    = "applying"
	nextDestroy     = "destroy" // it exists and may stay
	nextDestroyPlan = "destroy-plan"
	nextDestroyOK   = "destroy-approve"
	nextDestroyRun  = "destroy-run"
	nextCleanup     = "cleanup"
	nextFailed      = "failed"
	nextClosed      = "closed"
	nextNothing     = "nothing"
)

// readRow reads a document into a row.
func readRow(raw []byte, archived bool) (Row, error) {
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return Row{}, fmt.Errorf("read document: %w", err)
	}
	row := Row{
		ID: d.ID, Title: d.Title, Requester: d.Requester.Login, Project: d.Project,
		Environment: d.Environment.Key + "/" + d.Environment.Slug, Module: d.Module, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Archived: archived, Repo: d.Target.Owner + "/" + d.Target.Repo, Run: d.newestRun(),
		StateKey: d.Project + "/" + d.Environment.Key + "/" + d.Environment.Slug + "/terraform.tfstate",
		Steps:    d.steps(archived), Next: d.next(archived),
	}
	if d.PR != nil {
		row.Pull = d.PR.Number
	}
	if d.Problem != nil {
		row.Problem = d.Problem.Text
	}
	for _, m := range d.Slack.Messages {
		if m.Role == "card" && m.TS != "" {
			row.Channel, row.TS = m.Channel, m.TS
		}
	}
	return row, nil
}

func (d document) newestRun() int64 {
	var newest int64
	for _, set := range []runSet{d.Runs.Plan, d.Runs.Apply, d.Runs.Destroy} {
		for _, a := range set.Attempts {
			newest = max(newest, a.RunID)
		}
	}
	if d.Cleanup != nil {
		newest = max(newest, d.Cleanup.RunID)
	}
	return newest
}

func (d document) merged() bool { return d.MergedSHA != "" || d.PR != nil && d.PR.Merged }

func (d document) closed() bool {
	return !d.merged() && (d.ClosedAt != nil || d.PR != nil && d.PR.Open != nil && !*d.PR.Open)
}

func (d document) cleaned(archived bool) bool {
	return archived && d.destroyed() || d.Cleanup != nil && (d.Cleanup.Nothing || d.Cleanup.MergedAt != nil)
}

func (d document) destroyed() bool {
	a := d.Runs.Destroy.current()
	return a.done() && !a.SetAside
}

// destroying says that somebody asked for the end of what exists.
func (d document) destroying() bool {
	for _, w := range d.Wanted {
		if w.What == "destroy" {
			return true
		}
	}
	if a := d.Runs.Destroy.current(); a.Attempt > 0 && !a.SetAside {
		return true
	}
	return d.Runs.Plan.current().Purpose == "destroy"
}

// reached is the last step that is behind the request.
func (d document) reached(archived bool) int {
	switch {
	case d.cleaned(archived):
		return stepClean
	case d.destroyed():
		return stepDestroy
	case d.Runs.Apply.current().done():
		return stepApply
	case d.merged():
		return stepMerge
	case d.Approval.Approved:
		return stepApprove
	case d.Plan != nil && d.Runs.Plan.current().done():
		return stepPlan
	}
	return stepRequest
}

// failedStep is the step whose newest run failed, or none.
func (d document) failedStep() (int, attempt) {
	destroy, apply, plan := d.Runs.Destroy.current(), d.Runs.Apply.current(), d.Runs.Plan.current()
	switch {
	case d.Cleanup != nil && d.Cleanup.failed():
		return stepClean, d.Cleanup.attempt
	case destroy.failed() && !destroy.SetAside:
		return stepDestroy, destroy
	case d.destroying() && plan.failed():
		return stepDestroy, plan
	case apply.failed():
		return stepApply, apply
	case plan.failed() && !apply.done():
		return stepPlan, plan
	}
	return stepCount, attempt{}
}

// stopped says that nothing goes on where a step failed: a destroy goes on from a
// failed apply.
func (d document) stopped(bad int) bool {
	return bad < stepCount && (bad != stepApply || !d.destroying())
}

// steps tells the journey. What lies before a step that was reached is done, whatever a
// later round of plans says.
func (d document) steps(archived bool) []Step {
	reached := d.reached(archived)
	bad, why := d.failedStep()
	now := reached + 1
	if now == bad {
		now++
	}
	steps := make([]Step, stepCount)
	for i := range steps {
		s := Step{Name: stepNames[i], State: "open"}
		switch {
		case i <= reached && i != bad:
			s.State, s.Note = "done", d.doneNote(i)
		case i == bad:
			s.State, s.Note = "failed", why.FailedStep
			if s.Note == s.Name {
				s.Note = "failed" // at the step of that name
			}
		case d.closed():
			s.State = "off"
		case i == now && !d.stopped(bad) && (i != stepDestroy || d.destroying()):
			s.State, s.Note = "now", d.nowNote(i)
		}
		steps[i] = s
	}
	return steps
}

func (d document) doneNote(step int) string {
	switch step {
	case stepRequest:
		return "by " + d.Requester.Login
	case stepPlan:
		if p := d.Plan; p != nil && p.Purpose != "destroy" {
			return fmt.Sprintf("+%d ~%d −%d", p.Add, p.Change+p.Replace, p.Destroy)
		}
	case stepApprove:
		if n := len(d.Approval.Approvers); n > 0 {
			return "by " + d.Approval.Approvers[n-1].Login
		}
	case stepMerge:
		if d.PR != nil {
			return fmt.Sprintf("#%d", d.PR.Number)
		}
	}
	return ""
}

func (d document) nowNote(step int) string {
	set := map[int]attempt{stepPlan: d.Runs.Plan.current(), stepApply: d.Runs.Apply.current(), stepDestroy: d.Runs.Destroy.current()}
	if set[step].running() || step == stepDestroy && d.Runs.Plan.current().running() {
		return "running"
	}
	return "waiting"
}

func (d document) next(archived bool) string {
	bad, _ := d.failedStep()
	reached := d.reached(archived)
	switch {
	case reached == stepClean:
		return nextNothing
	case d.stopped(bad):
		return nextFailed
	case reached == stepDestroy:
		return nextCleanup
	case d.closed():
		return nextClosed
	case d.destroying():
		return d.nextOfDestroy()
	case d.Runs.Apply.current().running():
		return nextApplying
	}
	return [stepCount]string{nextPlan, nextApprove, nextMerge, nextApply, nextDestroy}[reached]
}

func (d document) nextOfDestroy() string {
	plan := d.Runs.Plan.current()
	switch {
	case plan.Purpose != "destroy" || !plan.done() || d.Plan == nil:
		return nextDestroyPlan
	case !d.Approval.Approved:
		return nextDestroyOK
	}
	return nextDestroyRun
}

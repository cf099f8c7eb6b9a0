package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// description answers the questions about a request that several parts of its view share: which
// plan counts, whose approval, which run failed, and whether it is being destroyed.
type description struct {
	Facts
	r      lifecycle.Request
	status lifecycle.Status
}

func describe(f Facts) description {
	return description{Facts: f, r: f.Request, status: lifecycle.DeriveLifecycleStatus(f.Request, f.Now)}
}

func (d description) shortTitle() string { return oneLine(d.r.Title, limitTitle) }

func (d description) where() string { return d.r.Project + " " + d.r.Environment.String() }

func (d description) name() string { return d.shortTitle() + " in " + d.where() }

func (d description) requester() Person {
	p := Person{Login: d.r.Requester.Login, SlackUser: d.r.Requester.SlackUser}
	if p.Login == "" {
		p.Login = d.r.Requester.Name
	}
	p.Login = oneLine(p.Login, limitName)
	return p
}

// merged reports whether the code is on the default branch.
func (d description) merged() bool { return d.r.MergedSHA != "" || d.r.PR != nil && d.r.PR.Merged }

// over reports whether nothing more will happen to this request.
func (d description) over() bool {
	return d.status == lifecycle.StatusClosed || d.status == lifecycle.StatusDestroyed
}

func (d description) intent(a lifecycle.Action) *lifecycle.Intent { return d.r.Intent(a) }

func (d description) can(a lifecycle.Action) bool { return lifecycle.Can(d.r, a) == nil }

// refusal is why an action is not possible now, "" when it is.
func (d description) refusal(a lifecycle.Action) string {
	if refused := lifecycle.Can(d.r, a); refused != nil {
		return refused.Text
	}
	return ""
}

// canDecide reports whether the plan needs an approval.
func (d description) canDecide() bool { return d.can(lifecycle.ActionApprove) }

// button is the label of an action's button in quotes, so that a sentence names it as the surface does.
func (d description) button(a lifecycle.Action) string {
	row, _ := a.Row()
	button := row.Label
	for _, o := range lifecycle.Actions(d.r, d.Now) {
		if o.Action == a {
			button = o.Label
		}
	}
	return "“" + button + "”"
}

func (d description) currentPlan() *lifecycle.Attempt { return d.r.CurrentRun(lifecycle.KindPlan) }

func (d description) currentApply() *lifecycle.Attempt { return d.r.CurrentRun(lifecycle.KindApply) }

// currentDestroy is the destroy that counts.
func (d description) currentDestroy() *lifecycle.Attempt {
	if a := d.r.CurrentRun(lifecycle.KindDestroy); a != nil && !a.SetAside {
		return a
	}
	return nil
}

// destroyRequested reports whether a person requested a destroy that has not begun.
func (d description) destroyRequested() bool { return d.intent(lifecycle.ActionDestroy) != nil }

// leaving reports whether the resources are to be destroyed, are being destroyed or are destroyed.
func (d description) leaving() bool { return d.destroyRequested() || d.currentDestroy() != nil }

// plan is the plan that counts now: the destroy plan while there is a destroy, else any other. A
// destroy that was canceled or rejected leaves its plan in the document.
func (d description) plan() *lifecycle.Plan {
	p := d.r.Plan
	switch {
	case p == nil || p.Digest == "" || (p.Purpose == lifecycle.PurposeDestroy) != d.leaving():
		return nil
	case d.destroyRequested() && d.r.DestroyPlan() == nil:
		return nil // of an earlier destroy
	case d.dismissed():
		return nil
	default:
		return p
	}
}

// dismissed reports whether the plan's round has ended without an apply.
func (d description) dismissed() bool {
	current := d.currentPlan()
	return current != nil && current.SetAside && d.r.Plan != nil && d.r.Plan.Attempt == current.Number
}

func (d description) round() *Round {
	p := d.plan()
	if p == nil {
		return nil
	}
	current := d.currentPlan()
	return &Round{
		Purpose: p.Purpose, Attempt: p.Attempt, Name: PlanName(p.Purpose), Counts: Counts(p), Digest: p.Digest,
		Current: current != nil && current.Number == p.Attempt,
	}
}

// outdated reports whether the last plan that was read is not the newest.
func (d description) outdated() bool {
	current := d.currentPlan()
	return d.r.Plan != nil && current != nil && current.Number != d.r.Plan.Attempt
}

// approver is whose approval counts now.
func (d description) approver() *lifecycle.Approver {
	if !d.r.Approval.Approved || d.plan() == nil {
		return nil
	}
	i := slices.IndexFunc(d.r.Approval.Approvers, func(a lifecycle.Approver) bool { return a.VoidedAt == nil })
	if i < 0 {
		return nil
	}
	return &d.r.Approval.Approvers[i]
}

// voided is the newest approval when it no longer counts.
func (d description) voided() *lifecycle.Approver {
	n := len(d.r.Approval.Approvers)
	if n == 0 || d.r.Approval.Approved {
		return nil
	}
	if a := &d.r.Approval.Approvers[n-1]; a.VoidedAt != nil {
		return a
	}
	return nil
}

// used reports whether an apply or destroy was started with this approval.
func (d description) used(a *lifecycle.Approver) bool {
	for _, set := range []lifecycle.RunSet{d.r.Runs.Apply, d.r.Runs.Destroy} {
		for _, run := range set.Attempts {
			if run.Digest == a.PlanDigest {
				return true
			}
		}
	}
	return false
}

// objections are the open reviews that block the round.
func (d description) objections() []lifecycle.Objection {
	if d.over() || d.currentApply() != nil {
		return nil
	}
	return d.r.Objections()
}

// failed is the run that the status failed is about, nil when a run is only silent.
func (d description) failed() (*lifecycle.Attempt, lifecycle.Kind) {
	for _, kind := range []lifecycle.Kind{lifecycle.KindDestroy, lifecycle.KindApply, lifecycle.KindPlan} {
		if a := d.r.CurrentRun(kind); a != nil && !a.SetAside && unsuccessful(a) {
			return a, kind
		}
	}
	return nil, ""
}

func unsuccessful(a *lifecycle.Attempt) bool {
	return a.Conclusion != "" && a.Conclusion != lifecycle.ConclusionSuccess
}

// ending says how a run ended, as the verb of a sentence about the run.
func ending(a *lifecycle.Attempt) string {
	if a.FailedStep != "" {
		return fmt.Sprintf("%s in step “%s”", a.Outcome(), oneLine(a.FailedStep, limitName))
	}
	return a.Outcome()
}

// PlanName says what a plan is for.
func PlanName(p lifecycle.Purpose) string {
	switch p {
	case lifecycle.PurposeDestroy:
		return "Destroy plan"
	case lifecycle.PurposeReapply:
		return "New plan"
	default:
		return "Plan"
	}
}

// Counts are a plan's numbers in words.
func Counts(p *lifecycle.Plan) string {
	switch {
	case p.Add+p.Change+p.Destroy+p.Replace > 0:
	case p.Purpose == lifecycle.PurposeDestroy:
		return "nothing to destroy"
	default:
		return "no changes"
	}
	parts := []string{fmt.Sprintf("%d to add", p.Add), fmt.Sprintf("%d to change", p.Change)}
	if p.Replace > 0 {
		parts = append(parts, fmt.Sprintf("%d to replace", p.Replace))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d to destroy", p.Destroy)), ", ")
}

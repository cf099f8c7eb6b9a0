package view

import (
	"cmp"
	"fmt"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Problem is something that does not work: what happened, what Terraform or GitHub reported, and what to do next.
type Problem struct {
	Title  string `json:"title"`
	Output string `json:"output,omitempty"` // lines of a machine, redacted
	Text   string `json:"text,omitempty"`
}

// problems lists the failed run and the problem of the document, without saying one thing twice.
func (d description) problems() []Problem {
	var all []Problem
	a, kind := d.failed()
	if a != nil {
		advice := d.adviceAlone(a, kind)
		if d.status == lifecycle.StatusFailed { // the sentence beside the headline says what was changed
			advice = d.advice(a, kind)
		}
		all = append(all, Problem{Title: fmt.Sprintf("The %s %s.", kind, ending(a)), Output: a.Reason, Text: advice})
	}
	if p := d.r.Problem; p != nil && p.Step != string(kind) { // a failed run reports its own problem
		all = append(all, Problem{Title: "Problem:", Text: p.Text})
	}
	return all
}

// effectOf says what a failed run may have changed.
func effectOf(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	switch {
	case kind == lifecycle.KindPlan:
		return "Nothing was changed."
	case kind == lifecycle.KindApply && a.BeforeEffect():
		return "Nothing was changed. The run ended before terraform apply started."
	case kind == lifecycle.KindApply:
		return "Some resources may already exist."
	case a.BeforeEffect():
		return "Nothing was destroyed. The run ended before terraform destroy started."
	default:
		return "Some resources may still exist."
	}
}

// advice says what to do after a failed run, "" once a person has started something.
func (d description) advice(a *lifecycle.Attempt, kind lifecycle.Kind) string {
	if d.over() || d.laterRound(a, kind) != "" {
		return ""
	}
	if p := d.r.Problem; p != nil && p.Step == string(kind) && p.Code == lifecycle.CodeStateLocked {
		return "" // the run's reason says what to do first
	}
	plan, keep := d.button(lifecycle.ActionPlan), d.button(lifecycle.ActionCancelDestroy)
	switch {
	case kind == lifecycle.KindPlan && d.destroyRequested():
		return fmt.Sprintf("Use %s to try again, or %s to leave the resources as they are.", plan, keep)
	case kind == lifecycle.KindPlan && d.merged():
		return fmt.Sprintf("Use %s to try again.", plan)
	case kind == lifecycle.KindPlan:
		return fmt.Sprintf("If the error looks temporary, use %s. If an input is wrong, close this request and create a "+
			"new one.", plan)
	case kind == lifecycle.KindApply:
		return fmt.Sprintf("Use %s to see what is left to do, then approve and apply as usual.", plan)
	default:
		return fmt.Sprintf("Use %s to start again with a new plan, or %s to leave the resources as they are.",
			d.button(lifecycle.ActionDestroy), keep)
	}
}

// Removed is what the plan destroys or replaces.
type Removed struct {
	Title     string   `json:"title"` // "2 resources will be destroyed"
	Addresses []string `json:"addresses,omitempty"`
}

// removed is empty once the destroy has started: the warning is for the decision before it.
func (d description) removed() *Removed {
	p := d.plan()
	if p == nil || p.Destroy+p.Replace == 0 || d.over() || d.currentDestroy() != nil {
		return nil
	}
	return &Removed{Title: removal(p), Addresses: shortAddresses(p.Removed, d.r.ID)}
}

func removal(p *lifecycle.Plan) string {
	replaced := resources(p.Replace) + " will be replaced (destroyed, then created again)"
	switch {
	case p.Destroy > 0 && p.Replace > 0:
		return resources(p.Destroy) + " will be destroyed, and " + replaced
	case p.Destroy > 0:
		return resources(p.Destroy) + " will be destroyed"
	default:
		return replaced
	}
}

func resources(n int) string {
	if n == 1 {
		return "1 resource"
	}
	return fmt.Sprintf("%d resources", n)
}

// notices are what blocks or ended the request besides a failure.
func (d description) notices() []Notice {
	var all []Notice
	if no := d.r.Rejection; no != nil && no.Reason != "" && d.status == lifecycle.StatusClosed {
		all = append(all, Notice{Icon: IconClosed, Title: fmt.Sprintf("Rejected by %s", oneLine(no.By, limitName)),
			Text: no.Reason})
	}
	if open := d.objections(); len(open) > 0 {
		n := Notice{Icon: IconBlocked, Title: "Changes requested on GitHub",
			Text: "Approve, merge and apply are blocked until they approve there or their review is dismissed."}
		for _, o := range open {
			n.People = append(n.People, Person{Login: o.Login})
		}
		all = append(all, n)
	}
	return all
}

// foreignRun reports a run that only carries the request's name, until TfPilot starts another run of its own.
func (d description) foreignRun() *Notice {
	f := d.r.ForeignRun()
	if f == nil || d.over() {
		return nil
	}
	link := &Link{URL: f.URL, Label: fmt.Sprintf("%s by @%s", kindName(f.Kind),
		oneLine(cmp.Or(f.Actor, "unknown"), limitName))}
	return &Notice{
		Icon: IconAttention, Link: link,
		Title: "A run that TfPilot did not start uses this request's name. TfPilot ignores its result.",
	}
}

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
)

// planned gives the request a plan that was approved and applied.
func (d *desk) planned(id string, stored, approved terraform.Summary) {
	d.T.Helper()
	const plan, apply = "plan-00000000000000000000000000000001", "apply-00000000000000000000000000000001"
	if err := d.As("run-plan-core").PutSummary(d.T.Context(), "core", plan, stored.Bytes()); err != nil {
		d.T.Fatal(err)
	}
	_, err := d.Store.Update(d.T.Context(), id, lifecycle.System("worker"),
		func(r lifecycle.Request) (lifecycle.Request, error) {
			at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
			r.Runs.Plan = lifecycle.RunSet{CurrentAttempt: 1, Attempts: []lifecycle.Attempt{{Number: 1, CorrelationID: plan,
				Conclusion: "success", CompletedAt: &at, ResultRead: true}}}
			r.Runs.Apply = lifecycle.RunSet{CurrentAttempt: 1, Attempts: []lifecycle.Attempt{{
				Number: 1, CorrelationID: apply, Conclusion: "stale", FailedStep: "Apply", URL: "https://github.test/run/2",
				CompletedAt: &at, ResultRead: true,
			}}}
			r.Plan = &lifecycle.Plan{Attempt: 1, Purpose: lifecycle.PurposeOpen, Digest: approved.Digest(), Add: 1}
			r.Reason = "Logs of the\nweb \x1b[2Jteam"
			r.Approval.Approvers = []lifecycle.Approver{{Login: "omar", At: at, Source: "slack", VoidedAt: &at,
				VoidReason: "a newer plan"}}
			r.Outputs = map[string]any{"bucket": "acme-desk", "ports": []any{json.Number("443")}}
			return r, nil
		})
	if err != nil {
		d.T.Fatal(err)
	}
}

func someSummary(principal string) terraform.Summary {
	return terraform.Summary{Changes: []terraform.Change{{
		Address: "module.tfpilot_req_0123456789abc.aws_iam_role.x", Type: "aws_iam_role", Provider: "p",
		Actions: []string{"create"},
		After:   map[string]any{"assume_role_policy": `{"Statement":[{"Principal":{"AWS":"` + principal + `"}}]}`},
		Unknown: []string{"arn"},
	}}}
}

// The whole plan is printed, as people read it and as data; only the one that an approval is bound to.
func TestPlanOnTheCommandLine(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	d.says(cli.Failed, "has no plan right now", "requests", "plan", id)
	good := someSummary("*")
	d.planned(id, good, good)
	out := d.says(cli.Done, "+ create aws_iam_role.x", "requests", "plan", id)
	if !strings.Contains(out, `"AWS": "*"`) || !strings.Contains(out, good.Digest()) || strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
	var data struct {
		Digest string
		Plan   view.Plan
	}
	out = d.says(cli.Done, "", "requests", "plan", id, "--json")
	if err := json.Unmarshal([]byte(out), &data); err != nil || data.Digest != good.Digest() ||
		len(data.Plan.Changes) != 1 || data.Plan.Changes[0].Address != "aws_iam_role.x" {
		t.Errorf("%v\n%s", err, out)
	}
}

// A stored summary without the digest of the request's plan is not shown.
func TestPlanOfAnotherDigestIsNotPrinted(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	d.planned(id, someSummary("*"), someSummary("arn:aws:iam::1:root"))
	if out := d.says(cli.Failed, "does not have the digest", "requests", "plan", id); strings.Contains(out,
		"aws_iam_role") {
		t.Error(out)
	}
}

// The show command prints a request's history: reason, inputs, decisions, runs and outcome.
func TestShowTellsTheWholeRequest(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	good := someSummary("*")
	d.planned(id, good, good)
	out := d.says(cli.Done, "Requested by: dana", "requests", "show", id)
	for _, want := range []string{
		`Reason: Logs of the\nweb \u001b[2Jteam`, "Bucket name: acme-desk",
		"Approval by omar at 2026-11-30T09:00:00Z (slack), dismissed: a newer plan",
		"Plan run 1 succeeded", "Apply run 1 was lost", "in step “Apply” https://github.test/run/2",
		"  bucket: acme-desk", "  ports: [443]",
		"Apply lost: ", "  Approval: ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

// waiting makes the request of planned one whose first plan waits for its approval.
func (d *desk) waiting(id string) {
	d.T.Helper()
	_, err := d.Store.Update(d.T.Context(), id, lifecycle.System("worker"),
		func(r lifecycle.Request) (lifecycle.Request, error) {
			open := true
			r.Runs.Apply, r.Approval, r.Outputs = lifecycle.RunSet{}, lifecycle.Approval{}, nil
			r.Target.Blob, r.Plan.SHA, r.Plan.Blob = "b", "h", "b"
			r.PR = &lifecycle.PullRequest{Number: 1, Open: &open, HeadSHA: "h", BaseRef: r.Target.Base}
			return r, nil
		})
	if err != nil {
		d.T.Fatal(err)
	}
}

// Who names themselves reads what they may do now, and why not the rest.
func TestShowSaysWhatOnePersonMayDo(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	good := someSummary("*")
	d.planned(id, good, good)
	d.waiting(id)
	for as, want := range map[string][]string{
		"dana": {"Next actions for dana: replan, close, sync\n", "not approve: Only approvers and admins can approve",
			"not reject: Only approvers"},
		"vic":  {"Next actions for vic: none\n", "not close: Only ", "not sync: Only "},
		"adam": {"Next actions for adam: approve, reject, replan, close, sync\n"},
		"":     {"Next actions: approve, reject, replan, close, sync\n"},
	} {
		out := d.says(cli.Done, "", "requests", "show", id, "--as", as)
		for _, one := range want {
			if !strings.Contains(out, one) {
				t.Errorf("as %q: %q is not in\n%s", as, one, out)
			}
		}
		if strings.Contains(out, good.Digest()[7:19]) {
			t.Errorf("as %q: the digest is printed without the plan\n%s", as, out)
		}
	}
	d.says(cli.Failed, "no identity is linked", "requests", "show", id, "--as", "zoe")
	var printed struct{ Actions []request.Option }
	out := d.says(cli.Done, "", "requests", "show", id, "--as", "dana", "--json")
	if err := json.Unmarshal([]byte(out), &printed); err != nil || len(printed.Actions) != 5 {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, o := range printed.Actions {
		if refused := o.Action == "approve" || o.Action == "reject"; o.Allowed == refused || (o.Refusal != "") != refused {
			t.Errorf("%+v", o)
		}
	}
}

// An approval names the plan that was read, in every environment: the digest is behind the whole
// plan and nowhere else.
func TestApproveNamesThePlan(t *testing.T) {
	d := newDesk(t)
	id := d.opened()
	good, other := someSummary("*"), someSummary("x")
	d.planned(id, good, good)
	d.waiting(id)
	approve := func(more ...string) []string {
		return append([]string{"requests", "approve", id, "--as", "adam"}, more...)
	}
	plan := d.says(cli.Done, "", "requests", "plan", id)
	_, digest, _ := strings.Cut(strings.TrimSpace(plan), "\ndigest ")
	for says, args := range map[string][]string{
		"tfpilot requests plan " + id:       approve(),
		"plan has changed since you saw it": approve("--confirm", other.Digest()),
		"Review the current plan first":     approve("--confirm", digest[:len("sha256:")+12-1]),
	} {
		_, out, errs := call(t, "", args...)
		if !strings.Contains(errs, says) || strings.Contains(out+errs, good.Digest()[7:]) {
			t.Errorf("%v: %s%s", args, out, errs)
		}
	}
	if doc, err := d.Store.Get(t.Context(), id); err != nil || len(doc.Request.Wanted) > 0 {
		t.Fatalf("%v, %+v", err, doc.Request.Wanted)
	}
	d.says(cli.Done, "Next actions", "requests", "show", id)
	d.says(cli.Done, "Next actions for adam", approve("--confirm", digest[:len("sha256:")+12])...)
	if doc, err := d.Store.Get(t.Context(), id); err != nil || len(doc.Request.Wanted) != 1 ||
		doc.Request.Wanted[0].PlanDigest != good.Digest() {
		t.Errorf("%v, %+v", err, doc.Request.Wanted)
	}
}

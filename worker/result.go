package worker

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

const (
	maxReason  = 1500 // runes of Terraform's words on a card
	maxRemoved = 100  // addresses kept in the document; the whole list is in summary.json
)

// result takes in what a concluded run left in the bucket. GitHub's conclusion says
// whether it succeeded; the result says what it found.
func (j *job) result(ctx context.Context, s lifecycle.Step) error {
	a := *j.attempt(s)
	res, err := j.Store.Result(ctx, s.CorrelationID)
	missing, damaged := errors.Is(err, store.ErrNotFound), store.Damaged(err)
	if err != nil && !missing && !damaged {
		return err
	}
	if err != nil {
		res = lifecycle.Result{}
	}
	switch {
	case a.Conclusion != "success":
		return j.readFailure(ctx, s, a, res)
	case missing:
		return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, "result_missing", "The run ended well but left no result. Plan again.", "", now()))
	case damaged:
		return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, "result_damaged", "The run ended well but its result cannot be read. Plan again.", "", now()))
	case s.Kind == lifecycle.KindPlan:
		return j.readPlan(ctx, s, res)
	case s.Kind == lifecycle.KindApply:
		return j.patch(ctx, lifecycle.ReadOutputs(s.CorrelationID, outputs(res)))
	default:
		return j.patch(ctx, lifecycle.ReadEnd(s.Kind, s.CorrelationID, res.Nothing))
	}
}

// readPlan takes in a plan. The digest is computed over the stored bytes; what the
// run says of it is only compared.
func (j *job) readPlan(ctx context.Context, s lifecycle.Step, res lifecycle.Result) error {
	data, err := j.Store.Summary(ctx, s.CorrelationID)
	if err != nil && !errors.Is(err, store.ErrNotFound) && !store.Damaged(err) {
		return err
	}
	summary, perr := terraform.ParseSummary(data)
	if err != nil || perr != nil || terraform.Digest(data) != res.Digest {
		return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, "result_damaged", "The plan's summary is missing or does not fit its digest. Plan again.", "", now()))
	}
	counts, removed := summary.Counts(), summary.Destroyed()
	plan := lifecycle.Plan{
		Blob: j.request().Target.Blob, Digest: res.Digest, Add: counts.Add, Change: counts.Change, Destroy: counts.Destroy,
		Replace: counts.Replace, Risk: summary.Risk(), Removed: removed, Nothing: len(summary.Changes) == 0,
	}
	if len(removed) > maxRemoved {
		plan.Removed, plan.Truncated = removed[:maxRemoved], true
	}
	return j.patch(ctx, lifecycle.ReadPlan(s.CorrelationID, plan))
}

// readFailure takes in why a run did not succeed: Terraform's own words when it left
// some, else the name of the step that failed.
func (j *job) readFailure(ctx context.Context, s lifecycle.Step, a lifecycle.Attempt, res lifecycle.Result) error {
	step := ""
	if a.RunID != 0 {
		failed, err := j.GitHub.FailedStep(ctx, repoOf(j.request()), a.RunID)
		var no *github.Refused
		if err != nil && !errors.Is(err, github.ErrNotFound) && !errors.As(err, &no) {
			return err
		}
		step = failed.Step // what GitHub will not say is not worth the rest
	}
	code := res.Reason
	if code == "" {
		code = a.Conclusion
	}
	return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, code, reason(a.Conclusion, code, res.Tail), step, now()))
}

// reasons say in words what a code means for the person who has to act.
var reasons = map[string]string{
	"cancelled":          "The run was cancelled on GitHub, by a person or because its runner stopped. It is not repeated by itself.",
	"timed_out":          "The run took too long and GitHub ended it.",
	"nothing_planned":    "The plan creates nothing. Check the inputs.",
	"environment_broken": "The error is in another file of this environment, not in this request. The platform team has to mend it.",
	"digest_changed":     "What would happen now is not what was approved. Plan again and look at the new plan.",
	"code_changed":       "What would run now is not the code that was approved. Nothing was changed. Plan again and review the new plan.",
	"code_not_pinned":    "The run would execute code that may change without a review. The platform team has to fix it in the repository.",
	"grant_withdrawn":    "The approval was taken back before the run came to its effect. Nothing was changed.",
	"content_differs":    "The commit does not hold exactly what TfPilot generated. Restore the branch, then plan again.",
	"backend_differs":    "The environment's backend is not the configured one. The platform team has to mend it.",
	"outside_module":     "The plan would touch something outside this request. The platform team has to look at it.",
	"not_only_destroy":   "The destroy would also create or change something. The platform team has to look at it.",
	"referred_to":        "Something else in this environment uses it. Take that away first.",
	"unsupported_action": "The plan holds an action that TfPilot does not know. The platform team has to look at it.",
	"plan_too_large":     "The plan is too large to be shown, so it cannot be approved.",
	"interrupted":        "The run was interrupted. What it did until then is in the state. Plan again to see what is left.",
	"state_not_saved":    "Terraform could not save its state. The platform team has to look at it before anything else runs.",
}

func reason(conclusion, code, tail string) string {
	text := reasons[code]
	if text == "" {
		text = reasons[conclusion]
	}
	tail = strings.TrimSpace(tail)
	if text != "" && tail != "" {
		text += "\n"
	}
	return cut(text+tail, maxReason)
}

// cut shortens by runes and says so.
func cut(s string, limit int) string {
	r := []rune(strings.ToValidUTF8(s, "�"))
	if len(r) <= limit {
		return string(r)
	}
	return string(r[:limit-1]) + "…"
}

// outputs are the values that may be shown, and the names of the others.
func outputs(res lifecycle.Result) map[string]any {
	all := map[string]any{}
	for name, raw := range res.Outputs {
		dec := json.NewDecoder(strings.NewReader(string(raw)))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) == nil {
			all[name] = v
		}
	}
	for _, name := range res.Sensitive {
		all[name] = "(sensitive)"
	}
	return all
}

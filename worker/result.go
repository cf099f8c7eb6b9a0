package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// left is everything that a run stored in the bucket.
type left struct {
	lifecycle.Evidence
	summary *terraform.Summary // of a plan
}

// left reads what a run stored. Missing or damaged objects are not an error: the evidence
// records them.
func (j *job) left(ctx context.Context, kind lifecycle.Kind, cid string) (left, error) {
	l, project := left{Evidence: lifecycle.Evidence{CorrelationID: cid}}, j.request().Project
	claim, err := j.Store.Claim(ctx, project, cid)
	switch there, err := l.usable(err); {
	case err != nil:
		return l, err
	case there:
		l.Claim = &claim
	}
	result, err := j.Store.Result(ctx, project, cid)
	switch there, err := l.usable(err); {
	case err != nil:
		return l, err
	case there:
		l.Result = &result
	}
	if kind != lifecycle.KindPlan || l.Result == nil || l.Result.Conclusion != lifecycle.ConclusionSuccess {
		return l, nil
	}
	data, err := j.Store.Summary(ctx, project, cid)
	if there, err := l.usable(err); err != nil || !there {
		return l, err
	}
	if l.summary, err = terraform.ParseSummary(data); err == nil {
		l.SummaryDigest = terraform.Digest(data)
		j.summary = &readPlan{l.SummaryDigest, l.summary}
	}
	return l, nil
}

// readPlan is a plan as a run left it, for the steps of one reconcile.
type readPlan struct {
	digest string
	plan   *terraform.Summary
}

// summaryOf reads a plan, unless this reconcile read it already.
func (j *job) summaryOf(ctx context.Context, cid, digest string) (*terraform.Summary, error) {
	if j.summary != nil && j.summary.digest == digest {
		return j.summary.plan, nil
	}
	data, err := j.Store.Summary(ctx, j.request().Project, cid)
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	summary, err := terraform.ParseSummary(data)
	if err != nil {
		return nil, fmt.Errorf("summary: %w", err)
	}
	return summary, nil
}

// usable tells an object that is there from one that is missing or damaged.
func (l *left) usable(err error) (bool, error) {
	switch {
	case err == nil:
		return true, nil
	case store.Damaged(err):
		l.Damaged = true
		return false, nil
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	default:
		return false, err
	}
}

// see returns the patch that records a run. If GitHub reports success, see first reads the
// result, which decides whether the success counts; one write records both.
func (j *job) see(ctx context.Context, f lifecycle.RunFacts) (lifecycle.Patch, error) {
	a := j.request().AttemptOf(f)
	if f.Conclusion != lifecycle.ConclusionSuccess || f.Status != "completed" || f.RunAttempt > 1 || a == nil ||
		a.Conclusion != "" {
		return lifecycle.SeeRun(f), nil
	}
	l, err := j.left(ctx, f.Kind, a.CorrelationID)
	if err != nil {
		return nil, err
	}
	f.Evidence = &l.Evidence
	if l.SuccessDoubt(f.Kind, j.id(), *a, f.RunID) != "" {
		return lifecycle.SeeRun(f), nil
	}
	return lifecycle.All(lifecycle.SeeRun(f), j.reading(f.Kind, a.CorrelationID, l)), nil
}

// result records what a concluded run stored in the bucket. Whether it succeeded is already
// decided.
func (j *job) result(ctx context.Context, s lifecycle.Step) error {
	a := *j.attempt(s)
	if a.Doubt != "" {
		return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, a.Doubt, a.Doubt.Words(), "", now()))
	}
	l, err := j.left(ctx, s.Kind, s.CorrelationID)
	if err != nil {
		return err
	}
	if a.Conclusion != lifecycle.ConclusionSuccess {
		return j.readFailure(ctx, s, a, l)
	}
	if doubt := l.SuccessDoubt(s.Kind, j.id(), a, a.RunID); doubt != "" {
		return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, doubt, doubt.Words(), "", now()))
	}
	if err := j.patch(ctx, j.reading(s.Kind, s.CorrelationID, l)); err != nil {
		j.first = "" // another may have recorded it meanwhile
		return err
	}
	return nil
}

// reading is the patch that records the result of a success that counts.
func (j *job) reading(kind lifecycle.Kind, cid string, l left) lifecycle.Patch {
	switch kind {
	case lifecycle.KindPlan:
		return j.readPlan(cid, j.shownPlan(l))
	case lifecycle.KindApply:
		return lifecycle.ReadOutputs(cid, outputs(*l.Result))
	default:
		return lifecycle.ReadEnd(kind, cid, l.Result.Nothing)
	}
}

// readPlan takes in a plan, and notes whether it is the request's first: before it was recorded, no
// worker could post a plan.
func (j *job) readPlan(cid string, plan lifecycle.Plan) lifecycle.Patch {
	read := lifecycle.ReadPlan(cid, plan)
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		none := r.Plan == nil
		after, err := read(r)
		j.first = ""
		if none && err == nil && after.Plan != nil {
			j.first = plan.Digest
		}
		return after, err
	}
}

// shownPlan is what the document holds of a plan. The digest was computed over the stored
// bytes and compared with what the run reported.
func (j *job) shownPlan(l left) lifecycle.Plan {
	counts, removed := l.summary.Counts(), l.summary.Destroyed()
	plan := lifecycle.Plan{
		Blob: j.request().Target.Blob, Digest: l.SummaryDigest, Add: counts.Add, Change: counts.Change,
		Destroy: counts.Destroy,
		Replace: counts.Replace, Risk: l.summary.Risk(), Removed: removed, Nothing: len(l.summary.Changes) == 0,
	}
	if len(removed) > maxRemoved {
		plan.Removed, plan.Truncated = removed[:maxRemoved], true
	}
	return plan
}

// readFailure records why a run did not succeed: Terraform's own words if there are any, else
// the name of the failed step.
func (j *job) readFailure(ctx context.Context, s lifecycle.Step, a lifecycle.Attempt, l left) error {
	var res lifecycle.Result // what another left is not repeated
	if l.Doubt(s.Kind, j.id(), a, a.RunID) == "" {
		res = *l.Result
	}
	step := ""
	if a.RunID != 0 {
		failed, err := j.GitHub.FailedStep(ctx, repoOf(j.request()), a.RunID)
		var refused *github.Refused
		if err != nil && !errors.Is(err, github.ErrNotFound) && !errors.As(err, &refused) {
			return err
		}
		step = failed.Step // a step that GitHub does not name is left out
	}
	code := res.Reason
	if code == "" {
		code = a.Conclusion.Code()
	}
	text := reason(a, res)
	if code == lifecycle.CodeStateLocked && res.StateLock != nil {
		var err error
		if text, err = j.stateLocked(ctx, a, *res.StateLock); err != nil {
			return err
		}
	}
	return j.patch(ctx, lifecycle.ReadFailure(s.Kind, s.CorrelationID, code, text, step, now()))
}

// reason is why a run did not succeed: the meaning of its code, or else how GitHub concluded it,
// and what Terraform printed. When Terraform or a step failed, the output alone is enough.
func reason(a lifecycle.Attempt, res lifecycle.Result) string {
	tail := strings.TrimSpace(res.Tail)
	text := res.Reason.Words()
	if text == "" {
		text = a.Conclusion.Advice()
	}
	switch {
	case tail == "":
		return cut(text, maxReason)
	case text == "" || res.Reason == lifecycle.CodeTerraformFailed || res.Reason == lifecycle.CodeStepFailed:
		return cut(tail, maxReason)
	default:
		return cut(text+"\n"+tail, maxReason)
	}
}

// cut shortens a text to limit runes and marks the end with an ellipsis.
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

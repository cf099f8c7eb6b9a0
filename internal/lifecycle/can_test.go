package lifecycle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

// stage is a request at one point of its life.
type stage struct {
	name string
	r    Request
}

// stages leads requests through their lives and gives what they are on the way.
func stages(t *testing.T) []stage {
	var all []stage
	add := func(name string, s *builder, patches ...Patch) *builder {
		for _, p := range patches {
			s.do(p)
		}
		all = append(all, stage{name, s.r})
		return s
	}
	change := func(f func(*Request)) Patch {
		return func(r Request) (Request, error) { f(&r); return r, nil }
	}
	want := func(what Action, by string) Patch { return RecordIntent(Intent{What: what, By: by, At: t0}) }
	start := func(kind Kind, a Attempt) Patch { a.DispatchedAt = &t0; return Started(kind, a) }
	add("new", newBuilder(t))
	add("planned", story(t))
	add("planned again", story(t), start(KindPlan, Attempt{Purpose: PurposeOpen, CorrelationID: "plan-2", HeadSHA: head}))
	add("plan wanted", story(t), want(ActionPlan, "dana"))
	add("objected to", story(t), Objected([]Objection{{Review: 1, Login: "ana"}}, func(Approver) bool {
		return false
	}, t0))
	add("foreign", story(t), change(func(r *Request) { r.PR.Foreign = true }))
	add("refused by the run", story(t), change(func(r *Request) {
		r.Problem = &Problem{Step: string(KindPlan), Code: CodeContentDiffers}
	}))
	add("closing", story(t), want(ActionClose, "dana"))
	add("closed", story(t), Closed(t0))
	approved := func() *builder { s := story(t); s.approved("omar"); return s }
	add("approved", approved())
	add("approved and objected to", approved(), Objected([]Objection{{Review: 1, Login: "ana"}}, func(Approver) bool {
		return false
	}, t0))
	add("merge wanted", approved(), RecordIntent(intentOf(ActionMerge, "omar")))
	add("merged by hand", story(t),
		SeePull(PullFacts{Merged: true, MergedSHA: "m1", HeadSHA: head, BaseRef: "main", UpdatedAt: t0}))
	merged := func() *builder { s := approved(); s.merged(); return s }
	add("merged", merged())
	add("apply wanted", merged(), RecordIntent(intentOf(ActionApply, "omar")))
	add("applying", merged(), RecordIntent(intentOf(ActionApply, "omar")),
		start(KindApply, Attempt{CorrelationID: "apply-1", Digest: digest, PlanAttempt: 1}))
	failed := merged()
	failed.do(RecordIntent(intentOf(ActionApply, "omar")))
	failed.ran(KindApply, "apply-1", digest, 21, "failure")
	add("apply failed", failed)
	add("applied", live(t))
	add("new plan", replanned(t, onePlan))
	add("new plan runs", live(t), want(ActionPlan, "ana"),
		start(KindPlan, Attempt{Purpose: PurposeReapply, CorrelationID: "plan-2", HeadSHA: "tip"}))
	destroy := func() *builder {
		s := live(t)
		s.do(want(ActionDestroy, "adam"))
		return s
	}
	add("destroy wanted", destroy())
	planned := func() *builder {
		s := destroy()
		s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
		return s
	}
	add("destroy planned", planned())
	kept := planned()
	kept.do(CancelDestroy(t0))
	add("destroy kept", kept)
	agreed := func() *builder {
		s := planned()
		s.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
		return s
	}
	add("destroy approved", agreed())
	add("destroying", agreed(), start(KindDestroy, Attempt{CorrelationID: "destroy-1", Digest: "sha256:bbb",
		PlanAttempt: 2}))
	for _, end := range []Conclusion{"failure", "success"} {
		s := agreed()
		s.ran(KindDestroy, "destroy-1", "sha256:bbb", 31, end)
		add("destroy: "+string(end), s)
	}
	return all
}

var everyAction = []Action{
	ActionApprove, ActionReject, ActionMerge, ActionApply, ActionDestroy, ActionClose, ActionPlan, ActionRestore,
	ActionCancelIntent, ActionCancelDestroy, ActionWithdraw,
	ActionRepair,
}

// What the facts say, allow and make due at each point of a request's life: the status, the
// actions with the code of the refusal, and the steps.
func TestWhatMayBeDoneWhen(t *testing.T) {
	var b strings.Builder
	for _, s := range stages(t) {
		fmt.Fprintf(&b, "%s: %s\n", s.name, DeriveLifecycleStatus(s.r, t0))
		var may, refused []string
		for _, a := range everyAction {
			if refusal := Can(s.r, a); refusal != nil {
				refused = append(refused, fmt.Sprintf("%s (%s)", a, refusal.Code))
			} else {
				may = append(may, string(a))
			}
		}
		if may == nil {
			may = []string{"nothing"}
		}
		fmt.Fprintf(&b, "  may: %s\n  refused: %s\n", strings.Join(may, ", "), strings.Join(refused, ", "))
		for _, step := range Next(s.r, EnvironmentState{}, t0) {
			if step.Name != StepLog {
				line := fmt.Sprintf("due: %s %s %s %s %s", step.Name, step.Kind, step.CorrelationID, step.Purpose, step.By)
				b.WriteString("  " + strings.Join(strings.Fields(line), " ") + "\n")
			}
		}
	}
	golden.Check(t, "testdata/stages.golden", b.String())
}

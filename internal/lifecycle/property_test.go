package lifecycle

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// runEvents are all that GitHub ever says about a plan run.
func runEvents(r Request, end time.Time, conclusion Conclusion) []RunFacts {
	base := RunFacts{Kind: KindPlan, RunID: 99, RunAttempt: 1, CorrelationID: "plan-2", URL: "u",
		Evidence: leftBy(r, KindPlan, "plan-2", 99)}
	var all []RunFacts
	for _, st := range []string{"requested", "queued", "in_progress"} {
		e := base
		e.Status = st
		all = append(all, e)
	}
	e := base
	e.Status, e.Conclusion, e.CompletedAt = "completed", conclusion, end
	odd := base
	odd.Status = "completed" // a real delivery looks like this: completed, no conclusion
	return append(all, odd, e)
}

func TestAnyOrderOfEventsThenSyncGivesTheSameFacts(t *testing.T) {
	end := t0.Add(time.Hour)
	base := story(t)
	now := base.now
	base.do(Started(KindPlan, Attempt{CorrelationID: "plan-2", Purpose: PurposeOpen, HeadSHA: head, DispatchedAt: &now}))
	base.do(Sending(KindPlan, "plan-2", now))
	rapid.Check(t, func(rt *rapid.T) {
		conclusion := rapid.SampledFrom([]Conclusion{"success", "failure", "cancelled"}).Draw(rt, "conclusion")
		events := runEvents(base.r, end, conclusion)
		final := events[len(events)-1]
		r := base.r
		var concluded Conclusion
		for _, e := range rapid.SliceOfN(rapid.SampledFrom(events), 0, 20).Draw(rt, "events") {
			after, _, err := Commit(r, SeeRun(e), System("webhook"), now)
			if err != nil {
				rt.Fatal(err)
			}
			got := after.Attempt(KindPlan, "plan-2")
			if concluded != "" && (got.Conclusion != concluded || got.Status != "completed") {
				rt.Fatalf("went backwards: %+v", got)
			}
			concluded = got.Conclusion
			r = after
		}
		r, _, err := Commit(r, SeeRun(final), System("sync"), now)
		if err != nil {
			rt.Fatal(err)
		}
		want, _, _ := Commit(base.r, SeeRun(final), System("sync"), now)
		if !reflect.DeepEqual(r.Runs, want.Runs) || DeriveLifecycleStatus(r, now) != DeriveLifecycleStatus(want, now) {
			rt.Fatalf("facts differ:\n%+v\n%+v", r.Runs, want.Runs)
		}
		again, changed, _ := Commit(r, SeeRun(final), System("sync"), now)
		if changed || again.Version != r.Version {
			rt.Fatal("the same fact twice was written twice")
		}
	})
}

// simulation answers each step the way a worker and GitHub would, well or badly.
type simulation struct {
	r    Request
	now  time.Time
	runs int64
	ok   func(string) bool
}

func (w *simulation) commit(t *rapid.T, p Patch) {
	after, _, err := Commit(w.r, p, System("worker"), w.now)
	if _, refused := err.(*Refusal); err != nil && !refused {
		t.Fatal(err)
	}
	if err == nil {
		w.r = after
	}
}

func (w *simulation) start(t *rapid.T, kind Kind, purpose Purpose) {
	w.runs++
	now := w.now
	a := Attempt{CorrelationID: fmt.Sprintf("%s-%d", kind, w.runs), Purpose: purpose, DispatchedAt: &now, HeadSHA: "tip"}
	if purpose == PurposeOpen {
		a.HeadSHA = w.r.PR.HeadSHA
	}
	if w.r.Plan != nil {
		a.Digest, a.PlanAttempt = w.r.Plan.Digest, w.r.Plan.Attempt
	}
	w.commit(t, Started(kind, a))
}

func (w *simulation) step(t *rapid.T, s Step) {
	switch s.Name {
	case StepLog:
		w.commit(t, Flushed(w.r.Audit.Seq))
	case StepOpen:
		w.commit(t, Opened(1, blob, PullRequest{Number: 1, Open: yes(), HeadSHA: head, BaseRef: "main"}))
	case StepPlan, StepCleanup:
		w.start(t, s.Kind, s.Purpose)
	case StepDispatch:
		w.commit(t, Sending(s.Kind, s.CorrelationID, w.now))
		if w.ok("dispatch") {
			w.runs++
			w.commit(t, RunStarted(s.Kind, s.CorrelationID, w.runs, "u"))
		}
	case StepFind:
	case StepReconcile:
		conclusion := ConclusionFailure
		if w.ok("run") {
			conclusion = ConclusionSuccess
		}
		a := w.r.Attempt(s.Kind, s.CorrelationID)
		w.commit(t, SeeRun(RunFacts{Kind: s.Kind, RunID: a.RunID, RunAttempt: 1, Status: "completed",
			Conclusion: conclusion, CompletedAt: w.now, Evidence: leftBy(w.r, s.Kind, s.CorrelationID, a.RunID)}))
	case StepResult:
		w.result(t, s)
	default:
		w.effect(t, s)
	}
}

func (w *simulation) result(t *rapid.T, s Step) {
	a := w.r.Attempt(s.Kind, s.CorrelationID)
	switch {
	case a.failed():
		w.commit(t, ReadFailure(s.Kind, s.CorrelationID, "terraform_failed", "Error", "Plan", w.now))
	case s.Kind == KindPlan:
		w.commit(t, ReadPlan(s.CorrelationID, Plan{Blob: w.r.Target.Blob, Digest: fmt.Sprintf("sha256:%d", a.Number)}))
	case s.Kind == KindApply:
		w.commit(t, ReadOutputs(s.CorrelationID, nil))
	default:
		w.commit(t, ReadEnd(s.Kind, s.CorrelationID, false))
	}
}

func (w *simulation) effect(t *rapid.T, s Step) {
	switch s.Name {
	case StepRevoke:
		w.commit(t, Revoked(s.Kind, s.CorrelationID, w.now))
	case StepGiveUp:
		w.commit(t, GiveUp(s.Kind, s.CorrelationID, "stale", "lost", w.now))
	case StepLeave:
		w.commit(t, Left(s.CorrelationID))
	case StepRelease:
		w.commit(t, Released(s.Kind, s.CorrelationID))
	case StepPost:
		w.commit(t, PlanPosted(w.r.Plan.Digest, []Posting{{ID: 1, At: w.now}}, false))
	case StepApprove:
		intent := *w.r.Intent(ActionApprove)
		w.commit(t, Approve(Approver{Login: intent.By, At: w.now, HeadSHA: intent.HeadSHA, PlanDigest: intent.PlanDigest}))
		w.commit(t, Refused(ActionApprove, intent.By, "stale", "stale", w.now))
	case StepReject:
		w.commit(t, Reject(*w.r.Intent(ActionReject)))
	case StepMerge:
		if w.ok("merge") && Can(w.r, ActionMerge) == nil {
			w.commit(t, SeePull(PullFacts{Merged: true, MergedSHA: "m", HeadSHA: w.r.PR.HeadSHA, BaseRef: "main",
				UpdatedAt: w.now}))
		}
		w.commit(t, Refused(ActionMerge, s.By, "refused", "no", w.now))
	case StepApply, StepDestroy:
		w.start(t, s.Kind, "")
		w.commit(t, Refused(Action(s.Kind), s.By, "refused", "no", w.now))
	case StepRestore:
		clean := false
		w.commit(t, All(SeePull(PullFacts{Open: true, HeadSHA: "restored", BaseRef: "main", Foreign: &clean,
			UpdatedAt: w.now}), Refused(ActionRestore, s.By, "done", "done", w.now)))
	case StepBranch:
		w.commit(t, BranchEnded(BranchDeleted))
	case StepClose:
		w.commit(t, Closed(w.now))
	case StepRepair:
		w.commit(t, Refused(ActionRepair, s.By, "repaired", "repaired", w.now))
	case StepCleanupPull:
		w.commit(t, CleanupOpened(2, "u"))
	case StepCleanupMerge:
		w.commit(t, CleanupMerged(w.now))
	case StepArchive:
		w.r.ID = "" // gone to history
	}
}

// settle works until nothing is due and fails when that does not end.
func (w *simulation) settle(t *rapid.T) {
	for range 200 {
		steps := Next(w.r, EnvironmentState{}, w.now)
		if w.r.ID == "" || len(steps) == 0 {
			return
		}
		w.now = w.now.Add(2 * time.Minute)
		for _, s := range steps {
			if s.Due(w.now) {
				w.step(t, s)
				break
			}
		}
	}
	t.Fatalf("Next does not end: %+v", Next(w.r, EnvironmentState{}, w.now))
}

func TestNextAlwaysEndsAndNothingRunsUnapproved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newBuilder(t)
		w := &simulation{r: s.r, now: s.now, ok: func(what string) bool { return rapid.IntRange(0, 5).Draw(rt, what) > 0 }}
		for range rapid.IntRange(1, 12).Draw(rt, "clicks") {
			w.settle(rt)
			if w.r.ID == "" {
				return
			}
			offers := Actions(w.r, w.now)
			o := rapid.SampledFrom(offers).Draw(rt, "offer")
			switch o.Action {
			case ActionSync:
				foreign := rapid.Bool().Draw(rt, "foreign")
				w.now = w.now.Add(time.Second)
				if w.r.PR.isOpen() {
					w.commit(rt, SeePull(PullFacts{Open: true, HeadSHA: rapid.SampledFrom([]string{head, "h2"}).Draw(rt, "head"),
						BaseRef: "main", Foreign: &foreign, UpdatedAt: w.now}))
				}
			case ActionCancelIntent:
				w.commit(rt, CancelIntent())
			case ActionCancelDestroy:
				w.commit(rt, CancelDestroy(w.now))
			case ActionWithdraw:
				w.commit(rt, WithdrawApproval(Person{Login: "omar"}, w.now))
			default:
				w.commit(rt, RecordIntent(Intent{What: o.Action, By: "omar", At: w.now, HeadSHA: o.HeadSHA, PlanDigest: o.Digest}))
			}
			w.check(rt)
		}
		w.settle(rt)
	})
}

// check holds what must hold after every change.
func (w *simulation) check(t *rapid.T) {
	for _, kind := range []Kind{KindApply, KindDestroy} {
		for _, a := range w.r.attemptsOf(kind) {
			var given bool
			for _, ap := range w.r.Approval.Approvers {
				given = given || ap.PlanDigest == a.Digest && (ap.Purpose == PurposeDestroy) == (kind == KindDestroy)
			}
			if !given {
				t.Fatalf("%s %s ran a digest without its approval", kind, a.CorrelationID)
			}
		}
	}
	if open := w.r.CurrentRun(KindApply).active() && w.r.CurrentRun(KindDestroy).active(); open {
		t.Fatal("apply and destroy at once")
	}
}

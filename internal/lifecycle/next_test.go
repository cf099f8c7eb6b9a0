package lifecycle

import "testing"

// stepsAre compares steps with one that is wanted; an empty name wants none.
func stepsAre(t *testing.T, what string, got []Step, want Step) {
	t.Helper()
	switch {
	case want.Name == "" && len(got) == 0:
	case want.Name == "" || len(got) != 1 || got[0] != want:
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// The branch always has a plan of its own content, and nothing is planned beside a run, a
// close, a rejection or foreign content.
func TestWhenAPlanIsDue(t *testing.T) {
	wanted := Intent{What: ActionPlan, By: "ana", Purpose: PurposeEdit}
	moved := func(r *Request) { r.PR.HeadSHA = "other" }
	open := Step{Name: StepOpen, By: "dana"}
	again := Step{Name: StepPlan, Kind: KindPlan, Purpose: PurposeOpen, By: "dana"}
	for name, c := range map[string]struct {
		change func(*Request)
		want   Step
	}{
		"nothing is new":  {func(*Request) {}, Step{}},
		"no pull request": {func(r *Request) { r.PR = nil }, open},
		"it could not be open": {func(r *Request) { r.PR, r.Problem = nil, &Problem{Step: "open", Since: t0} },
			Step{Name: StepOpen, By: "dana", After: t0.Add(RetryOpen)}},
		"something else failed": {func(r *Request) { r.PR, r.Problem = nil, &Problem{Step: "plan", Since: t0} }, open},
		"requested": {func(r *Request) { r.Wanted = []Intent{wanted} },
			Step{Name: StepPlan, Kind: KindPlan, Purpose: PurposeEdit, By: "ana"}},
		"beside a plan": {func(r *Request) { r.Wanted, r.Runs.Plan.Attempts[0].Conclusion = []Intent{wanted}, "" },
			Step{}},
		"beside a close":     {func(r *Request) { r.Wanted = []Intent{wanted, {What: ActionClose}} }, Step{}},
		"beside a rejection": {func(r *Request) { r.Wanted = []Intent{wanted, {What: ActionReject}} }, Step{}},
		"a new commit":       {moved, again},
		"no plan yet":        {func(r *Request) { r.Runs.Plan = RunSet{} }, again},
		"foreign content":    {func(r *Request) { moved(r); r.PR.Foreign = true }, Step{}},
		"a commit during a plan": {func(r *Request) {
			moved(r)
			r.Runs.Plan.Attempts[0].Conclusion = ""
		}, Step{}},
		"a commit after the merge":  {func(r *Request) { moved(r); r.PR.Merged = true }, Step{}},
		"not posted":                {func(r *Request) { r.Plan.PostedAt = nil }, Step{Name: StepPost}},
		"not posted, no plan":       {func(r *Request) { r.Plan = nil }, Step{}},
		"not posted, merged":        {func(r *Request) { r.Plan.PostedAt, r.PR.Merged = nil, true }, Step{}},
		"not posted, other content": {func(r *Request) { r.Plan.PostedAt, r.Target.Blob = nil, "other" }, Step{}},
	} {
		r := story(t).r
		c.change(&r)
		stepsAre(t, name, planSteps(r), c.want)
	}
}

// A review is not judged while the plan is being posted. Where GitHub refuses the comments, or the
// plan is not to be posted, it is.
func TestWhenAReviewAwaitsThePosting(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   bool
	}{
		"posted":          {func(*Request) {}, false},
		"not posted":      {func(r *Request) { r.Plan.PostedAt = nil }, true},
		"another problem": {func(r *Request) { r.Plan.PostedAt, r.Problem = nil, &Problem{Step: "log"} }, true},
		"refused":         {func(r *Request) { r.Plan.PostedAt, r.Problem = nil, &Problem{Step: "post"} }, false},
		"closed":          {func(r *Request) { r.Plan.PostedAt, r.PR.Open = nil, no() }, false},
		"other content":   {func(r *Request) { r.Plan.PostedAt, r.Target.Blob = nil, "other" }, false},
		"no plan":         {func(r *Request) { r.Plan = nil }, false},
	} {
		r := story(t).r
		c.change(&r)
		if got := r.AwaitsPosting(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The code of what was destroyed goes when the destroy is settled: run, pull request, merge
// and archive, one after the other.
func TestCleanupInOrder(t *testing.T) {
	ended := Attempt{Conclusion: ConclusionSuccess, CompletedAt: &t0, ResultRead: true, Released: true, Actor: "adam"}
	with := func(change func(*Cleanup)) func(*Request) {
		return func(r *Request) {
			r.Cleanup = &Cleanup{Attempt: ended}
			change(r.Cleanup)
		}
	}
	archive := Step{Name: StepArchive, After: t0.Add(ArchiveWait)}
	merge := Step{Name: StepCleanupMerge}
	for name, c := range map[string]struct {
		change func(*Request)
		want   Step
	}{
		"after the destroy":  {func(*Request) {}, Step{Name: StepCleanup, Kind: KindCleanup, By: "adam"}},
		"before its release": {func(r *Request) { r.Runs.Destroy.Attempts[0].Released = false }, Step{}},
		"before its result":  {func(r *Request) { r.Runs.Destroy.Attempts[0].ResultRead = false }, Step{}},
		"a repair": {func(r *Request) { r.Wanted = []Intent{{What: ActionRepair, By: "ana"}} },
			Step{Name: StepRepair, By: "ana"}},
		"it runs":            {with(func(c *Cleanup) { c.Conclusion = "" }), Step{}},
		"it failed":          {with(func(c *Cleanup) { c.Conclusion = "failure" }), Step{}},
		"its result":         {with(func(c *Cleanup) { c.ResultRead = false }), Step{}},
		"its pull request":   {with(func(*Cleanup) {}), Step{Name: StepCleanupPull}},
		"its merge":          {with(func(c *Cleanup) { c.PRNumber = 2 }), merge},
		"nothing was left":   {with(func(c *Cleanup) { c.Nothing = true }), archive},
		"at an unknown time": {with(func(c *Cleanup) { c.Nothing, c.CompletedAt = true, nil }), Step{Name: StepArchive}},
		"merged":             {with(func(c *Cleanup) { c.PRNumber, c.MergedAt = 2, &t0 }), archive},
		"the merge is refused": {func(r *Request) {
			with(func(c *Cleanup) { c.PRNumber = 2 })(r)
			r.Problem = &Problem{Step: "cleanup_merge", Since: t0}
		}, Step{Name: StepCleanupMerge, After: t0.Add(RetryMerge)}},
		"another problem": {func(r *Request) {
			with(func(c *Cleanup) { c.PRNumber = 2 })(r)
			r.Problem = &Problem{Step: "log", Since: t0}
		}, merge},
	} {
		r := Request{Runs: Runs{Destroy: RunSet{CurrentAttempt: 1, Attempts: []Attempt{ended}}}}
		r.Runs.Destroy.Attempts[0].Number = 1
		c.change(&r)
		stepsAre(t, name, cleanupSteps(r), c.want)
	}
}

// A new attempt has the next number and takes the problems of its step off the card, and no others.
func TestStartedClearsItsProblem(t *testing.T) {
	for step, kinds := range map[string][]Kind{
		"cleanup": {KindCleanup}, "cleanup_pull": {KindCleanup}, "cleanup_merge": {KindCleanup}, "plan": {KindPlan},
		"apply": {KindApply}, "log": {},
	} {
		for _, kind := range []Kind{KindCleanup, KindPlan, KindApply} {
			s := story(t)
			if kind == KindApply {
				s.approved("omar")
				s.merged()
				s.do(RecordIntent(intentOf(ActionApply, "omar")))
			}
			s.do(SetProblem(step, "x", "it failed", s.now))
			s.do(Started(kind, Attempt{CorrelationID: "new-1", Digest: digest, PlanAttempt: 1, DispatchedAt: &t0}))
			stays := len(kinds) == 0 || kinds[0] != kind
			if (s.r.Problem != nil) != stays {
				t.Errorf("a problem of %s after a new %s: %+v", step, kind, s.r.Problem)
			}
		}
	}
	s := story(t)
	for n := 1; n <= 2; n++ {
		s.do(Started(KindCleanup, Attempt{CorrelationID: string(rune('a' + n)), DispatchedAt: &t0}))
		if s.r.Cleanup.Number != n {
			t.Errorf("cleanup %d has the number %d", n, s.r.Cleanup.Number)
		}
		s.r.Cleanup.Conclusion = "failure"
	}
}

// What was closed, opened again on GitHub and merged there is merged: it can be destroyed, and its branch goes.
func TestMergedAfterTheClose(t *testing.T) {
	s := story(t)
	s.do(Closed(s.now))
	s.do(SeePull(PullFacts{Open: true, HeadSHA: head, BaseRef: "main", UpdatedAt: s.now}))
	s.due(StepClose)
	s.mergedByHand()
	s.due(StepBranch)
	for _, a := range []Action{ActionDestroy, ActionPlan} {
		if refusal := Can(s.r, a); refusal != nil {
			t.Errorf("%s: %v", a, refusal)
		}
	}
}

package lifecycle

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// alone is an attempt without a worker, and its results.
type loneAttempt struct {
	a      *Attempt
	now    time.Time
	proven bool // a success was reported with evidence that is its own
}

// facts are what GitHub could report about some run at any time, in any order.
func (w *loneAttempt) facts(t *rapid.T) RunFacts {
	f := RunFacts{
		Kind: KindApply, RunID: rapid.Int64Range(1, 2).Draw(t, "run"),
		RunAttempt:    rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "run attempt"),
		CorrelationID: rapid.SampledFrom([]string{"", w.a.CorrelationID, "apply-other"}).Draw(t, "title"),
		ClaimRunID:    rapid.Int64Range(0, 2).Draw(t, "claim"),
		Status: rapid.SampledFrom([]string{"", "queued", "in_progress", "completed", "completed", "completed",
			"unheard_of"}).Draw(t, "status"),
	}
	if f.Status == "completed" {
		f.Conclusion = rapid.SampledFrom([]Conclusion{"", ConclusionSuccess, ConclusionSuccess, "failure",
			"cancelled"}).Draw(t, "conclusion")
		f.CompletedAt = w.now
	}
	if of := rapid.SampledFrom([]string{"", w.a.CorrelationID, w.a.CorrelationID, "apply-other"}).Draw(t,
		"evidence of"); of != "" {
		run := rapid.Int64Range(1, 2).Draw(t, "of run")
		f.Evidence = &Evidence{
			CorrelationID: of,
			Claim: &Claim{Kind: KindApply, RequestID: "req", RunID: run, RunAttempt: 1, SHA: w.a.HeadSHA,
				ProofHash: ProofHash("p")},
			Result: &Result{CorrelationID: w.a.CorrelationID, RunID: run, Proof: "p", Conclusion: ConclusionSuccess,
				Digest: w.a.Digest},
		}
	}
	return f
}

func (w *loneAttempt) report(t *rapid.T) {
	f := w.facts(t)
	if (Attempts{w.a}).of(f) != w.a {
		return
	}
	own := f.Evidence != nil && f.Evidence.CorrelationID == w.a.CorrelationID && f.Evidence.Result.RunID == f.RunID
	w.proven = w.proven || f.RunAttempt == 1 && f.Conclusion == ConclusionSuccess && own
	w.a.see(f, "req")
}

// Whatever happens to an attempt in whatever order, it never goes back.
func TestAttemptAloneNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			w := &loneAttempt{a: &Attempt{CorrelationID: "apply-1", HeadSHA: head, Digest: digest, DispatchedAt: &t0}, now: t0}
			for range rapid.IntRange(10, 40).Draw(t, "events") {
				before := *w.a
				rapid.SampledFrom(w.events(t)).Draw(t, "event")()
				if fault := w.wentBack(before); fault != "" {
					t.Fatalf("%s:\n%+v\n%+v", fault, before, *w.a)
				}
			}
		}
	})
}

// events are all that can happen to an attempt.
func (w *loneAttempt) events(t *rapid.T) []func() {
	return []func(){
		func() { w.a.send(w.now) },
		func() { w.a.unsend(rapid.IntRange(0, 3).Draw(t, "sending")) },
		func() { w.a.answered(rapid.Int64Range(0, 2).Draw(t, "run"), "url") },
		func() { w.report(t) }, func() { w.report(t) }, func() { w.report(t) }, func() { w.report(t) },
		func() { w.a.miss(w.now) },
		func() {
			if rapid.IntRange(0, 9).Draw(t, "given up") == 0 {
				w.a.giveUp(ConclusionStale, "no run was found", w.now)
			}
		},
		func() { w.a.revoke(w.now) },
		func() { w.a.takeResult() },
		func() {
			if w.a.failed() {
				w.a.takeFailure("why", "Plan")
			}
		},
		func() { w.now = w.now.Add(time.Duration(rapid.IntRange(1, 700).Draw(t, "seconds")) * time.Second) },
	}
}

func (w *loneAttempt) wentBack(was Attempt) string {
	is := *w.a
	step, due := is.step(false, w.now)
	switch {
	case was.Conclusion != "" && is.Conclusion != was.Conclusion:
		return "the conclusion was replaced"
	case was.CompletedAt != nil && (is.CompletedAt == nil || !is.CompletedAt.Equal(*was.CompletedAt)):
		return "the end was replaced"
	case was.RunID != 0 && is.RunID != was.RunID:
		return "the run was replaced"
	case was.RevokedAt != nil && (is.RevokedAt == nil || !is.RevokedAt.Equal(*was.RevokedAt)):
		return "the grant came back"
	case was.ResultRead && (!is.ResultRead || is.Reason != was.Reason && was.Conclusion != ""):
		return "the result was read twice"
	case statusRank[is.Status] < statusRank[was.Status]:
		return "the run went back"
	case is.Sends < 0 || is.Sends == 0 && is.SentAt != nil || is.Sends > was.Sends && was.RevokedAt != nil:
		return "it was sent, and must not be"
	case is.Conclusion == ConclusionSuccess && !w.proven:
		return "it succeeded without evidence"
	case step.Name == StepDispatch && (is.RunID != 0 || is.RevokedAt != nil || is.Conclusion != ""):
		return "it would be sent again"
	case step.Name == StepGiveUp && w.now.Sub(*is.RevokedAt) < MissingGrace:
		return "it would be given up too early"
	case !due && (is.Conclusion == "" || !is.ResultRead || is.RunID != 0 && is.CompletedAt == nil):
		return "nothing is due, and it has not ended"
	}
	return ""
}

// An attempt whose run is lost ends by its own steps: sent MaxSends times, its grant
// deleted, and given up MissingGrace later.
func TestAttemptAloneEnds(t *testing.T) {
	a, now := &Attempt{CorrelationID: "apply-1", DispatchedAt: &t0}, t0
	var revoked time.Time
	for steps := 0; a.Conclusion == ""; steps++ {
		step, due := a.step(false, now)
		if !due || steps > 100 {
			t.Fatalf("step %d: %+v of %+v", steps, step, a)
		}
		switch step.Name {
		case StepDispatch:
			if !a.send(now) {
				t.Fatalf("it is due and may not be sent: %+v", a)
			}
		case StepRevoke:
			a.revoke(now)
			revoked = now
		case StepGiveUp:
			a.giveUp(ConclusionStale, "no run was found", now)
		}
		now = now.Add(time.Minute)
	}
	if a.Sends != MaxSends || revoked.IsZero() || a.CompletedAt.Sub(revoked) < MissingGrace ||
		a.CompletedAt.Sub(revoked) > MissingGrace+2*time.Minute {
		t.Errorf("sent %d times, revoked at %s, given up at %s", a.Sends, revoked, a.CompletedAt)
	}
	if step, due := a.step(false, now); due {
		t.Errorf("it has ended, and %s is due", step.Name)
	}
}

// What must not begin loses its grant before anything else, also when its run is known.
func TestBarredAttempt(t *testing.T) {
	for name, a := range map[string]*Attempt{
		"not sent": {}, "sent": {Sends: 1, SentAt: &t0}, "its run is known": {RunID: 7, Sends: 1, SentAt: &t0},
	} {
		if step, due := a.step(true, t0); !due || step.Name != StepRevoke {
			t.Errorf("%s: %s", name, step.Name)
		}
		a.revoke(t0)
		if step, _ := a.step(true, t0); step.Name == StepRevoke || step.Name == StepDispatch {
			t.Errorf("%s: %s after its grant is gone", name, step.Name)
		}
	}
	if step, due := (&Attempt{Conclusion: "failure", ResultRead: true}).step(true, t0); due {
		t.Errorf("%s is due for what has ended", step.Name)
	}
}

// A run belongs to the attempt that has it, else to one that waits for it and that it can
// prove to be.
func TestAttemptsOfRun(t *testing.T) {
	list := Attempts{
		{Number: 1, CorrelationID: "plan-1", RunID: 7, Conclusion: "failure"},
		{Number: 2, CorrelationID: "plan-2", Sends: 1}, {Number: 5, CorrelationID: "plan-5", Sends: 2},
	}
	for name, c := range map[string]struct {
		f    RunFacts
		want int
	}{
		"known":                           {RunFacts{RunID: 7}, 1},
		"known, with another's title":     {RunFacts{RunID: 7, CorrelationID: "plan-2"}, 1},
		"unknown without a title":         {RunFacts{RunID: 8}, 0},
		"titled":                          {RunFacts{RunID: 8, CorrelationID: "plan-2"}, 2},
		"titled, its claim":               {RunFacts{RunID: 8, CorrelationID: "plan-2", ClaimRunID: 8}, 2},
		"titled, another's claim":         {RunFacts{RunID: 8, CorrelationID: "plan-2", ClaimRunID: 9}, 0},
		"titled as what has a run":        {RunFacts{RunID: 8, CorrelationID: "plan-1"}, 0},
		"titled as what was sent twice":   {RunFacts{RunID: 8, CorrelationID: "plan-5"}, 0},
		"sent twice, and its claim":       {RunFacts{RunID: 8, CorrelationID: "plan-5", ClaimRunID: 8}, 5},
		"titled as none":                  {RunFacts{RunID: 8, CorrelationID: "plan-9"}, 0},
		"no run id, as an attempt has it": {RunFacts{RunID: 0}, 0},
	} {
		got := 0
		if a := list.of(c.f); a != nil {
			got = a.Number
		}
		if got != c.want {
			t.Errorf("%s: attempt %d, want %d", name, got, c.want)
		}
	}
	if list.last() != 5 || (Attempts)(nil).last() != 0 || !list.active() || list[:1].active() ||
		list.named("plan-2") != list[1] || list.named("plan-3") != nil {
		t.Error("the list does not know its attempts")
	}
	set := RunSet{CurrentAttempt: 2, Attempts: []Attempt{*list[0], *list[1]}}
	set.start(Attempt{CorrelationID: "plan-3"})
	if current := set.Current(); current == nil || current.Number != 3 || current.CorrelationID != "plan-3" ||
		len(set.Attempts) != 3 {
		t.Errorf("the new attempt is not the current one: %+v", set)
	}
}

// The start of a run is left to the process that is just recording its dispatch, not its end, and not
// once the run is searched for.
func TestDispatching(t *testing.T) {
	sent := t0
	own := Attempt{Sends: 1, SentAt: &sent}
	known, unsent := own, own
	known.RunID, unsent.Sends = 7, 0
	starts := RunFacts{RunID: 7, RunAttempt: 1, Status: "in_progress"}
	for name, c := range map[string]struct {
		a     Attempt
		f     RunFacts
		after time.Duration
		want  bool
	}{
		"starts":      {own, starts, FindAfter - 1, true},
		"searched":    {own, starts, FindAfter, false},
		"known":       {known, starts, 0, false},
		"unsent":      {unsent, starts, 0, false},
		"never sent":  {Attempt{Sends: 1}, starts, 0, false},
		"ended":       {own, RunFacts{RunID: 7, RunAttempt: 1, Status: "completed"}, 0, false},
		"run again":   {own, RunFacts{RunID: 7, RunAttempt: 2, Status: "in_progress"}, 0, false},
		"about to be": {own, RunFacts{RunID: 7, RunAttempt: 1, Status: "queued"}, 0, true},
	} {
		if got := c.a.Dispatching(c.f, t0.Add(c.after)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A run that waits or works is no fact of its own once its id is known. Whatever else is in what
// GitHub reports is recorded at once.
func TestOnlyStarts(t *testing.T) {
	at := time.Now()
	known := Attempt{RunID: 7, URL: "https://github.test/7"}
	missing := known
	missing.MissingSince = &at
	for name, c := range map[string]struct {
		a    Attempt
		f    RunFacts
		want bool
	}{
		"queued":             {known, RunFacts{RunID: 7, RunAttempt: 1, Status: "queued"}, true},
		"works":              {known, RunFacts{RunID: 7, RunAttempt: 1, Status: "in_progress"}, true},
		"completed":          {known, RunFacts{RunID: 7, RunAttempt: 1, Status: "completed"}, false},
		"run again":          {known, RunFacts{RunID: 7, RunAttempt: 2, Status: "queued"}, false},
		"another run":        {known, RunFacts{RunID: 8, RunAttempt: 1, Status: "in_progress"}, false},
		"unknown until now":  {Attempt{}, RunFacts{RunAttempt: 1, Status: "in_progress"}, false},
		"missing until now":  {missing, RunFacts{RunID: 7, RunAttempt: 1, Status: "in_progress"}, false},
		"without an address": {Attempt{RunID: 7}, RunFacts{RunID: 7, RunAttempt: 1, Status: "in_progress"}, false},
	} {
		if got := c.a.OnlyStarts(c.f); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

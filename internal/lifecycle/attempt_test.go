package lifecycle

import (
	"reflect"
	"testing"
	"time"
)

// attempted is a request with one plan attempt, and what a patch makes of it.
func attempted(a Attempt, p Patch) (after Attempt, err error) {
	a.CorrelationID, a.Number = "plan-9", 1
	r := Request{ID: "req_abcdefghij012", Runs: Runs{Plan: RunSet{CurrentAttempt: 1, Attempts: []Attempt{a}}}}
	r, err = p(r)
	after = r.Runs.Plan.Attempts[0]
	after.CorrelationID, after.Number = "", 0
	return after, err
}

// A dispatch is sent when its run is not known, its grant is there, and the last sending is
// long enough ago. A sending that GitHub refused is removed, and no other.
func TestSendingIsCounted(t *testing.T) {
	sent := func(ago time.Duration) *time.Time { at := t0.Add(-ago); return &at }
	for name, c := range map[string]struct {
		a    Attempt
		good bool
	}{
		"never sent":              {Attempt{}, true},
		"sent long ago":           {Attempt{Sends: 1, SentAt: sent(ResendAfter)}, true},
		"sent just now":           {Attempt{Sends: 1, SentAt: sent(ResendAfter - 1)}, false},
		"sent at an unknown time": {Attempt{Sends: 1}, true},
		"the sending removed":     {Attempt{SentAt: sent(0)}, true},
		"its run is known":        {Attempt{RunID: 7}, false},
		"it ended":                {Attempt{Conclusion: "failure"}, false},
		"without its grant":       {Attempt{RevokedAt: sent(time.Hour)}, false},
	} {
		got, err := attempted(c.a, Sending(KindPlan, "plan-9", t0))
		want := c.a
		if c.good {
			want.Sends, want.SentAt = want.Sends+1, &t0
		}
		if (err == nil) != c.good || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	if _, err := attempted(Attempt{}, Sending(KindPlan, "plan-10", t0)); err == nil {
		t.Error("an unknown attempt was sent")
	}
	for name, c := range map[string]struct {
		a    Attempt
		n    int
		want Attempt
	}{
		"the only one":  {Attempt{Sends: 1, SentAt: sent(0)}, 1, Attempt{}},
		"the second":    {Attempt{Sends: 2, SentAt: sent(0)}, 2, Attempt{Sends: 1, SentAt: sent(0)}},
		"an older one":  {Attempt{Sends: 2, SentAt: sent(0)}, 1, Attempt{Sends: 2, SentAt: sent(0)}},
		"none":          {Attempt{SentAt: sent(0)}, 0, Attempt{SentAt: sent(0)}},
		"its run began": {Attempt{Sends: 1, RunID: 7}, 1, Attempt{Sends: 1, RunID: 7}},
		"it ended":      {Attempt{Sends: 1, Conclusion: "stale"}, 1, Attempt{Sends: 1, Conclusion: "stale"}},
	} {
		if got, err := attempted(c.a, NotSent(KindPlan, "plan-9", c.n)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("not sent, %s: %v %+v", name, err, got)
		}
	}
}

// GitHub is asked about a run that is known until its conclusion and its end are recorded.
func TestWhichAttemptsAreReconciled(t *testing.T) {
	for name, c := range map[string]struct {
		a    *Attempt
		want bool
	}{
		"none":                   {nil, false},
		"no run":                 {&Attempt{}, false},
		"no run, and ended":      {&Attempt{Conclusion: "stale"}, false},
		"it runs":                {&Attempt{RunID: 7}, true},
		"it runs, with an end":   {&Attempt{RunID: 7, CompletedAt: &t0}, true},
		"it ended at some time":  {&Attempt{RunID: 7, Conclusion: "failure"}, true},
		"it ended, and is known": {&Attempt{RunID: 7, Conclusion: "failure", CompletedAt: &t0}, false},
	} {
		if got := c.a.NeedsReconciling(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// While there is no current attempt, none counts, whatever its number.
func TestNoAttemptIsCurrent(t *testing.T) {
	if a := (RunSet{Attempts: []Attempt{{CorrelationID: "plan-9"}}}).Current(); a != nil {
		t.Errorf("%+v", a)
	}
}

// The answer to the dispatch names the run of an attempt that was sent once and has none.
func TestAnswerNamesTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		a   Attempt
		run int64
		new bool
	}{
		"its run":       {Attempt{Sends: 1}, 7, true},
		"no run":        {Attempt{Sends: 1}, 0, false},
		"it has a run":  {Attempt{Sends: 1, RunID: 6}, 7, false},
		"it ended":      {Attempt{Sends: 1, Conclusion: "stale"}, 7, false},
		"sent twice":    {Attempt{Sends: 2}, 7, false},
		"both, and run": {Attempt{Sends: 1, RunID: 6, Conclusion: "stale"}, 7, false},
	} {
		want := c.a
		if c.new {
			want.RunID, want.URL = c.run, "u"
		}
		if got, err := attempted(c.a, RunStarted(KindPlan, "plan-9", c.run, "u")); err != nil ||
			!reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
}

// A run belongs to the attempt that has its id, or to the one of its title that has no run,
// has not ended, and whose claim names no other run.
func TestWhoseRunItIs(t *testing.T) {
	for name, c := range map[string]struct {
		a    Attempt
		f    RunFacts
		want bool
	}{
		"its id":                  {Attempt{RunID: 7, Sends: 2, Conclusion: "failure"}, RunFacts{RunID: 7}, true},
		"another id":              {Attempt{RunID: 8, Sends: 1}, RunFacts{RunID: 7, CorrelationID: "plan-9"}, false},
		"no id, and none known":   {Attempt{Sends: 1}, RunFacts{}, false},
		"its title":               {Attempt{Sends: 1}, RunFacts{RunID: 7, CorrelationID: "plan-9"}, true},
		"the title of another":    {Attempt{Sends: 1}, RunFacts{RunID: 7, CorrelationID: "plan-10"}, false},
		"no title":                {Attempt{Sends: 1}, RunFacts{RunID: 7}, false},
		"its claim":               {Attempt{Sends: 2}, RunFacts{RunID: 7, CorrelationID: "plan-9", ClaimRunID: 7}, true},
		"the claim of another":    {Attempt{Sends: 1}, RunFacts{RunID: 7, CorrelationID: "plan-9", ClaimRunID: 8}, false},
		"sent twice, not claimed": {Attempt{Sends: 2}, RunFacts{RunID: 7, CorrelationID: "plan-9"}, false},
		"it ended without a run": {Attempt{Sends: 1, Conclusion: "stale"}, RunFacts{RunID: 7, CorrelationID: "plan-9"},
			false},
		"it ended with another": {Attempt{Sends: 1, RunID: 8, Conclusion: "stale"},
			RunFacts{RunID: 7, CorrelationID: "plan-9"}, false},
	} {
		c.a.CorrelationID, c.f.Kind = "plan-9", KindPlan
		r := Request{Runs: Runs{Plan: RunSet{Attempts: []Attempt{c.a}}}}
		if got := r.AttemptOf(c.f); (got != nil) != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	r := Request{Runs: Runs{Plan: RunSet{Attempts: []Attempt{{Sends: 1}}}}}
	if got := r.AttemptOf(RunFacts{Kind: KindPlan, RunID: 7}); got != nil {
		t.Errorf("a run without an id in its title is %+v", got)
	}
	r = Request{Runs: Runs{Apply: RunSet{Attempts: []Attempt{{CorrelationID: "plan-9", RunID: 7}}}}}
	if got := r.AttemptOf(RunFacts{Kind: KindPlan, RunID: 7, CorrelationID: "plan-9"}); got != nil {
		t.Errorf("a plan is the apply %+v", got)
	}
}

// What GitHub says moves an attempt forward, never back, and a conclusion with its time is
// recorded once.
func TestRunsMoveForward(t *testing.T) {
	end, later := t0.Add(time.Minute), t0.Add(time.Hour)
	for name, c := range map[string]struct {
		a    Attempt
		f    RunFacts
		want Attempt
	}{
		"it is known by now": {Attempt{Sends: 1, MissingSince: &t0}, RunFacts{Status: "queued", URL: "u"},
			Attempt{Sends: 1, RunID: 7, RunAttempt: 1, URL: "u", Status: "queued"}},
		"its page, later": {Attempt{RunID: 7}, RunFacts{Status: "queued", URL: "u"},
			Attempt{RunID: 7, RunAttempt: 1, URL: "u", Status: "queued"}},
		"its page, once": {Attempt{RunID: 7, URL: "first"}, RunFacts{Status: "queued", URL: "u"},
			Attempt{RunID: 7, RunAttempt: 1, URL: "first", Status: "queued"}},
		"forward": {Attempt{RunID: 7, Status: "queued"}, RunFacts{Status: "in_progress"},
			Attempt{RunID: 7, RunAttempt: 1, Status: "in_progress"}},
		"sideways": {Attempt{RunID: 7, Status: "queued"}, RunFacts{Status: "waiting"},
			Attempt{RunID: 7, RunAttempt: 1, Status: "waiting"}},
		"back": {Attempt{RunID: 7, Status: "in_progress"}, RunFacts{Status: "queued"},
			Attempt{RunID: 7, RunAttempt: 1, Status: "in_progress"}},
		"an unknown status": {Attempt{RunID: 7}, RunFacts{Status: "odd"}, Attempt{RunID: 7, RunAttempt: 1}},
		"completed, no conclusion": {Attempt{RunID: 7}, RunFacts{Status: "completed", CompletedAt: end},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed"}},
		"concluded, not completed": {Attempt{RunID: 7}, RunFacts{Status: "in_progress", Conclusion: "failure",
			CompletedAt: end}, Attempt{RunID: 7, RunAttempt: 1, Status: "in_progress"}},
		"failed": {Attempt{RunID: 7}, RunFacts{Status: "completed", Conclusion: "failure",
			CompletedAt: end}, Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"failed at an unknown time": {Attempt{RunID: 7}, RunFacts{Status: "completed", Conclusion: "failure"},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure"}},
		"its time, later": {Attempt{RunID: 7, Status: "completed", Conclusion: "failure"},
			RunFacts{Status: "completed", Conclusion: "failure", CompletedAt: end},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"its time, of no end": {Attempt{RunID: 7, Status: "completed", Conclusion: "failure"},
			RunFacts{Status: "in_progress", CompletedAt: end}, Attempt{RunID: 7, RunAttempt: 1, Status: "completed",
				Conclusion: "failure"}},
		"its time, once": {Attempt{RunID: 7, Status: "completed", Conclusion: "failure", CompletedAt: &end},
			RunFacts{Status: "completed", Conclusion: "failure", CompletedAt: later},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"another conclusion": {Attempt{RunID: 7, Status: "completed", Conclusion: "failure", CompletedAt: &end},
			RunFacts{Status: "completed", Conclusion: "cancelled", CompletedAt: later},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"a success after a failure": {Attempt{RunID: 7, Status: "completed", Conclusion: "failure", CompletedAt: &end},
			RunFacts{Status: "completed", Conclusion: "success", CompletedAt: later, Evidence: &Evidence{}},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"the end of a success, late": {Attempt{RunID: 7, Status: "completed", Conclusion: "success"},
			RunFacts{Status: "completed", Conclusion: "success", CompletedAt: end},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "success", CompletedAt: &end}},
		"a success that left nothing": {Attempt{RunID: 7}, RunFacts{Status: "completed", Conclusion: "success",
			CompletedAt: end, Evidence: &Evidence{CorrelationID: "plan-9"}},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end,
				Doubt: CodeResultMissing}},
		"a failure that left nothing": {Attempt{RunID: 7}, RunFacts{Status: "completed", Conclusion: "failure",
			CompletedAt: end, Evidence: &Evidence{CorrelationID: "plan-9"}},
			Attempt{RunID: 7, RunAttempt: 1, Status: "completed", Conclusion: "failure", CompletedAt: &end}},
		"a re-run": {Attempt{RunID: 7, MissingSince: &t0},
			RunFacts{RunAttempt: 2, Status: "completed", Conclusion: "success", CompletedAt: end},
			Attempt{RunID: 7, MissingSince: &t0, RerunSeen: 2}},
	} {
		c.f.Kind, c.f.RunID, c.f.CorrelationID, c.f.RunAttempt = KindPlan, 7, "plan-9", max(c.f.RunAttempt, 1)
		if got, err := attempted(c.a, SeeRun(c.f)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n%+v, want\n%+v", name, err, got, c.want)
		}
	}
}

// A destroy may start when it is wanted, nothing is applied, and its own plan is approved and unused.
func TestWhenADestroyMayStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   ReasonCode
	}{
		"planned and approved": {func(*Request) {}, ""},
		"not wanted":           {func(r *Request) { r.Wanted = nil }, CodeNothing},
		"beside an apply":      {func(r *Request) { r.Runs.Apply.Attempts[0].Conclusion = "" }, CodeRunning},
		"no plan":              {func(r *Request) { r.Plan = nil }, CodeNewRound},
		"a plan to apply":      {func(r *Request) { r.Plan.Purpose = PurposeReapply }, CodeNewRound},
		"the plan was used": {func(r *Request) {
			r.Runs.Destroy = RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, PlanAttempt: 2, Conclusion: "failure"}}}
		}, CodeNewRound},
		"a plan before it was used": {func(r *Request) {
			r.Runs.Destroy = RunSet{CurrentAttempt: 1, Attempts: []Attempt{{Number: 1, PlanAttempt: 1, Conclusion: "failure"}}}
		}, ""},
		"dismissed":    {func(r *Request) { r.Runs.Plan.Attempts[1].SetAside = true }, CodeDismissed},
		"not approved": {func(r *Request) { r.Approval.Approved = false }, CodeUnapproved},
	} {
		s := live(t)
		s.do(RecordIntent(Intent{What: ActionDestroy, By: "adam", At: t0}))
		s.planned(PurposeDestroy, "plan-2", "tip", "sha256:bbb", 12)
		s.do(Approve(Approver{Login: "omar", HeadSHA: "tip", PlanDigest: "sha256:bbb"}))
		c.change(&s.r)
		var got ReasonCode
		if refusal := canStartDestroy(s.r); refusal != nil {
			got = refusal.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

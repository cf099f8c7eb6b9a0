package lifecycle

import (
	"strings"
	"testing"
)

// applying is a request whose apply runs as run 90.
func applying(t *testing.T) *builder {
	s := story(t)
	at := s.now
	s.r.Runs.Apply = RunSet{CurrentAttempt: 1, Attempts: []Attempt{{
		Number: 1, CorrelationID: "apply-1", RunID: 90, HeadSHA: head, Digest: "sha256:approved", DispatchedAt: &at,
		SentAt: &at, Sends: 1,
	}}}
	return s
}

// The success of a run counts only with what that very run left, and only for what was
// approved.
func TestSuccessNeedsEvidence(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Evidence) *Evidence
		doubt  ReasonCode
		open   bool // nothing is decided
	}{
		"its own":              {func(e *Evidence) *Evidence { return e }, "", false},
		"not read":             {func(*Evidence) *Evidence { return nil }, "", true},
		"of another attempt":   {func(e *Evidence) *Evidence { e.CorrelationID = "apply-2"; return e }, "", true},
		"no claim":             {func(e *Evidence) *Evidence { e.Claim = nil; return e }, CodeResultMissing, false},
		"no result":            {func(e *Evidence) *Evidence { e.Result = nil; return e }, CodeResultMissing, false},
		"damaged":              {func(e *Evidence) *Evidence { e.Damaged = true; return e }, CodeResultDamaged, false},
		"claim of another run": {func(e *Evidence) *Evidence { e.Claim.RunID = 91; return e }, CodeResultForeign, false},
		"claim of a re-run":    {func(e *Evidence) *Evidence { e.Claim.RunAttempt = 2; return e }, CodeResultForeign, false},
		"claim of a plan":      {func(e *Evidence) *Evidence { e.Claim.Kind = KindPlan; return e }, CodeResultForeign, false},
		"claim of a request": {func(e *Evidence) *Evidence { e.Claim.RequestID = "req_other"; return e },
			CodeResultForeign, false},
		"claim of a commit": {func(e *Evidence) *Evidence { e.Claim.SHA = strings.Repeat("9", 40); return e },
			CodeResultForeign, false},
		"result of a run": {func(e *Evidence) *Evidence { e.Result.RunID = 91; return e }, CodeResultForeign, false},
		"result of an attempt": {func(e *Evidence) *Evidence { e.Result.CorrelationID = "apply-2"; return e },
			CodeResultForeign, false},
		"result by another": {func(e *Evidence) *Evidence { e.Result.Proof = "q"; return e }, CodeResultForeign, false},
		"result without proof": {func(e *Evidence) *Evidence {
			e.Result.Proof, e.Claim.ProofHash = "", ProofHash("")
			return e
		}, CodeResultForeign, false},
		"another digest": {func(e *Evidence) *Evidence { e.Result.Digest = "sha256:other"; return e }, CodeResultDiffers,
			false},
		"nothing was left": {func(e *Evidence) *Evidence {
			e.Result.Digest, e.Result.Nothing = "sha256:other", true
			return e
		}, "", false},
		"it says it failed": {func(e *Evidence) *Evidence { e.Result.Conclusion = "failure"; return e }, CodeResultDiffers,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			s := applying(t)
			left := tt.change(leftBy(s.r, KindApply, "apply-1", 90))
			s.do(SeeRun(RunFacts{Kind: KindApply, RunID: 90, RunAttempt: 1, Status: "completed", Conclusion: "success",
				CompletedAt: s.now, Evidence: left}))
			a := s.r.Runs.Apply.Current()
			want := ConclusionSuccess
			if tt.doubt != "" {
				want = "failure"
			}
			if tt.open {
				want = ""
			}
			if a.Conclusion != want || a.Doubt != tt.doubt {
				t.Errorf("conclusion %q, doubt %q", a.Conclusion, a.Doubt)
			}
			if got := DeriveLifecycleStatus(s.r, s.now); (got == StatusApplied) != (want == "success") {
				t.Errorf("status %s", got)
			}
		})
	}
}

// A plan is shown only if its stored summary is the one that its run reported.
func TestPlanNeedsItsSummary(t *testing.T) {
	a := Attempt{CorrelationID: "plan-1", HeadSHA: head}
	e := Evidence{
		CorrelationID: "plan-1", SummaryDigest: "sha256:a",
		Claim:  &Claim{Kind: KindPlan, RequestID: "r", RunID: 7, RunAttempt: 1, SHA: head, ProofHash: ProofHash("p")},
		Result: &Result{CorrelationID: "plan-1", RunID: 7, Proof: "p", Conclusion: "success", Digest: "sha256:a"},
	}
	if doubt := e.SuccessDoubt(KindPlan, "r", a, 7); doubt != "" {
		t.Error(doubt)
	}
	e.SummaryDigest = "sha256:b"
	if doubt := e.SuccessDoubt(KindPlan, "r", a, 7); doubt != CodeResultDamaged {
		t.Errorf("another summary: %q", doubt)
	}
}

// leftBy is what a run leaves that did what it was granted.
func leftBy(r Request, kind Kind, cid string, runID int64) *Evidence {
	a := r.Attempt(kind, cid)
	return &Evidence{
		CorrelationID: cid, SummaryDigest: a.Digest,
		Claim:  &Claim{Kind: kind, RequestID: r.ID, RunID: runID, RunAttempt: 1, SHA: a.HeadSHA, ProofHash: ProofHash("p")},
		Result: &Result{CorrelationID: cid, RunID: runID, Proof: "p", Conclusion: "success", Digest: a.Digest},
	}
}

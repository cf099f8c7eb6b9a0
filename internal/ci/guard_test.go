package ci

import (
	"os"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// guarded is a run that the guard lets through.
func (f *fixture) guarded() *job {
	f.t.Helper()
	j, _ := f.applying()
	f.remove("temp/tfpilot/run")
	if err := os.MkdirAll(j.runFile(""), 0o700); err != nil {
		f.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_REF": "refs/heads/main",
		"TFPILOT_ACTOR": "tfpilot[bot]",
		"GITHUB_ACTOR":  "tfpilot[bot]", "GITHUB_RUN_ID": "77",
	} {
		j.env[name] = value
	}
	return j
}

// The guard claims the correlation id for this run, with what only this run can prove, and
// keeps the grant. Without the claim nothing is kept, and without what is kept nothing follows.
func TestGuardClaims(t *testing.T) {
	f := newFixture(t)
	write := func(verb string, kind s3.FaultKind) {
		if err := f.s3.Inject(s3.Fault{Kind: kind, Verb: verb, KeyPrefix: "claims/"}); err != nil {
			t.Fatal(err)
		}
	}
	directory := func(j *job, name string) {
		if err := os.MkdirAll(j.runFile(name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const none, claimed, kept = 0, 1, 2
	for name, c := range map[string]struct {
		change func(*job)
		code   lifecycle.ReasonCode
		want   string
		left   int
	}{
		"a granted run": {func(*job) {}, "", "", kept},
		"dispatched otherwise": {func(j *job) { j.env["GITHUB_EVENT_NAME"] = "push" }, lifecycle.CodeGuardRefused,
			"not dispatched", none},
		"a re-run": {func(j *job) { j.env["GITHUB_RUN_ATTEMPT"] = "2" }, lifecycle.CodeGuardRefused,
			"a re-run", none},
		"on another branch": {func(j *job) { j.env["GITHUB_REF"] = "refs/heads/x" }, lifecycle.CodeGuardRefused,
			"not on the default branch", none},
		"no default branch": {func(j *job) {
			j.env["TFPILOT_DEFAULT_BRANCH"], j.env["GITHUB_REF"] = "", "refs/heads/"
		}, lifecycle.CodeGuardRefused, "default branch", none},
		"by a person": {func(j *job) { j.env["GITHUB_ACTOR"] = "dana" }, lifecycle.CodeGuardRefused,
			"only TfPilot", none},
		"by no known actor": {func(j *job) { j.env["GITHUB_ACTOR"], j.env["TFPILOT_ACTOR"] = "", "" },
			lifecycle.CodeGuardRefused, "only TfPilot", none},
		"no run":                 {func(j *job) { j.env["GITHUB_RUN_ID"] = "0" }, "error", "not a run id", none},
		"no number of a run":     {func(j *job) { j.env["GITHUB_RUN_ID"] = "7x" }, "error", "not a run id", none},
		"the bucket is not open": {func(j *job) { j.bucket = notOpen }, "error", "not open", none},
		"no grant": {func(*job) { f.fault(s3.FaultDenied, "grants/") }, lifecycle.CodeGuardRefused,
			"no grant", none},
		"an unreadable grant": {func(*job) { f.fault(s3.FaultInternal, "grants/") }, "error", "read the grant", none},
		"a grant that expired": {func(j *job) { j.now = func() time.Time { return time.Now().Add(2 * time.Hour) } },
			lifecycle.CodeGuardRefused, "expired", none},
		"a grant of another": {func(j *job) { j.in.DryRun = true }, lifecycle.CodeGuardRefused, "another mode", none},
		"it cannot claim": {func(*job) { write("PutObject", s3.FaultDenied) }, "error", "claim the correlation id",
			none},
		"a lost answer": {func(*job) { write("PutObject", s3.FaultLost) }, "", "", kept},
		"claimed by another run": {func(j *job) { f.claim(j, 78) }, lifecycle.CodeGuardRefused,
			"run 78 has taken this attempt", claimed},
		"the grant is not kept":   {func(j *job) { directory(j, grantFile) }, "error", "keep", claimed},
		"the proof is not kept":   {func(j *job) { directory(j, proofFile) }, "error", "keep", claimed},
		"the outcome is not kept": {func(j *job) { directory(j, "outcome.json") }, "error", "read outcome", claimed},
	} {
		j := f.guarded()
		c.change(j)
		refused(t, name, j.guard(t.Context()), c.code, c.want)
		f.s3.ClearFaults()
		claim, err := f.bucket.Claim(t.Context(), "core", j.in.CorrelationID)
		if (err == nil) != (c.left != none) {
			t.Errorf("%s: claim %+v, %v", name, claim, err)
		}
		if c.left != kept {
			continue
		}
		if claim.Kind != j.in.Kind || claim.RequestID != j.in.RequestID || claim.RunID != 77 || claim.RunAttempt != 1 ||
			claim.SHA != j.in.SHA ||
			claim.ProofHash != lifecycle.ProofHash(f.read("temp/tfpilot/run/"+proofFile)) ||
			len(f.read("temp/tfpilot/run/"+proofFile)) < 20 {
			t.Errorf("%s: %+v", name, claim)
		}
		if o, _ := j.outcome(); !o.StartedAt.Equal(claim.StartedAt) || claim.StartedAt.IsZero() {
			t.Errorf("%s: began %s, claimed %s", name, o.StartedAt, claim.StartedAt)
		}
		j.in.grantFields = grantFields{}
		if err := j.useGrant(); err != nil || j.in.Digest != fixtureDigest || j.in.LeaseToken != 9 {
			t.Errorf("%s: the next step has %+v, %v", name, j.in.grantFields, err)
		}
	}
	j := f.guarded()
	refused(t, "no guard before", j.useGrant(), lifecycle.CodeGuardRefused, "the guard has not run")
	for name, text := range map[string]string{"half a grant": `{"kind":`, "no grant": `{}`} {
		f.write("temp/tfpilot/run/"+grantFile, text)
		if err := j.useGrant(); err == nil {
			t.Errorf("%s is used", name)
		}
	}
	f.remove("temp/tfpilot/run/" + grantFile)
	directory(j, grantFile)
	refused(t, "an unreadable grant", j.useGrant(), "error", "read the kept grant")
}

// claim takes the job's correlation id for another run.
func (f *fixture) claim(j *job, run int64) {
	f.t.Helper()
	if mine, _, err := f.bucket.PutClaim(f.t.Context(), "core", j.in.CorrelationID,
		lifecycle.Claim{RunID: run, RunAttempt: 1}); err != nil || !mine {
		f.t.Fatal(mine, err)
	}
}

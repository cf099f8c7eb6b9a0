package lifecycle

import (
	"crypto/sha256"
	"encoding/hex"
)

// Evidence is what one attempt's run stored in the bucket. A nil field means that the object
// does not exist.
type Evidence struct {
	CorrelationID string // required; under which it was read
	Claim         *Claim
	Result        *Result
	SummaryDigest string // of the stored summary of a plan; empty when there is none
	Damaged       bool   // an object cannot be read
}

// Doubt returns why the evidence does not belong to this run; empty if it does. Anyone who may
// write to the bucket can store a result, so the result must come from the run that made the
// claim, and that must be the run that GitHub reports.
func (e Evidence) Doubt(kind Kind, owner string, a Attempt, runID int64) ReasonCode {
	c, r := e.Claim, e.Result
	switch {
	case e.Damaged:
		return CodeResultDamaged
	case c == nil || r == nil:
		return CodeResultMissing
	case c.Kind != kind || c.RequestID != owner || c.RunID != runID || c.RunAttempt != 1 || c.SHA != a.HeadSHA:
		return CodeResultForeign
	case r.CorrelationID != a.CorrelationID || r.RunID != runID || r.Proof == "" || ProofHash(r.Proof) != c.ProofHash:
		return CodeResultForeign
	}
	return ""
}

// SuccessDoubt returns why a success that GitHub reports does not count; empty if it counts. The
// result must come from the run itself, and must show that the run did what was approved or had
// nothing left to do.
func (e Evidence) SuccessDoubt(kind Kind, owner string, a Attempt, runID int64) ReasonCode {
	if doubt := e.Doubt(kind, owner, a, runID); doubt != "" {
		return doubt
	}
	if kind == KindPlan && e.SummaryDigest != e.Result.Digest {
		return CodeResultDamaged
	}
	if e.Result.Conclusion != ConclusionSuccess || kind.Row().HoldsLease && e.Result.Digest != a.Digest &&
		!e.Result.Nothing {
		return CodeResultDiffers
	}
	return ""
}

// ProofHash returns the hash that a claim contains of the proof in its run's result.
func ProofHash(proof string) string {
	sum := sha256.Sum256([]byte(proof))
	return hex.EncodeToString(sum[:])
}

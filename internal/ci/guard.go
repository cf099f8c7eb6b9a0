package ci

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// proofFile contains a secret that only this run can put into its result. The claim contains its
// hash.
const proofFile = "proof"

// guard lets a run continue only if the app granted exactly this run, and only once. It compares
// the grant with every input, checks the fields that only the grant has, and then claims the
// correlation id. A run that finds another run's claim fails, because its result would be taken
// for the other run's.
func (j *job) guard(ctx context.Context) error {
	if err := j.checkInputs(ctx); err != nil {
		return err
	}
	b, err := j.bucket(ctx)
	if err != nil {
		return err
	}
	g, err := j.readGrant(ctx, b)
	if err != nil {
		return err
	}
	id, err := j.runID()
	if err != nil {
		return err
	}
	// The proof stays on the runner until the result. Other jobs with the same role could write a
	// result under this id, but they cannot know the secret behind the hash in the claim.
	proof := rand.Text()
	claim := lifecycle.Claim{
		Kind: j.in.Kind, RequestID: j.in.RequestID, RunID: id, RunAttempt: 1, SHA: j.in.SHA, StartedAt: j.now().UTC(),
		ProofHash: lifecycle.ProofHash(proof),
	}
	mine, stored, err := b.PutClaim(ctx, j.in.Project, j.in.CorrelationID, claim)
	if err != nil {
		return fmt.Errorf("claim the correlation id: %w", err)
	}
	if !mine {
		return refuse(lifecycle.CodeGuardRefused, "run %d has taken this attempt; this run does nothing", stored.RunID)
	}
	if err := errors.Join(j.keepGrant(g), j.keepText(proofFile, []byte(proof))); err != nil {
		return err
	}
	if err := j.note(func(o *outcome) { o.StartedAt = claim.StartedAt }); err != nil {
		return err
	}
	j.say("Granted and claimed: %s of %s in %s.", j.in.Kind, cmp.Or(j.in.RequestID, "the environment"), j.in.Environment)
	return nil
}

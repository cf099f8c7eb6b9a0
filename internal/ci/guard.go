package ci

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// guard lets a run go on only if the app granted exactly this, and only once: it
// compares the grant with every input, checks what
// only the grant says, and then claims the correlation id. A run
// that loses the claim ends as a success with a notice, since the work is being
// done by another.
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
	claim := lifecycle.Claim{Kind: j.in.Kind, RequestID: j.in.RequestID, RunID: id, RunAttempt: 1, SHA: j.in.SHA, StartedAt: j.now().UTC()}
	mine, stored, err := b.PutClaim(ctx, j.in.CorrelationID, claim)
	if err != nil {
		return fmt.Errorf("claim the correlation id: %w", err)
	}
	if !mine {
		j.say("::notice title=claimed::Run %d has this attempt already; nothing is done here.", stored.RunID)
		return j.output("go", "false")
	}
	if err := j.keepGrant(g); err != nil {
		return err
	}
	if err := j.note(func(o *outcome) { o.StartedAt = claim.StartedAt }); err != nil {
		return err
	}
	j.say("Granted and claimed: %s of %s in %s.", j.in.Kind, orEnvironment(j.in), j.in.Environment)
	return j.output("go", "true")
}

func orEnvironment(in inputs) string {
	if in.RequestID == "" {
		return "the environment"
	}
	return in.RequestID
}

// output sets an output of this step. Names and values are our own constants.
func (j *job) output(name, value string) error {
	f, err := os.OpenFile(j.env["GITHUB_OUTPUT"], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open step outputs: %w", err)
	}
	if _, err := fmt.Fprintf(f, "%s=%s\n", name, value); err != nil {
		return errors.Join(fmt.Errorf("write step output: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write step output: %w", err)
	}
	return nil
}

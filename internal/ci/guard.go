package ci

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// guard lets a run go on only if the app granted exactly this, and only once: it
// compares the grant with every input and then claims the correlation id. A run
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
	if err := j.checkGrant(ctx, b); err != nil {
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

// checkGrant reads the grant and compares it with this run.
func (j *job) checkGrant(ctx context.Context, b bucket) error {
	g, err := b.Grant(ctx, j.in.CorrelationID)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) {
		return refuse(codeGuardRefused, "there is no grant for this run: TfPilot did not ask for it, or took it back")
	}
	if err != nil {
		return fmt.Errorf("read the grant: %w", err)
	}
	if what := j.in.differs(g); what != "" {
		return refuse(codeGuardRefused, "the grant is for another %s", what)
	}
	if !j.now().Before(g.ExpiresAt) {
		return refuse(codeGuardRefused, "the grant expired at %s", g.ExpiresAt.UTC().Format("2006-01-02 15:04:05Z"))
	}
	return nil
}

// differs names the first field in which the grant is not what the inputs say.
func (in inputs) differs(g lifecycle.Grant) string {
	for _, f := range []struct {
		name  string
		equal bool
	}{
		{"kind", g.Kind == in.Kind},
		{"request", g.RequestID == in.RequestID},
		{"environment", g.Environment.Key == in.Environment.Key && g.Environment.Slug == in.Environment.Slug},
		{"project", g.Project == in.Project},
		{"purpose", g.Purpose == in.Purpose},
		{"commit", g.SHA == in.SHA},
		{"path", g.Path == in.Path},
		{"blob", g.Blob == in.Blob},
		{"digest", g.Digest == in.Digest},
		{"lease token", g.LeaseToken == in.LeaseToken},
		{"mode: dry run", g.DryRun == in.DryRun},
		{"backend", g.Backend == in.Backend},
	} {
		if !f.equal {
			return f.name
		}
	}
	return ""
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

package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

const (
	grantLife    = 6 * time.Hour // from the intent; a run that waited longer for a runner must be requested again
	runIndexLife = 90 * 24 * time.Hour
)

// newAttempt is an attempt that is about to be sent for the first time.
func (j *job) newAttempt(kind lifecycle.Kind, purpose lifecycle.Purpose, sha, actor string) lifecycle.Attempt {
	t := now()
	return lifecycle.Attempt{
		CorrelationID: newCorrelationID(kind), Purpose: purpose, HeadSHA: sha, Ref: j.request().Target.Base,
		Actor: actor, Sender: rand.Text(), DispatchedAt: &t, SentAt: &t, Sends: 1,
	}
}

// start records the intent to run and sends it.
func (j *job) start(ctx context.Context, kind lifecycle.Kind, a lifecycle.Attempt) error {
	if err := j.GitHub.Closed(); err != nil {
		return err // the intent waits in the document
	}
	if err := j.patch(ctx, lifecycle.Started(kind, a)); err != nil {
		return err
	}
	return j.sendOwn(ctx, kind, a)
}

// sendOwn sends an attempt that this worker made itself. If two workers carry out the same
// intent, only one attempt is in the document, and the other worker sends nothing. With two
// runs, the document might follow the run without the claim.
func (j *job) sendOwn(ctx context.Context, kind lifecycle.Kind, a lifecycle.Attempt) error {
	have := j.request().Attempt(kind, a.CorrelationID)
	if have == nil || have.Sender != a.Sender {
		return nil
	}
	return j.send(ctx, kind, a.CorrelationID)
}

// send writes the grant and sends the dispatch, whose intent is in the document. If the answer
// is lost, a later step searches for the run; only a refusal concludes the attempt.
func (j *job) send(ctx context.Context, kind lifecycle.Kind, cid string) error {
	a := j.request().Attempt(kind, cid)
	grant := j.grant(kind, a)
	if err := j.Store.PutGrant(ctx, grant.Project, cid, grant); err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	if may, err := j.mayBegin(ctx, kind, cid); err != nil || !may {
		return err
	}
	sends := j.attempt(lifecycle.Step{Kind: kind, CorrelationID: cid}).Sends
	run, err := j.GitHub.Dispatch(ctx, github.DispatchInput{
		Repo: repoOf(j.request()), Workflow: kind.Row().Workflow, Ref: j.request().Target.Base,
		Inputs: inputs(cid, grant, a.Ref),
	})
	var refused *github.Refused
	switch {
	case errors.Is(err, github.ErrNotFound):
		return j.notStarted(ctx, kind, cid,
			fmt.Sprintf("GitHub refused to start the run: it does not show TfPilot the workflow %s.yml on the branch %s of "+
				"%s. Ask your platform team.", kind, j.request().Target.Base, repoOf(j.request())))
	case errors.As(err, &refused):
		return j.notStarted(ctx, kind, cid, "GitHub refused to start the run: "+refused.Message)
	case paused(err): // GitHub rejected it
		return errors.Join(fmt.Errorf("dispatch %s: %w", kind, err), j.patch(ctx, lifecycle.NotSent(kind, cid, sends)))
	case err != nil:
		return fmt.Errorf("dispatch %s: %w", kind, err)
	case run.ID == 0:
		return nil // an old server does not return the run; find searches for it
	}
	if err := j.index(ctx, kind, run.ID); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.RunStarted(kind, cid, run.ID, run.URL))
}

// mayBegin checks again now that the grant of an apply or destroy exists. A person who withdrew
// the approval or released the lease while this worker was delayed found no grant to delete;
// from now on there is one.
func (j *job) mayBegin(ctx context.Context, kind lifecycle.Kind, cid string) (bool, error) {
	if kind != lifecycle.KindApply && kind != lifecycle.KindDestroy {
		return true, nil
	}
	doc, err := j.Store.Get(ctx, j.id())
	if err != nil {
		return false, err
	}
	j.doc = doc
	if a := j.request().Attempt(kind, cid); a.RunID != 0 && a.Conclusion == "" {
		return false, nil // another worker sent it; the grant is its run's
	}
	if err := j.recheckApprovals(ctx); err != nil {
		return false, err
	}
	a := j.request().Attempt(kind, cid)
	switch {
	case a.RunID != 0 && a.Conclusion == "":
		return false, nil
	case !lifecycle.MayBegin(*j.request(), kind, cid):
		return false, j.Store.DeleteGrant(ctx, j.request().Project, cid)
	}
	env, err := j.Store.Environment(ctx, j.request().Project, j.request().Environment)
	if err != nil || env.Position(cid) == 0 && env.Token == a.LeaseToken {
		return err == nil, err
	}
	return false, j.notStarted(ctx, kind, cid, "Its place in the queue of the environment was given away before it "+
		"could start.")
}

// notStarted ends an attempt that was not started. An attempt that was sent before may still
// have a run from the first sending: its grant is deleted, and it is given up when no run
// appears in time.
func (j *job) notStarted(ctx context.Context, kind lifecycle.Kind, cid, text string) error {
	if err := j.Store.DeleteGrant(ctx, j.request().Project, cid); err != nil {
		return err
	}
	end := lifecycle.GiveUp(kind, cid, lifecycle.ConclusionStartupFailure, text, now())
	if j.request().Attempt(kind, cid).Sends > 1 {
		end = lifecycle.Revoked(kind, cid, now())
	}
	return j.patch(ctx, lifecycle.All(end, lifecycle.SetProblem(string(kind), lifecycle.ConclusionStartupFailure.Code(),
		text, now())))
}

func (j *job) index(ctx context.Context, kind lifecycle.Kind, runID int64) error {
	return j.Store.PutRunIndex(ctx, lifecycle.RunIndex{
		Kind: kind, RunID: runID, RequestID: j.id(), CreatedAt: now(), ExpiresAt: now().Add(runIndexLife),
	})
}

// grant depends only on the attempt and the request, so that writing it again writes the same
// bytes.
func (j *job) grant(kind lifecycle.Kind, a *lifecycle.Attempt) lifecycle.Grant {
	r := j.request()
	env, _ := j.environment(r)
	return lifecycle.Grant{
		Kind: kind, RequestID: r.ID, Environment: r.Environment, Project: r.Project, Purpose: a.Purpose, SHA: a.HeadSHA,
		Path: r.Target.Path, Blob: r.Target.Blob, Digest: a.Digest, Plan: j.planOf(a), MayBeGone: a.MayBeGone,
		LeaseToken: a.LeaseToken, ExpiresAt: a.DispatchedAt.Add(grantLife),
		FingerprintKey: j.fingerprintKey(kind, r.ID),
		Backend: lifecycle.Backend{
			Bucket: env.Backend.Bucket, Key: env.Backend.Key, Region: env.Backend.Region,
			DynamoDBTable: env.Backend.DynamoDBTable, UseLockfile: env.Backend.UseLockfile,
		},
	}
}

// planOf returns the correlation id of the plan that was approved for an apply or destroy. The
// run reads its summary, and accepts it only with the digest in the grant.
func (j *job) planOf(a *lifecycle.Attempt) string {
	for _, plan := range j.request().Runs.Plan.Attempts {
		if a.PlanAttempt != 0 && plan.Number == a.PlanAttempt {
			return plan.CorrelationID
		}
	}
	return ""
}

// inputs returns the inputs of a dispatch. GitHub Enterprise Server up to 3.19 accepts at most
// ten; everything else that the run needs is in its grant.
func inputs(cid string, g lifecycle.Grant, ref string) map[string]string {
	return map[string]string{
		"request_id": g.RequestID, "environment_key": g.Environment.Key, "environment_slug": g.Environment.Slug,
		"sha": g.SHA, "ref": ref, "correlation_id": cid, "dry_run": strconv.FormatBool(g.DryRun),
	}
}

// sendAgain repeats a dispatch without a visible run, after another search for the run and
// another check of its approvals.
func (j *job) sendAgain(ctx context.Context, s lifecycle.Step) error {
	if err := j.GitHub.Closed(); err != nil {
		return err
	}
	if a := j.attempt(s); a.Sends > 0 {
		found, err := j.find(ctx, s)
		if err != nil || found {
			return err
		}
	}
	if s.Kind == lifecycle.KindApply || s.Kind == lifecycle.KindDestroy {
		if err := j.recheckApprovals(ctx); err != nil || !j.request().Approval.Approved {
			return err
		}
	}
	err := j.patch(ctx, lifecycle.Sending(s.Kind, s.CorrelationID, now()))
	var refusal *lifecycle.Refusal
	switch {
	case errors.As(err, &refusal):
		return nil // found or sent by another meanwhile
	case err != nil:
		return err
	}
	return j.send(ctx, s.Kind, s.CorrelationID)
}

// find searches for the run of an attempt: the one that the claim names or, without a claim, one
// with the correlation id in its title.
func (j *job) find(ctx context.Context, s lifecycle.Step) (bool, error) {
	claim, err := j.claim(ctx, j.request().Project, s.CorrelationID)
	if err != nil {
		return false, err
	}
	if claim.RunID != 0 {
		return j.findClaimed(ctx, s, claim)
	}
	runs, err := j.GitHub.FindRuns(ctx, repoOf(j.request()), sentDuring(j.attempt(s)))
	if err != nil {
		return false, err
	}
	for _, run := range runs.Items {
		facts, ok, err := j.factsOf(ctx, run, j.request().Target.Base)
		if err != nil {
			return false, err
		}
		if ok && facts.CorrelationID == s.CorrelationID && facts.Kind == s.Kind {
			return j.take(ctx, s, facts)
		}
	}
	if runs.Partial {
		return false, errPartial
	}
	return false, j.unsent(ctx, s)
}

// errPartial prevents a dispatch from being repeated or given up: only a complete listing
// without its run proves that there is none.
var errPartial = errors.New("GitHub lists more runs than can be read")

// runShows is how long after a dispatch GitHub may create its run.
const runShows = 10 * time.Minute

// sentDuring selects the time in which a dispatch of the attempt may have started runs. Its end
// keeps the list short in a busy repository.
func sentDuring(a *lifecycle.Attempt) github.RunQuery {
	q := github.RunQuery{Since: a.DispatchedAt.Add(-time.Minute)}
	if a.SentAt != nil && now().Sub(*a.SentAt) > runShows {
		q.Until = a.SentAt.Add(runShows)
	}
	return q
}

// unsent undoes the last sending if its grant was never written, for example because the worker
// was killed. The grant comes before the call, so nothing was sent. If that worker was only
// delayed, the claim stops one of the two runs.
func (j *job) unsent(ctx context.Context, s lifecycle.Step) error {
	a := j.attempt(s)
	if a.Sends != 1 || a.RevokedAt != nil {
		return nil
	}
	_, err := j.Store.Grant(ctx, j.request().Project, s.CorrelationID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return j.patch(ctx, lifecycle.NotSent(s.Kind, s.CorrelationID, 1))
}

// findClaimed reads the run that the claim names. Anyone who may write claims can name any run,
// so it counts only if TfPilot started it for this attempt.
func (j *job) findClaimed(ctx context.Context, s lifecycle.Step, claim lifecycle.Claim) (bool, error) {
	run, err := j.GitHub.Run(ctx, repoOf(j.request()), claim.RunID)
	if errors.Is(err, github.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, ok, err := j.factsOf(ctx, run, j.request().Target.Base)
	if err != nil || !ok || f.Kind != s.Kind || f.CorrelationID != s.CorrelationID {
		return false, err
	}
	f.ClaimRunID = claim.RunID
	return j.take(ctx, s, f)
}

func (j *job) take(ctx context.Context, s lifecycle.Step, f lifecycle.RunFacts) (bool, error) {
	see, err := j.see(ctx, f)
	if err != nil {
		return false, err
	}
	if err := j.patch(ctx, see); err != nil {
		return false, err
	}
	if j.attempt(s).RunID == 0 {
		return false, nil
	}
	return true, j.index(ctx, s.Kind, f.RunID)
}

// claim returns the run that claimed the correlation id; the zero value if none did.
func (w *Worker) claim(ctx context.Context, project, cid string) (lifecycle.Claim, error) {
	c, err := w.Store.Claim(ctx, project, cid)
	if errors.Is(err, store.ErrNotFound) {
		return lifecycle.Claim{}, nil
	}
	return c, err
}

// revoke deletes the grant of an attempt that must no longer run, or whose run
// cannot be found. A run that claimed before it reads the grant again at the effect.
func (j *job) revoke(ctx context.Context, s lifecycle.Step) error {
	if err := j.Store.DeleteGrant(ctx, j.request().Project, s.CorrelationID); err != nil {
		return err
	}
	return j.patch(ctx, lifecycle.Revoked(s.Kind, s.CorrelationID, now()))
}

// giveUp concludes an attempt without a run, after a last search. The grant is deleted
// once more: a delayed writer may have written it again.
func (j *job) giveUp(ctx context.Context, s lifecycle.Step) error {
	if err := j.Store.DeleteGrant(ctx, j.request().Project, s.CorrelationID); err != nil {
		return err
	}
	found, err := j.find(ctx, s)
	if err != nil || found {
		return err
	}
	text := "GitHub started no run for it."
	return j.patch(ctx, lifecycle.All(
		lifecycle.GiveUp(s.Kind, s.CorrelationID, lifecycle.ConclusionStale, text, now()),
		lifecycle.SetProblem(string(s.Kind), lifecycle.ConclusionStale.Code(), text, now()),
	))
}

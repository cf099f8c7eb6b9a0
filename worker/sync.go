package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/github"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const sourceSync = "sync"

// runsBack is how far sync looks back for runs.
const runsBack = 24 * time.Hour

// Sync reads a repository and patches what no webhook brought: one list of pull
// requests, one of runs, whatever the number of requests. Sync alone is enough
// where TfPilot has no public address.
func (w *Worker) Sync(ctx context.Context, repo github.Repo) error {
	requests := w.documents.unsettledIn(repo)
	if len(requests) == 0 {
		return nil
	}
	seen := w.repositories.lists(repo, requests)
	pulls, err := w.GitHub.Pulls(ctx, repo, w.repositories.since(repo, requests), seen.pulls)
	if err != nil {
		return err
	}
	began := now()
	runs, err := w.GitHub.FindRuns(ctx, repo,
		github.RunQuery{Since: oldestRun(requests, w.repositories.unlistedSince(repo)), ETag: seen.runs})
	if err != nil {
		return err
	}
	byNumber := pullsByNumber(pulls.Items)
	var failed error
	for _, r := range requests {
		if !w.news(ctx, &r, byNumber, runs) {
			continue
		}
		err := w.syncRequest(ctx, r, byNumber, runs)
		if errors.Is(err, errFresh) {
			pulls.ETag = "" // read again, unless it is the same then
			continue
		}
		if err != nil {
			w.Log.Warn("sync did not succeed", keyRequest, r.ID, keyError, err)
			failed = errors.Join(failed, err)
		}
	}
	failed = errors.Join(failed, w.syncForeign(ctx, runs.Items))
	if failed == nil {
		w.repositories.listed(repo, requests, pulls, runs.ETag, began)
	}
	return failed
}

// oldestRun returns the time from which runs are read: since the last list, for foreign runs, and
// since the oldest open run.
func oldestRun(requests []lifecycle.Request, listed time.Time) time.Time {
	oldest := now()
	if !listed.IsZero() {
		oldest = listed
	}
	for _, r := range requests {
		for _, a := range openRuns(&r) {
			if a.at.Before(oldest) {
				oldest = a.at
			}
		}
	}
	if limit := now().Add(-runsBack); oldest.Before(limit) {
		oldest = limit
	}
	return oldest.Add(-time.Minute)
}

// openRun is a current attempt that GitHub must be asked about.
type openRun struct {
	step    lifecycle.Step
	run     int64
	at      time.Time
	missing bool // GitHub did not know it the last time; asked again, it may conclude
}

func openRuns(r *lifecycle.Request) []openRun {
	var open []openRun
	for _, kind := range lifecycle.RequestKinds {
		a := r.CurrentRun(kind)
		if a == nil || !a.Lost() && !a.NeedsReconciling() || a.DispatchedAt == nil || a.Lost() && a.Sends == 0 {
			continue // of one that was not sent yet, GitHub knows nothing
		}
		step := lifecycle.Step{Kind: kind, CorrelationID: a.CorrelationID}
		open = append(open, openRun{step, a.RunID, *a.DispatchedAt, a.MissingSince != nil})
	}
	return open
}

// news reports whether the lists may contain something that the document lacks. Documents without
// news, which may be thousands, are not read.
func (w *Worker) news(ctx context.Context, r *lifecycle.Request, pulls map[int]github.Pull,
	runs github.Listing[github.Run]) bool {
	if runNews(r, runs) {
		return true
	}
	if r.PR == nil {
		return false
	}
	p, ok := pulls[r.PR.Number]
	return ok && (pullMoved(p, r.PR) || unreviewed(r, p.UpdatedAt)) && !w.onlyTouched(ctx, r, p)
}

// pullsByNumber spares each of thousands of requests a search through the list.
func pullsByNumber(list []github.Pull) map[int]github.Pull {
	pulls := make(map[int]github.Pull, len(list))
	for _, p := range list {
		pulls[p.Number] = p
	}
	return pulls
}

func runNews(r *lifecycle.Request, runs github.Listing[github.Run]) bool {
	return slices.ContainsFunc(openRuns(r), func(o openRun) bool {
		return !runs.Same && !o.asListed(runs.Items) || o.unlisted()
	})
}

// asListed reports whether the list brings nothing new about this run: it has not ended there, or
// is too new to be listed.
func (o openRun) asListed(runs []github.Run) bool {
	if o.run == 0 {
		return false
	}
	i := slices.IndexFunc(runs, func(r github.Run) bool { return r.ID == o.run })
	if i < 0 {
		return now().Sub(o.at) < listsLate
	}
	return runs[i].Attempt <= 1 && runs[i].Status != "completed"
}

// unlisted reports whether an unchanged list proves nothing about this run.
func (o openRun) unlisted() bool { return o.missing || !o.at.After(now().Add(-runsBack)) }

func pullMoved(p github.Pull, pr *lifecycle.PullRequest) bool {
	return pr.SeenAt == nil || !pr.Merged && p.UpdatedAt.After(*pr.SeenAt) || !sameFacts(p, pr)
}

// unreviewed reports whether reviews may decide something that were not read. After the merge
// they decide only on an apply that has not ended.
func unreviewed(r *lifecycle.Request, changed time.Time) bool {
	return r.Plan != nil && (!r.PR.Merged || r.AwaitsEffect()) && (r.PR.ReviewsSeenAt == nil || changed.After(*r.PR.ReviewsSeenAt))
}

// syncRequest records what the lists contain about one request, and reads from GitHub what they
// lack.
func (w *Worker) syncRequest(ctx context.Context, r lifecycle.Request, pulls map[int]github.Pull,
	runs github.Listing[github.Run]) error {
	if done, err := w.touched(ctx, r.ID, pulls, runs); err != nil || done {
		return err
	}
	doc, err := w.Store.Get(ctx, r.ID)
	if err != nil || doc.Archived {
		w.forgetRequest(r.ID)
		return ignoreGone(err)
	}
	j := w.job(doc)
	if err := j.syncPull(ctx, pulls); err != nil {
		return err
	}
	for _, open := range openRuns(j.request()) {
		if runs.Same && !open.unlisted() {
			continue // an unchanged list brings nothing new
		}
		if err := j.syncRun(ctx, open, runs.Items); err != nil {
			return err
		}
	}
	w.remember(j.doc)
	if j.doc.Request.Version == doc.Request.Version {
		return nil
	}
	return w.Notifier.Changed(ctx, j.doc.Request, j.doc.Archived)
}

// touched checks the cached document, which may be newer than what this worker saw. If the lists
// contain no news for it, another worker has recorded them. A change of the pull request that
// alters nothing but its time, such as a comment or a label, is not written. done is false if
// there is, or may be, more to record: the stored document is read then.
func (w *Worker) touched(ctx context.Context, id string, pulls map[int]github.Pull,
	runs github.Listing[github.Run]) (done bool, err error) {
	doc, ok := w.Store.Cached(ctx, id)
	if !ok {
		return false, nil
	}
	r := &doc.Request
	if !w.news(ctx, r, pulls, runs) {
		w.remember(doc)
		return true, nil
	}
	if !touchable(r) || runNews(r, runs) {
		return false, nil
	}
	pull, ok := pulls[r.PR.Number]
	if !ok || !sameFacts(pull, r.PR) || !unreviewed(r, pull.UpdatedAt) {
		return false, nil
	}
	reviews, err := w.GitHub.Reviews(ctx, repoOf(r), r.PR.Number)
	if err != nil || len(reviews) > 0 {
		return false, err
	}
	if now().Sub(pull.UpdatedAt) < timeShared {
		return false, errFresh
	}
	w.remember(doc)
	w.noReviews(ctx, id, pull)
	return true, nil
}

// errFresh leaves a pull request that changed a moment ago to the next sync: a review may follow
// within the same second.
var errFresh = errors.New("the pull request changed a moment ago")

func (j *job) syncPull(ctx context.Context, pulls map[int]github.Pull) error {
	pr := j.request().PR
	if pr == nil {
		return nil
	}
	p, ok := pulls[pr.Number]
	if !ok {
		return nil
	}
	if pullMoved(p, pr) {
		if err := j.seePull(ctx, p); err != nil { // the list holds all of it
			return err
		}
	}
	return j.syncReviews(ctx, &p.UpdatedAt)
}

// timeShared is how long a time of GitHub's, which counts in seconds, may still be shared by
// another change.
const timeShared = 2 * time.Second

// syncReviews takes in the reviews, unless they were read since the pull request changed; nil
// is when that is not known.
func (j *job) syncReviews(ctx context.Context, at *time.Time) error {
	saw, err := j.newReviews(ctx, at)
	if err != nil || saw == nil {
		return err
	}
	return j.patch(ctx, saw)
}

// newReviews is syncReviews without recording up to when the reviews were read: it returns that patch,
// nil when there is nothing to record.
func (j *job) newReviews(ctx context.Context, at *time.Time) (lifecycle.Patch, error) {
	if at == nil {
		return nil, j.countReviews(ctx)
	}
	changed := *at
	if !unreviewed(j.request(), changed) {
		return nil, nil
	}
	if err := j.countReviews(ctx); err != nil || j.early {
		return nil, err
	}
	return lifecycle.SawReviews(readUntil(changed)), nil
}

// readUntil returns the time up to which the reviews are complete when a pull request that
// changed then is read now.
func readUntil(changed time.Time) time.Time {
	if now().Sub(changed) < timeShared {
		return changed.Add(-time.Second) // another change may follow within the same second
	}
	return changed
}

// sameFacts reports whether a list shows a pull request as it is known: two changes within one
// second have the same time on GitHub.
func sameFacts(p github.Pull, pr *lifecycle.PullRequest) bool {
	return p.HeadSHA == pr.HeadSHA && p.BaseRef == pr.BaseRef && p.Merged == pr.Merged && pr.Open != nil &&
		p.Open == *pr.Open
}

func (j *job) syncRun(ctx context.Context, open openRun, runs []github.Run) error {
	for _, run := range runs {
		f, ok, err := j.factsOf(ctx, run, j.request().Target.Base)
		if err != nil {
			return err
		}
		if !ok || f.RunID != open.run && (open.run != 0 || f.CorrelationID != open.step.CorrelationID) {
			continue
		}
		if err := j.addClaim(ctx, &f, *j.request()); err != nil {
			return err
		}
		return j.seeRun(ctx, run, f)
	}
	if open.run != 0 && now().Sub(open.at) < listsLate {
		return nil // too new for lists; a webhook or the next list brings its end
	}
	return j.checkRun(ctx, open.step)
}

// listsLate is how long a new run may be missing from GitHub's lists.
const listsLate = 30 * time.Second

// checkRun asks GitHub about one attempt: its run by id, never from a cache, or whether it exists
// at all. A run that the attempt knows and that has its name belongs to it, even if TfPilot's
// account has changed since.
func (j *job) checkRun(ctx context.Context, s lifecycle.Step) error {
	a := j.attempt(s)
	if a.Lost() {
		_, err := j.find(ctx, s)
		return err
	}
	run, err := j.GitHub.Run(ctx, repoOf(j.request()), a.RunID)
	if errors.Is(err, github.ErrNotFound) {
		return j.runGone(ctx, s)
	}
	if err != nil {
		return err
	}
	f, ok := dispatchedRun(run, j.request().Target.Base)
	if !ok || f.CorrelationID != s.CorrelationID {
		if f, ok, err = j.factsOf(ctx, run, j.request().Target.Base); err != nil || !ok {
			return err
		}
	}
	return j.seeRun(ctx, run, f)
}

// runGone records that GitHub does not know a run, unless TfPilot cannot see the repository at
// all: then the run may still be active.
func (j *job) runGone(ctx context.Context, s lifecycle.Step) error {
	if _, err := j.GitHub.Repo(ctx, repoOf(j.request())); err != nil {
		return err
	}
	return j.patchAs(ctx, lifecycle.System(sourceSync), lifecycle.RunMissing(s.Kind, s.CorrelationID, now()))
}

// seeRun records a run. If a person re-ran it on GitHub, TfPilot started only its first attempt;
// a later attempt stops in its first step and is noted.
func (j *job) seeRun(ctx context.Context, run github.Run, f lifecycle.RunFacts) error {
	if a := j.request().AttemptOf(f); a != nil && a.OnlyStarts(f) {
		return nil
	}
	see, err := j.see(ctx, f)
	if err != nil {
		return err
	}
	if run.Attempt > 1 {
		first, err := j.GitHub.FirstRun(ctx, repoOf(j.request()), run.ID)
		if err != nil {
			return err
		}
		before := f
		before.RunAttempt, before.Status, before.Conclusion, before.CompletedAt = 1, first.Status, first.Conclusion, first.CompletedAt
		original, err := j.see(ctx, before)
		if err != nil {
			return err
		}
		see = lifecycle.All(original, see)
	}
	return j.patchAs(ctx, lifecycle.System(sourceSync), see)
}

// bounds of one round of asking for deliveries again
const (
	redeliverMost  = 50
	redeliverTries = 3 // of one delivery; what it said, sync has read by then
	redeliverTime  = 30 * time.Second
)

// Redeliver asks GitHub to send failed deliveries again. Without an App there is no
// log to ask for, and sync alone has to do.
func (w *Worker) Redeliver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redeliverTime)
	defer cancel()
	failed, err := w.GitHub.FailedDeliveries(ctx, now().Add(-time.Hour))
	if errors.Is(err, github.ErrNoApp) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	asked := 0
	for _, d := range failed {
		if d.Attempts >= redeliverTries || asked == redeliverMost || ctx.Err() != nil {
			continue
		}
		asked++
		errs = append(errs, w.GitHub.Redeliver(ctx, d.ID))
	}
	return errors.Join(errs...)
}

package worker_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/inprocess"
)

// refusedRun is a run that stops with a reason of its own.
type refusedRun struct{ reason lifecycle.ReasonCode }

func (r *refusedRun) Error() string { return string(r.reason) }

// lockedState is what a run meets where another holds Terraform's lock.
type lockedState struct{ lock lifecycle.StateLock }

func (*lockedState) Error() string { return "Error acquiring the state lock" }

// ledger is the cloud behind the runs, and what every run did to it.
type ledger struct {
	w *harness

	mu       sync.Mutex
	exists   map[string]bool    // what was applied, by request
	runs     map[int64]*liveRun // by run id
	effects  []effect           // applies and destroys, in order
	busy     map[string]string  // environment → correlation id of the effect under way
	faults   []string           // what must never happen
	break_   map[string]error   // by kind: how the work fails
	hold     map[string]bool    // by kind: the work waits
	claims   map[string][]int64 // runs that got past the guard, by correlation id
	tampered bool
}

type effect struct {
	Kind, CID, RequestID, Digest string
	RunID                        int64
}

// liveRun is what one run has found out so far.
type liveRun struct {
	grant     lifecycle.Grant
	proof     string
	claimed   bool
	forgotten bool // ends well without work and result
	result    lifecycle.Result
	summary   []byte
}

func newLedger() *ledger {
	return &ledger{
		exists: map[string]bool{}, runs: map[int64]*liveRun{}, busy: map[string]string{}, break_: map[string]error{},
		hold: map[string]bool{}, claims: map[string][]int64{},
	}
}

func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// claimed gives the runs that got past the guard for a correlation id.
func (l *ledger) claimed(cid string) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.claims[cid])
}

// done gives the applies and destroys so far, in order.
func (l *ledger) done() []effect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.effects)
}

func (l *ledger) did(kind, requestID string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, e := range l.effects {
		if e.Kind == kind && e.RequestID == requestID {
			n++
		}
	}
	return n
}

// fails lets the work of every run of a kind fail from now on; nil ends that.
func (l *ledger) fails(kind string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.break_[kind] = err
}

// forget takes from the cloud what a request made, as a person does by hand.
func (l *ledger) forget(requestID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.exists, requestID)
}

// holds lets the work of every run of a kind wait until it is let go.
func (l *ledger) holds(kind string, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold[kind] = on
}

// tamper lets the stored summary of every run differ from its digest.
func (l *ledger) tamper(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tampered = on
}

// leave puts into the bucket what the run of a plan leaves that ends well.
func (w *harness) leave(a lifecycle.Attempt) {
	w.t.Helper()
	w.ledger.mu.Lock()
	proof := w.ledger.runs[a.RunID].proof
	w.ledger.mu.Unlock()
	data := (&terraform.Summary{}).Bytes()
	run, ctx := w.storeAs("run-plan-core", inprocess.To(w.bucket)), context.Background()
	w.must(run.PutSummary(ctx, project, a.CorrelationID, data))
	w.must(run.PutResult(ctx, project, a.CorrelationID, lifecycle.Result{
		Conclusion: "success", CorrelationID: a.CorrelationID, RunID: a.RunID, Proof: proof, Digest: terraform.Digest(data),
	}))
}

// forgets lets a run end well without its work and its result.
func (l *ledger) forgets(runID int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[runID].forgotten = true
}

func (l *ledger) waits(kind string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold[kind]
}

// runner plays what `tfpilot ci` does to the bucket and to the cloud.
func (w *harness) runner() *actions.Script {
	plan := w.storeAs("run-plan-core", inprocess.To(w.bucket))
	apply := w.storeAs("run-apply-core", inprocess.To(w.bucket))
	l := w.ledger
	scenes := func(s *store.Store, name string,
		work func(context.Context, *store.Store, actions.Job) error) []actions.ScriptStep {
		with := func(do func(context.Context, *store.Store, actions.Job) error) func(context.Context, actions.Job) error {
			return func(ctx context.Context, job actions.Job) error { return do(ctx, s, job) }
		}
		guard := func(ctx context.Context, job actions.Job) error { return l.guard(ctx, plan, job) } // before any other role
		return []actions.ScriptStep{
			{Name: "Verify grant and claim", Takes: time.Second, Do: guard},
			{Name: name, Takes: 3 * time.Second, Do: with(l.work(work))},
			{Name: "Upload result", Always: true, Do: with(l.keep)},
		}
	}
	return &actions.Script{Table: map[string][]actions.ScriptStep{
		"plan.yml":    scenes(plan, "Plan", l.plan),
		"apply.yml":   scenes(apply, "Apply", l.effect),
		"destroy.yml": scenes(apply, "Destroy", l.effect),
		"cleanup.yml": scenes(plan, "Remove module block", l.strip),
	}}
}

// work is a scene that can be held or broken from outside.
func (l *ledger) work(do func(context.Context, *store.Store,
	actions.Job) error) func(context.Context, *store.Store, actions.Job) error {
	return func(ctx context.Context, s *store.Store, job actions.Job) error {
		kind := strings.TrimSuffix(path.Base(job.Workflow), ".yml")
		for l.waits(kind) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		l.mu.Lock()
		broken, forgotten := l.break_[kind], l.runs[job.RunID].forgotten
		l.mu.Unlock()
		if forgotten {
			return nil
		}
		if broken != nil {
			l.note(job, func(r *liveRun) {
				r.result.Reason, r.result.Tail = "terraform_failed", broken.Error()
				var refused *refusedRun
				if errors.As(broken, &refused) {
					r.result.Reason = refused.reason
				}
				var locked *lockedState
				if errors.As(broken, &locked) {
					r.result.Reason, r.result.StateLock = lifecycle.CodeStateLocked, &locked.lock
				}
			})
			return broken
		}
		return do(ctx, s, job)
	}
}

func (l *ledger) note(job actions.Job, change func(*liveRun)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l.runs[job.RunID])
}

// project is the one of these stories.
const project = "core"

// guard is `tfpilot-ci inputs` and `tfpilot-ci guard`.
func (l *ledger) guard(ctx context.Context, s *store.Store, job actions.Job) error {
	in := job.Inputs
	kind := lifecycle.Kind(strings.TrimSuffix(path.Base(job.Workflow), ".yml"))
	cid := in["correlation_id"]
	if job.RunAttempt != 1 || job.Actor != bot {
		return fmt.Errorf("attempt %d by %s: only TfPilot starts this workflow, once", job.RunAttempt, job.Actor)
	}
	grant, err := checkGrant(ctx, s, kind, in)
	if err != nil {
		return err
	}
	proof := rand.Text()
	mine, stored, err := s.PutClaim(ctx, project, cid, lifecycle.Claim{
		Kind: kind, RequestID: in["request_id"], RunID: job.RunID, RunAttempt: 1, SHA: in["sha"], StartedAt: time.Now(),
		ProofHash: lifecycle.ProofHash(proof),
	})
	if err != nil {
		return err
	}
	if !mine {
		return fmt.Errorf("run %d has taken this attempt", stored.RunID)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[job.RunID] = &liveRun{grant: grant, proof: proof, claimed: true}
	l.claims[cid] = append(l.claims[cid], job.RunID)
	return nil
}

func checkGrant(ctx context.Context, s *store.Store, kind lifecycle.Kind,
	in map[string]string) (lifecycle.Grant, error) {
	g, err := s.Grant(ctx, project, in["correlation_id"])
	if err != nil {
		return g, fmt.Errorf("there is no grant for this run: %w", err)
	}
	granted := map[string]string{
		"request_id": g.RequestID, "environment_key": g.Environment.Key, "environment_slug": g.Environment.Slug, "sha": g.SHA,
		"dry_run": strconv.FormatBool(g.DryRun),
	}
	for name, want := range granted {
		if in[name] != want {
			return g, fmt.Errorf("the grant is for another %s", name)
		}
	}
	if g.Kind != kind || !time.Now().Before(g.ExpiresAt) {
		return g, errors.New("the grant is for another kind, or expired")
	}
	return g, nil
}

// granted is the grant that a run began with.
func (l *ledger) granted(job actions.Job) lifecycle.Grant {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[job.RunID].grant
}

// plan is a plan run: its summary is made from a real plan of Terraform's.
func (l *ledger) plan(_ context.Context, _ *store.Store, job actions.Job) error {
	s, err := l.summarize(job)
	if err != nil {
		return err
	}
	l.note(job, func(r *liveRun) { r.take(s) })
	return nil
}

func (r *liveRun) take(s *terraform.Summary) {
	n := s.Counts()
	r.summary = s.Bytes()
	r.result.Digest, r.result.Nothing = s.Digest(), len(s.Changes) == 0
	r.result.Counts = lifecycle.Counts{Add: n.Add, Change: n.Change, Destroy: n.Destroy, Replace: n.Replace}
	r.result.Addresses = s.Destroyed()
}

// fixtures hold the plan of one request id, which is replaced.
const fixtureID = "req_aaaaaaaaaaaaa"

var summaries sync.Map // fixture, id and purpose → *terraform.Summary

func (l *ledger) summarize(job actions.Job) (*terraform.Summary, error) {
	id, purpose := job.Inputs["request_id"], l.granted(job).Purpose
	l.mu.Lock()
	there := l.exists[id]
	l.mu.Unlock()
	name := map[bool]string{true: "nothing", false: "create"}[there]
	if purpose == lifecycle.PurposeDestroy {
		if name = "destroy"; !there {
			return &terraform.Summary{}, nil
		}
	}
	key := name + id + string(purpose)
	if s, ok := summaries.Load(key); ok {
		return s.(*terraform.Summary), nil
	}
	data, err := os.ReadFile("../internal/terraform/testdata/plans/" + name + ".json")
	if err != nil {
		return nil, err
	}
	p, err := terraform.ParsePlan(bytes.ReplaceAll(data, []byte(fixtureID), []byte(id)))
	if err != nil {
		return nil, err
	}
	s, err := terraform.Summarize(p, terraform.Scope{RequestID: id, Purpose: purpose, FingerprintKey: hintKey})
	if err == nil {
		summaries.Store(key, s)
	}
	return s, err
}

// effect is an apply or destroy run: plan, compare with the approval, read the grant
// once more, and only then do it.
func (l *ledger) effect(ctx context.Context, s *store.Store, job actions.Job) error {
	sum, err := l.summarize(job)
	if err != nil {
		return err
	}
	l.note(job, func(r *liveRun) { r.take(sum) })
	if len(sum.Changes) == 0 {
		return nil
	}
	if sum.Digest() != l.granted(job).Digest {
		l.note(job, func(r *liveRun) { r.result.Reason = "digest_changed" })
		return errors.New("what would happen now is not what was approved")
	}
	kind := strings.TrimSuffix(path.Base(job.Workflow), ".yml")
	if _, err := checkGrant(ctx, s, lifecycle.Kind(kind), job.Inputs); err != nil {
		l.note(job, func(r *liveRun) { r.result.Reason = "grant_withdrawn" })
		return err
	}
	l.begin(kind, job)
	time.Sleep(2 * time.Second) // Terraform at work
	l.finish(kind, job)
	return nil
}

// begin checks, from outside of the product, that this effect may happen.
func (l *ledger) begin(kind string, job actions.Job) {
	in, grant, ctx := job.Inputs, l.granted(job), context.Background()
	doc, err := l.w.store.Get(ctx, in["request_id"])
	if err != nil {
		l.fault("%s of a request that cannot be read: %v", kind, err)
		return
	}
	r := doc.Request
	env, err := l.w.store.Environment(ctx, r.Project, r.Environment)
	switch {
	case err != nil:
		l.fault("lease: %v", err)
	case env.Holder == nil || env.Holder.CorrelationID != in["correlation_id"] || env.Token != grant.LeaseToken:
		l.fault("%s %s without the lease: %+v", kind, in["correlation_id"], env)
	}
	approved := false
	for _, a := range r.Approval.Approvers {
		approved = approved || a.VoidedAt == nil && a.PlanDigest == grant.Digest
	}
	if !approved {
		l.fault("%s %s of a digest without an approval: %+v", kind, in["correlation_id"], r.Approval)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.busy[r.Environment.String()]; other != "" {
		l.faults = append(l.faults, fmt.Sprintf("%s while %s is at work", in["correlation_id"], other))
	}
	l.busy[r.Environment.String()] = in["correlation_id"]
	l.effects = append(l.effects, effect{kind, in["correlation_id"], r.ID, grant.Digest, job.RunID})
}

func (l *ledger) finish(kind string, job actions.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	in := job.Inputs
	l.exists[in["request_id"]] = kind == "apply"
	delete(l.busy, in["environment_key"]+"/"+in["environment_slug"])
	if kind == "apply" {
		l.runs[job.RunID].result.Outputs = map[string]json.RawMessage{"arn": json.RawMessage(`"arn:aws:s3:::builds"`)}
	}
}

// keep is `tfpilot-ci result`.
func (l *ledger) keep(ctx context.Context, s *store.Store, job actions.Job) error {
	l.mu.Lock()
	run, tampered := l.runs[job.RunID], l.tampered
	l.mu.Unlock()
	if run == nil || job.RunAttempt != 1 || run.forgotten {
		return nil
	}
	cid := job.Inputs["correlation_id"]
	if run.summary != nil {
		if tampered {
			run.summary = (&terraform.Summary{}).Bytes()
		}
		if err := s.PutSummary(ctx, project, cid, run.summary); err != nil {
			return err
		}
	}
	run.result.Conclusion, run.result.CorrelationID, run.result.RunID, run.result.Proof = "success", cid, job.RunID, run.proof
	if run.result.Reason != "" {
		run.result.Conclusion = "failure"
	}
	return s.PutResult(ctx, project, cid, run.result)
}

// strip is `tfpilot-ci strip`: the branch is made again, without the file.
func (l *ledger) strip(ctx context.Context, _ *store.Store, job actions.Job) error {
	c := l.w.client(job.Token)
	grant := l.granted(job)
	branch, file := "cleanup/"+grant.RequestID, grant.Path
	if _, err := l.w.github.File(repoName, "main", file); err != nil {
		l.note(job, func(r *liveRun) { r.result.Nothing = true })
		return nil
	}
	tip, _, err := c.Git.GetRef(ctx, "acme", "infra-core", "heads/main")
	if err != nil {
		return err
	}
	ref := &gh.Reference{Ref: gh.String("refs/heads/" + branch), Object: tip.Object}
	if _, _, err = c.Git.CreateRef(ctx, "acme", "infra-core", ref); err != nil {
		if _, _, err = c.Git.UpdateRef(ctx, "acme", "infra-core", ref, true); err != nil {
			return err
		}
	}
	_, _, err = c.Repositories.DeleteFile(ctx, "acme", "infra-core", file, &gh.RepositoryContentFileOptions{
		Message: gh.String(lifecycle.CleanupMessage(grant.RequestID)), Branch: gh.String(branch), SHA: gh.String(grant.Blob),
	})
	return err
}

// client speaks to GitHub with a token.
func (w *harness) client(token string) *gh.Client {
	c, err := gh.NewClient(&http.Client{Transport: hubsim.Transport(w.github.Handler())}).WithEnterpriseURLs("http://github.test", "http://github.test")
	w.must(err)
	return c.WithAuthToken(token)
}

// as is a person's client.
func (w *harness) as(login string) *gh.Client { return w.client("ghp_" + login) }

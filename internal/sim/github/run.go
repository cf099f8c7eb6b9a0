package github

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

// task is the goroutine that executes one attempt.
type task struct {
	cancel    context.CancelFunc
	cancelled bool
}

// cancelGrace is how long GitHub waits for a cancelled run before it ends it.
const cancelGrace = 5 * time.Minute

// newRun creates a run of a dispatched workflow and queues it.
func (s *Server) newRun(c *call, w *workflowRef, f *workflow.File, branch, commit string, inputs map[string]string,
) (*run, error) {
	v := &run{
		ID: s.newID(), WorkflowID: w.ID, Path: w.Path, Name: f.Name, Branch: branch, SHA: commit, Actor: c.p.login,
		Inputs: inputs, JobID: s.newID(), JobName: f.JobName, CreatedAt: time.Now(),
	}
	env := runEnv(c.repo, v, c.p.login)
	groups, err := f.Groups(env)
	if err != nil {
		return nil, err
	}
	w.Runs++
	v.Number, v.Title = w.Runs, f.Title(env)
	c.repo.Runs[v.ID] = v
	s.addAttempt(c.repo, v, c.p.login, groups)
	return v, nil
}

// runEnv returns the contexts that run-name and concurrency may use.
func runEnv(r *repository, v *run, actor string) workflow.Env {
	env := workflow.Env{
		"github.repository": r.full(), "github.repository_owner": r.Owner, "github.ref": "refs/heads/" + v.Branch,
		"github.ref_name": v.Branch, "github.sha": v.SHA, "github.actor": actor, "github.triggering_actor": actor,
		"github.event_name": "workflow_dispatch", "github.workflow": v.Name, "github.run_id": itoa(v.ID),
		"github.run_number": itoa(int64(v.Number)), "github.run_attempt": "1",
	}
	for name, value := range v.Inputs {
		env["inputs."+name] = value
	}
	for name, value := range r.vars() {
		env["vars."+name] = value
	}
	return env
}

// addAttempt queues one execution: first for its concurrency groups, then for a runner.
func (s *Server) addAttempt(r *repository, v *run, actor string, groups []workflow.Group) {
	now := time.Now()
	a := &attempt{Number: len(v.Attempts) + 1, Actor: actor, Status: statusQueued, StartedAt: now, UpdatedAt: now,
		log: &logBuffer{}}
	v.Attempts = append(v.Attempts, a)
	s.state.Counts.Runs[firstOf(v.Inputs["correlation_id"], itoa(v.ID))]++
	v.Groups = nil
	for _, g := range groups {
		v.Groups = append(v.Groups, g.Name)
	}
	for _, g := range groups {
		s.enterGroup(r, v, g)
	}
	s.emitRun(r, v, "requested")
	s.schedule()
}

// enterGroup applies the rule of a group: one active run and one pending run. A new run cancels the
// pending one, unless the group is a queue, and the active one if cancel-in-progress is set.
func (s *Server) enterGroup(r *repository, v *run, g workflow.Group) {
	for _, other := range r.runsNewestFirst() {
		if other == v || !slices.Contains(other.Groups, g.Name) || other.last().Status == statusCompleted {
			continue
		}
		v.last().Status = statusPending
		if g.CancelInProgress || other.last().Status == statusPending && !g.Queue {
			s.cancelRun(r, other)
		}
	}
}

// blocked reports whether another run occupies one of the run's groups.
func blocked(r *repository, v *run) bool {
	for _, other := range r.Runs {
		if other == v || !other.active() {
			continue
		}
		for _, g := range v.Groups {
			if slices.Contains(other.Groups, g) {
				return true
			}
		}
	}
	return false
}

// schedule advances waiting runs: out of their group when it is free, and onto a runner in the order
// of their requests.
func (s *Server) schedule() {
	s.saver.mark()
	type waiting struct {
		r *repository
		v *run
	}
	var queue []waiting
	running := 0
	for _, r := range s.state.Repos {
		for _, v := range r.Runs {
			switch {
			case v.task != nil: // has a runner, but may not have started
				running++
			case v.last().Status != statusCompleted:
				queue = append(queue, waiting{r, v})
			}
		}
	}
	slices.SortFunc(queue, func(a, b waiting) int {
		if d := a.v.last().StartedAt.Compare(b.v.last().StartedAt); d != 0 {
			return d
		}
		return int(a.v.ID - b.v.ID)
	})
	for _, q := range queue {
		if q.v.last().Status == statusPending && !blocked(q.r, q.v) {
			q.v.last().Status = statusQueued
		}
		if q.v.last().Status != statusQueued || running >= s.cfg.MaxJobs || s.cfg.Runner == nil || s.closed {
			continue
		}
		running++
		s.launch(q.r, q.v)
	}
}

// launch assigns a runner to a run. The job starts after the queue delay.
func (s *Server) launch(r *repository, v *run) {
	ctx, cancel := context.WithCancel(s.ctx)
	t := &task{cancel: cancel}
	v.task = t
	s.jobs.Go(func() {
		defer cancel()
		if s.cfg.QueueDelay > 0 {
			sleep(ctx, ctx, s.cfg.QueueDelay)
		}
		job, timeout, started := s.begin(r, v, t)
		if !started {
			return
		}
		s.finish(r, v, t, s.execute(ctx, job, timeout))
	})
}

// begin sets a run to in_progress and describes its job.
func (s *Server) begin(r *repository, v *run, t *task) (actions.Job, time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.task != t || v.last().Status != statusQueued {
		return actions.Job{}, 0, false
	}
	a := v.last()
	f, data, err := readWorkflow(r, &workflowRef{Path: v.Path}, v.SHA)
	if err != nil { // impossible: the dispatch read the same file
		s.complete(r, v, "startup_failure")
		return actions.Job{}, 0, false
	}
	a.Status, a.BeganAt, a.UpdatedAt = statusInProgress, time.Now(), time.Now()
	s.emitRun(r, v, "in_progress")
	s.saver.mark()
	return actions.Job{
		RunID: v.ID, RunAttempt: a.Number, Repo: r.full(), GitDir: r.git.Dir(), CloneURL: s.htmlURL("/" + r.full() + ".git"),
		Workflow: v.Path, File: data, SHA: v.SHA, Ref: "refs/heads/" + v.Branch, Actor: v.Actor,
		Inputs: maps.Clone(v.Inputs), Vars: r.vars(), Token: s.runToken(r, v, f.Permissions, f.Timeout),
		Log: a.log, Step: func(st actions.Step) { s.recordStep(v, a, st) },
	}, f.Timeout, true
}

func (s *Server) runToken(r *repository, v *run, permissions map[string]string, life time.Duration) string {
	return s.newToken(&accessToken{
		Kind: "run", Permissions: permissions, Repos: []string{r.full()}, RunID: v.ID,
		ExpiresAt: time.Now().Add(life + cancelGrace),
	})
}

// execute runs the job. After a cancel or a timeout the runner has GitHub's grace period; then the job
// counts as ended.
func (s *Server) execute(ctx context.Context, job actions.Job, timeout time.Duration) actions.Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	results := make(chan actions.Result, 1)
	s.jobs.Go(func() { results <- s.cfg.Runner.Run(ctx, job) })
	select {
	case res := <-results:
		return res
	case <-ctx.Done():
	}
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case res := <-results:
		if res.Conclusion == "failure" {
			res.Conclusion = "cancelled" // a job that is being cancelled did not fail
		}
		return res
	case <-grace.C:
		return actions.Result{Conclusion: "cancelled"}
	}
}

func (s *Server) recordStep(v *run, a *attempt, st actions.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.last() != a || a.Status == statusCompleted {
		return
	}
	a.setStep(st)
}

// maxSteps bounds the steps that are recorded for a job.
const maxSteps = 200

func (a *attempt) setStep(st actions.Step) {
	for i := range a.Steps {
		if a.Steps[i].Number == st.Number {
			a.Steps[i] = st
			return
		}
	}
	if len(a.Steps) < maxSteps {
		a.Steps = append(a.Steps, st)
	}
}

func (s *Server) finish(r *repository, v *run, t *task, res actions.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := v.last()
	for _, st := range res.Steps {
		a.setStep(st)
	}
	if res.Err != nil {
		a.Problem = res.Err.Error()
		s.cfg.Log.Error("job", slog.Int64("run", v.ID), slog.Any("error", res.Err))
	}
	conclusion := firstOf(res.Conclusion, "failure")
	if t.cancelled && conclusion != "success" {
		conclusion = "cancelled"
	}
	s.complete(r, v, conclusion)
}

// complete ends the current attempt, emits its event and lets others start.
func (s *Server) complete(r *repository, v *run, conclusion string) {
	a := v.last()
	a.Status, a.Conclusion, a.UpdatedAt = statusCompleted, conclusion, time.Now()
	for i := range a.Steps {
		if a.Steps[i].Status != statusCompleted {
			a.Steps[i].Status, a.Steps[i].Conclusion = statusCompleted, conclusion
		}
	}
	maps.DeleteFunc(s.state.Tokens, func(_ string, t *accessToken) bool { return t.RunID == v.ID })
	v.task = nil
	s.saver.keepLog(v, a)
	s.emitRun(r, v, "completed")
	s.schedule()
}

// cancelRun cancels a running job, and ends a waiting run at once.
func (s *Server) cancelRun(r *repository, v *run) {
	t := v.task
	if v.last().Status == statusInProgress && t != nil {
		t.cancelled = true
		t.cancel()
		return
	}
	if t != nil {
		t.cancel()
	}
	s.complete(r, v, "cancelled")
}

// resume ends the runs that an earlier process left behind and starts waiting ones.
func (s *Server) resume() {
	for _, r := range s.state.Repos {
		for _, v := range r.runsNewestFirst() {
			if v.last().Status == statusInProgress {
				s.complete(r, v, "cancelled")
			}
		}
	}
	s.schedule()
}

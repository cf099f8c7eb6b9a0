// Package actions runs GitHub Actions jobs for the GitHub simulator. It has one interface and two
// runners: Act runs the committed workflow file with act in host mode and the real Terraform; Script
// plays a run from a table, for tests in virtual time. The package owns how a job is executed, its
// environment and its log. The GitHub simulator owns runs, concurrency groups and webhooks.
package actions

import (
	"context"
	"io"
)

// Job is one dispatched workflow run.
type Job struct {
	RunID      int64
	RunAttempt int
	Repo       string            // "owner/name"
	GitDir     string            // bare repository on disk; empty in virtual time
	CloneURL   string            // address from which a job fetches and to which it pushes, with Token
	Workflow   string            // ".github/workflows/plan.yml"
	File       []byte            // the workflow file at SHA
	SHA        string            // head of the default branch at dispatch
	Ref        string            // "refs/heads/main"
	Actor      string            // login of the person or App that dispatched
	Inputs     map[string]string // workflow_dispatch inputs
	Vars       map[string]string // repository variables
	Token      string            // GITHUB_TOKEN of this run
	Log        io.Writer         // what the page of the run shows
	Step       func(Step)        // called as steps start and end; may be nil
}

// Step is the progress of one step of the job.
type Step struct {
	Number     int
	Name       string
	Status     string // in_progress, completed
	Conclusion string // success, failure, cancelled, skipped; empty while in progress
}

// Result reports how a job ended.
type Result struct {
	Conclusion string // success, failure, cancelled, timed_out, startup_failure
	Steps      []Step
	Err        error // why the job could not run at all
}

// Runner executes jobs. Cancelling ctx cancels the run the way GitHub does:
// SIGINT to the step's own process, SIGTERM 7.5 s later, then the tree is killed.
type Runner interface {
	Run(ctx context.Context, job Job) Result
}

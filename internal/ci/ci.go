// Package ci is what a workflow run does besides Terraform: `tfpilot-ci …`. Each
// command is one step of a shipped workflow. It owns the guard (which runs may start at
// all), the checks of content and backend, starting Terraform so that a cancel
// reaches it, and what leaves the runner: the redacted result. It does not decide
// what may run; that is written in the grant, which only the app can write.
//
// Everything a command knows comes from environment variables that the workflow
// sets, and from files that earlier steps left in RUNNER_TEMP.
package ci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Exit codes, as everywhere in tfpilot.
const (
	// GitHub Actions only tells zero from the rest. The values are for people and tests.
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Process is the environment and the output of one command.
type Process struct {
	Env    []string // required; as os.Environ gives it
	Stdout io.Writer
	Stderr io.Writer
	Sleep  func(time.Duration) // waits between retries; nil is time.Sleep
}

// bucket is the part of the requests bucket that a run needs.
type bucket interface {
	Grant(ctx context.Context, project, cid string) (lifecycle.Grant, error)
	PutClaim(ctx context.Context, project, cid string, c lifecycle.Claim) (mine bool, stored lifecycle.Claim, err error)
	PutResult(ctx context.Context, project, cid string, r lifecycle.Result) error
	Summary(ctx context.Context, project, cid string) ([]byte, error)
	PutSummary(ctx context.Context, project, cid string, data []byte) error
	PutPlan(ctx context.Context, project, cid string, text []byte) error
}

type command struct {
	about string
	run   func(*job, context.Context) error
	grant bool // needs the grant that the guard checked and saved
}

// The steps of one job are separate processes. They share no memory, so a later step relies on
// files of earlier ones, and the code of modules and providers, which Terraform runs in between,
// could change those files. What decides about an effect is therefore checked again where it is
// used: see recheckGrant and approved.
var commands = map[string]command{
	"inputs":  {"check the workflow's inputs; needs no credential", (*job).checkInputs, false},
	"guard":   {"check the grant and claim the correlation id", (*job).guard, false},
	"verify":  {"check the requested commit and the code that runs, and write its tree", (*job).verify, true},
	"backend": {"compare the backend, initialize Terraform, compare again", (*job).backend, true},
	"plan":    {"plan, summarize, compare with the approved digest", (*job).plan, true},
	"apply":   {"apply the plan that was just compared", (*job).apply, true},
	"destroy": {"apply the destroy plan that was just compared", (*job).apply, true},
	"rescue":  {"push a state back that Terraform could not save", (*job).rescue, false},
	"result":  {"keep the redacted result", (*job).result, false},
	"strip":   {"take the block of a destroyed request out and check what is left", (*job).strip, true},
	"push":    {"push the branch without that block; needs no Terraform", (*job).push, true},
}

// Run executes one command and returns the exit code.
func Run(ctx context.Context, args []string, p Process) int {
	if len(args) == 1 && slices.Contains([]string{"help", "--help", "-h"}, args[0]) {
		usage(p.Stdout)
		return exitDone
	}
	if len(args) != 1 || commands[args[0]].run == nil {
		if len(args) > 0 {
			_, _ = fmt.Fprintf(p.Stderr, "tfpilot-ci takes one command of this list, not %q\n", args)
		}
		usage(p.Stderr)
		return exitUsage
	}
	keepProcessPrivate()
	// The first signal interrupts Terraform once. A second interrupt would make Terraform exit
	// without saving the state, so further signals are ignored.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	j, err := newJob(p)
	if err != nil {
		return fail(p, j, args[0], err)
	}
	c := commands[args[0]]
	if c.grant {
		err = j.useGrant()
	}
	if err == nil {
		err = c.run(j, ctx)
	}
	if err != nil {
		return fail(p, j, args[0], err)
	}
	return exitDone
}

func usage(w io.Writer) {
	names := make([]string, 0, len(commands))
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	_, _ = fmt.Fprintln(w, "usage: tfpilot-ci <command>, inside a workflow of TfPilot")
	for _, name := range names {
		_, _ = fmt.Fprintf(w, "  %-8s %s\n", name, commands[name].about)
	}
}

// fail prints the reason for the failure in the run, and saves it for the step that writes the
// result.
func fail(p Process, j *job, name string, err error) int {
	var denied *refusal
	code := lifecycle.CodeStepFailed
	if errors.As(err, &denied) {
		code = denied.code
	}
	text := err.Error()
	// A run that the guard refuses has no grant and must leave no result: the result would be
	// stored under a correlation id that belongs to another run.
	if j != nil && name != "inputs" && name != "guard" {
		text = cut(j.redact(text), maxTail) // redacting comes first: half a secret would not be found
		noteErr := j.note(func(o *outcome) {
			o.failed(name, code, text)
			if denied != nil && denied.lock != nil {
				lock := *denied.lock
				lock.Who = cut(j.redact(lock.Who), maxLockWord)
				o.StateLock = &lock
			}
		})
		if noteErr != nil {
			_, _ = fmt.Fprintln(p.Stderr, "keep the reason:", noteErr)
		}
	}
	// An annotation of GitHub has one line; the rest of the text follows in the log.
	first, rest, _ := strings.Cut(cut(text, maxTail), "\n")
	_, _ = fmt.Fprintf(p.Stdout, "::error title=%s::%s\n", code, commandData(first))
	printInert(p.Stdout, rest)
	return exitFailed
}

// job is one command with its inputs and directories.
type job struct {
	in     inputs
	env    map[string]string
	out    io.Writer
	bucket func(ctx context.Context) (bucket, error)
	now    func() time.Time
	sleep  func(time.Duration)
}

// newJob reads the environment once. It needs no credential and opens no connection, so that the
// command "inputs" can run in a job without permissions.
func newJob(p Process) (*job, error) {
	env := map[string]string{}
	for _, kv := range p.Env {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	j := &job{env: env, out: p.Stdout, now: time.Now, sleep: p.Sleep}
	if j.sleep == nil {
		j.sleep = time.Sleep
	}
	j.bucket = j.openBucket
	in, err := parseInputs(env)
	if err != nil {
		return nil, err
	}
	j.in = in
	if env["RUNNER_TEMP"] == "" || env["GITHUB_WORKSPACE"] == "" {
		return nil, errors.New("RUNNER_TEMP and GITHUB_WORKSPACE are not set: this command runs inside a workflow")
	}
	if err := os.MkdirAll(j.runFile(""), 0o700); err != nil {
		return nil, fmt.Errorf("make directory of the run: %w", err)
	}
	return j, nil
}

// openBucket connects with the credentials of the role that the workflow assumed.
func (j *job) openBucket(ctx context.Context) (bucket, error) {
	s, err := store.Open(ctx, store.Config{
		Bucket: j.env["TFPILOT_REQUESTS_BUCKET"], Region: j.env["AWS_REGION"], Endpoint: j.env["AWS_ENDPOINT_URL_S3"],
		AccessKey: j.env["AWS_ACCESS_KEY_ID"], Secret: j.env["AWS_SECRET_ACCESS_KEY"],
		SessionToken: j.env["AWS_SESSION_TOKEN"],
	})
	if err != nil {
		return nil, fmt.Errorf("open requests bucket: %w", err)
	}
	return s, nil
}

// runFile returns the path of a file that lasts for the run, across its steps.
func (j *job) runFile(name string) string {
	return filepath.Join(j.env["RUNNER_TEMP"], "tfpilot", "run", name)
}

// tools is the checkout whose code runs: the default branch at dispatch.
func (j *job) tools() string { return filepath.Join(j.env["GITHUB_WORKSPACE"], "tools") }

// infra is the checkout of the requested commit, which is only read.
func (j *job) infra() string { return filepath.Join(j.env["GITHUB_WORKSPACE"], "infra") }

// root is the Terraform root of the environment: in the tree with the bound code or, for runs
// without an approval, in the checkout of the default branch.
func (j *job) root() string {
	from := j.tree()
	if j.in.Kind == lifecycle.KindCleanup || j.in.Kind == lifecycle.KindDriftPlan {
		from = j.tools()
	}
	return filepath.Join(from, "envs", j.in.Environment.Key, j.in.Environment.Slug)
}

func (j *job) say(format string, args ...any) { _, _ = fmt.Fprintf(j.out, format+"\n", args...) }

package actions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

const (
	defaultBranch = "main"
	hostedLabel   = "ubuntu-24.04"
	// afterCancel limits the steps that still run after a run was canceled.
	afterCancel = 30 * time.Second
)

// Act runs the committed workflow file with act in host mode. A job gets the environment of this
// struct and nothing of the parent process.
type Act struct {
	Binary    string            // required; the act program
	Dir       string            // required; run directories are created and removed here
	Path      string            // PATH of the steps; empty: the PATH of the parent process
	Terraform string            // the program that setup-terraform adds to PATH
	Env       map[string]string // set for every job: endpoints, TF_CLI_CONFIG_FILE, TF_CLI_ARGS_init
	Roles     map[string]Role   // by ARN
	Parallel  int               // jobs at once; 0: the number of cores

	once  sync.Once
	slots chan struct{}

	mu      sync.Mutex
	running map[int]bool // the processes of act
	killed  bool
}

// Run executes one job and returns when none of its processes is left.
func (a *Act) Run(ctx context.Context, job Job) Result {
	a.once.Do(func() {
		n := a.Parallel
		if n <= 0 {
			n = runtime.NumCPU()
		}
		a.slots = make(chan struct{}, n)
	})
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return Result{Conclusion: "cancelled"}
	}
	wf, err := parse(job)
	if err != nil {
		return notStarted(err)
	}
	dir, err := os.MkdirTemp(a.Dir, "run-"+strconv.FormatInt(job.RunID, 10)+"-")
	if err != nil {
		return notStarted(fmt.Errorf("make run directory: %w", err))
	}
	defer func() { _ = os.RemoveAll(dir) }() // a directory that remains only costs disk space
	cmd, err := a.prepare(ctx, dir, job, wf)
	if err != nil {
		return notStarted(err)
	}
	return a.watch(ctx, cmd, newTranscript(wf, job.Log, job.Step), gate{dir}, wf.Timeout)
}

// parse reads the workflow of a job, which must have exactly one job with steps.
func parse(job Job) (*workflow.File, error) {
	wf, err := workflow.Parse(job.Workflow, job.File)
	if err == nil && (wf.Jobs != 1 || len(wf.Steps) == 0) {
		err = fmt.Errorf("workflow has %d jobs and %d steps, this runner runs one job with steps", wf.Jobs, len(wf.Steps))
	}
	return wf, err
}

func notStarted(err error) Result { return Result{Conclusion: "startup_failure", Err: err} }

// prepare fills the run directory and returns the command.
func (a *Act) prepare(ctx context.Context, dir string, job Job, wf *workflow.File) (*exec.Cmd, error) {
	for _, sub := range []string{"home", "tmp", "bin", "standins"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make run directory: %w", err)
		}
	}
	if err := a.tree(ctx, dir, job); err != nil {
		return nil, err
	}
	if err := writeInputs(dir, job); err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "bin")
	if err := errors.Join(shims(bin, a.path()), gate{dir}.install(bin, a.path(), wf)); err != nil {
		return nil, err
	}
	standIns, err := a.standIns(filepath.Join(dir, "standins"), job, wf)
	if err != nil {
		return nil, err
	}
	// Not CommandContext: a cancel stops the step, never act itself.
	cmd := exec.Command(a.Binary, append(actFlags(dir, job), standIns...)...)
	cmd.Dir = dir
	cmd.Env = a.environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in the terminal is meant for the sandbox only
	return cmd, nil
}

func actFlags(dir string, job Job) []string {
	flags := []string{"workflow_dispatch", "-C", filepath.Join(dir, "repo"), "-W", job.Workflow,
		"-e", filepath.Join(dir, "event.json"), "--json", "--no-cache-server", "--action-offline-mode",
		"--action-cache-path", filepath.Join(dir, "cache"), "--actor", job.Actor,
		"--env-file", os.DevNull, "--input-file", os.DevNull, "--var-file", os.DevNull,
		"--secret-file", filepath.Join(dir, "secrets"), "-P", hostedLabel + "=-self-hosted"}
	for k, v := range job.Vars {
		flags = append(flags, "--var", k+"="+v)
	}
	owner, _, _ := strings.Cut(job.Repo, "/")
	for _, kv := range []string{
		"GITHUB_RUN_ID=" + strconv.FormatInt(job.RunID, 10), "GITHUB_RUN_ATTEMPT=" + strconv.Itoa(job.RunAttempt),
		"GITHUB_RUN_NUMBER=" + strconv.FormatInt(job.RunID, 10), "GITHUB_REPOSITORY=" + job.Repo,
		"GITHUB_REPOSITORY_OWNER=" + owner, "GITHUB_REF=" + job.Ref, "GITHUB_TRIGGERING_ACTOR=" + job.Actor,
	} {
		flags = append(flags, "--env", kv)
	}
	if server, ok := strings.CutSuffix(job.CloneURL, "/"+job.Repo+".git"); ok {
		flags = append(flags, "--env", "GITHUB_SERVER_URL="+server)
	}
	return flags
}

// environment returns everything that a step sees of this machine.
func (a *Act) environment(dir string) []string {
	env := []string{
		"PATH=" + filepath.Join(dir, "bin") + string(os.PathListSeparator) + a.path(),
		"HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + filepath.Join(dir, "tmp"),
		"LANG=C.UTF-8", "TERM=dumb", "PAGER=cat", "GIT_PAGER=cat", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1",
	}
	for k, v := range a.Env {
		env = append(env, k+"="+v)
	}
	return env
}

func (a *Act) path() string {
	if a.Path != "" {
		return a.Path
	}
	return os.Getenv("PATH")
}

// tree creates the small repository from which act reads branch and commit. It contains the workflow
// file of the job.
func (a *Act) tree(ctx context.Context, dir string, job Job) error {
	repo := filepath.Join(dir, "repo")
	steps := [][]string{
		{"init", "--quiet", "--initial-branch=" + defaultBranch, repo},
		{"-C", repo, "fetch", "--quiet", "--no-tags", "--depth=1", job.GitDir, job.SHA},
		{"-C", repo, "checkout", "--quiet", "-B", strings.TrimPrefix(job.Ref, "refs/heads/"), "FETCH_HEAD"},
		{"-C", repo, "remote", "add", "origin", "https://github.com/" + job.Repo + ".git"},
	}
	for _, args := range steps {
		if err := a.git(ctx, dir, args); err != nil {
			return err
		}
	}
	file := filepath.Join(repo, filepath.FromSlash(job.Workflow))
	if !filepath.IsLocal(filepath.FromSlash(job.Workflow)) {
		return fmt.Errorf("workflow %q is not a path in the repository", job.Workflow)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make workflow directory: %w", err)
	}
	if err := os.WriteFile(file, job.File, 0o600); err != nil {
		return fmt.Errorf("write workflow: %w", err)
	}
	return nil
}

func (a *Act) git(ctx context.Context, dir string, args []string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = a.environment(dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

var tokenRE = regexp.MustCompile(`^[A-Za-z0-9_.-]*$`)

// writeInputs writes the inputs to a file, so that they never touch a command line.
func writeInputs(dir string, job Job) error {
	event, err := json.Marshal(map[string]any{
		"inputs": inert(job.Inputs), "ref": job.Ref, "workflow": job.Workflow,
		"repository": map[string]any{"full_name": job.Repo, "default_branch": defaultBranch},
		"sender":     map[string]any{"login": job.Actor},
	})
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if !tokenRE.MatchString(job.Token) {
		return errors.New("the token of the run has characters that are invalid in a secrets file")
	}
	for name, text := range map[string]string{"event.json": string(event), "secrets": "GITHUB_TOKEN=" + job.Token + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// inert disables expressions inside inputs. act evaluates the env of a job twice, so an input could
// read the token; on GitHub it stays text.
func inert(inputs map[string]string) map[string]string {
	out := make(map[string]string, len(inputs))
	for k, v := range inputs {
		out[k] = strings.ReplaceAll(v, "${{", "$ {{")
	}
	return out
}

// watch starts act, reads its output, and handles cancel and time limit.
func (a *Act) watch(ctx context.Context, cmd *exec.Cmd, t *transcript, g gate, limit time.Duration) Result {
	out, w, err := os.Pipe()
	if err != nil {
		return notStarted(fmt.Errorf("make pipe: %w", err))
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = w, w
	err = a.start(cmd)
	_ = w.Close()
	if err != nil {
		return notStarted(fmt.Errorf("start act: %w", err))
	}
	defer a.ended(cmd.Process.Pid)
	ended := make(chan struct{})
	read := make(chan error, 1)
	go func() { read <- t.read(io.Reader(out)) }()
	go func() { _ = cmd.Wait(); close(ended) }() // the exit code is read below
	conclusion, step := a.supervise(ctx, cmd.Process.Pid, t, g, limit, ended)
	select {
	case <-read:
	case <-time.After(5 * time.Second): // a process of the job outlived act and still has the pipe open
		_ = out.SetReadDeadline(time.Now())
		<-read
	}
	if conclusion == "" {
		conclusion = t.conclusion(cmd.ProcessState.ExitCode())
	}
	t.markCancelled(g.refusedSteps(), step)
	t.finish(conclusion)
	return Result{Conclusion: conclusion, Steps: t.steps, Err: t.startError(conclusion)}
}

// supervise waits for act to end. A cancel or the time limit decides the conclusion, not the exit code
// of act; step is the step that was stopped.
func (a *Act) supervise(ctx context.Context, pid int, t *transcript, g gate, limit time.Duration,
	ended <-chan struct{}) (conclusion, step string) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		return "", ""
	case <-ctx.Done():
		conclusion = "cancelled"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			conclusion = "timed_out"
		}
	case <-timer.C:
		conclusion = "timed_out"
	}
	return conclusion, stop(pid, t, g, ended)
}

// stop cancels a job as GitHub does. It stops the running step, unless the condition of that step is
// still true, and lets the steps run that always run.
func stop(pid int, t *transcript, g gate, ended <-chan struct{}) (step string) {
	shut := g.close() == nil
	step, late := t.running()
	if late {
		step = ""
	}
	if !late {
		cancelStep(children(pid), ended) // no step is running, and the gate starts no other one
	}
	if shut && waited(ended, afterCancel) {
		return step
	}
	killTrees([]int{pid})
	<-ended
	return step
}

func (t *transcript) conclusion(exit int) string {
	switch {
	case t.jobResult == "success" && exit == 0:
		return "success"
	case t.jobResult == "":
		return "startup_failure"
	}
	return "failure"
}

func (t *transcript) startError(conclusion string) error {
	if conclusion != "startup_failure" {
		return nil
	}
	return fmt.Errorf("act: %s", strings.TrimSpace(t.stray.String()))
}

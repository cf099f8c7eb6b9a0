package ci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const (
	// Terraform has no timeout of its own here: killing it would lose its state. The workflow's
	// timeout-minutes cancels the job, which interrupts Terraform once.
	gitTimeout  = 5 * time.Minute
	gitGrace    = 10 * time.Second
	maxPlanJSON = 64 << 20
	maxRead     = 4 << 20 // of a tool's output
	orphanPause = 200 * time.Millisecond
)

// git runs git in a directory and returns its output, which is bounded.
func (j *job) git(ctx context.Context, dir string, args ...string) (string, error) {
	return j.gitWith(ctx, dir, nil, nil, args...)
}

// gitWith runs git with standard input and additional environment variables.
func (j *job) gitWith(ctx context.Context, dir string, in []byte, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	// A prompt or a pager would wait forever in a run. The system's configuration could add hooks
	// and credential helpers.
	cmd.Env = append(j.childEnv("GIT_TERMINAL_PROMPT=0", "GIT_PAGER=cat", "GIT_CONFIG_NOSYSTEM=1"), env...)
	cmd.Stdin = bytes.NewReader(in)
	var out, errs bounded
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = gitGrace // a child of git keeps the output open when git itself is killed
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// terraform runs Terraform in the root. Its output goes to two files of the run, never to the
// log: outFile has standard output only, because it is parsed, and errFile has standard error.
// When ctx ends, Terraform gets one SIGINT, and terraform waits until it exits, without a limit,
// so that it saves the state and releases the lock. Terraform runs in its own process group, so
// that nothing else signals it a second time.
func (j *job) terraform(ctx context.Context, dir, outFile string, args ...string) (exit int, err error) {
	out, err := os.OpenFile(j.runFile(outFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open output of terraform: %w", err)
	}
	defer func() { _ = out.Close() }() // Terraform wrote it, not we
	return j.terraformTo(ctx, dir, outFile, out, nil, args...)
}

// errFile names the file with the standard error of a command.
func errFile(outFile string) string { return outFile + ".stderr" }

// terraformTo is terraform with standard output to any writer. name names the file of its
// standard error.
func (j *job) terraformTo(ctx context.Context, dir, name string, out io.Writer, in io.Reader,
	args ...string) (exit int, err error) {
	errs, err := os.OpenFile(j.runFile(errFile(name)), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open standard error of terraform: %w", err)
	}
	defer func() { _ = errs.Close() }() // Terraform wrote it, not we
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = dir
	cmd.Env = j.childEnv("TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start terraform %s: %w", args[0], err)
	}
	if args[0] == "apply" {
		// Without the file only the wait in a later step is lost.
		_ = j.keepText(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)))
		defer func() { _ = os.Remove(j.runFile(pidFile)) }()
	}
	err = cmd.Wait()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return cmd.ProcessState.ExitCode(), refuse(lifecycle.CodeInterrupted, "terraform %s was interrupted", args[0])
	case errors.As(err, &failed):
		return failed.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("run terraform %s: %w", args[0], err)
	}
	return 0, nil
}

// pidFile contains the process id of the Terraform that applies.
const pidFile = "terraform.pid"

// awaitTerraform waits for a Terraform that an earlier step of a cancelled run left running: the
// runner kills that step, but Terraform continues to save the state until the job ends. It
// reports whether Terraform has exited.
func (j *job) awaitTerraform(limit time.Duration) (ended bool) {
	text, err := os.ReadFile(j.runFile(pidFile))
	if err != nil {
		return true // there is none
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 1 {
		return true
	}
	for range limit / orphanPause {
		// Signal 0 only checks that the process exists.
		if err := syscall.Kill(pid, 0); err != nil {
			return true
		}
		j.sleep(orphanPause)
	}
	return false
}

// read returns a file of the run, at most limit bytes.
func (j *job) read(name string, limit int64) ([]byte, error) {
	f, err := os.Open(j.runFile(name))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, refuse(lifecycle.CodePlanTooLarge, "%s is larger than %d MiB", name, limit>>20)
	}
	return data, nil
}

// readEnd returns the last whole lines of a file of the run, at most maxRead bytes. The error is
// at the end of a command's output.
func (j *job) readEnd(name string) ([]byte, error) {
	f, err := os.Open(j.runFile(name))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(0, size-maxRead), io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRead))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if size > maxRead {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	return data, nil
}

// bounded keeps the first maxRead bytes of a tool's output.
type bounded struct{ buf bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxRead - b.buf.Len(); room > 0 {
		b.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) String() string { return b.buf.String() }

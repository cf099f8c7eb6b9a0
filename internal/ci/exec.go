package ci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	gitTimeout  = 5 * time.Minute
	maxPlanJSON = 64 << 20
	maxRead     = 4 << 20 // of what a tool said
)

// git runs git in a directory and returns what it said; bounded.
func (j *job) git(ctx context.Context, dir string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = j.childEnv("GIT_TERMINAL_PROMPT=0", "GIT_PAGER=cat", "GIT_CONFIG_NOSYSTEM=1")
	var out, errs bounded
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("git %s: %w: %s", args[0], err, cut(strings.TrimSpace(errs.String()), 500))
	}
	return out.String(), nil
}

// terraform runs Terraform in the root with its output in a kept file, never in
// the log. When ctx ends it is told once, by SIGINT, and then waited for however
// long it takes: it saves the state and gives the lock back. It has a process
// group of its own, so that nothing else signals it a second time.
func (j *job) terraform(ctx context.Context, dir, outFile string, args ...string) (exit int, err error) {
	out, err := os.OpenFile(j.kept(outFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("open output of terraform: %w", err)
	}
	defer func() { _ = out.Close() }() // Terraform wrote it, not we
	return j.terraformTo(ctx, dir, out, nil, args...)
}

func (j *job) terraformTo(ctx context.Context, dir string, out io.Writer, in io.Reader, args ...string) (exit int, err error) {
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir = dir
	cmd.Env = j.childEnv("TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start terraform %s: %w", args[0], err)
	}
	err = cmd.Wait()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return cmd.ProcessState.ExitCode(), refuse(codeInterrupted, "terraform %s was interrupted", args[0])
	case errors.As(err, &failed):
		return failed.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("run terraform %s: %w", args[0], err)
	}
	return 0, nil
}

// childEnv is the environment of a child: ours, without what would move
// Terraform's data away from its root, and the additions.
func (j *job) childEnv(add ...string) []string {
	env := make([]string, 0, len(j.env)+len(add))
	for k, v := range j.env {
		switch k {
		case "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_CLI_ARGS_apply":
		default:
			env = append(env, k+"="+v)
		}
	}
	return append(env, add...)
}

// read returns a kept file of at most limit bytes.
func (j *job) read(name string, limit int64) ([]byte, error) {
	f, err := os.Open(j.kept(name))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, refuse(codePlanTooLarge, "%s is larger than %d MiB", name, limit>>20)
	}
	return data, nil
}

// bounded keeps the first maxRead bytes of what a tool says.
type bounded struct{ buf bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if room := maxRead - b.buf.Len(); room > 0 {
		b.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *bounded) String() string { return b.buf.String() }

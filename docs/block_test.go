package docs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The kinds of shell blocks in a page, by the text after "```sh".
const (
	runToEnd = "sh"         // must succeed
	serve    = "sh serve"   // runs until the end of the page, then Ctrl-C ends it
	account  = "sh account" // needs a real account; not run
	theTest  = "sh test"    // is this very test's command; .ci/run must call it
)

const (
	blockTime  = 5 * time.Minute
	answerTime = 3 * time.Minute // until a server that was started answers
	stopTime   = time.Minute
)

// Every shell block of README and docs does what it says: run in a copy of the tree,
// with a cache directory of its own, so that it finds a fresh machine's state.
func TestShellBlocks(t *testing.T) {
	copied, cache := copyTree(t), t.TempDir()
	for _, p := range pages(t) {
		blocks, _ := p.blocks()
		t.Run(strings.ReplaceAll(p.path, "/", "-"), func(t *testing.T) {
			s := shell{dir: copied, env: environment(t, cache)}
			for _, b := range blocks {
				s.block(t, p, b)
			}
			s.end(t)
		})
	}
}

// shell runs the blocks of one page, one after the other.
type shell struct {
	dir    string
	env    []string
	server *server
}

func (s *shell) block(t *testing.T, p page, b block) {
	t.Helper()
	word, _, _ := strings.Cut(b.info, " ")
	if word == "bash" || word == "shell" || word == "console" {
		t.Errorf("%s:%d: write `sh`, so that the block is run", p.path, b.line)
	}
	if word != "sh" {
		return
	}
	switch b.info {
	case account:
	case theTest:
		ci, err := os.ReadFile(".ci/run")
		if err != nil || !strings.Contains(string(ci), strings.TrimSpace(b.text)+"\n") {
			t.Errorf("%s:%d: .ci/run does not call %q", p.path, b.line, b.text)
		}
	case serve:
		s.end(t)
		s.server = start(t, s, b)
	case runToEnd:
		ctx, cancel := context.WithTimeout(t.Context(), blockTime)
		defer cancel()
		cmd := s.command(ctx, b)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s:%d: %v\n%s", p.path, b.line, err, tail(out))
		}
	default:
		t.Errorf("%s:%d: unknown kind of block %q", p.path, b.line, b.info)
	}
}

func (s *shell) command(ctx context.Context, b block) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", b.text)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// server is a block that runs until the test stops it.
type server struct {
	cmd   *exec.Cmd
	group int // of its processes
	done  chan error
	out   *output
}

var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func start(t *testing.T, s *shell, b block) *server {
	t.Helper()
	out := &output{}
	v := &server{cmd: s.command(context.WithoutCancel(t.Context()), b), done: make(chan error, 1), out: out}
	v.cmd.Stdout, v.cmd.Stderr = out, out
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.group = v.cmd.Process.Pid
	go func() { v.done <- v.cmd.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(-v.group, syscall.SIGKILL) })
	deadline := time.Now().Add(answerTime)
	for time.Now().Before(deadline) {
		if url := address.FindString(out.String()); url != "" && answers(url) {
			return v
		}
		select {
		case err := <-v.done:
			t.Fatalf("%q ended: %v\n%s", b.text, err, out)
		case <-time.After(200 * time.Millisecond):
		}
	}
	t.Fatalf("%q printed no address that answers:\n%s", b.text, out)
	return nil
}

func answers(url string) bool {
	resp, err := http.Get(url)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode == http.StatusOK
}

// end presses Ctrl-C: the server ends by itself, and well.
func (s *shell) end(t *testing.T) {
	t.Helper()
	if s.server == nil {
		return
	}
	v := s.server
	s.server = nil
	_ = syscall.Kill(-v.group, syscall.SIGINT)
	select {
	case err := <-v.done:
		if err != nil && !interrupted(err, v.out.String()) {
			t.Errorf("Ctrl-C ended it: %v\n%s", err, v.out)
		}
	case <-time.After(stopTime):
		t.Errorf("Ctrl-C did not end it:\n%s", v.out)
	}
	if err := syscall.Kill(-v.group, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("Ctrl-C left a process behind: %v", err)
	}
}

// interrupted reports whether the Ctrl-C itself ended the shell or the go command, which
// then exits with 1, and not that the program below it failed: of that the go command
// tells the exit status.
func interrupted(err error, out string) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strings.Contains(out, "exit status") {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && (status.Signaled() && status.Signal() == syscall.SIGINT || status.ExitStatus() == 1)
}

// output keeps what a process prints.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func tail(out []byte) []byte {
	const most = 4000
	return out[max(0, len(out)-most):]
}

// environment is this process's, with empty directories for data and cache. The Go
// command keeps its own caches: building everything twice proves nothing.
func environment(t *testing.T, cache string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE").Output()
	dirs := strings.Fields(string(out))
	if err != nil || len(dirs) != 2 {
		t.Fatalf("go env: %v %q", err, out)
	}
	return append(os.Environ(), "XDG_CACHE_HOME="+cache, "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1], "TMPDIR="+t.TempDir())
}

// copyTree copies the files of the repository, so that no block changes them.
func copyTree(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others",
		"--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	for _, path := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		if err := copyFile(path, filepath.Join(to, path)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return to
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

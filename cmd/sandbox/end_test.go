package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
)

// TestEndAndStartAgain ends a sandbox in the middle of a run, in every way: nothing is
// left behind, and the next start continues.
func TestEndAndStartAgain(t *testing.T) {
	t.Parallel()
	y := &yard{t: t, dir: t.TempDir()}
	first := y.sandbox()
	id := y.open("kept-over-a-restart")
	y.awaitRun()
	y.interrupt(first)
	y.noProcessLeft()
	if !strings.Contains(first.errs.text(), "Stopping…") {
		t.Errorf("it did not report that it stops:\n%s", first.errs.text())
	}

	second := y.sandbox()
	if all := y.requests("list"); !strings.Contains(all, id) {
		t.Errorf("%s is no longer in the list:\n%s", id, all)
	}
	y.until(y.open("after-a-restart"), "plan_ready")
	y.keysAreKnown("requests", "run index", "pull index", "grants", "claims", "results", "identities")
	y.open("killed-with-its-sandbox")
	y.awaitRun()
	y.kill(second)

	third := y.sandbox()
	y.noProcessLeft(third.Process.Pid)
	y.open("ended-in-a-hurry")
	y.awaitRun()
	third.killed = true // it ends with a code of its own
	_ = third.Process.Signal(syscall.SIGHUP)
	y.wait("the first signal to be answered", func() bool { return strings.Contains(third.errs.text(), "Stopping…") })
	_ = third.Process.Signal(os.Interrupt)
	if !third.endsIn(time.Minute) {
		t.Fatal("a second signal did not end it at once")
	}
	if code := third.ProcessState.ExitCode(); code != cli.Hurried {
		t.Errorf("it ended with %d", code)
	}
	y.noProcessLeft()
}

// awaitRun waits until act works in the data directory.
func (y *yard) awaitRun() {
	y.t.Helper()
	y.wait("a run", func() bool {
		for _, line := range y.holders() {
			if strings.Contains(line, "workflow_dispatch") {
				return true
			}
		}
		return false
	})
}

func (y *yard) wait(what string, seen func() bool) {
	y.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !seen(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			y.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// noProcessLeft checks that no process works in the data directory, except the named ones.
// One that was killed takes a moment to be gone.
func (y *yard) noProcessLeft(but ...int) {
	y.t.Helper()
	var left map[int]string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		left = y.holders()
		for _, pid := range but {
			delete(left, pid)
		}
		if len(left) == 0 {
			return
		}
	}
	for pid, line := range left {
		y.t.Errorf("process %d is left: %s", pid, line)
	}
}

// holders are the processes whose command line or working directory names the data directory.
func (y *yard) holders() map[int]string {
	found := map[int]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if text := strings.ReplaceAll(string(line), "\x00", " ") + "in " + cwd; strings.Contains(text, y.dir) {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			found[pid] = text
		}
	}
	if len(dirs) > 0 {
		return found
	}
	out, _ := exec.Command("ps", "-A", "-o", "pid=,args=").Output()
	for line := range strings.Lines(string(out)) {
		pid := 0
		if _, err := fmt.Sscan(line, &pid); err == nil && strings.Contains(line, y.dir) {
			found[pid] = line
		}
	}
	return found
}

// Ctrl-C is confirmed at once, however long the app takes to end.
func TestStoppingIsSaidAtOnce(t *testing.T) {
	y := &yard{t: t}
	var errs record
	ctx, interrupt := context.WithCancel(t.Context())
	c := newSandbox()
	c.SetContext(ctx)
	c.SetErr(&errs)
	r := &sandboxRun{dir: t.TempDir(), ci: built(t, "tfpilot-ci")}
	err := r.main(c, func(context.Context) error {
		interrupt()
		y.wait("an answer", func() bool { return strings.Contains(errs.text(), "Stopping…") })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(errs.text(), "Stopping…"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// An app that cannot start ends the sandbox with the reason, before anyone was notified
// that it runs.
func TestAppThatCannotStart(t *testing.T) {
	var out, errs record
	c := newSandbox()
	c.SetContext(t.Context())
	c.SetOut(&out)
	c.SetErr(&errs)
	r := &sandboxRun{dir: t.TempDir(), json: true, ci: built(t, "tfpilot-ci")}
	err := r.main(c, func(ctx context.Context) error {
		taken, err := net.Listen("tcp", strings.TrimPrefix(r.box.Access.App, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		return r.serve(ctx)
	})
	if err == nil || !strings.Contains(err.Error(), "TFPILOT_HTTP_ADDR") {
		t.Errorf("it ended with %v", err)
	}
	if out.text() != "" {
		t.Errorf("it reported that it runs: %s", out.text())
	}
}

// A person who reads the start-up line can begin: the app is connected.
func TestStartUpLineMeansConnected(t *testing.T) {
	y := &yard{t: t, dir: t.TempDir()}
	y.sandbox()
	var state struct{ Sockets int }
	resp, err := http.Get(y.access.Page + "/control/state?user=dana")
	if err == nil {
		err = json.NewDecoder(resp.Body).Decode(&state)
		_ = resp.Body.Close()
	}
	if err != nil || state.Sockets == 0 {
		t.Errorf("%d sockets, %v", state.Sockets, err)
	}
}

// With --json the demo's standard output is one line with all that a script needs; the
// steps are for people.
func TestDemoInJSON(t *testing.T) {
	y := &yard{t: t, dir: t.TempDir()}
	cmd := y.command("demo", "--json", "--data", y.dir, "--port", "0")
	out := &record{}
	cmd.Stdout = out
	c := y.start(cmd)
	y.wait("a step", func() bool { return strings.Contains(c.errs.text(), "✓") })
	c.killed = true // it has not seen every step
	_ = c.Process.Signal(os.Interrupt)
	if !c.endsIn(closeTime) || c.ProcessState.ExitCode() != cli.Failed {
		t.Errorf("a demo that was interrupted ended with %v", c.ProcessState)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(out.text()), &line); err != nil {
		t.Fatalf("%v in %s", err, out.text())
	}
	for _, name := range []string{"page", "slack", "github", "s3", "cloud", "cloudToken", "model", "redis", "app",
		"clone", "env", "people", "keys", "data"} {
		if v := line[name]; v == nil || v == "" {
			t.Errorf("the start-up line lacks %s", name)
		}
	}
}

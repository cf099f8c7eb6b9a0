package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEndAndStartAgain ends a sandbox in the middle of a run, in every way: nothing is
// left behind, and the next start goes on.
func TestEndAndStartAgain(t *testing.T) {
	t.Parallel()
	y := &yard{t: t, dir: t.TempDir()}
	first := y.sandbox()
	id := y.open("kept-over-a-restart")
	y.awaitRun()
	y.interrupt(first)
	y.nobodyLeft()
	if !strings.Contains(first.errs.text(), "Stopping…") {
		t.Errorf("it did not say that it stops:\n%s", first.errs.text())
	}

	second := y.sandbox()
	if all := y.requests("list"); !strings.Contains(all, id) {
		t.Errorf("%s is not in the list any more:\n%s", id, all)
	}
	y.until(y.open("after-a-restart"), "plan_ready")
	y.open("killed-with-its-sandbox")
	y.awaitRun()
	y.kill(second)
	if len(y.holders()) == 0 {
		t.Error("the run ended with its sandbox: nothing is tested here")
	}

	third := y.sandbox()
	y.nobodyLeft(third.Process.Pid)
	y.open("ended-in-a-hurry")
	y.awaitRun()
	third.killed = true // it ends with a code of its own
	_ = third.Process.Signal(syscall.SIGHUP)
	y.wait("the first signal to be answered", func() bool { return strings.Contains(third.errs.text(), "Stopping…") })
	_ = third.Process.Signal(os.Interrupt)
	if !third.endsIn(5 * time.Second) {
		t.Fatal("a second signal did not end it at once")
	}
	if code := third.ProcessState.ExitCode(); code != exitHurried {
		t.Errorf("it ended with %d", code)
	}
	y.nobodyLeft()
}

// awaitRun waits until act works in the data folder.
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

// nobodyLeft checks that no process works in the data folder, but those that are named.
func (y *yard) nobodyLeft(but ...int) {
	y.t.Helper()
	left := y.holders()
	for _, pid := range but {
		delete(left, pid)
	}
	for pid, line := range left {
		y.t.Errorf("process %d is left: %s", pid, line)
	}
}

// holders are the processes whose command line or folder names the data folder.
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

// Who presses Ctrl-C is told so at once, however long the app takes to end.
func TestStoppingIsSaidAtOnce(t *testing.T) {
	y := &yard{t: t}
	var errs record
	ctx, interrupt := context.WithCancel(t.Context())
	c := newSandbox()
	c.SetContext(ctx)
	c.SetErr(&errs)
	r := &sandboxRun{dir: t.TempDir()}
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

package actions

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// stray starts a process with a child in a run's folder, as act is one.
func stray(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "sleep 61; true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	remember(dir, cmd.Process.Pid)
	return cmd
}

// A sandbox that was killed leaves act running: the next start ends it and clears its
// folder away, but never a process that merely got the same id.
func TestSweep(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // no process is named in the folder there
	}
	runs := t.TempDir()
	left, other := stray(t, filepath.Join(runs, "run-1")), stray(t, filepath.Join(runs, "run-2"))
	if err := os.WriteFile(filepath.Join(runs, "run-2", pidFile), fmt.Appendf(nil, "%d 1", other.Process.Pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(runs); err != nil {
		t.Fatal(err)
	}
	if !gone([]int{left.Process.Pid}, 5*time.Second, nil) {
		t.Error("what was left behind still runs")
	}
	if !alive(other.Process.Pid) {
		t.Error("a process that is not ours was killed")
	}
	if dirs, err := os.ReadDir(runs); err != nil || len(dirs) > 0 {
		t.Errorf("folders are left: %v %v", dirs, err)
	}
}

// Kill leaves nothing of a run, and lets no other begin.
func TestKill(t *testing.T) {
	j, _ := job(t, preamble+"      - {name: Work, run: 'echo working; sleep 62; true'}\n      - {name: Last, if: always(), run: 'sleep 62'}\n", nil)
	a := newAct(t)
	var all []int
	j.Log = &watcher{want: "\nworking", then: func() {
		all = tree(os.Getpid())[1:]
		a.Kill()
	}}
	began := time.Now()
	if res := a.Run(t.Context(), j); res.Conclusion == "success" || time.Since(began) > 20*time.Second {
		t.Errorf("ended as %s after %s", res.Conclusion, time.Since(began))
	}
	if len(all) < 3 || !gone(all, 5*time.Second, nil) {
		t.Errorf("of the processes %v some are left", all)
	}
	j.Log = nil
	if res := a.Run(t.Context(), j); res.Conclusion != "startup_failure" {
		t.Errorf("another run began: %s", res.Conclusion)
	}
}

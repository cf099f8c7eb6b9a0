package actions

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// stray starts a process like the step of a run that survived act.
func stray(t *testing.T, run string) *exec.Cmd {
	t.Helper()
	home := filepath.Join(run, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", "sleep 301; true")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	return cmd
}

// A killed sandbox leaves the processes of its runs. The next start ends them, removes their
// directories, and touches nothing else.
func TestSweep(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // without /proc they look like any other process
	}
	runs, elsewhere := t.TempDir(), t.TempDir()
	left, other := stray(t, filepath.Join(runs, "run-1-5150")), stray(t, filepath.Join(elsewhere, "run-1-5151"))
	if err := Sweep(runs); err != nil {
		t.Fatal(err)
	}
	if !waitEnded([]int{left.Process.Pid}, time.Minute, nil) {
		t.Error("the stray process still runs")
	}
	if !alive(other.Process.Pid) {
		t.Error("a process of another sandbox was killed")
	}
	if dirs, err := os.ReadDir(runs); err != nil || len(dirs) > 0 {
		t.Errorf("directories are left: %v %v", dirs, err)
	}
}

// Kill leaves no process of a run and starts no other one.
func TestKill(t *testing.T) {
	j, _ := newJob(
		t, preamble+"      - {name: Work, run: 'echo working; sleep 302; true'}\n      - {name: Last, if: always(), run: 'sleep 302'}\n", nil)
	a := newAct(t)
	var all []int
	j.Log = &watcher{want: "\nworking", then: func() {
		for len(all) < 3 { // act, the shell of the step, and the program that it started
			time.Sleep(20 * time.Millisecond)
			all = tree(os.Getpid())[1:]
		}
		a.Kill()
	}}
	if res := a.Run(t.Context(), j); res.Conclusion == "success" {
		t.Errorf("ended as %s", res.Conclusion)
	}
	if len(all) < 3 || !waitEnded(all, time.Minute, nil) {
		t.Errorf("some of the processes %v still run", all)
	}
	j.Log = nil
	if res := a.Run(t.Context(), j); res.Conclusion != "startup_failure" {
		t.Errorf("another run began: %s", res.Conclusion)
	}
}

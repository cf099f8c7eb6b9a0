package actions

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// pidFile names act's process in a run's folder, for whoever comes after a sandbox
// that was killed: act has a process group of its own and goes on without it.
const pidFile = "pid"

// born tells one process from a later one with the same id. It is empty where there
// is no /proc.
func born(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, ok := strings.Cut(string(text), ") ") // the name before it may hold anything
	fields := strings.Fields(rest)
	if err != nil || !ok || len(fields) < 20 {
		return ""
	}
	return fields[19] // starttime, the 22nd of all
}

// remember writes down which process runs in the folder.
func remember(dir string, pid int) {
	if at := born(pid); at != "" {
		_ = os.WriteFile(filepath.Join(dir, pidFile), fmt.Appendf(nil, "%d %s", pid, at), 0o600) // only a crash would read it
	}
}

// Sweep ends what runs of an earlier process left behind in the folder, and empties it.
// Nobody else may be using the folder.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for runs left behind: %w", err)
	}
	for _, e := range entries {
		run := filepath.Join(dir, e.Name())
		endOrphan(run)
		if err := os.RemoveAll(run); err != nil {
			return fmt.Errorf("clear away a run: %w", err)
		}
	}
	return nil
}

func endOrphan(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, pidFile))
	var pid int
	var at string
	if n, _ := fmt.Sscan(string(text), &pid, &at); err != nil || n != 2 || pid <= 1 || born(pid) != at {
		return
	}
	killTrees([]int{pid})
	_ = syscall.Kill(-pid, syscall.SIGKILL)
}

// Kill ends every job at once, and lets no other begin. What a run was about to save
// is lost; Run returns as after a cancel.
func (a *Act) Kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed = true
	for pid := range a.running {
		killTrees([]int{pid})
	}
}

// start starts act, unless everything was ended.
func (a *Act) start(cmd *exec.Cmd) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.killed {
		return errors.New("the runner was ended")
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if a.running == nil {
		a.running = map[int]bool{}
	}
	a.running[cmd.Process.Pid] = true
	return nil
}

func (a *Act) ended(pid int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.running, pid)
}

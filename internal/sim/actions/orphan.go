package actions

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Sweep ends the processes that runs of an earlier sandbox left behind, and empties the directory. act
// and its steps have process groups of their own, so they survive a sandbox that was killed. Only one
// sandbox may use the directory.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for runs left behind: %w", err)
	}
	for _, e := range entries {
		for range 5 { // a process that is just starting is found in the next round
			left := orphans(e.Name())
			if len(left) == 0 {
				break
			}
			killTrees(left)
			waitEnded(left, time.Second, nil)
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("clear away a run: %w", err)
		}
	}
	return nil
}

// orphans lists the processes of a run. Their HOME is in the directory of the run, whose name is
// random, so no other process matches. Without /proc it finds none.
func orphans(run string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file) // the process of another user, or one that ended
		for line := range strings.SplitSeq(string(env), "\x00") {
			if home, ok := strings.CutPrefix(line, "HOME="); ok && strings.HasSuffix(home, "/"+run+"/home") {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Kill ends every job at once and starts no other one. What a run was about to save is lost; Run
// returns as after a cancel.
func (a *Act) Kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.killed = true
	for pid := range a.running {
		killTrees([]int{pid})
	}
}

// start starts act, unless Kill was called.
func (a *Act) start(cmd *exec.Cmd) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.killed {
		return errors.New("the runner was stopped")
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

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

// Sweep ends what runs of an earlier process left behind in the folder, and empties it:
// act and its steps have process groups of their own, and go on without a sandbox that
// was killed. Nobody else may be using the folder.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look for runs left behind: %w", err)
	}
	for _, e := range entries {
		for range 5 { // one that is being started is found the next time
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

// orphans are the processes of a run. They are known by their home, which is in the
// run's folder: its name is drawn anew for each run, so that no other process has it,
// whatever id it got. Without /proc there are none to be found.
func orphans(run string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file) // not ours, or ended
		for line := range strings.SplitSeq(string(env), "\x00") {
			if home, ok := strings.CutPrefix(line, "HOME="); ok && strings.HasSuffix(home, "/"+run+"/home") {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
				pids = append(pids, pid)
			}
		}
	}
	return pids
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

package actions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// GitHub's sequence for a cancelled run: SIGINT, SIGTERM, then kill the tree.
const (
	cancelTerm = 7500 * time.Millisecond
	cancelKill = 2500 * time.Millisecond
)

// parents maps every process to its parent, from /proc or else from ps.
func parents() map[int]int {
	if out := procParents(); len(out) > 0 {
		return out
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	out := map[int]int{}
	for line := range strings.Lines(string(text)) {
		var pid, ppid int
		if n, _ := fmt.Sscan(line, &pid, &ppid); n == 2 {
			out[pid] = ppid
		}
	}
	return out
}

func procParents() map[int]int {
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	out := make(map[int]int, len(dirs))
	for _, name := range dirs {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it ended
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		_, rest, ok := strings.Cut(string(text), ") ") // the process name before it may contain anything
		fields := strings.Fields(rest)
		if err != nil || !ok || len(fields) < 2 || fields[0] == "Z" {
			continue
		}
		ppid, err := strconv.Atoi(fields[1])
		if err == nil {
			out[pid] = ppid
		}
	}
	return out
}

// children lists the direct children of a process.
func children(pid int) []int {
	var out []int
	for child, parent := range parents() {
		if parent == pid {
			out = append(out, child)
		}
	}
	return out
}

// tree lists a process and all its descendants, the deepest last.
func tree(pid int) []int {
	below := map[int][]int{}
	for child, parent := range parents() {
		below[parent] = append(below[parent], child)
	}
	out := []int{pid}
	for i := 0; i < len(out); i++ {
		out = append(out, below[out[i]]...)
	}
	return out
}

func alive(pid int) bool {
	parent, ok := parents()[pid]
	return ok && parent > 0
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			continue // the process of another user by now
		}
	}
}

// killTrees kills processes and all their descendants. It stops them first until no new one appears: a
// process that is killed while it forks would leave its child behind.
func killTrees(pids []int) {
	for _, pid := range pids {
		all := tree(pid)
		for range 10 {
			signalAll(all, syscall.SIGSTOP)
			now := tree(pid)
			if len(now) <= len(all) {
				break
			}
			all = now
		}
		signalAll(all, syscall.SIGKILL)
	}
}

// cancelStep cancels the running step as GitHub's runner does: SIGINT to its entry process, SIGTERM
// 7.5 s later, and 2.5 s after that it kills the tree. act itself never gets a signal: it would kill
// the step at once and skip the steps that must always run.
func cancelStep(entry []int, done <-chan struct{}) {
	signalAll(entry, syscall.SIGINT)
	if waitEnded(entry, cancelTerm, done) {
		return
	}
	signalAll(entry, syscall.SIGTERM)
	if !waitEnded(entry, cancelKill, done) {
		killTrees(entry)
	}
}

// waitEnded waits until none of the processes is left.
func waitEnded(pids []int, limit time.Duration, done <-chan struct{}) bool {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		left := false
		for _, pid := range pids {
			left = left || alive(pid)
		}
		if !left || waited(done, 50*time.Millisecond) {
			return true
		}
	}
	return false
}

func waited(done <-chan struct{}, d time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

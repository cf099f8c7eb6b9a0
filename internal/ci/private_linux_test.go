package ci

import (
	"io"
	"syscall"
	"testing"
)

const prGetDumpable = 3

// Code of a module that runs below a command cannot read the environment of the command.
func TestProcessIsPrivate(t *testing.T) {
	before, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0)
	defer func() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, before, 0) }()
	Run(t.Context(), []string{"rescue"}, Process{Env: []string{"RUNNER_TEMP=" + t.TempDir()}, Stdout: io.Discard,
		Stderr: io.Discard})
	if now, _, _ := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0); now != 0 {
		t.Errorf("dumpable is %d", now)
	}
}

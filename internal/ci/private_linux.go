package ci

import "syscall"

// prSetDumpable is PR_SET_DUMPABLE of prctl(2).
const prSetDumpable = 4

// keepProcessPrivate keeps the children of this process, which run code of modules, from reading
// its memory and its environment through /proc. A kernel that refuses leaves the run as it is:
// the shell that started this process is readable all the same.
func keepProcessPrivate() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0)
}

// Command tfpilot-ci is what a workflow run downloads: each step of a shipped workflow besides Terraform is one
// of its commands. It stays small and depends on little, because each run downloads it and trusts it with the
// credentials of a role; internal/arch lists what it links.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tfpilot/tfpilot/internal/ci"
	"github.com/tfpilot/tfpilot/internal/release"
)

// version is set by the release build.
var version = release.Dev

func main() { os.Exit(program()) }

func program() int {
	if len(os.Args) == 2 && os.Args[1] == "version" {
		fmt.Println("tfpilot-ci", version)
		return 0
	}
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	return ci.Run(ctx, os.Args[1:], ci.Process{Env: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr})
}

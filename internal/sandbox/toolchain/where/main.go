// Command where prints the path of a program that the sandbox would use. It downloads or builds the
// program first if the sandbox would. Scripts use it to fill the PATH of the tests.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fail("name one of terraform, act, git")
	}
	tool, err := find(ctx, os.Args[1])
	if err != nil {
		fail(err)
	}
	fmt.Println(tool.Path)
}

func find(ctx context.Context, name string) (toolchain.Tool, error) {
	f := toolchain.Finder{Note: func(text string) { fmt.Fprintln(os.Stderr, text) }}
	switch name {
	case "terraform":
		return f.Terraform(ctx)
	case "act":
		root, _ := toolchain.SourceRoot(".")
		return f.Act(ctx, root)
	case "git":
		return f.Git(ctx)
	default:
		return toolchain.Tool{}, fmt.Errorf("the sandbox does not use %s", name)
	}
}

func fail(what any) {
	fmt.Fprintln(os.Stderr, "where:", what)
	os.Exit(1)
}

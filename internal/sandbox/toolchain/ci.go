package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const ciPackage = "github.com/tfpilot/tfpilot/cmd/tfpilot-ci"

// CI returns tfpilot-ci of the wanted version, which workflow runs download. In a source tree it builds the
// program into dir. Elsewhere it takes the program that is installed beside this one or on PATH.
func (f Finder) CI(ctx context.Context, root, dir, want string) (Tool, error) {
	if root != "" {
		return f.buildCI(ctx, root, filepath.Join(dir, "tfpilot-ci"), want)
	}
	path, ok := "", false
	if self, err := os.Executable(); err == nil {
		path, ok = Finder{Path: filepath.Dir(self)}.lookPath("tfpilot-ci")
	}
	if !ok {
		path, ok = f.lookPath("tfpilot-ci")
	}
	if !ok {
		return Tool{}, errors.New("tfpilot-ci, which workflow runs download, is neither beside this program nor on PATH: " +
			"install it from the same source tree with `go install ./cmd/tfpilot-ci`, or with `go install " +
			ciPackage + "@` and the version of this program, or name it with --tfpilot-ci")
	}
	return CheckCI(ctx, path, want)
}

func (f Finder) buildCI(ctx context.Context, root, path, want string) (Tool, error) {
	goPath, ok := f.lookPath("go")
	if !ok {
		return Tool{}, errors.New("tfpilot-ci is built by the Go command, which is not on PATH; " +
			"install Go, or name a built tfpilot-ci with --tfpilot-ci")
	}
	f.note("Preparing tfpilot-ci, which workflow runs download (built the first time)")
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	flags := "-s -w -X main.version=" + want
	cmd := exec.CommandContext(ctx, goPath, "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", path, ciPackage)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return Tool{}, fmt.Errorf("build tfpilot-ci in %s: %w: %s", root, err, oneLine(string(out)))
	}
	return Tool{"tfpilot-ci", path, want, "go build"}, nil
}

// CheckCI checks that the program is tfpilot-ci of the wanted version.
func CheckCI(ctx context.Context, path, want string) (Tool, error) {
	out, err := run(ctx, versionTimeout, path, "version")
	if err != nil {
		return Tool{}, fmt.Errorf("%s: %w", path, err)
	}
	name, found, _ := strings.Cut(strings.TrimSpace(out), " ")
	if name != "tfpilot-ci" || found != want {
		return Tool{}, fmt.Errorf("%s is %q: want tfpilot-ci %s; install both programs from the same version", path, oneLine(out), want)
	}
	return Tool{"tfpilot-ci", path, want, "installed"}, nil
}

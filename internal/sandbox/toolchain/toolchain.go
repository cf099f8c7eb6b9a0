// Package toolchain finds the programs that the sandbox runs: Terraform or OpenTofu, act, and git. It
// owns the supported versions, the pinned Terraform that it downloads when the machine has none, its
// checksums, and the message that explains what to install. It runs only `version` commands, and reads
// no environment variable except PATH and the ones that the go command and Go's HTTP client always
// read.
package toolchain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	versionTimeout = 20 * time.Second
	buildTimeout   = 10 * time.Minute // act, on a slow machine with an empty cache
)

// Tool is a program that was found.
type Tool struct {
	Name    string // "Terraform", "OpenTofu", "act", "git"
	Path    string // absolute
	Version string
	From    string // "PATH", "cache", "download", "go tool"
}

// Finder finds programs. The zero value is ready to use; the fields are for tests.
type Finder struct {
	Path     string            // list of directories; empty: PATH
	Cache    string            // empty: tfpilot in the user's cache directory
	Releases string            // empty: https://releases.hashicorp.com
	Sums     map[string]string // SHA-256 of the pinned zip by os_arch; nil: the pinned ones
	HTTP     *http.Client      // nil: one with timeouts
	Note     func(string)      // called before something takes long; may be nil
}

// version is major, minor, patch.
type version [3]int

var versionText = regexp.MustCompile(`(\d+)\.(\d+)(?:\.(\d+))?`)

func parseVersion(text string) (version, bool) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return version{}, false
	}
	var v version
	for i, part := range m[1:] {
		v[i], _ = strconv.Atoi(part)
	}
	return v, true
}

func (v version) less(w version) bool {
	for i := range v {
		if v[i] != w[i] {
			return v[i] < w[i]
		}
	}
	return false
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// terraformMin has use_lockfile, which locks the state in S3 alone.
var (
	terraformMin = version{1, 10, 0}
	terraformEnd = version{2, 0, 0}
	actMin       = version{0, 2, 80}
	actPinned    = version{0, 2, 89} // the version of the tools module, for users without the source tree
	gitMin       = version{2, 28, 0} // for init --initial-branch
)

// Terraform returns a supported Terraform or OpenTofu: from PATH, from the cache, or from a download
// of the pinned version.
func (f Finder) Terraform(ctx context.Context) (Tool, error) {
	var tried []string
	for _, c := range []struct{ name, program string }{{"Terraform", "terraform"}, {"OpenTofu", "tofu"}} {
		path, ok := f.lookPath(c.program)
		if !ok {
			continue
		}
		v, err := terraformVersion(ctx, path)
		if err == nil {
			return Tool{c.name, path, v.String(), "PATH"}, nil
		}
		tried = append(tried, fmt.Sprintf("%s: %v", path, err))
	}
	if len(tried) == 0 {
		tried = append(tried, "neither terraform nor tofu is on PATH")
	}
	tool, err := f.pinned(ctx)
	if err != nil {
		return Tool{}, f.manual(append(tried, err.Error()))
	}
	return tool, nil
}

func (f Finder) manual(tried []string) error {
	dir, err := f.pinnedDir()
	if err != nil {
		dir = "a directory on PATH"
	}
	return fmt.Errorf(
		"no usable Terraform (%s); by hand: install Terraform or OpenTofu %s or newer on PATH, or unzip %s into %s",
		strings.Join(tried, "; "), terraformMin, f.zipURL(), dir)
}

// terraformVersion runs `version -json` and refuses unsupported versions.
func terraformVersion(ctx context.Context, path string) (version, error) {
	out, err := run(ctx, versionTimeout, path, "version", "-json")
	if err != nil {
		return version{}, err
	}
	var answer struct {
		Version string `json:"terraform_version"`
	}
	_ = json.Unmarshal([]byte(out), &answer)
	v, ok := parseVersion(answer.Version)
	switch {
	case !ok:
		return v, errors.New("does not print its version")
	case v.less(terraformMin) || !v.less(terraformEnd):
		return v, fmt.Errorf("is version %s: want %s or newer, below %d", v, terraformMin, terraformEnd[0])
	}
	return v, nil
}

// Act returns act: the one of the tools module in a source tree, otherwise the one on PATH.
func (f Finder) Act(ctx context.Context, root string) (Tool, error) {
	if root == "" {
		return f.actOnPath(ctx)
	}
	goPath, ok := f.lookPath("go")
	if !ok {
		return Tool{}, errors.New("act is built by the Go command, which is not on PATH")
	}
	f.note("Preparing act, which runs the workflows (built the first time)")
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, goPath, "tool", "-n", "act")
	cmd.Dir = filepath.Join(root, "tools")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	path := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(path) {
		return Tool{}, fmt.Errorf("build act with `go tool -n act` in %s: %w: %s", cmd.Dir, err, oneLine(stderr.String()))
	}
	return checkAct(ctx, path, "go tool")
}

func (f Finder) actOnPath(ctx context.Context) (Tool, error) {
	path, ok := f.lookPath("act")
	if !ok {
		return Tool{}, fmt.Errorf(
			"act, which runs the workflows, is not on PATH: install it with `go install github.com/nektos/act@v%s`, "+
				"which puts it into `$(go env GOPATH)/bin`, and add that directory to PATH; without Go, see https://nektosact.com", actPinned)
	}
	return checkAct(ctx, path, "PATH")
}

func checkAct(ctx context.Context, path, from string) (Tool, error) {
	out, err := run(ctx, versionTimeout, path, "--version")
	if err != nil {
		return Tool{}, fmt.Errorf("%s: %w", path, err)
	}
	v, ok := parseVersion(out)
	if strings.Contains(out, "dev") && !ok { // built from a module without a version stamp
		return Tool{"act", path, "dev", from}, nil
	}
	if !ok || v.less(actMin) {
		return Tool{}, fmt.Errorf("%s is %q: want act %s or newer", path, oneLine(out), actMin)
	}
	return Tool{"act", path, v.String(), from}, nil
}

// Git returns git.
func (f Finder) Git(ctx context.Context) (Tool, error) {
	path, ok := f.lookPath("git")
	if !ok {
		return Tool{}, errors.New("git is not on PATH: install it with the system's package manager")
	}
	out, err := run(ctx, versionTimeout, path, "version")
	if err != nil {
		return Tool{}, fmt.Errorf("%s: %w", path, err)
	}
	v, ok := parseVersion(out)
	if !ok || v.less(gitMin) {
		return Tool{}, fmt.Errorf("%s is %q: want git %s or newer", path, oneLine(out), gitMin)
	}
	return Tool{"git", path, v.String(), "PATH"}, nil
}

// SourceRoot finds the source tree that contains dir, by its tools module.
func SourceRoot(dir string) (string, bool) {
	dir, err := filepath.Abs(dir)
	for err == nil {
		text, readErr := os.ReadFile(filepath.Join(dir, "tools", "go.mod"))
		if readErr == nil && strings.Contains(string(text), "github.com/nektos/act") {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			break
		}
		dir = up
	}
	return "", false
}

// lookPath searches the directories of PATH, but never the current directory.
func (f Finder) lookPath(program string) (string, bool) {
	list := f.Path
	if list == "" {
		list = os.Getenv("PATH")
	}
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	for _, dir := range filepath.SplitList(list) {
		if !filepath.IsAbs(dir) {
			continue
		}
		path := filepath.Join(dir, program)
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, true
		}
	}
	return "", false
}

// run runs a version command in an empty directory, in an environment without settings of the program.
func run(ctx context.Context, timeout time.Duration, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "tfpilot-version-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1",
		"TF_CLI_CONFIG_FILE=" + os.DevNull}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w %s", strings.Join(args, " "), err, oneLine(stderr.String()))
	}
	return string(out), nil
}

func (f Finder) note(text string) {
	if f.Note != nil {
		f.Note(text)
	}
}

// oneLine shortens the output of a program for a message.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return text
}

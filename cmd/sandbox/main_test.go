package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/sandbox"
)

// TestMain lets the test binary be the sandbox: the processes that a test starts and Terraform's provider
// are this very file.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-aws") || os.Getenv(childMark) != "" {
		os.Exit(program())
	}
	var err error
	if programs, err = os.MkdirTemp("", "programs"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// childMark is set for the processes of a test: they never run tests themselves.
const childMark = "TFPILOT_TEST_CHILD"

var programs string // directory of the built programs

var buildPrograms = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-race=false", "-ldflags", "-s -w", "-o", programs+"/", "../tfpilot",
		"../tfpilot-ci")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// built is the path of tfpilot or tfpilot-ci, built once.
func built(t *testing.T, name string) string {
	t.Helper()
	if err := buildPrograms(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programs, name)
}

func TestWrongCallsSayWhatIsRight(t *testing.T) {
	for says, args := range map[string][]string{
		"--port: 70000":         {"--port", "70000"},
		"--attach":              {"demo", "--attach", "localhost:7390"},
		`unknown command "dem"`: {"dem"},
	} {
		var out, errs strings.Builder
		code := cli.Run(t.Context(), newSandbox(), args, cli.Streams{Out: &out, Errs: &errs})
		if code != cli.Usage || !strings.Contains(errs.String(), says) {
			t.Errorf("%q: exit %d\n%s", args, code, errs.String())
		}
	}
}

// TestSimulatorsOnlyWritesEnv starts the product from the file that is written, with and without --json.
func TestSimulatorsOnlyWritesEnv(t *testing.T) {
	for _, json := range []bool{false, true} {
		var out strings.Builder
		r := &sandboxRun{dir: t.TempDir(), simulatorsOnly: true, json: json, out: &out, box: &sandbox.Sandbox{}}
		r.box.Access.Clone = []string{"http://git.test/core"}
		r.box.Access.Env = map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}
		if err := r.announce(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(r.dir, "env"))
		if err != nil || string(got) != "REDIS_URL='redis://127.0.0.1:1'\n" {
			t.Errorf("json %v: %q, %v", json, got, err)
		}
	}
}

package ci

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// fixture is what one step of a run sees: two checkouts of a repository, the bucket, and a
// Terraform that is a script. The stories with runners and Terraform itself take minutes;
// what one step decides is a row here.
type fixture struct {
	t      *testing.T
	dir    string
	s3     *s3.Server
	bucket *store.Store
	out    bytes.Buffer
	jobs   int
}

const (
	fixtureRoot = "envs/dev/app/"
	fixtureFile = fixtureRoot + "tfpilot_req_abcdefghijklm.tf"
	fixtureText = "# tfpilot:begin req_abcdefghijklm\nmodule \"tfpilot_req_abcdefghijklm\" {\n" +
		"  source = \"../../../modules/demo\"\n}\n# tfpilot:end req_abcdefghijklm\n"
	fixtureModule = "modules/demo/main.tf"
	fixturePlan   = "plan-dddddddddddddddddddddddddddddddd"
)

// script replaces Terraform: it records how it was called, and fails when a file tells it to.
const script = `#!/bin/sh
cd "${0%/*}"
echo "$@" >> calls
[ -f "fail.$1" ] && { cat "fail.$1" >&2; [ "$1 $2" = "state push" ] && [ -f unlocked ] || exit 1; }
case $1 in
version) echo '{"terraform_version":"1.11.4"}' ;;
show) echo '{"format_version":"1.0"}' ;;
console) cat outputs ;;
force-unlock) touch unlocked ;;
esac
exit 0
`

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, dir: t.TempDir()}
	server, err := s3.New(s3.Config{Region: "eu-central-1", Buckets: []string{"requests"},
		Principals: []s3.Principal{{Name: "a", AccessKey: "a", Secret: "s", Allow: []s3.Rule{
			{Actions: []string{"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, Bucket: "requests",
				Prefixes: []string{""}},
		}}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	f.s3 = server
	if f.bucket, err = store.Open(t.Context(), store.Config{Bucket: "requests", Region: "eu-central-1",
		Endpoint: web.URL, AccessKey: "a", Secret: "s"}); err != nil {
		t.Fatal(err)
	}
	f.write("bin/terraform", script)
	if err := os.Chmod(f.path("bin/terraform"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", f.path("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	if err := os.MkdirAll(f.path("temp/tfpilot/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *fixture) write(name, text string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o700); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) read(name string) string {
	text, _ := os.ReadFile(f.path(name))
	return string(text)
}

func (f *fixture) remove(names ...string) {
	for _, name := range names {
		_ = os.RemoveAll(f.path(name))
	}
}

func (f *fixture) git(dir string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c",
		"advice.detachedHead=false"}, args...)...)
	cmd.Dir = f.path(dir)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes the checkouts; its first commit is an environment and a module.
func (f *fixture) repository() (first string) {
	f.t.Helper()
	f.git("", "init", "-q", "-b", "main", "work/tools")
	first = f.commit("", map[string]string{
		fixtureRoot + "backend.tf": "terraform {}\n", fixtureRoot + lockFile: "# none\n", fixtureModule: "locals {}\n",
	})
	f.git("work/tools", "worktree", "add", "-q", "--detach", f.path("work/infra"), first)
	return first
}

// commit makes a commit on top of others: the first parent's files and these. An empty
// text deletes one, and a text that begins with a mode is of that mode.
func (f *fixture) commit(parents string, files map[string]string) string {
	f.t.Helper()
	all := strings.Fields(parents)
	if len(all) > 0 {
		f.git("work/tools", "read-tree", all[0])
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode, text := modeFile, files[name]
		if rest, ok := strings.CutPrefix(text, modeExecutable+" "); ok {
			mode, text = modeExecutable, rest
		}
		if rest, ok := strings.CutPrefix(text, "120000 "); ok {
			mode, text = "120000", rest
		}
		if text == "" {
			f.git("work/tools", "rm", "-q", "--cached", name)
			continue
		}
		f.write("blob", text)
		f.git("work/tools", "update-index", "--add", "--cacheinfo", mode+","+
			f.git("work/tools", "hash-object", "-w", "--no-filters", f.path("blob"))+","+name)
	}
	args := []string{"commit-tree", "-m", "x", f.git("work/tools", "write-tree")}
	for _, parent := range all {
		args = append(args, "-p", parent)
	}
	return f.git("work/tools", args...)
}

// job is a step of a run that the guard let through.
func (f *fixture) job(kind lifecycle.Kind, purpose lifecycle.Purpose) *job {
	f.jobs++
	return &job{
		in: inputs{
			Kind: kind, Project: "core", RequestID: "req_abcdefghijklm", Environment: lifecycle.Environment{Key: "dev",
				Slug: "app"},
			CorrelationID: fmt.Sprintf("%s-%032x", kind, f.jobs), Ref: "main",
			grantFields: grantFields{Purpose: purpose, Path: fixtureFile, Blob: terraform.Blob([]byte(fixtureText)),
				Plan: fixturePlan},
		},
		env: map[string]string{
			"PATH": os.Getenv("PATH"), "HOME": f.dir, "RUNNER_TEMP": f.path("temp"),
			"GITHUB_WORKSPACE": f.path("work"), "TFPILOT_DEFAULT_BRANCH": "main",
		},
		out: &f.out, bucket: f.open, now: time.Now, sleep: func(time.Duration) {},
	}
}

// at puts the checkouts at these commits.
func (f *fixture) at(j *job, tools, infra string) *job {
	f.t.Helper()
	f.git("work/tools", "update-ref", "--no-deref", "HEAD", tools)
	f.git("work/infra", "update-ref", "--no-deref", "HEAD", infra)
	j.env["GITHUB_SHA"], j.in.SHA = tools, infra
	return j
}

// refused compares a refusal: its code, and a part of its text. An empty code wants success, "error" any other error.
func refused(t *testing.T, what string, err error, code lifecycle.ReasonCode, text string) {
	t.Helper()
	got := lifecycle.ReasonCode("")
	var denied *refusal
	switch {
	case errors.As(err, &denied):
		got = denied.code
	case err != nil:
		got = "error"
	}
	if got != code || err != nil && !strings.Contains(err.Error(), text) {
		t.Fatalf("%s: %q, %v; want %q, %q", what, got, err, code, text)
	}
}

func (f *fixture) open(context.Context) (bucket, error) { return f.bucket, nil }

func notOpen(context.Context) (bucket, error) { return nil, errors.New("the bucket is not open") }

// fault makes the bucket answer a read otherwise.
func (f *fixture) fault(kind s3.FaultKind, key string) {
	f.t.Helper()
	if err := f.s3.Inject(s3.Fault{Kind: kind, Verb: "GetObject", KeyPrefix: key}); err != nil {
		f.t.Fatal(err)
	}
}

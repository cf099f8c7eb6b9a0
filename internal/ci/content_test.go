package ci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// refusedAt runs the steps and wants the named one to fail with the code.
func (b *bench) refusedAt(d *dispatch, want string, code lifecycle.ReasonCode,
	steps ...string) (lifecycle.Result, string) {
	b.w.t.Helper()
	failed, said := b.steps(steps...)
	if failed != want {
		b.w.t.Fatalf("failed at %q, want %q:\n%s", failed, want, said)
	}
	r := b.finish(d)
	if r.Conclusion != "failure" || r.Reason != code {
		b.w.t.Errorf("result %s %s, want %s:\n%s", r.Conclusion, r.Reason, code, said)
	}
	return r, said
}

// Only what was granted is planned, whatever the branch or the default branch hold. More rows are in
// TestVerifyBindsTheContent; here the run ends with its result.
func TestVerifyRefuses(t *testing.T) {
	text := requestFile("logs", "")
	for name, tt := range map[string]struct {
		kind    lifecycle.Kind
		purpose lifecycle.Purpose
		prepare func(w *harness) (sha string)
	}{
		"another file beside it": {lifecycle.KindPlan, lifecycle.PurposeOpen, func(w *harness) string {
			w.git("checkout", "-q", "-B", "request/"+requestID)
			w.write(requestPath, text)
			w.write("modules/demo/main.tf", demoModule+"\n# changed\n")
			return w.pushed("request/" + requestID)
		}},
		"changed on the default branch since": {lifecycle.KindApply, lifecycle.PurposeOpen, func(w *harness) string {
			w.propose(text)
			sha := w.merge()
			w.write(requestPath, requestFile("by-hand", ""))
			w.pushed("main")
			return sha
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			sha := tt.prepare(w)
			digest := ""
			if tt.kind == lifecycle.KindApply {
				digest = "sha256:" + strings.Repeat("0", 64)
				w.plans[digest] = newCID(lifecycle.KindPlan)
			}
			d := w.request(tt.kind, tt.purpose, sha, text, digest)
			b := w.bench(d)
			b.checkout()
			b.refusedAt(d, "verify", "content_differs", "inputs", "guard", "verify")
		})
	}
}

// pushed commits and pushes the work tree to a branch, back on main.
func (w *harness) pushed(branch string) string {
	w.t.Helper()
	sha := w.commit("change")
	w.git("push", "-q", "-f", "origin", "HEAD:refs/heads/"+branch)
	w.git("checkout", "-q", "main")
	return sha
}

// A run reads only the granted file from the request's branch. Everything else comes from
// the default branch.
func TestPlanRunsTheDefaultBranch(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	head := w.propose(text)
	w.write("modules/demo/main.tf", strings.Replace(demoModule, "example.com", "example.net", 1))
	w.pushed("main")
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, head, text, "")
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps("guard", "verify", "backend", "plan", "result"); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	if r := w.result(d); r.Counts.Add != 2 {
		t.Errorf("result %+v", r)
	}
}

// A root whose backend is not the environment's own never reaches Terraform; an
// error in someone else's file is the environment's, not the requester's.
func TestBackendRefuses(t *testing.T) {
	text := requestFile("logs", "")
	for name, tt := range map[string]struct {
		code           lifecycle.ReasonCode
		file, from, to string
	}{
		"other key":    {"backend_differs", "envs/dev/app/backend.tf", "core/dev/app/", "core/prod/app/"},
		"other bucket": {"backend_differs", "envs/dev/app/backend.tf", stateBucket, "someone-elses-state"},
		"no lock": {"backend_differs", "envs/dev/app/backend.tf", "use_lockfile = true",
			"use_lockfile = false"},
		"other lock": {"backend_differs", "envs/dev/app/backend.tf", "use_lockfile = true",
			"dynamodb_table = \"locks\""},
		"not encrypted": {"backend_differs", "envs/dev/app/backend.tf", "encrypt      = true",
			"encrypt      = false"},
		"encryption left out": {"backend_differs", "envs/dev/app/backend.tf", "encrypt      = true", ""},
		"other region":        {"backend_differs", "envs/dev/app/backend.tf", "eu-central-1", "us-east-1"},
		"other key of KMS": {"backend_differs", "envs/dev/app/backend.tf", "encrypt      = true",
			"encrypt = true\nkms_key_id = \"alias/mine\""},
		"other account": {"backend_differs", "envs/dev/app/backend.tf", "encrypt      = true",
			"encrypt = true\nprofile = \"mine\""},
		"override": {"backend_differs", "envs/dev/app/override.tf", "",
			"terraform {\n  backend \"local\" {}\n}\n"},
		"json": {"backend_differs", "envs/dev/app/more.tf.json", "", "{}"},
		"leftovers of init": {"backend_differs", "envs/dev/app/.terraform/modules/modules.json", "",
			"{\"Modules\":[]}"},
		"a workspace":       {"backend_differs", "envs/dev/app/.terraform/environment", "", "other"},
		"a state to rescue": {"backend_differs", "envs/dev/app/errored.tfstate", "", "{}"},
		"json of OpenTofu":  {"backend_differs", "envs/dev/app/override.tofu.json", "", "{}"},
		"second backend": {"backend_differs", "envs/dev/app/more.tf", "",
			"terraform {\n  backend \"local\" {}\n}\n"},
		"someone's bad file": {"environment_broken", "envs/dev/app/more.tf", "", "resource {"},
		"someone's bad call": {"environment_broken", "envs/dev/app/more.tf", "", "module \"other\" {\n" +
			"  source = \"../../../modules/none\"\n}\n"},
		"no such environment":     {"content_differs", "envs/dev/app/backend.tf", "", ""},
		"own file of a directory": {"", "envs/dev/app/deep/override.tf", "", "terraform {}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			w.edit(tt.file, tt.from, tt.to)
			if tt.code == "content_differs" {
				w.git("rm", "-rq", "envs/dev/app")
			} else {
				w.git("add", "-f", tt.file)
			}
			w.pushed("main")
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
			b := w.bench(d)
			b.checkout()
			switch tt.code {
			case "":
				if failed, said := b.steps("guard", "verify", "backend"); failed != "" {
					t.Errorf("%s:\n%s", failed, said)
				}
			case "content_differs":
				b.refusedAt(d, "verify", tt.code, "guard", "verify", "backend")
			case "environment_broken":
				b.refusedAt(d, "verify", tt.code, "guard", "verify", "backend")
			default:
				b.refusedAt(d, "backend", tt.code, "guard", "verify", "backend")
			}
		})
	}
}

// edit replaces text in a file; a new file is written whole.
func (w *harness) edit(name, from, to string) {
	w.t.Helper()
	old, err := os.ReadFile(filepath.Join(w.work, name))
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	if from != "" && !strings.Contains(string(old), from) {
		w.t.Fatalf("%s does not hold %q:\n%s", name, from, old)
	}
	if from == "" && len(old) > 0 {
		return
	}
	if len(old) > 0 {
		to = strings.Replace(string(old), from, to, 1)
	}
	w.write(name, to)
}

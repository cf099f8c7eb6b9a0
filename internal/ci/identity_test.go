package ci_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// readingModule takes code and data from everywhere that a module can: its own files,
// other modules, files beside it; and it decides on much only during the apply.
const readingModule = `
module "inner" {
  source = "./inner"
}
module "tools" {
  source = "../tools"
}
resource "terraform_data" "access" {
  input = jsonencode({ Effect = "Deny", Resource = terraform_data.thing.id })
}
resource "terraform_data" "hidden" {
  input = sensitive(jsonencode({ Principal = "arn:aws:iam::1:root", Resource = terraform_data.thing.id }))
}
resource "terraform_data" "commands" {
  input = module.tools.account
  provisioner "local-exec" {
    command = "${path.module}/script.sh ${module.inner.command}"
  }
  provisioner "local-exec" {
    command = file("${path.module}/../shared/command.txt")
  }
}
`

// readingHarness has a module and a root that read all over the repository.
func readingHarness(t *testing.T) *harness {
	t.Helper()
	w := newHarness(t)
	for name, content := range map[string]string{
		"modules/demo/more.tf":       readingModule,
		"modules/demo/script.sh":     "#!/bin/sh\nexit 0\n",
		"modules/demo/inner/main.tf": "output \"command\" {\n  value = \"true\"\n}\n",
		"modules/tools/main.tf":      "output \"account\" {\n  value = \"111111111111\"\n}\n",
		"modules/shared/command.txt": "true",
		"modules/unused/main.tf":     "output \"x\" {\n  value = 1\n}\n",
		"envs/dev/app/settings.tf": "locals {\n  settings = yamldecode(file(\"settings.yaml\"))\n}\n" +
			"module \"account\" {\n  source = \"../../../modules/account\"\n}\n",
		"envs/dev/app/settings.yaml": "role: arn:aws:iam::1:role/deploy\n",
		"envs/dev/app/providers.tf":  "locals {\n  access_key = \"AKIAIOSFODNN7EXAMPLE\"\n}\n",
		"modules/account/main.tf":    "output \"role\" {\n  value = \"arn:aws:iam::1:role/deploy\"\n}\n",
	} {
		w.write(name, content)
	}
	w.chmod("modules/demo/script.sh", 0o700)
	w.pushed("main")
	return w
}

func (w *harness) chmod(name string, mode os.FileMode) {
	w.t.Helper()
	if err := os.Chmod(filepath.Join(w.work, filepath.FromSlash(name)), mode); err != nil {
		w.t.Fatal(err)
	}
}

// verifying runs an apply up to the comparison of the code, before any Terraform.
func (w *harness) verifying(text, digest string) (*dispatch, *bench, string, string) {
	w.t.Helper()
	d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.git("rev-parse", "main"), text, digest)
	b := w.bench(d)
	b.checkout()
	failed, said := b.steps("guard", "verify")
	return d, b, failed, said
}

// Whatever the run would execute is part of what was approved, also where it shows in
// no plan. A change on the default branch stops the apply before Terraform starts.
func TestCodeThatWasNotApprovedNeverRuns(t *testing.T) {
	w := readingHarness(t)
	text := requestFile("logs", "")
	digest := w.planned(text)
	w.merge()
	approved := w.git("rev-parse", "main")
	replace := func(file, from, to string) func() {
		return func() { w.edit(file, from, to) }
	}
	for name, tt := range map[string]struct {
		file   string // that the refusal names
		change func()
	}{
		"a policy that is unknown until the apply": {"modules/demo/more.tf",
			replace("modules/demo/more.tf", `Effect = "Deny"`, `Effect = "Allow"`)},
		"a policy inside sensitive": {"modules/demo/more.tf", replace("modules/demo/more.tf", "arn:aws:iam::1:root", "*")},
		"a data source that is read at apply": {"modules/demo/read.tf", func() {
			w.write("modules/demo/read.tf", "data \"terraform_remote_state\" \"x\" {\n  backend    = \"local\"\n"+
				"  depends_on = [terraform_data.thing]\n}\n")
		}},
		"a command of a nested module": {"modules/demo/inner/main.tf", replace("modules/demo/inner/main.tf", "true",
			"touch /tmp/tfpilot-was-here")},
		"a value of another module": {"modules/tools/main.tf", replace("modules/tools/main.tf", "111111111111",
			"222222222222")},
		"a script of the module": {"modules/demo/script.sh",
			replace("modules/demo/script.sh", "exit 0", "touch /tmp/tfpilot-was-here")},
		"the script may not be executed": {"modules/demo/script.sh", func() { w.chmod("modules/demo/script.sh", 0o600) }},
		"a file beside the module": {"modules/shared/command.txt", replace("modules/shared/command.txt", "true",
			"false")},
		"the provider's role from a module": {"modules/account/main.tf",
			replace("modules/account/main.tf", "arn:aws:iam::1", "arn:aws:iam::2")},
		"the provider's role from a file": {"envs/dev/app/settings.yaml",
			replace("envs/dev/app/settings.yaml", "arn:aws:iam::1", "arn:aws:iam::2")},
		"the provider's credential": {"envs/dev/app/providers.tf",
			replace("envs/dev/app/providers.tf", "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE")},
		"the encryption of the state": {"envs/dev/app/backend.tf",
			replace("envs/dev/app/backend.tf", "encrypt      = true", "encrypt      = false")},
		"the providers": {"envs/dev/app/.terraform.lock.hcl",
			replace("envs/dev/app/.terraform.lock.hcl", "# This", "# That")},
		"a new file of the root": {"envs/dev/app/more.tf", func() {
			w.write("envs/dev/app/more.tf", "locals {}\n")
		}},
		"a directory of the root": {"envs/dev/app/deep/", func() { w.write("envs/dev/app/deep/x.json", "{}\n") }},
		"a file of the root that is gone": {"envs/dev/app/settings.yaml", func() {
			w.git("rm", "-q", "envs/dev/app/settings.yaml")
		}},
		"two files, both named": {"modules/demo/main.tf, modules/demo/script.sh", func() {
			w.edit("modules/demo/main.tf", "example.com", "example.org")
			w.edit("modules/demo/script.sh", "0", "1")
		}},
		"a module for which a file was moved": {"modules/demo/more.tf, modules/demo/renamed.tf", func() {
			w.git("mv", "modules/demo/more.tf", "modules/demo/renamed.tf")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.change()
			w.commit("attack")
			w.git("push", "-q", "origin", "main")
			d, b, failed, said := w.verifying(text, digest)
			if failed != "verify" {
				t.Fatalf("failed at %q, want verify:\n%s", failed, said)
			}
			want := "the module changed since the approval (" + tt.file + "): plan again"
			if r := b.finish(d); r.Reason != "code_changed" || r.Tail != want {
				t.Errorf("%s: %q, want %q", r.Reason, r.Tail, want)
			}
			if _, err := os.Stat(filepath.Join(b.temp, "tfpilot/tree")); err == nil {
				t.Error("the code was written for Terraform")
			}
			w.git("reset", "-q", "--hard", approved)
			w.git("push", "-q", "-f", "origin", "main")
		})
	}
	t.Run("and nothing else is in the way", func(t *testing.T) {
		w.write("envs/dev/app/tfpilot_req_bcdefghijklmn.tf", strings.ReplaceAll(requestFile("other", ""), requestID,
			"req_bcdefghijklmn"))
		w.write("envs/dev/other/main.tf", "locals {}\n")
		w.write("modules/unused/main.tf", "output \"x\" {\n  value = 2\n}\n")
		w.write("README.md", "changed\n")
		w.pushed("main")
		d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.git("rev-parse", "main"), text, digest)
		b := w.bench(d)
		b.checkout()
		if failed, said := b.steps(planSteps...); failed != "" {
			t.Fatalf("%s:\n%s", failed, said)
		}
		for _, absent := range []string{"envs/dev/app/tfpilot_req_bcdefghijklmn.tf", "envs/dev/other", "modules/unused",
			"README.md"} {
			if _, err := os.Stat(filepath.Join(b.temp, "tfpilot/tree", absent)); err == nil {
				t.Errorf("Terraform can read %s", absent)
			}
		}
		b.env["AWS_ACCESS_KEY_ID"], b.env["AWS_SECRET_ACCESS_KEY"] = "run-apply-core", bucket.Secret("run-apply-core")
		if failed, said := b.steps("apply", "result"); failed != "" || w.result(d).Digest != digest {
			t.Errorf("%s:\n%s", failed, said)
		}
	})
}

// The module changes between the plan and the merge of the request's branch.
func TestModuleChangesBeforeTheMerge(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	digest := w.planned(text)
	w.edit("modules/demo/main.tf", "example.com", "example.org")
	w.pushed("main")
	w.merge()
	d, b, failed, said := w.verifying(text, digest)
	if failed != "verify" {
		t.Fatalf("failed at %q:\n%s", failed, said)
	}
	if r := b.finish(d); r.Reason != "code_changed" || !strings.Contains(r.Tail, "modules/demo/main.tf") {
		t.Errorf("result %+v", r)
	}
}

// A destroy executes code too: provisioners, providers.
func TestDestroyRunsOnlyApprovedCode(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	_, b := w.applying(text, w.planned(text), nil)
	if failed, said := b.steps("apply"); failed != "" {
		t.Fatal(said)
	}
	head := w.git("rev-parse", "main")
	plan := w.request(lifecycle.KindPlan, lifecycle.PurposeDestroy, head, text, "")
	b = w.bench(plan)
	b.checkout()
	if failed, said := b.steps(append(planSteps, "result")...); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	digest := w.result(plan).Digest
	w.edit("modules/demo/main.tf", "command = var.shell", "when    = destroy\n"+
		"    command = \"touch /tmp/tfpilot-was-here\"")
	w.pushed("main")
	d := w.request(lifecycle.KindDestroy, lifecycle.PurposeDestroy, head, text, digest)
	b = w.bench(d)
	b.checkout()
	b.refusedAt(d, "verify", "code_changed", planSteps...)
}

// Where code comes from must be fixed by commits, or the run refuses and names it. Which sources are
// fixed is TestRemoteModulesArePinned.
func TestCodeMustBePinned(t *testing.T) {
	text := requestFile("logs", "")
	call := func(source string) func(*harness) {
		return func(w *harness) {
			w.write("modules/demo/call.tf", "module \"far\" {\n"+source+"\n}\n")
		}
	}
	link := func(to, at string) func(*harness) {
		return func(w *harness) {
			at := filepath.Join(w.work, filepath.FromSlash(at))
			if err := os.Symlink(to, at); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		code   lifecycle.ReasonCode
		want   string
		change func(*harness)
	}{
		"no lock file": {"code_not_pinned", "terraform providers lock", func(w *harness) {
			w.git("rm", "-q", "envs/dev/app/.terraform.lock.hcl")
		}},
		"a branch of a repository": {"code_not_pinned", "40 digits of a commit",
			call(`source = "git::https://git.example.com/net.git?ref=main"`)},
		"no version":            {"code_not_pinned", "one exact version", call(`source = "acme/net/aws"`)},
		"a path of the machine": {"code_not_pinned", "a path of one machine", call(`source = "/opt/modules/net"`)},
		"a path out of the repository": {"terraform_failed", "not a directory of this repository",
			call(`source = "../../../net"`)},
		"the module is a link": {"code_not_pinned", "symbolic link", func(w *harness) {
			link("demo", "modules/alias")(w)
			call(`source = "../alias"`)(w)
		}},
		"a link in the module": {"code_not_pinned", "modules/demo/passwd is a symbolic link",
			link("/etc/passwd", "modules/demo/passwd")},
		"a link in the root": {"code_not_pinned", "envs/dev/app/x.json is a symbolic link",
			link("backend.tf", "envs/dev/app/x.json")},
		"JSON in the module": {"code_not_pinned", "Terraform's own language", func(w *harness) {
			w.write("modules/demo/x.tf.json", "{}")
		}},
		"another's file has two blocks": {"environment_broken", "tfpilot_req_bcdefghijklmn.tf", func(w *harness) {
			w.write("envs/dev/app/tfpilot_req_bcdefghijklmn.tf", strings.ReplaceAll(text, requestID, "req_bcdefghijklmn")+
				"locals {}\n")
		}},
		"another's file has another name": {"environment_broken", "tfpilot_req_bcdefghijklmn.tf", func(w *harness) {
			w.write("envs/dev/app/tfpilot_req_bcdefghijklmn.tf", strings.ReplaceAll(text, requestID, "req_cdefghijklmno"))
		}},
		"another's file has no markers": {"environment_broken", "tfpilot_req_bcdefghijklmn.tf", func(w *harness) {
			w.write("envs/dev/app/tfpilot_req_bcdefghijklmn.tf", "module \"tfpilot_req_bcdefghijklmn\" {\n"+
				"  source = \"../../../modules/demo\"\n  name   = \"x\"\n}\n")
		}},
		"another's file computes": {"environment_broken", "tfpilot_req_bcdefghijklmn.tf", func(w *harness) {
			w.write("envs/dev/app/tfpilot_req_bcdefghijklmn.tf",
				strings.ReplaceAll(strings.ReplaceAll(text, requestID, "req_bcdefghijklmn"), `"logs"`, "file(\"x\")"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			tt.change(w)
			w.pushed("main")
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
			b := w.bench(d)
			b.checkout()
			if r, _ := b.refusedAt(d, "verify", tt.code, "guard", "verify"); !strings.Contains(r.Tail, tt.want) {
				t.Errorf("tail %q, want %q", r.Tail, tt.want)
			}
		})
	}
}

// A module of another repository is pinned by its commit. What init fetched is hashed
// and compared before the plan.
func TestRemoteModule(t *testing.T) {
	w := newHarness(t)
	w.write("net/main.tf", "output \"x\" {\n  value = \"one\"\n}\n")
	commit := w.pushed("main")
	w.write("modules/demo/call.tf", "module \"far\" {\n  source = \"git::"+w.server.URL+"/acme/infra-core.git//net?ref="+
		commit+"\"\n}\n")
	w.pushed("main")
	text := requestFile("logs", "")
	digest := w.planned(text)
	data, err := w.app.Summary(t.Context(), "core", w.plans[digest])
	if err != nil {
		t.Fatal(err)
	}
	s, err := terraform.ParseSummary(data)
	if err != nil || len(s.Code.Remote) != 1 {
		t.Fatalf("summary %s: %v", data, err)
	}
	for name, r := range s.Code.Remote {
		if !strings.HasSuffix(name, ".far") || !strings.HasSuffix(r.Source, "?ref="+commit) ||
			!strings.HasPrefix(r.Hash, "sha256:") {
			t.Errorf("remote %s %+v", name, r)
		}
	}
	w.merge()
	d, b, failed, said := w.verifying(text, digest)
	if failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	// The other repository gives other content than it did for the plan.
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	git := filepath.Join(t.TempDir(), "git")
	shim := "#!/bin/sh\n\"" + real + "\" \"$@\" || exit\ncase \"$1\" in checkout) echo '# more' >> net/main.tf ;; esac\n"
	if err := os.WriteFile(git, []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	b.env["PATH"] = filepath.Dir(git) + string(os.PathListSeparator) + b.env["PATH"]
	if r, _ := b.refusedAt(d, "backend", "code_changed", "backend"); !strings.Contains(r.Tail, "module tfpilot_"+
		requestID+".far") {
		t.Errorf("tail %q", r.Tail)
	}
}

// What a run reads outside the repository can change a plan. Then it is not the approved
// one, and not applied.
func TestApplyOnlyTheApprovedPlan(t *testing.T) {
	w := newHarness(t)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.edit("modules/demo/main.tf", "input      = var.name", `input      = file("`+outside+`")`)
	w.pushed("main")
	text := requestFile("logs", "")
	digest := w.planned(text)
	if err := os.WriteFile(outside, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.merge(), text, digest)
	b := w.bench(d)
	b.checkout()
	r, _ := b.refusedAt(d, "plan", "digest_changed", planSteps...)
	if code, said := b.step(t.Context(), "apply"); code == 0 || w.state() != "" || r.Digest == "" {
		t.Errorf("apply after a refusal: exit %d, state %q\n%s", code, w.state(), said)
	}
}

// A command that someone puts beside the approved changes is not approved, however it is written.
func TestApplyRunsNoOtherCommand(t *testing.T) {
	for name, change := range map[string][2]string{
		"another command":    {"command = var.shell", `command = "touch /tmp/tfpilot-was-here"`},
		"a text around it":   {"command = var.shell", `command = "${var.shell}; touch /tmp/tfpilot-was-here"`},
		"another default":    {`default = "true"`, `default = "touch /tmp/tfpilot-was-here"`},
		"a function's value": {"command = var.shell", `command = lower("TOUCH")`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			text := requestFile("logs", "")
			digest := w.planned(text)
			w.merge()
			w.edit("modules/demo/main.tf", change[0], change[1])
			w.commit("slip something in")
			w.git("push", "-q", "origin", "main")
			d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.git("rev-parse", "HEAD"), text, digest)
			b := w.bench(d)
			b.checkout()
			r, _ := b.refusedAt(d, "verify", "code_changed", planSteps...)
			if want := "the module changed since the approval (modules/demo/main.tf): plan again"; r.Tail != want {
				t.Errorf("tail %q, want %q", r.Tail, want)
			}
		})
	}
}

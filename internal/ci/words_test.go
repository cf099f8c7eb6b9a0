package ci_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// Terraform warns on standard error of what it can work without. Only standard output
// is parsed, in every command of a whole journey.
func TestWarningsOnStandardErrorAreNotParsed(t *testing.T) {
	w := newHarness(t)
	w.act.Env["TF_CLI_CONFIG_FILE"] = filepath.Join(t.TempDir(), "missing.tfrc")
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	if failed, said := b.steps("apply", "result"); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	if r := w.result(d); string(r.Outputs["endpoint"]) != `"logs.example.com"` {
		t.Errorf("outputs %s", r.Outputs["endpoint"])
	}
}

// What a failing command prints on standard error is part of the reason.
func TestStandardErrorIsPartOfAFailure(t *testing.T) {
	for name, shim := range map[string]string{
		"plan": `[ "$1" = plan ] && { echo "panic: the provider is broken" >&2; exit 2; }`,
		"show": `[ "$1 $2" = "show -json" ] && [ $# = 3 ] && { echo "panic: the provider is broken" >&2; exit 2; }`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			text := requestFile("logs", "")
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
			b := w.bench(d)
			b.checkout()
			b.shim(shim)
			if r, _ := b.refusedAt(d, "plan", "terraform_failed", planSteps...); !strings.Contains(r.Tail,
				"the provider is broken") {
				t.Errorf("tail %q", r.Tail)
			}
		})
	}
}

// shim puts lines of shell before the real Terraform.
func (b *bench) shim(lines string) {
	b.w.t.Helper()
	real, err := exec.LookPath("terraform")
	if err != nil {
		b.w.t.Fatal(err)
	}
	dir := b.w.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte("#!/bin/sh\n"+lines+"\nexec "+real+" \"$@\"\n"),
		0o700); err != nil {
		b.w.t.Fatal(err)
	}
	b.w.t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

const goneRunner = `{"ID":"3b7d4e52-1111-2222-3333-444455556666","Operation":"OperationTypeApply","Info":"","Who":"runner@gone-runner",` +
	`"Version":"1.11.4","Created":"2026-11-30T08:00:00.000000Z","Path":"` + stateBucket + "/" + stateKey + `"}`

// A lock that a killed runner left has its own reason, with who holds it as data, and
// without the advice to switch locking off.
func TestStateLockOfADeadRunner(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	if err := w.s3.Write(stateBucket, stateKey+".tflock", []byte(goneRunner)); err != nil {
		t.Fatal(err)
	}
	b.shim(`[ "$1" = apply ] && { shift; set -- apply $(echo "$@" | sed s/-lock-timeout=60s/-lock-timeout=0s/); }`)
	r, said := b.refusedAt(d, "apply", lifecycle.CodeStateLocked, "apply")
	lock := r.StateLock
	if lock == nil || lock.ID != "3b7d4e52-1111-2222-3333-444455556666" || lock.Who != "runner@gone-runner" ||
		lock.Operation != "OperationTypeApply" || lock.Since.Format("2006-01-02T15:04") != "2026-11-30T08:00" {
		t.Errorf("lock %+v", lock)
	}
	if strings.Contains(r.Tail+said, "-lock=false") || w.state() != "" {
		t.Errorf("tail:\n%s\nlog:\n%s", r.Tail, said)
	}
}

// A lock that could not be taken because of missing rights is held by no one.
func TestLockThatCannotBeTaken(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	if err := w.s3.Inject(s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject", Bucket: stateBucket,
		KeyPrefix: stateKey}); err != nil {
		t.Fatal(err)
	}
	b.shim(`[ "$1" = apply ] && { shift; set -- apply $(echo "$@" | sed s/-lock-timeout=60s/-lock-timeout=0s/); }`)
	r, said := b.refusedAt(d, "apply", "terraform_failed", "apply")
	if r.StateLock != nil || strings.Contains(r.Tail+said, "-lock=false") || !strings.Contains(r.Tail, "AccessDenied") {
		t.Errorf("lock %+v, tail:\n%s", r.StateLock, r.Tail)
	}
}

// The platform team has to change a lock file that does not match the code: the result names a command
// for it.
func TestLockFileThatDoesNotMatch(t *testing.T) {
	const needs = "terraform {\n  required_providers {\n    null = {\n      source = \"hashicorp/null\"\n    }\n  }\n}\n"
	entry := func(provider, hash string) string {
		return "provider \"registry.terraform.io/hashicorp/" + provider +
			"\" {\n  version = \"3.2.0\"\n  hashes = [\n    \"" + hash + "\",\n  ]\n}\n"
	}
	const otherHash = "h1:AAAAUoaYgVRJsIuS22nESAV9FkQX8uOLP2TEpsohuHk="
	for name, lock := range map[string]string{
		"lacks a provider": "# no provider\n",
		"other checksums":  entry("null", otherHash),
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			w.act.Env["TF_CLI_CONFIG_FILE"] = providerMirror(t)
			w.write("envs/dev/app/versions_test.tf", needs)
			w.write("envs/dev/app/.terraform.lock.hcl", lock)
			w.pushed("main")
			text := requestFile("logs", "")
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
			b := w.bench(d)
			b.checkout()
			r, said := b.refusedAt(d, "backend", "environment_broken", "guard", "verify", "backend")
			for _, advice := range []string{"-lockfile=readonly", "-upgrade"} {
				if strings.Contains(r.Tail+said, advice) {
					t.Errorf("advice %s that cannot be followed:\n%s", advice, r.Tail)
				}
			}
			if !strings.Contains(r.Tail, "terraform providers lock") || !strings.Contains(r.Tail, ".terraform.lock.hcl") {
				t.Errorf("tail:\n%s", r.Tail)
			}
		})
	}
}

// providerMirror serves hashicorp/null 3.2.0 from a directory. Init asks of a provider
// only that it can be installed.
func providerMirror(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	platform := runtime.GOOS + "_" + runtime.GOARCH
	at := filepath.Join(dir, "registry.terraform.io/hashicorp/null/3.2.0", platform)
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "terraform-provider-null_v3.2.0_x5"), []byte("x\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	rc := filepath.Join(dir, "terraform.rc")
	if err := os.WriteFile(rc, []byte("provider_installation {\n  filesystem_mirror {\n    path = \""+dir+
		"\"\n  }\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return rc
}

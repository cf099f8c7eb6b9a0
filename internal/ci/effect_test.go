package ci_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

const stateKey = "core/dev/app/terraform.tfstate"

var planSteps = []string{"guard", "verify", "backend", "plan"}

// planned brings a request to a stored plan and returns its digest.
func (w *harness) planned(text string) string {
	w.t.Helper()
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps(append(planSteps, "result")...); failed != "" {
		w.t.Fatalf("%s:\n%s", failed, said)
	}
	return w.result(d).Digest
}

// applying is an apply run at the point where its plan was compared.
func (w *harness) applying(text, digest string, change func(*dispatch)) (*dispatch, *bench) {
	w.t.Helper()
	d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.merge(), text, digest)
	if change != nil {
		change(d)
	}
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps(planSteps...); failed != "" {
		w.t.Fatalf("%s:\n%s", failed, said)
	}
	b.env["AWS_ACCESS_KEY_ID"], b.env["AWS_SECRET_ACCESS_KEY"] = "run-apply-core", bucket.Secret("run-apply-core")
	return d, b
}

func (w *harness) state() string {
	data, _ := w.s3.Read(stateBucket, stateKey)
	return string(data)
}

// The grant is read once more directly before the effect.
func TestWithdrawnGrantStopsTheEffect(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	if err := w.app.DeleteGrant(t.Context(), "core", d.cid); err != nil {
		t.Fatal(err)
	}
	b.refusedAt(d, "apply", "grant_withdrawn", "apply")
	if w.state() != "" {
		t.Errorf("state: %s", w.state())
	}
}

// A result that could not be stored leaves no secret on the runner either.
func TestNoSecretIsLeftWithoutAResult(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	_, b := w.applying(text, w.planned(text), nil)
	if err := w.s3.Inject(s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject", KeyPrefix: "results/"}); err != nil {
		t.Fatal(err)
	}
	if code, said := b.step(t.Context(), "result"); code == 0 {
		t.Fatalf("kept:\n%s", said)
	}
	for _, left := range []string{"plan.json", "tfplan", "plan.raw"} {
		if _, err := os.Stat(filepath.Join(b.temp, "tfpilot/run", left)); err == nil {
			t.Errorf("%s is left on the runner", left)
		}
	}
}

func TestDryRunHasNoEffect(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	_, b := w.applying(text, w.planned(text), func(d *dispatch) { d.inputs["dry_run"] = "true" })
	if failed, said := b.steps("apply", "result"); failed != "" || w.state() != "" {
		t.Errorf("%s, state %q:\n%s", failed, w.state(), said)
	}
}

// What Terraform says of a failure reaches the requester, without the secrets; what
// was created is in the state.
func TestFailedApplyIsReportedRedacted(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "echo the password is hunter2-very-secret; exit 7")
	d, b := w.applying(text, w.planned(text), nil)
	r, said := b.refusedAt(d, "apply", "terraform_failed", "apply")
	if !strings.Contains(r.Tail, "exit status 7") || strings.Contains(r.Tail+said, "hunter2") {
		t.Errorf("tail:\n%s\nlog:\n%s", r.Tail, said)
	}
	if !strings.Contains(w.state(), "terraform_data") {
		t.Errorf("state: %s", w.state())
	}
	for _, left := range []string{"plan.json", "tfplan", "plan.raw", "state.json", "outcome.json"} {
		if _, err := os.Stat(filepath.Join(b.temp, "tfpilot/run", left)); err == nil {
			t.Errorf("%s is left on the runner", left)
		}
	}
}

// A cancel reaches Terraform: what exists is in the state and the lock is released.
func TestCancelKeepsTheState(t *testing.T) {
	w := newHarness(t)
	started := filepath.Join(t.TempDir(), "started")
	text := requestFile("logs", "touch "+started+"; sleep 60")
	d, b := w.applying(text, w.planned(text), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			if _, err := os.Stat(started); err == nil || ctx.Err() != nil {
				cancel()
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	code, said := b.step(ctx, "apply")
	if code == 0 {
		t.Fatalf("apply ended well:\n%s", said)
	}
	if failed, said := b.steps("rescue"); failed != "" {
		t.Errorf("rescue:\n%s", said)
	}
	b.env["TFPILOT_JOB_STATUS"] = "cancelled"
	if failed, said := b.steps("result"); failed != "" {
		t.Errorf("result:\n%s", said)
	}
	if r := w.result(d); r.Conclusion != "cancelled" || r.Reason != "interrupted" {
		t.Errorf("result %+v", r)
	}
	if !strings.Contains(w.state(), `"name": "thing"`) {
		t.Errorf("what was created is not in the state:\n%s", w.state())
	}
	if _, locked := w.s3.Read(stateBucket, stateKey+".tflock"); locked {
		t.Error("the lock is left")
	}
}

// A state that could not be saved is pushed back by the next step.
func TestRescue(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	for _, f := range []s3.Fault{
		{Kind: s3.FaultDenied, Verb: "PutObject", Bucket: stateBucket, KeyPrefix: stateKey, Skip: 1},
		{Kind: s3.FaultDenied, Verb: "DeleteObject", Bucket: stateBucket},
	} {
		if err := w.s3.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	if code, said := b.step(t.Context(), "apply"); code == 0 || w.state() != "" {
		t.Fatalf("exit %d, state %q:\n%s", code, w.state(), said)
	}
	w.s3.ClearFaults()
	if _, locked := w.s3.Read(stateBucket, stateKey+".tflock"); !locked {
		t.Fatal("no lock is left to be released")
	}
	if failed, said := b.steps("rescue"); failed != "" {
		t.Fatalf("rescue:\n%s", said)
	}
	if !strings.Contains(w.state(), `"name": "second"`) {
		t.Errorf("state:\n%s", w.state())
	}
	if r := b.finish(d); r.Reason != "terraform_failed" {
		t.Errorf("result %+v", r)
	}
}

// When it can never be saved, that is the reason, whatever went wrong before it.
func TestStateThatCannotBeRescued(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "echo the password is hunter2-very-secret; exit 7")
	d, b := w.applying(text, w.planned(text), nil)
	if err := w.s3.Inject(s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject", Bucket: stateBucket, KeyPrefix: stateKey,
		Skip: 1}); err != nil {
		t.Fatal(err)
	}
	if code, said := b.step(t.Context(), "apply"); code == 0 || w.state() != "" {
		t.Fatalf("exit %d, state %q:\n%s", code, w.state(), said)
	}
	r, said := b.refusedAt(d, "rescue", "state_not_saved", "rescue")
	for _, want := range []string{"exist that are in no state", "errored.tfstate",
		"Before that, in step apply: terraform apply failed", "exit status 7"} {
		if !strings.Contains(r.Tail, want) {
			t.Errorf("the tail does not say %q:\n%s", want, r.Tail)
		}
	}
	if strings.Contains(r.Tail+said, "hunter2") {
		t.Errorf("a secret is in the tail or the log:\n%s\n%s", r.Tail, said)
	}
}

// A secret that the apply itself made is in no plan. When the state could not be saved, only what
// Terraform left on the disk knows it.
func TestSecretOfAStateThatWasNotSaved(t *testing.T) {
	w := newHarness(t)
	made := filepath.Join(t.TempDir(), "made")
	w.edit("modules/demo/main.tf", `sensitive("hunter2-very-secret") }`, "sensitive(uuid()) }")
	w.edit("modules/demo/main.tf", "command = var.shell",
		`command = "echo ${terraform_data.thing.output.password} | tee `+made+`; exit 7"`)
	w.pushed("main")
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	if err := w.s3.Inject(s3.Fault{Kind: s3.FaultDenied, Verb: "PutObject", Bucket: stateBucket, KeyPrefix: stateKey,
		Skip: 1}); err != nil {
		t.Fatal(err)
	}
	r, said := b.refusedAt(d, "apply", "terraform_failed", "apply")
	secret, err := os.ReadFile(made)
	if err != nil || len(secret) < 30 {
		t.Fatalf("made %q, %v", secret, err)
	}
	if told := r.Tail + said; !strings.Contains(told, "exit status 7") ||
		strings.Contains(told, strings.TrimSpace(string(secret))) {
		t.Errorf("told:\n%s", told)
	}
}

// When no one can read the state after an apply, the result has no text of Terraform: it may contain secrets
// that only the state names.
func TestWordsOfAnUnreadableState(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "echo whatever; exit 7")
	d, b := w.applying(text, w.planned(text), nil)
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal(err)
	}
	shim := "#!/bin/sh\n[ \"$1 $#\" = \"show 2\" ] && exit 1\nexec " + terraform + " \"$@\"\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "terraform"), []byte(shim), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	r, said := b.refusedAt(d, "apply", "terraform_failed", "apply")
	if strings.Contains(r.Tail+said, "whatever") || !strings.Contains(r.Tail, "output is withheld") {
		t.Errorf("tail:\n%s\nlog:\n%s", r.Tail, said)
	}
}

// A Terraform that outlives the wait may have left a state that no one saves.
func TestRescueGivesUpOnTerraform(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d, b := w.applying(text, w.planned(text), nil)
	pid := strconv.Itoa(os.Getpid()) // a process that will not end
	if err := os.WriteFile(filepath.Join(b.temp, "tfpilot/run/terraform.pid"), []byte(pid), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, _ := b.refusedAt(d, "rescue", "state_not_saved", "rescue"); !strings.Contains(r.Tail, "still at work") {
		t.Errorf("tail %q", r.Tail)
	}
}

func TestPlanRefuses(t *testing.T) {
	text := requestFile("logs", "")
	for name, tt := range map[string]struct{ code, step, file, content string }{
		"someone's mistake": {"environment_broken", "plan", "envs/dev/app/more.tf",
			"resource \"terraform_data\" \"x\" {\n  input = var.nothing\n}\n"},
		"mistake in a module": {"terraform_failed", "plan", "modules/demo/more.tf",
			"resource \"terraform_data\" \"x\" {\n  input = var.nothing\n}\n"},
		"module is empty": {"nothing_planned", "plan", "modules/demo/main.tf",
			"variable \"name\" {\n  type = string\n}\n"},
		"own input is wrong": {"terraform_failed", "plan", "modules/demo/main.tf",
			"variable \"name\" {\n  type = number\n}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newHarness(t)
			w.write(tt.file, tt.content)
			w.pushed("main")
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
			b := w.bench(d)
			b.checkout()
			r, _ := b.refusedAt(d, tt.step, lifecycle.ReasonCode(tt.code), planSteps...)
			if tt.code != "nothing_planned" && !strings.Contains(r.Tail, "Error: ") {
				t.Errorf("tail %q", r.Tail)
			}
		})
	}
}

// A plan that no one could read through is refused before anything of it is kept.
func TestPlanIsTooLarge(t *testing.T) {
	w := newHarness(t)
	text := requestFile(strings.Repeat("x", store.MaxSummary/2), "") // which the plan shows twice
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	b := w.bench(d)
	b.checkout()
	if r, _ := b.refusedAt(d, "plan", "plan_too_large", planSteps...); r.Digest != "" {
		t.Errorf("digest %q", r.Digest)
	}
}

func TestDestroyAndCleanupRefuseWhatIsUsed(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	w.propose(text)
	sha := w.merge()
	w.write("envs/dev/app/more.tf", "resource \"terraform_data\" \"x\" {\n  depends_on = [module.tfpilot_"+requestID+
		"]\n}\n")
	w.pushed("main")
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeDestroy, sha, text, "")
	b := w.bench(d)
	b.checkout()
	b.refusedAt(d, "plan", "referred_to", planSteps...)

	d = w.request(lifecycle.KindCleanup, lifecycle.PurposeDestroy, sha, text, "")
	b = w.bench(d)
	b.checkout()
	b.refusedAt(d, "strip", "referred_to", "guard", "strip")
}

// Cleaning up again makes the same branch again; after its merge there is nothing
// left to do.
func TestCleanupIsRepeatable(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "") + "\n# a note by hand\n"
	w.propose(text)
	sha := w.merge()
	for range 2 {
		d := w.request(lifecycle.KindCleanup, lifecycle.PurposeDestroy, sha, text, "")
		b := w.bench(d)
		b.checkout()
		if failed, said := b.steps("guard", "strip", "push", "result"); failed != "" || w.result(d).Nothing {
			t.Fatalf("%s:\n%s", failed, said)
		}
	}
	if left := command(t, w.bare, "git", "show", "cleanup/"+requestID+":"+
		requestPath); strings.TrimSpace(left) != "# a note by hand" {
		t.Errorf("left: %q", left)
	}
	w.git("fetch", "-q", "origin", "cleanup/"+requestID)
	w.git("merge", "-q", "--ff-only", "FETCH_HEAD")
	w.git("push", "-q", "origin", "main")
	d := w.request(lifecycle.KindCleanup, lifecycle.PurposeDestroy, sha, text, "")
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps("guard", "strip", "push", "result"); failed != "" || !w.result(d).Nothing {
		t.Errorf("%s:\n%s", failed, said)
	}
}

func TestDriftPlan(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	_, b := w.applying(text, w.planned(text), nil)
	if failed, said := b.steps("apply"); failed != "" {
		t.Fatal(said)
	}
	drift := func() lifecycle.Result {
		t.Helper()
		head := w.git("rev-parse", "main")
		d := w.request(lifecycle.KindDriftPlan, "", head, text, "")
		d.inputs["request_id"], d.granting.Path, d.granting.Blob = "", "", ""
		b := w.bench(d)
		b.checkout()
		if failed, said := b.steps("guard", "backend", "plan", "result"); failed != "" {
			t.Fatalf("%s:\n%s", failed, said)
		}
		return w.result(d)
	}
	if r := drift(); !r.Nothing || len(r.Addresses) > 0 {
		t.Errorf("drift of an untouched environment: %+v", r)
	}
	w.write(requestPath, requestFile("renamed", ""))
	w.pushed("main")
	if r := drift(); r.Nothing || r.Counts.Change != 2 || !strings.HasPrefix(r.Addresses[0], "module.tfpilot_"+requestID+
		".") {
		t.Errorf("drift: %+v", r)
	}
}

// Runs have the shipped rights here too: the role that writes states deletes none.
func TestRunsDeleteNoState(t *testing.T) {
	w := newHarness(t)
	run, err := store.Open(t.Context(), store.Config{Bucket: stateBucket, Region: region, Endpoint: w.server.URL,
		AccessKey: "run-apply-core", Secret: bucket.Secret("run-apply-core")})
	if err != nil {
		t.Fatal(err)
	}
	// any object that is no lock
	if err := run.DeleteGrant(t.Context(), "core", newCID(lifecycle.KindApply)); !errors.Is(err, store.ErrDenied) {
		t.Errorf("an object of the state bucket may be deleted: %v", err)
	}
}

// No step that acts on the grant runs without the guard before it.
func TestStepsNeedTheGuard(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	b := w.bench(w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, ""))
	b.checkout()
	for _, name := range []string{"verify", "backend", "plan", "apply", "destroy", "strip", "push"} {
		if code, said := b.step(t.Context(), name); code != 1 || !strings.Contains(said, "the guard has not run") {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
	}
}

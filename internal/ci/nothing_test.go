package ci_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// applied brings a request to its applied state. It returns the approved digest and the
// run that applied.
func (w *harness) applied(text string) (digest string, b *bench) {
	w.t.Helper()
	digest = w.planned(text)
	_, b = w.applying(text, digest, nil)
	if failed, said := b.steps("apply"); failed != "" {
		w.t.Fatal(said)
	}
	return digest, b
}

// forget takes the request's module out of the state, as someone at a shell can.
func (b *bench) forget() {
	b.w.t.Helper()
	cmd := exec.Command("terraform", "state", "rm", "module.tfpilot_"+requestID)
	cmd.Dir = filepath.Join(b.temp, "tfpilot/tree/envs/dev/app")
	for k, v := range b.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		b.w.t.Fatalf("%v\n%s", err, out)
	}
}

// destroyPlanned plans a destroy and returns its digest.
func (w *harness) destroyPlanned(text string) string {
	w.t.Helper()
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeDestroy, w.git("rev-parse", "main"), text, "")
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps(append(planSteps, "result")...); failed != "" {
		w.t.Fatalf("%s:\n%s", failed, said)
	}
	return w.result(d).Digest
}

// running is a run of this kind, up to its plan.
func (w *harness) running(kind lifecycle.Kind, purpose lifecycle.Purpose, text, digest string,
	change func(*lifecycle.Grant)) (d *dispatch, b *bench, failed, said string) {
	w.t.Helper()
	d = w.request(kind, purpose, w.git("rev-parse", "main"), text, digest)
	d.grant = change
	b = w.bench(d)
	b.checkout()
	failed, said = b.steps(planSteps...)
	return d, b, failed, said
}

// An apply that finds nothing to do is a success only if the state holds what was
// approved. Otherwise the result of the approved plan is unknown.
func TestNothingLeftToApply(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	digest, _ := w.applied(text)
	if d, b, failed, said := w.running(lifecycle.KindApply, lifecycle.PurposeOpen, text, digest, nil); failed != "" {
		t.Errorf("%s:\n%s", failed, said)
	} else if failed, said := b.steps("apply", "result"); failed != "" || !w.result(d).Nothing {
		t.Errorf("%s:\n%s", failed, said)
	}
	// The approved plan makes two things. The code that would make the second is the
	// same, but its count is zero now.
	w = newHarness(t)
	outside := filepath.Join(t.TempDir(), "count")
	count := func(text string) {
		if err := os.WriteFile(outside, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.edit("modules/demo/main.tf", "depends_on = [terraform_data.thing]", "depends_on = [terraform_data.thing]\n"+
		"  count      = tonumber(file(\""+outside+"\"))")
	w.pushed("main")
	count("0")
	w.applied(text)
	count("1")
	edit := w.request(lifecycle.KindPlan, lifecycle.PurposeReapply, w.git("rev-parse", "main"), text, "")
	b := w.bench(edit)
	b.checkout()
	if failed, said := b.steps(append(planSteps, "result")...); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	count("0")
	d, b, failed, said := w.running(lifecycle.KindApply, lifecycle.PurposeReapply, text, w.result(edit).Digest, nil)
	if failed != "plan" {
		t.Fatalf("failed at %q:\n%s", failed, said)
	}
	if r := b.finish(d); r.Reason != "digest_changed" || !strings.Contains(r.Tail, "terraform_data.second[0]") {
		t.Errorf("result %+v", r)
	}
}

// A destroy that finds nothing is a success only if something destroyed it: an earlier
// attempt, or the cloud. A state that is lost is not a destroy.
func TestNothingLeftToDestroy(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	_, applied := w.applied(text)
	digest := w.destroyPlanned(text)
	applied.forget()
	d, b, failed, said := w.running(lifecycle.KindDestroy, lifecycle.PurposeDestroy, text, digest, nil)
	if failed != "plan" {
		t.Fatalf("failed at %q:\n%s", failed, said)
	}
	if r := b.finish(d); r.Reason != "digest_changed" ||
		!strings.Contains(r.Tail, "the state holds nothing of this request") {
		t.Errorf("result %+v", r)
	}
	d, b, failed, said = w.running(lifecycle.KindDestroy, lifecycle.PurposeDestroy, text, digest,
		func(g *lifecycle.Grant) { g.MayBeGone = true })
	if failed == "" {
		failed, said = b.steps("destroy", "result")
	}
	if failed != "" || !w.result(d).Nothing {
		t.Errorf("%s:\n%s", failed, said)
	}
}

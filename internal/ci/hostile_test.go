package ci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
)

// hostileTexts are inputs that someone with the right to dispatch might try. CANARY is
// replaced by a file that none of them may create.
var hostileTexts = []string{
	`x"; touch CANARY; "`, `$(touch CANARY)`, "`touch CANARY`", "x\ntouch CANARY\n", "'; touch CANARY #",
	"../../../../CANARY",
	"--upload-pack=touch CANARY", "-o ProxyCommand=touch CANARY", "::set-env name=PATH::/tmp", "::add-path::/tmp",
	"${{ github.token }}",
	"x\"\noutput = \"CANARY\"\n", "req_１２３４５６７８９０", "req_abcdefghijklm\x00", "%0A::stop-commands::x",
	strings.Repeat("a", 60000),
}

// Whatever is dispatched by hand stops at the first guard, before any credential and
// any checkout, and no input is ever executed.
func TestHostileInputsNeverRun(t *testing.T) {
	w := newHarness(t)
	canary := filepath.Join(t.TempDir(), "pwned")
	text := requestFile("logs", "")
	head := w.propose(text)
	for i, value := range hostileTexts {
		kind := []lifecycle.Kind{lifecycle.KindPlan, lifecycle.KindApply, lifecycle.KindDestroy, lifecycle.KindCleanup,
			lifecycle.KindDriftPlan}[i%5]
		d := w.request(kind, lifecycle.PurposeOpen, head, text, "")
		d.noGrant = true
		value = strings.ReplaceAll(value, "CANARY", canary)
		for name := range d.inputs {
			d.inputs[name] = value
		}
		res, log := w.run(d)
		stop := "Validate inputs"
		if strings.Contains(value, "\x00") {
			stop = "Download TfPilot" // no process can be started with it
		}
		if res.Conclusion != "failure" || actions.FailedStep(res.Steps) != stop {
			t.Errorf("%.40q: %s at %q: %v\n%s", value, res.Conclusion, actions.FailedStep(res.Steps), res.Err, log)
		}
		if strings.Contains(log, "Authenticated as") || strings.Contains(log, "ghs_test") {
			t.Errorf("%.40q: a credential was taken:\n%s", value, log)
		}
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("an input was executed")
	}
	if keys := w.s3.Keys(requestsBucket, ""); len(keys) > 0 {
		t.Errorf("objects were made: %v", keys)
	}
}

// A dispatch by hand with the very inputs of a granted run, a re-run, and a second
// run of the same attempt do nothing; the granted run is not disturbed.
func TestHandMadeDispatch(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	d.actor = "dana"
	if res, log := w.run(d); res.Conclusion != "failure" || actions.FailedStep(res.Steps) != "Validate inputs" ||
		strings.Contains(log, "Authenticated as") {
		t.Errorf("by hand: %s at %q\n%s", res.Conclusion, actions.FailedStep(res.Steps), log)
	}
	d.actor, d.noGrant = "tfpilot[bot]", true
	w.must(d)
	d.attempt, d.sameRun = 2, true
	if res, _ := w.run(d); res.Conclusion != "failure" || actions.FailedStep(res.Steps) != "Validate inputs" {
		t.Errorf("re-run: %s at %q", res.Conclusion, actions.FailedStep(res.Steps))
	}
	d.attempt, d.sameRun = 1, false
	res, log := w.run(d)
	if res.Conclusion != "failure" || !strings.Contains(log, "has taken this attempt") {
		t.Errorf("second run: %s\n%s", res.Conclusion, log)
	}
	for _, s := range res.Steps[4:] {
		if s.Conclusion != "skipped" {
			t.Errorf("step %q of a run that lost its claim: %s", s.Name, s.Conclusion)
		}
	}
}

package ci_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/ci"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
)

// bench runs single steps in this process, without a runner: its own workspace,
// the environment of the workflow files.
type bench struct {
	w         *harness
	temp      string
	workspace string
	env       map[string]string
}

func (w *harness) bench(d *dispatch) *bench {
	w.t.Helper()
	if !d.noGrant {
		if err := w.app.PutGrant(w.t.Context(), "core", d.cid, d.granted()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.runID++
	b := &bench{w: w, temp: w.t.TempDir(), workspace: w.t.TempDir()}
	main := strings.TrimSpace(command(w.t, w.bare, "git", "rev-parse", "main"))
	b.env = map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": b.temp, "RUNNER_TEMP": b.temp, "GITHUB_WORKSPACE": b.workspace,
		"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_RUN_ID": strconv.FormatInt(w.runID, 10),
		"GITHUB_RUN_ATTEMPT": strconv.Itoa(d.attempt),
		"GITHUB_REF":         "refs/heads/main", "GITHUB_SHA": main, "GITHUB_ACTOR": d.actor,
		"GITHUB_OUTPUT": filepath.Join(b.temp, "output"),
		"TFPILOT_KIND":  string(d.kind), "TFPILOT_ACTOR": "tfpilot[bot]", "TFPILOT_DEFAULT_BRANCH": "main",
		"TFPILOT_PROJECT":         "core",
		"TFPILOT_REQUESTS_BUCKET": requestsBucket, "GITHUB_SERVER_URL": w.server.URL,
		"GITHUB_REPOSITORY": "acme/infra-core", "TFPILOT_TOKEN": "ghs_test",
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "run-plan-core", "AWS_SECRET_ACCESS_KEY": bucket.Secret("run-plan-core"),
		"TFPILOT_JOB_STATUS": "success",
	}
	for k, v := range w.act.Env {
		b.env[k] = v
	}
	for k, v := range d.inputs {
		b.env["TFPILOT_"+strings.ToUpper(k)] = v
	}
	return b
}

// checkout fills the workspace as the workflow's checkouts do.
func (b *bench) checkout() {
	b.w.t.Helper()
	for dir, sha := range map[string]string{"tools": b.env["GITHUB_SHA"], "infra": b.env["TFPILOT_SHA"]} {
		to := filepath.Join(b.workspace, dir)
		command(b.w.t, "", "git", "clone", "-q", b.w.bare, to)
		command(b.w.t, to, "git", "-c", "advice.detachedHead=false", "checkout", "-q", "--detach", sha)
	}
}

func (b *bench) step(ctx context.Context, name string) (int, string) {
	var out bytes.Buffer
	var env []string
	for k, v := range b.env {
		env = append(env, k+"="+v)
	}
	// the workflow takes this role for it
	if kind := b.env["TFPILOT_KIND"]; name == "result" && (kind == "apply" || kind == "destroy") {
		env = append(env, "AWS_ACCESS_KEY_ID=run-apply-core", "AWS_SECRET_ACCESS_KEY="+bucket.Secret("run-apply-core"))
	}
	code := ci.Run(ctx, []string{name}, ci.Process{Env: env, Stdout: &out, Stderr: &out, Sleep: func(time.Duration) {}})
	return code, out.String()
}

// steps runs until one fails and returns its name and what it said.
func (b *bench) steps(names ...string) (failed, said string) {
	b.w.t.Helper()
	for _, name := range names {
		code, out := b.step(b.w.t.Context(), name)
		said += out
		if code != 0 {
			return name, said
		}
	}
	return "", said
}

// finish keeps the result of a run that failed.
func (b *bench) finish(d *dispatch) lifecycle.Result {
	b.w.t.Helper()
	b.env["TFPILOT_JOB_STATUS"] = "failure"
	if failed, said := b.steps("result"); failed != "" {
		b.w.t.Fatalf("result: %s", said)
	}
	return b.w.result(d)
}

// Everything that is not exactly what was granted stops at the guard, and nothing is
// claimed or kept. What only the grant says is TestGrantMustFitTheRun.
func TestGuardRefuses(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	head := w.propose(text)
	other := strings.Repeat("1", 40)
	for name, tt := range map[string]struct {
		want   string
		change func(*dispatch, *bench)
	}{
		"no grant": {"no grant for this run", func(d *dispatch, b *bench) {
			b.env["TFPILOT_CORRELATION_ID"] = "plan-" + strings.Repeat("e", 32)
		}},
		"other commit": {"another commit", func(d *dispatch, b *bench) { b.env["TFPILOT_SHA"] = other }},
		"other project": {"no grant for this run", func(d *dispatch, b *bench) {
			b.env["TFPILOT_PROJECT"] = "payments"
		}},
		"dry run": {"dry run", func(d *dispatch, b *bench) { b.env["TFPILOT_DRY_RUN"] = "true" }},
		"other kind": {"correlation id is of another kind", func(d *dispatch, b *bench) {
			b.env["TFPILOT_KIND"] = "apply"
		}},
		"re-run":  {"a re-run does nothing", func(d *dispatch, b *bench) { b.env["GITHUB_RUN_ATTEMPT"] = "2" }},
		"by hand": {"only TfPilot starts", func(d *dispatch, b *bench) { b.env["GITHUB_ACTOR"] = "dana" }},
		"other branch": {"not on the default branch", func(d *dispatch, b *bench) {
			b.env["GITHUB_REF"] = "refs/heads/request/" + requestID
		}},
		"other event":       {"not dispatched", func(d *dispatch, b *bench) { b.env["GITHUB_EVENT_NAME"] = "push" }},
		"no default branch": {"default branch", func(d *dispatch, b *bench) { b.env["TFPILOT_DEFAULT_BRANCH"] = "" }},
		"environment": {"another environment", func(d *dispatch, b *bench) {
			b.env["TFPILOT_ENVIRONMENT_KEY"] = "prod"
		}},
		"ref": {"ref is neither", func(d *dispatch, b *bench) {
			b.env["TFPILOT_REF"] = "cleanup/" + requestID
		}},
		"store unreachable": {"read the grant", func(d *dispatch, b *bench) {
			b.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1"
		}},
		"run id is no id": {"not a run id", func(d *dispatch, b *bench) { b.env["GITHUB_RUN_ID"] = "x" }},
		"actor not known": {"only TfPilot starts", func(d *dispatch, b *bench) {
			b.env["TFPILOT_ACTOR"], b.env["GITHUB_ACTOR"] = "", ""
		}},
		"correlation of run": {"correlation id is of another kind", func(d *dispatch, b *bench) {
			b.env["TFPILOT_CORRELATION_ID"] = newCID(lifecycle.KindApply)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, head, text, "")
			b := w.bench(d)
			tt.change(d, b)
			code, said := b.step(t.Context(), "guard")
			if code != 1 || !strings.Contains(said, "::error title=") || !strings.Contains(said, tt.want) {
				t.Errorf("exit %d:\n%s", code, said)
			}
			for _, cid := range []string{d.cid, b.env["TFPILOT_CORRELATION_ID"]} {
				if c, err := w.app.Claim(t.Context(), "core", cid); err == nil {
					t.Errorf("claimed: %+v", c)
				}
			}
		})
	}
}

// Two runs with one correlation id: one continues, the other fails. A lost answer to the claim
// loses nothing.
func TestClaim(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	d := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	if err := w.s3.Inject(s3.Fault{Kind: s3.FaultLost, Verb: "PutObject", KeyPrefix: "claims/", Count: 1}); err != nil {
		t.Fatal(err)
	}
	first := w.bench(d)
	if code, said := first.step(t.Context(), "guard"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	code, said := w.bench(d).step(t.Context(), "guard")
	if code != 1 || !strings.Contains(said, "has taken this attempt") {
		t.Errorf("exit %d:\n%s", code, said)
	}
}

package ci_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
)

// Variables of the repository decide nothing: the reviewed workflow file sets the role, the region and
// the tfpilot release of a run.
func TestVariablesDecideNothing(t *testing.T) {
	w := newHarness(t)
	hostile := map[string]string{
		"TFPILOT_PLAN_ROLE": applyRole, "TFPILOT_APPLY_ROLE": "arn:aws:iam::999999999999:role/elsewhere",
		"TFPILOT_ACTOR":  "dana",
		"TFPILOT_RUNNER": "somebodys-machine", "TFPILOT_RELEASES": "http://127.0.0.1:1/releases",
	}
	if w.vars = w.variablesOfARun(hostile); !maps.Equal(w.vars, hostile) {
		t.Fatalf("a run gets %v", w.vars)
	}
	text := requestFile("logs", "")
	plan := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	planned, log := w.must(plan)
	if !strings.Contains(log, "Authenticated as "+planRole) || strings.Contains(log, "Authenticated as "+applyRole) {
		t.Errorf("roles of the plan:\n%s", log)
	}
	_, log = w.must(w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.merge(), text, planned.Digest))
	if !strings.Contains(log, "Authenticated as "+applyRole) || strings.Contains(log, "elsewhere") {
		t.Errorf("roles of the apply:\n%s", log)
	}
	by := w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, w.propose(text), text, "")
	by.actor = "dana"
	if res, log := w.run(by); res.Conclusion != "failure" || actions.FailedStep(res.Steps) != "Validate inputs" {
		t.Errorf("a run of the actor that the variable names: %s at %q\n%s", res.Conclusion, actions.FailedStep(res.Steps),
			log)
	}
}

// variablesOfARun sets variables on GitHub as a person who may write, and returns the variables
// that a run of the shipped plan workflow then gets.
func (w *harness) variablesOfARun(set map[string]string) map[string]string {
	w.t.Helper()
	got := make(chan map[string]string, 1)
	server, err := hubsim.New(hubsim.Config{
		BaseURL: "http://github.test", Users: []hubsim.User{{Login: "dana", ID: 1001, Token: "ghp_dana"}},
		Repos: []hubsim.Repo{{
			Owner: "acme", Name: "infra-core", Roles: map[string]string{"dana": "write"},
			Files: map[string][]byte{".github/workflows/plan.yml": []byte(command(w.t, w.bare, "git", "show",
				"main:.github/workflows/plan.yml"))},
		}},
		Runner: variableReader(got),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = server.Close(context.Background()) })
	dana, err := gh.NewClient(&http.Client{Transport: hubsim.Transport(server.Handler())}).WithAuthToken("ghp_dana").WithEnterpriseURLs("http://github.test", "http://github.test")
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range set {
		if _, err := dana.Actions.CreateRepoVariable(w.t.Context(), "acme", "infra-core",
			&gh.ActionsVariable{Name: name, Value: value}); err != nil {
			w.t.Fatal(err)
		}
	}
	inputs := map[string]any{}
	for name, value := range w.request(lifecycle.KindPlan, lifecycle.PurposeOpen, strings.Repeat("a", 40), "", "").inputs {
		inputs[name] = value
	}
	if _, err := dana.Actions.CreateWorkflowDispatchEventByFileName(w.t.Context(), "acme", "infra-core", "plan.yml",
		gh.CreateWorkflowDispatchEventRequest{Ref: "main", Inputs: inputs}); err != nil {
		w.t.Fatal(err)
	}
	return <-got
}

// variableReader is a runner that reports the variables of its job.
type variableReader chan map[string]string

func (r variableReader) Run(_ context.Context, job actions.Job) actions.Result {
	r <- job.Vars
	return actions.Result{Conclusion: "success"}
}

// An apply that stops before it has the apply role is reported all the same: the role is
// taken for that, and nothing but the report follows.
func TestFailedApplyIsReported(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	other := "sha256:" + strings.Repeat("0", 64)
	w.plans[other] = w.plans[w.planned(text)]
	d := w.request(lifecycle.KindApply, lifecycle.PurposeOpen, w.merge(), text, other)
	res, log := w.run(d)
	if res.Conclusion != "failure" || actions.FailedStep(res.Steps) != "Verify content" {
		t.Fatalf("%s at %q\n%s", res.Conclusion, actions.FailedStep(res.Steps), log)
	}
	if r := w.result(d); r.Reason != "digest_changed" || r.Conclusion != "failure" {
		t.Errorf("result: %+v", r)
	}
	for _, s := range res.Steps {
		if ran := s.Conclusion != "skipped"; ran != !slices.Contains([]string{"Initialize backend", "Plan",
			"Assume apply role", "Apply"}, s.Name) {
			t.Errorf("step %q: %s", s.Name, s.Conclusion)
		}
	}
}

// Terraform starts providers in the step before the push, so nothing that they leave on
// the disk reaches the branch or sees the token.
func TestPushBelievesNothingOnTheDisk(t *testing.T) {
	w := newHarness(t)
	text := requestFile("logs", "")
	w.propose(text)
	d := w.request(lifecycle.KindCleanup, lifecycle.PurposeDestroy, w.merge(), text, "")
	b := w.bench(d)
	b.checkout()
	if failed, said := b.steps("guard", "strip"); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	seen := filepath.Join(t.TempDir(), "seen")
	hook := "#!/bin/sh\nenv > " + seen + "\n"
	tools := filepath.Join(b.workspace, "tools")
	for _, name := range []string{"pre-push", "post-checkout", "pre-commit", "post-commit", "reference-transaction"} {
		if err := os.WriteFile(filepath.Join(tools, ".git", "hooks", name), []byte(hook), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	evil := "[core]\n\tfsmonitor = " + seen + ".sh\n\thooksPath = " + filepath.Join(tools, ".git", "hooks") +
		"\n[user]\n\tname = evil\n"
	if err := os.WriteFile(filepath.Join(b.temp, ".gitconfig"), []byte(evil), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tools, "modules", "demo", "main.tf"), []byte("# evil\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, tools, "git", "-c", "user.name=evil", "-c", "user.email=e@example.com", "-c", "core.hooksPath=/dev/null",
		"commit", "-q", "-a", "-m", "evil")
	if failed, said := b.steps("push", "result"); failed != "" {
		t.Fatalf("%s:\n%s", failed, said)
	}
	if changed := strings.TrimSpace(command(t, w.bare, "git", "diff", "--name-status", "main", "cleanup/"+
		requestID)); changed != "D\t"+requestPath {
		t.Errorf("the branch changes %q", changed)
	}
	if who := strings.TrimSpace(command(t, w.bare, "git", "log", "-1", "--format=%an|%s|%P", "cleanup/"+
		requestID)); who != "tfpilot[bot]|Remove "+requestID+" after its destroy|"+b.env["GITHUB_SHA"] {
		t.Errorf("commit: %s", who)
	}
	if data, err := os.ReadFile(seen); err == nil {
		t.Errorf("something of the checkout ran:\n%s", data)
	}
}

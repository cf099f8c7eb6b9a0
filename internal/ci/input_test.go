package ci

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

func goodInputs() map[string]string {
	return map[string]string{
		"TFPILOT_KIND": "apply", "TFPILOT_PROJECT": "core", "TFPILOT_REQUEST_ID": "req_abcdefghijklm",
		"TFPILOT_ENVIRONMENT_KEY":  "dev",
		"TFPILOT_ENVIRONMENT_SLUG": "app", "TFPILOT_SHA": strings.Repeat("a", 40), "TFPILOT_REF": "main",
		"TFPILOT_CORRELATION_ID": "apply-" + strings.Repeat("0", 32), "TFPILOT_DRY_RUN": "false",
		"TFPILOT_DEFAULT_BRANCH": "main",
	}
}

// goodGrant is the grant of goodInputs.
func goodGrant() lifecycle.Grant {
	return lifecycle.Grant{
		Kind: lifecycle.KindApply, Project: "core", RequestID: "req_abcdefghijklm",
		Environment: lifecycle.Environment{Key: "dev", Slug: "app"},
		SHA:         strings.Repeat("a", 40), Purpose: lifecycle.PurposeReapply, Digest: "sha256:" +
			strings.Repeat("b", 64), LeaseToken: 9,
		Plan: "plan-" + strings.Repeat("d", 32),
		Path: "envs/dev/app/tfpilot_req_abcdefghijklm.tf", Blob: strings.Repeat("c", 40),
		Backend: lifecycle.Backend{Bucket: "states", Key: "core/dev/app/terraform.tfstate", Region: "eu-central-1",
			UseLockfile: true},
	}
}

func TestParseInputs(t *testing.T) {
	in, err := parseInputs(goodInputs())
	if err != nil || in.RequestID != "req_abcdefghijklm" || in.module() != "module.tfpilot_req_abcdefghijklm" {
		t.Fatalf("%+v %v", in, err)
	}
	if err := in.take(goodGrant(), "main"); err != nil || in.LeaseToken != 9 || in.Purpose != lifecycle.PurposeReapply {
		t.Fatalf("%+v %v", in, err)
	}
	for name := range inputNames {
		for _, bad := range []string{"\n", "x\n", " ", "../x", "$(id)", "é"} {
			env := goodInputs()
			env[name] += bad
			if _, err := parseInputs(env); err == nil {
				t.Errorf("%s accepts %q", name, env[name])
			}
		}
	}
}

func TestInputsMustFitEachOther(t *testing.T) {
	for what, change := range map[string]func(map[string]string){
		"kind and correlation": func(m map[string]string) { m["TFPILOT_KIND"] = "destroy" },
		"ref of another":       func(m map[string]string) { m["TFPILOT_REF"] = "request/req_bcdefghijklmn" },
		"apply of nothing":     func(m map[string]string) { m["TFPILOT_REQUEST_ID"] = "" },
		"drift of a request": func(m map[string]string) {
			m["TFPILOT_KIND"], m["TFPILOT_CORRELATION_ID"] = "drift_plan", "drift_plan-"+strings.Repeat("0", 32)
		},
	} {
		env := goodInputs()
		change(env)
		if _, err := parseInputs(env); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
}

func planGrant(g *lifecycle.Grant, m map[string]string, purpose lifecycle.Purpose) {
	g.Kind, g.Purpose, g.Digest, g.LeaseToken = lifecycle.KindPlan, purpose, "", 0
	m["TFPILOT_KIND"], m["TFPILOT_CORRELATION_ID"] = "plan", "plan-"+strings.Repeat("0", 32)
}

func cleanupGrant(g *lifecycle.Grant, m map[string]string, purpose lifecycle.Purpose) {
	g.Kind, g.Purpose, g.Digest, g.Plan, g.LeaseToken = lifecycle.KindCleanup, purpose, "", "", 0
	m["TFPILOT_KIND"], m["TFPILOT_CORRELATION_ID"] = "cleanup", "cleanup-"+strings.Repeat("0", 32)
}

func driftGrant(g *lifecycle.Grant, m map[string]string) {
	planGrant(g, m, "")
	g.Kind, g.RequestID, g.Path, g.Blob = lifecycle.KindDriftPlan, "", "", ""
	m["TFPILOT_KIND"], m["TFPILOT_CORRELATION_ID"], m["TFPILOT_REQUEST_ID"] = "drift_plan", "drift_plan-"+
		strings.Repeat("0", 32), ""
}

// A run works out what it can itself: a grant that says something else is not obeyed.
func TestGrantMustFitTheRun(t *testing.T) {
	plan, cleanup, drift := planGrant, cleanupGrant, driftGrant
	for what, tt := range map[string]struct {
		change func(*lifecycle.Grant, map[string]string)
		want   string // empty: accepted
	}{
		"an apply":     {func(*lifecycle.Grant, map[string]string) {}, ""},
		"a new plan":   {func(g *lifecycle.Grant, m map[string]string) { plan(g, m, "destroy") }, ""},
		"a drift plan": {drift, ""},
		"no digest": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Digest = ""
		}, "digest, plan and lease token"},
		"no lease": {func(g *lifecycle.Grant, _ map[string]string) {
			g.LeaseToken = 0
		}, "digest, plan and lease token"},
		"negative lease": {func(g *lifecycle.Grant, _ map[string]string) {
			g.LeaseToken = -1
		}, "digest, plan and lease token"},
		"no plan": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Plan = ""
		}, "digest, plan and lease token"},
		"plan of an apply": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Plan = "apply-" + strings.Repeat("d", 32)
		}, "plan in the grant"},
		"plan without an id": {func(g *lifecycle.Grant, _ map[string]string) { g.Plan = "plan-" }, "plan in the grant"},
		"plan elsewhere": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Plan = "../" + g.Plan
		}, "plan in the grant"},
		"no backend": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Backend.Key = ""
		}, "backend key in the grant"},
		"no bucket": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Backend.Bucket = ""
		}, "backend bucket in the grant"},
		"apply to destroy": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Purpose = "destroy"
		}, "kind and purpose"},
		"a cleanup":            {func(g *lifecycle.Grant, m map[string]string) { cleanup(g, m, "destroy") }, ""},
		"a cleanup of nothing": {func(g *lifecycle.Grant, m map[string]string) { cleanup(g, m, "") }, "kind and purpose"},
		"cleanup of an apply": {func(g *lifecycle.Grant, m map[string]string) {
			cleanup(g, m, "reapply")
		}, "kind and purpose"},
		"unknown purpose": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Purpose = "other"
		}, "purpose in the grant"},
		"path of another": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Path = "envs/dev/app/tfpilot_req_bcdefghijklmn.tf"
		}, "request, path and blob"},
		"path elsewhere": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Path = "envs/../tfpilot_req_abcdefghijklm.tf"
		}, "path in the grant"},
		"no blob":              {func(g *lifecycle.Grant, _ map[string]string) { g.Blob = "" }, "request, path and blob"},
		"plan of nothing":      {func(g *lifecycle.Grant, m map[string]string) { plan(g, m, "") }, "kind and purpose"},
		"first plan elsewhere": {func(g *lifecycle.Grant, m map[string]string) { plan(g, m, "open") }, "the ref"},
		"apply from the branch": {func(_ *lifecycle.Grant, m map[string]string) {
			m["TFPILOT_REF"] = "request/req_abcdefghijklm"
		}, "the ref"},
		"drift with a purpose": {func(g *lifecycle.Grant, m map[string]string) {
			drift(g, m)
			g.Purpose = "open"
		}, "drift plan is of an environment"},
		"drift with a path": {func(g *lifecycle.Grant, m map[string]string) {
			path := g.Path
			drift(g, m)
			g.Path = path
		}, "drift plan is of an environment"},
		"drift with a blob": {func(g *lifecycle.Grant, m map[string]string) {
			blob := g.Blob
			drift(g, m)
			g.Blob = blob
		}, "drift plan is of an environment"},
		"drift elsewhere": {func(g *lifecycle.Grant, m map[string]string) {
			drift(g, m)
			m["TFPILOT_REF"] = "release"
		}, "the ref is neither"},
		"another root": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Environment.Slug = "web"
		}, "another environment"},
		"another commit": {func(g *lifecycle.Grant, _ map[string]string) { g.SHA = strings.Repeat("d", 40) },
			"another commit"},
		"another environment": {func(g *lifecycle.Grant, _ map[string]string) {
			g.Environment.Key = "prod"
		}, "another environment"},
		"a dry run": {func(g *lifecycle.Grant, _ map[string]string) { g.DryRun = true }, "another mode"},
	} {
		g, env := goodGrant(), goodInputs()
		tt.change(&g, env)
		in, err := parseInputs(env)
		if err == nil {
			err = in.take(g, "main")
		}
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

// What the inputs and the grant hold never reaches a command, a path or a log line in
// another form than its own pattern.
func FuzzInputs(f *testing.F) {
	f.Add("TFPILOT_REF", "main; id", "")
	f.Add("TFPILOT_SHA", "a", "envs/dev/app/../../x.tf")
	f.Fuzz(func(t *testing.T, name, value, granted string) {
		env := goodInputs()
		env[name] = value
		in, err := parseInputs(env)
		if err != nil {
			return
		}
		for _, set := range []func(*lifecycle.Grant){
			func(g *lifecycle.Grant) { g.Path = granted }, func(g *lifecycle.Grant) { g.Blob = granted },
			func(g *lifecycle.Grant) { g.Digest = granted }, func(g *lifecycle.Grant) { g.Backend.Bucket = granted },
			func(g *lifecycle.Grant) { g.Backend.Key = granted }, func(g *lifecycle.Grant) { g.Backend.DynamoDBTable = granted },
		} {
			g := goodGrant()
			set(&g)
			if in.take(g, "main") != nil {
				continue
			}
			for _, s := range []string{string(in.Kind), in.RequestID, in.Environment.String(), in.SHA, in.Ref,
				in.CorrelationID, in.Path, in.Blob, in.Digest, in.Backend.Bucket, in.Backend.Key, in.Backend.DynamoDBTable} {
				if strings.ContainsAny(s, "\n\r\x00 \"'`$;&|<>\\*?(){}") || strings.HasPrefix(s, "-") || strings.Contains(s, "..") {
					t.Errorf("accepted %q", s)
				}
			}
		}
	})
}

func TestInertOutput(t *testing.T) {
	var b strings.Builder
	printInert(&b, "one\n::set-output name=go::true\n")
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	token := strings.TrimPrefix(lines[0], "::stop-commands::")
	if len(lines) != 4 || len(token) != 32 || lines[3] != "::"+token+"::" {
		t.Errorf("printed %q", lines)
	}
}

func TestCutKeepsRunes(t *testing.T) {
	if got := cut("aé", 2); got != "a…" {
		t.Errorf("%q", got)
	}
	if got := cut("a\xff", 9); got != "a\uFFFD" {
		t.Errorf("%q", got)
	}
}

// A lock is released only when it is this machine's and of this run.
func TestLockInfo(t *testing.T) {
	text := "Lock Info:\n  ID:        11111111-2222-3333-4444-555555555555\n  Path:      b/k\n" +
		"  Operation: OperationTypeApply\n  Who:       root@host-1\n  Version:   1.11.4\n" +
		"  Created:   2026-11-23 07:00:01.5 +0000 UTC\n"
	m := lockInfo.FindStringSubmatch(text)
	if len(m) != 4 || m[1] != "11111111-2222-3333-4444-555555555555" || m[2] != "host-1" || m[3] != "2026-11-23 07:00:01" {
		t.Errorf("%q", m)
	}
}

// Code of modules and providers gets no token, no channel to the runner, and no
// setting that would turn Terraform to something else.
func TestChildrenSeeNothingOfTheRunner(t *testing.T) {
	j := &job{env: map[string]string{}}
	for _, name := range []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
		"ACTIONS_RUNTIME_TOKEN", "GITHUB_ENV", "GITHUB_PATH",
		"GITHUB_OUTPUT", "GITHUB_TOKEN", "INPUT_TOKEN", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_LOG_PATH",
		"TF_CLI_ARGS", "TF_CLI_ARGS_plan",
		"TF_CLI_ARGS_apply", "TF_CLI_ARGS_show", "TF_VAR_name", "TF_REATTACH_PROVIDERS", "TF_STATE_PERSIST_INTERVAL",
		"RUNNER_TEMP", "DATABASE_URL", "NPM_TOKEN", "TFPILOT_REQUESTS_BUCKET", "LD_PRELOAD", "GIT_SSH_COMMAND"} {
		j.env[name] = "hidden"
	}
	for _, name := range []string{"PATH", "HOME", "AWS_SESSION_TOKEN", "TF_CLI_CONFIG_FILE", "TF_CLI_ARGS_init",
		"TF_TOKEN_registry_example_com", "LC_ALL", "GOOGLE_CREDENTIALS"} {
		j.env[name] = "seen"
	}
	j.env["TFPILOT_TERRAFORM_ENV"] = "GOOGLE_CREDENTIALS, ACTIONS_ID_TOKEN_REQUEST_TOKEN,TF_VAR_name"
	env := j.childEnv("TF_INPUT=0")
	if got := strings.Join(env, " "); len(env) != 9 || strings.Contains(got, "hidden") {
		t.Errorf("children see %s", got)
	}
}

// The rescue waits for the Terraform of a step that was killed.
func TestRescueWaitsForTerraform(t *testing.T) {
	j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}, out: io.Discard, sleep: time.Sleep}
	if err := os.MkdirAll(j.runFile(""), 0o700); err != nil {
		t.Fatal(err)
	}
	gate, err := os.MkdirTemp(t.TempDir(), "gate")
	if err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(t.TempDir(), "last")
	cmd := exec.Command("sh", "-c", "while [ -d "+gate+" ]; do sleep 0.05; done; touch "+last)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := j.keepText(pidFile, []byte(strconv.Itoa(cmd.Process.Pid))); err != nil {
		t.Fatal(err)
	}
	waited := make(chan bool)
	go func() { waited <- j.awaitTerraform(time.Minute) }()
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	if !<-waited {
		t.Error("the wait gave up")
	}
	if _, err := os.Stat(last); err != nil {
		t.Error("the wait ended before the process")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A result is stored whatever is in it: an apply that could not keep its result would count as failed.
func TestResultIsBounded(t *testing.T) {
	for name, address := range map[string]string{"long": strings.Repeat("é", 2000), "short": "module.m.a.b",
		"grows in JSON": strings.Repeat("<", 490)} {
		j := &job{env: map[string]string{"TFPILOT_JOB_STATUS": "success"}}
		o := outcome{Tail: strings.Repeat("\x01", maxTail), Outputs: map[string]json.RawMessage{}}
		for i := range 1000 {
			o.Addresses = append(o.Addresses, address)
			o.Outputs[strconv.Itoa(i)] = json.RawMessage(`"` + strings.Repeat("<", 100) + `"`)
		}
		r := j.finalResult(o)
		data, err := json.Marshal(r)
		if err != nil || len(data) > store.MaxResult {
			t.Errorf("%s: a result of %d bytes, %v", name, len(data), err)
		}
		if len(r.Addresses) == 0 || len(r.Addresses) > maxAddresses || len(r.Addresses[0]) > maxAddress+len("…") {
			t.Errorf("%s: %d addresses of %d bytes", name, len(r.Addresses), len(r.Addresses[0]))
		}
	}
}

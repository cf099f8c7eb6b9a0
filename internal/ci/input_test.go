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
		"TFPILOT_KIND": "apply", "TFPILOT_PROJECT": "core", "TFPILOT_REQUEST_ID": "req_abcdefghijklm", "TFPILOT_ENVIRONMENT_KEY": "dev",
		"TFPILOT_ENVIRONMENT_SLUG": "app", "TFPILOT_SHA": strings.Repeat("a", 40), "TFPILOT_REF": "main",
		"TFPILOT_CORRELATION_ID": "apply-" + strings.Repeat("0", 32), "TFPILOT_DRY_RUN": "false", "TFPILOT_PURPOSE": "reapply",
		"TFPILOT_DIGEST": "sha256:" + strings.Repeat("b", 64), "TFPILOT_LEASE_TOKEN": "9",
		"TFPILOT_PATH": "envs/dev/app/tfpilot_req_abcdefghijklm.tf", "TFPILOT_BLOB": strings.Repeat("c", 40), "TFPILOT_DEFAULT_BRANCH": "main",
		"TFPILOT_BACKEND_BUCKET": "states", "TFPILOT_BACKEND_KEY": "core/dev/app/terraform.tfstate", "TFPILOT_BACKEND_LOCKFILE": "true",
	}
}

func TestParseInputs(t *testing.T) {
	in, err := parseInputs(goodInputs())
	if err != nil || in.LeaseToken != 9 || in.Purpose != lifecycle.PurposeReapply || in.module() != "module.tfpilot_req_abcdefghijklm" {
		t.Fatalf("%+v %v", in, err)
	}
	for name := range patterns {
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
		"no digest":            func(m map[string]string) { m["TFPILOT_DIGEST"] = "" },
		"no backend":           func(m map[string]string) { m["TFPILOT_BACKEND_KEY"] = "" },
		"no lease":             func(m map[string]string) { m["TFPILOT_LEASE_TOKEN"] = "" },
		"apply to destroy":     func(m map[string]string) { m["TFPILOT_PURPOSE"] = "destroy" },
		"path of another":      func(m map[string]string) { m["TFPILOT_PATH"] = "envs/dev/app/tfpilot_req_bcdefghijklmn.tf" },
		"ref of another":       func(m map[string]string) { m["TFPILOT_REF"] = "request/req_bcdefghijklmn" },
		"plan of nothing": func(m map[string]string) {
			m["TFPILOT_KIND"], m["TFPILOT_CORRELATION_ID"], m["TFPILOT_PURPOSE"] = "plan", "plan-"+strings.Repeat("0", 32), ""
		},
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

// What the inputs hold never reaches a command, a path or a log line in another form
// than its own pattern.
func FuzzInputs(f *testing.F) {
	f.Add("TFPILOT_REF", "main; id")
	f.Add("TFPILOT_PATH", "envs/dev/app/../../x.tf")
	f.Add("TFPILOT_LEASE_TOKEN", "999999999999999999999")
	f.Fuzz(func(t *testing.T, name, value string) {
		env := goodInputs()
		env[name] = value
		in, err := parseInputs(env)
		if err != nil {
			return
		}
		for _, s := range []string{string(in.Kind), in.RequestID, in.Environment.String(), in.SHA, in.Ref, in.CorrelationID, in.Path, in.Blob, in.Digest, in.Backend.Bucket, in.Backend.Key} {
			if strings.ContainsAny(s, "\n\r\x00 \"'`$;&|<>\\*?(){}") || strings.HasPrefix(s, "-") || strings.Contains(s, "..") {
				t.Errorf("accepted %q", s)
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
	text := "Lock Info:\n  ID:        11111111-2222-3333-4444-555555555555\n  Path:      b/k\n  Operation: OperationTypeApply\n  Who:       root@host-1\n  Version:   1.11.4\n  Created:   2026-11-23 07:00:01.5 +0000 UTC\n"
	m := lockInfo.FindStringSubmatch(text)
	if len(m) != 4 || m[1] != "11111111-2222-3333-4444-555555555555" || m[2] != "host-1" || m[3] != "2026-11-23 07:00:01" {
		t.Errorf("%q", m)
	}
}

// Code of modules and providers gets no token, no channel to the runner, and no
// setting that would turn Terraform to something else.
func TestChildrenSeeNothingOfTheRunner(t *testing.T) {
	j := &job{env: map[string]string{}}
	for _, name := range []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_ENV", "GITHUB_PATH",
		"GITHUB_OUTPUT", "GITHUB_TOKEN", "INPUT_TOKEN", "TF_DATA_DIR", "TF_WORKSPACE", "TF_LOG", "TF_LOG_PATH", "TF_CLI_ARGS", "TF_CLI_ARGS_plan",
		"TF_CLI_ARGS_apply", "TF_CLI_ARGS_show", "TF_VAR_name", "TF_REATTACH_PROVIDERS", "TF_STATE_PERSIST_INTERVAL"} {
		j.env[name] = "hidden"
	}
	for _, name := range []string{"PATH", "HOME", "AWS_SESSION_TOKEN", "TF_CLI_CONFIG_FILE", "TF_CLI_ARGS_init", "TF_TOKEN_registry_example_com"} {
		j.env[name] = "seen"
	}
	env := j.childEnv("TF_INPUT=0")
	if got := strings.Join(env, " "); len(env) != 7 || strings.Contains(got, "hidden") {
		t.Errorf("children see %s", got)
	}
}

// The rescue waits for the Terraform of a step that was killed.
func TestRescueWaitsForTerraform(t *testing.T) {
	j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}, out: io.Discard, sleep: time.Sleep}
	if err := os.MkdirAll(j.kept(""), 0o700); err != nil {
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
	for name, address := range map[string]string{"long": strings.Repeat("é", 2000), "short": "module.m.a.b", "grows in JSON": strings.Repeat("<", 490)} {
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

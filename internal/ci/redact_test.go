package ci

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Secrets are removed before text is cut: half of a secret would no longer be found.
func TestNoHalfOfASecretIsReported(t *testing.T) {
	const secret = "hunter2-very-secret-and-rather-long"
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("MIIEpAIBAAKCAQEA7\n", 2*maxTail/18) +
		"-----END RSA PRIVATE KEY-----"
	for name, text := range map[string]string{
		"a secret across the cut":     strings.Repeat("x", maxTail-len(secret)/2) + secret,
		"a key that ends beyond it":   strings.Repeat("x", maxTail/2) + "\n" + key,
		"both, and more text than it": secret + "\n" + key + strings.Repeat("x", maxTail-10) + secret,
	} {
		j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}, out: io.Discard}
		if err := os.MkdirAll(j.runFile(""), 0o700); err != nil {
			t.Fatal(err)
		}
		state := `{"format_version":"1.0","terraform_version":"1.11.4","values":{"outputs":{"x":{"sensitive":true,"type":"string","value":"` + secret + `"}},"root_module":{}}}`
		if err := j.keepText("state.json", []byte(state)); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		fail(Process{Stdout: &log, Stderr: &log}, j, "apply", errors.New(text))
		o, err := j.outcome()
		if err != nil || o.Tail == "" || len(o.Tail) > maxTail+len("…") {
			t.Errorf("%s: a tail of %d bytes, %v", name, len(o.Tail), err)
		}
		if told := o.Tail + log.String(); strings.Contains(told, secret[:8]) || strings.Contains(told, "MIIEpA") {
			t.Errorf("%s: told\n%s", name, told)
		}
	}
}

// What was noted stays when a disk is full.
func TestNoteIsWrittenWhole(t *testing.T) {
	j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}, out: io.Discard}
	if err := os.MkdirAll(j.runFile("outcome.new"), 0o700); err != nil { // so that it cannot be written
		t.Fatal(err)
	}
	if err := j.keepText("outcome.json", []byte(`{"digest":"d"}`)); err != nil {
		t.Fatal(err)
	}
	err := j.note(func(o *outcome) { o.Digest = "e" })
	if o, readErr := j.outcome(); err == nil || readErr != nil || o.Digest != "d" {
		t.Errorf("noted %+v, %v, %v", o, err, readErr)
	}
}

// The result keeps the end of long output: the error is there.
func TestEndOfLongOutput(t *testing.T) {
	j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}, out: io.Discard}
	if err := os.MkdirAll(j.runFile(""), 0o700); err != nil {
		t.Fatal(err)
	}
	progress := `{"@level":"info","@message":"at it","type":"provision_progress"}` + "\n"
	said := strings.Repeat(progress, maxPlanJSON/len(progress)+1) +
		`{"@level":"error","type":"diagnostic","diagnostic":{"severity":"error","summary":"It broke"}}` + "\n"
	if err := j.keepText("apply.log", []byte(said)); err != nil {
		t.Fatal(err)
	}
	var denied *refusal
	if err := j.terraformFailed("apply.log", "terraform apply"); !errors.As(err, &denied) ||
		denied.code != lifecycle.CodeTerraformFailed || !strings.Contains(denied.text, "It broke") {
		t.Errorf("told %.200v", err)
	}
	if err := j.keepText("init.log", []byte(strings.Repeat("é", maxPlanJSON)+"\nError: It broke\n")); err != nil {
		t.Fatal(err)
	}
	if err := j.terraformText("init.log", "terraform init"); err == nil ||
		err.Error() != "terraform init failed\nError: It broke" {
		t.Errorf("told %.200v", err)
	}
}

// An output that nothing marks is hidden by its name and by its looks.
func TestOutputsAreHiddenByName(t *testing.T) {
	j := &job{env: map[string]string{"RUNNER_TEMP": t.TempDir()}}
	for _, c := range []struct {
		name, value string
		hidden      bool
	}{
		{"db_password", `"hunter2-hunter2"`, true},
		{"settings", `{"environment":[{"name":"API_TOKEN","value":"x-y-z"}]}`, true},
		{"url", `"postgres://u:pa/ss@w@db/x"`, true},
		{"endpoint", `"db.internal.example"`, false},
		{"secret_arn", `"arn:aws:secretsmanager:eu-central-1:1:secret:x"`, false},
		{"password_length", `32`, false},
	} {
		if got := j.hidesOutput(c.name, json.RawMessage(c.value)); got != c.hidden {
			t.Errorf("%s = %s: hidden %v", c.name, c.value, got)
		}
	}
}

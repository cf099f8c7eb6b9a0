package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/cli"
)

// call runs one command in this process.
func call(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Run(t.Context(), newRoot(), args, cli.Streams{In: strings.NewReader(in), Out: &o, Errs: &e})
	return code, o.String(), e.String()
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		name string
		in   string
		args []string
		code int
		says string
	}{
		{"help", "", nil, cli.Done, "Usage"},
		{"version", "", []string{"version"}, cli.Done, "tfpilot " + version},
		{"unknown command", "", []string{"aply"}, cli.Usage, `unknown command "aply"`},
		{"unknown flag", "", []string{"derive", "--when"}, cli.Usage, "--when"},
		{"number as text", "", []string{"requests", "list", "--limit", "x"}, cli.Usage,
			`"x" for "--limit" flag; see tfpilot requests list --help`},
		{"too many arguments", "", []string{"version", "x"}, cli.Usage, `unexpected argument "x"; usage: tfpilot version`},
		{"too few arguments", "", []string{"requests", "show"}, cli.Usage, "usage: tfpilot requests show ID"},
		{"unknown sub-command", "", []string{"identities", "lnk"}, cli.Usage,
			"tfpilot identities has these commands: link, list, unlink"},
		{"help of a command", "", []string{"help", "requests", "open"}, cli.Done, "--project"},
		{"help of nothing", "", []string{"help", "aply"}, cli.Usage,
			`unknown command "aply"; tfpilot has these commands: app`},
		{"help of no sub-command", "", []string{"help", "requests", "aprove"}, cli.Usage,
			"tfpilot requests has these commands: apply, approve"},
		{"completion of nothing", "", []string{"completion", "sh"}, cli.Usage, "bash"},
		{"the sandbox of an earlier version", "", []string{"sandbox", "demo", "--port", "0"}, cli.Usage,
			"go run ./cmd/sandbox"},
		{"the runs of an earlier version", "", []string{"ci", "guard"}, cli.Usage, "tfpilot-ci"},
		{"bad clock", "{}", []string{"derive", "--now", "noon"}, cli.Usage, "--now"},
		{"no document", "[", []string{"derive"}, cli.Failed, "standard input"},
		{"lint of the shipped modules", "", []string{"catalog", "lint"}, cli.Done, ""},
		{"lint of nothing", "", []string{"catalog", "lint", "/nonexistent"}, cli.Failed, "DIR: open /nonexistent"},
		{"lint of a directory without modules", "", []string{"catalog", "lint", "../../templates/environment"},
			cli.Failed, "no modules in"},
		{"lint against nothing", "", []string{"catalog", "lint", "--previous", "/nonexistent"}, cli.Failed,
			"--previous: open /nonexistent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errs := call(t, tt.in, tt.args...)
			if code != tt.code || !strings.Contains(out+errs, tt.says) {
				t.Errorf("exit %d, want %d\nout: %s\nerr: %s", code, tt.code, out, errs)
			}
		})
	}
}

func TestMissingConfigurationIsReportedAtOnce(t *testing.T) {
	t.Setenv("TFPILOT_CONFIG", filepath.Join(t.TempDir(), "none.yaml"))
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "GITHUB_WEBHOOK_SECRET",
		"TFPILOT_REQUESTS_BUCKET", "REDIS_URL"} {
		t.Setenv(name, "")
	}
	code, _, errs := call(t, "", "app")
	if code != cli.Failed {
		t.Fatalf("exit %d", code)
	}
	for _, want := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "GITHUB_WEBHOOK_SECRET",
		"TFPILOT_REQUESTS_BUCKET"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%s is not named:\n%s", want, errs)
		}
	}
}

func TestDerive(t *testing.T) {
	const document = `{"id":"req_abcdefghij012","mergedSha":"m","pr":{"number":1,"merged":true},"approval":` +
		`{"approved":true},"runs":{"destroy":{"currentAttempt":1,"attempts":[` +
		`{"attempt":1,"correlationId":"destroy-1","runId":5,"dispatchedAt":"2026-03-01T12:00:00Z"}]}}}`
	for _, in := range []string{document, `{"status":"destroying","archived":false,"actions":[],"request":` +
		document + `}`} {
		code, out, errs := call(t, in, "derive", "--now", "2026-03-01T12:15:01Z")
		if code != cli.Done || !strings.Contains(out, `"status": "failed"`) ||
			!strings.Contains(out, `"action": "repair"`) || !strings.Contains(out, `"step": "reconcile"`) {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	}
}

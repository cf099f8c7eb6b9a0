package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sandbox"
)

// TestMain lets the test binary be tfpilot: the processes that a test starts, the
// release that runs fetch and Terraform's provider are this very file.
func TestMain(m *testing.M) {
	provider := strings.HasPrefix(filepath.Base(os.Args[0]), "terraform-provider-aws")
	command := len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-")
	if provider || command || os.Getenv(childMark) != "" {
		os.Exit(program())
	}
	os.Exit(m.Run())
}

// childMark is set for the processes of a test: they never run tests themselves.
const childMark = "TFPILOT_TEST_CHILD"

// call runs one command in this process.
func call(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"tfpilot"}, args...), strings.NewReader(in), &o, &e)
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
		{"help", "", nil, exitDone, "Usage"},
		{"version", "", []string{"version"}, exitDone, "tfpilot " + version},
		{"unknown command", "", []string{"aply"}, exitUsage, `unknown command "aply"`},
		{"unknown flag", "", []string{"derive", "--when"}, exitUsage, "--when"},
		{"number as text", "", []string{"requests", "list", "--limit", "x"}, exitUsage, `"x" for "--limit" flag; tfpilot requests list --help says what fits`},
		{"too many arguments", "", []string{"version", "x"}, exitUsage, `"x" does not fit; write: tfpilot version`},
		{"too few arguments", "", []string{"requests", "show"}, exitUsage, "write: tfpilot requests show ID"},
		{"unknown sub-command", "", []string{"identities", "lnk"}, exitUsage, "tfpilot identities has link, list, unlink"},
		{"help of a command", "", []string{"help", "requests", "open"}, exitDone, "--project"},
		{"help of ci", "", []string{"help", "ci"}, exitDone, "guard"},
		{"help of nothing", "", []string{"help", "aply"}, exitUsage, `unknown command "aply"; tfpilot has app`},
		{"help of no sub-command", "", []string{"help", "requests", "aprove"}, exitUsage, "tfpilot requests has apply, approve"},
		{"completion of nothing", "", []string{"completion", "sh"}, exitUsage, "bash"},
		{"a port that is none", "", []string{"sandbox", "--port", "70000"}, exitUsage, "--port: 70000"},
		{"a page that is none", "", []string{"sandbox", "demo", "--attach", "localhost:7390"}, exitUsage, "--attach"},
		{"bad clock", "{}", []string{"derive", "--now", "noon"}, exitUsage, "--now"},
		{"no document", "[", []string{"derive"}, exitFailed, "standard input"},
		{"ci help", "", []string{"ci", "help"}, exitDone, "guard"},
		{"bad ci command", "", []string{"ci", "nothing"}, exitUsage, "guard"},
		{"lint of the shipped modules", "", []string{"catalog", "lint"}, exitDone, ""},
		{"lint of nothing", "", []string{"catalog", "lint", "/nonexistent"}, exitFailed, "DIR: open /nonexistent"},
		{"lint of a directory without modules", "", []string{"catalog", "lint", "../../templates/environment"}, exitFailed, "no modules in"},
		{"lint against nothing", "", []string{"catalog", "lint", "--previous", "/nonexistent"}, exitFailed, "--previous: open /nonexistent"},
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
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "GITHUB_WEBHOOK_SECRET", "TFPILOT_REQUESTS_BUCKET", "REDIS_URL"} {
		t.Setenv(name, "")
	}
	code, _, errs := call(t, "", "app")
	if code != exitFailed {
		t.Fatalf("exit %d", code)
	}
	for _, want := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "GITHUB_WEBHOOK_SECRET", "TFPILOT_REQUESTS_BUCKET"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%s is not named:\n%s", want, errs)
		}
	}
}

func TestDerive(t *testing.T) {
	const document = `{"id":"req_abcdefghij012","mergedSha":"m","pr":{"number":1,"merged":true},"approval":{"approved":true},"runs":{"destroy":{"currentAttempt":1,"attempts":[{"attempt":1,"correlationId":"destroy-1","runId":5,"dispatchedAt":"2026-03-01T12:00:00Z"}]}}}`
	for _, in := range []string{document, `{"status":"destroying","archived":false,"actions":[],"request":` + document + `}`} {
		code, out, errs := call(t, in, "derive", "--now", "2026-03-01T12:15:01Z")
		if code != exitDone || !strings.Contains(out, `"status": "failed"`) || !strings.Contains(out, `"action": "repair"`) || !strings.Contains(out, `"step": "reconcile"`) {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	}
}

// TestNothingIsDueInTheArchive: an archived document reports it; one that was archived earlier only in what requests show prints.
func TestNothingIsDueInTheArchive(t *testing.T) {
	const facts = `"id":"req_abcdefghij012","mergedSha":"m","pr":{"number":1,"merged":true},"cleanup":{"mergedAt":"2026-03-01T12:00:00Z","conclusion":"success","status":"completed","resultRead":true},"runs":{"destroy":{"currentAttempt":1,"attempts":[{"attempt":1,"correlationId":"destroy-1","runId":5,"status":"completed","conclusion":"success","completedAt":"2026-03-01T11:00:00Z","released":true,"resultRead":true}]}}}`
	for name, row := range map[string]struct {
		in       string
		archived bool
	}{
		"document":          {`{` + facts, false},
		"archived document": {`{"archivedAt":"2026-03-01T12:00:10Z",` + facts, true},
		"shown":             {`{"archived":false,"request":{` + facts + `}`, false},
		"shown, archived":   {`{"archived":true,"request":{` + facts + `}`, true},
	} {
		code, out, errs := call(t, row.in, "derive", "--now", "2026-03-02T12:00:00Z")
		nothing := strings.Contains(out, `"actions": []`) && strings.Contains(out, `"next": []`)
		due := strings.Contains(out, `"action": "sync"`) && strings.Contains(out, `"step": "archive"`)
		if code != exitDone || !strings.Contains(out, `"status": "destroyed"`) || nothing != row.archived || due == row.archived {
			t.Errorf("%s: exit %d\n%s%s", name, code, out, errs)
		}
	}
}

// TestSimulatorsOnlyWritesEnv starts the product from the file that is written, with and without --json.
func TestSimulatorsOnlyWritesEnv(t *testing.T) {
	for _, json := range []bool{false, true} {
		var out strings.Builder
		r := &sandboxRun{dir: t.TempDir(), simulatorsOnly: true, json: json, out: &out, box: &sandbox.Sandbox{}}
		r.box.Access.Clone = []string{"http://git.test/core"}
		r.box.Access.Env = map[string]string{"REDIS_URL": "redis://127.0.0.1:1"}
		if err := r.announce(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(r.dir, "env"))
		if err != nil || string(got) != "REDIS_URL='redis://127.0.0.1:1'\n" {
			t.Errorf("json %v: %q, %v", json, got, err)
		}
	}
}

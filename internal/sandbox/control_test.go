package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

// startSandbox starts the simulators on free ports.
func startSandbox(t *testing.T, dir string, files map[string]string) *Sandbox {
	t.Helper()
	manifest, err := os.ReadFile(filepath.Join("..", "..", "slack-manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	box, err := Start(t.Context(), Config{
		Dir: dir, Terraform: "/nowhere/terraform", Act: "/nowhere/act", CLIConfig: "/nowhere/cli.tfrc", Manifest: manifest,
		Buckets:    []string{"requests", "state"},
		Principals: []s3.Principal{{Name: "app"}, {Name: "run-plan-core"}, {Name: "run-apply-core"}},
		Repos:      func(string) ([]Repo, error) { return []Repo{infra(files)}, nil }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close(context.WithoutCancel(t.Context())) }) // a test may have closed it itself
	return box
}

func stopSandbox(t *testing.T, box *Sandbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := box.Close(ctx); err != nil {
		t.Error(err)
	}
}

func infra(files map[string]string) Repo {
	r := Repo{Owner: "acme", Name: "infra-core", Project: "core", Files: map[string][]byte{}}
	for path, text := range files {
		r.Files[path] = []byte(text)
	}
	return r
}

var plain = map[string]string{"README.md": "# infra-core\n"}

type refusal struct{ Error, Message string }

// callControl calls the control API and expects JSON, whatever the status.
func callControl(t *testing.T, box *Sandbox, method, path, body string) (int, refusal) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, box.Access.Page+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var r refusal
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: %s, %s, %v", method, path, resp.Status, resp.Header.Get("Content-Type"), err)
	}
	return resp.StatusCode, r
}

func TestControlErrorsAreJSON(t *testing.T) {
	box := startSandbox(t, t.TempDir(), plain)
	for _, tt := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/control/nothing", 404, "not_found"},
		{"POST", "/control/nothing", 404, "not_found"},
		{"GET", "/control/nothing/below", 404, "not_found"},
		{"GET", "/control/faults", 405, "wrong_method"},
		{"POST", "/control/counts", 405, "wrong_method"},
		{"DELETE", "/control/access", 405, "wrong_method"},
		{"GET", "/control/webhooks/replay", 405, "wrong_method"},
		{"GET", "/control/command", 405, "wrong_method"},
		{"POST", "/control/state", 405, "wrong_method"},
		{"GET", "/view/nothing", 404, "not_found"},
	} {
		status, r := callControl(t, box, tt.method, tt.path, "{}")
		if status != tt.status || r.Error != tt.code || !strings.Contains(r.Message, tt.path) {
			t.Errorf("%s %s: %d %+v", tt.method, tt.path, status, r)
		}
	}
}

// An unknown fault is refused. Every service accepts the shared kinds.
func TestFaultKinds(t *testing.T) {
	box := startSandbox(t, t.TempDir(), plain)
	services := []string{"github", "s3", "cloud", "slack", "model"}
	for _, order := range slices.Concat(each(services, "explode"), each([]string{"webhooks"}, "explode"),
		each([]string{"webhooks"}, "lost"), []string{
			`{"disconnect":"explode"}`, `{"github":[{"kind":"status","status":99}]}`, `{"github":[{"kind":"hang","path":"["}]}`,
			`{"cloud":[{"code":"X","status":99}]}`, `{"cloud":[{}]}`, `{"faults":[]}`, `[`,
		}) {
		if status, r := callControl(t, box, http.MethodPost, "/control/faults", order); status != 400 || r.Error == "" ||
			r.Message == "" {
			t.Errorf("%s: %d %+v", order, status, r)
		}
	}
	for _, order := range slices.Concat(each(services, "5xx"), each(services, "429"), each(services, "hang"),
		each(services, "lost"), each([]string{"webhooks"}, "drop")) {
		if status, r := callControl(t, box, http.MethodPost, "/control/faults", order); status != 200 {
			t.Errorf("%s: %d %+v", order, status, r)
		}
	}
}

func each(services []string, kind string) (orders []string) {
	for _, s := range services {
		orders = append(orders, fmt.Sprintf(`{%q:[{"kind":%q,"count":1}]}`, s, kind))
	}
	return orders
}

// The shared kinds have the same effect on GitHub and in the cloud.
func TestSharedFaults(t *testing.T) {
	box := startSandbox(t, t.TempDir(), plain)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // otherwise it would retry by itself
	get := func() int {
		resp, err := client.Get(box.Access.GitHub + "/api/v3/repos/acme/infra-core")
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	c := &aws.Client{URL: box.Access.Cloud, Token: box.Access.CloudToken, HTTP: client}
	create := func() string {
		_, err := c.Create(t.Context(), "aws_cloudwatch_log_group", "q", map[string]any{"name": "q"})
		if err != nil {
			return err.Error()
		}
		return ""
	}
	for _, tt := range []struct {
		kind   string
		status int
		says   string
	}{{"5xx", 502, "ServiceUnavailable"}, {"429", 429, "ThrottlingException"}, {"lost", 0, "EOF"}} {
		callControl(t, box, http.MethodPost, "/control/faults",
			fmt.Sprintf(`{"github":[{"kind":%[1]q,"count":1}],"cloud":[{"kind":%[1]q,"count":1}]}`, tt.kind))
		if got := get(); got != tt.status {
			t.Errorf("GitHub answered %d to %s", got, tt.kind)
		}
		if got := create(); !strings.Contains(got, tt.says) {
			t.Errorf("the cloud answered %q to %s", got, tt.kind)
		}
	}
	if _, err := c.Read(t.Context(), "aws_cloudwatch_log_group", "q"); err != nil {
		t.Errorf("the work without an answer was not done: %v", err)
	}
}

// GitHub's limits per minute apply here too: 900 points, and a write costs five.
func TestGitHubLimitsAMinute(t *testing.T) {
	box := startSandbox(t, t.TempDir(), plain)
	url := box.url("github") + "/api/v3/repos/acme/infra-core/git/trees"
	for n := range 400 { // enough for two minutes, in case one ends during the test
		status, text := postTree(t, url, box.Access.People[3].GitHubToken)
		if status == http.StatusCreated {
			continue
		}
		if n < 180 || !strings.Contains(text, "secondary rate limit") {
			t.Errorf("write %d: %d %s", n+1, status, text)
		}
		return
	}
	t.Error("no write was refused")
}

func postTree(t *testing.T, url, token string) (status int, text string) {
	t.Helper()
	const tree = `{"tree":[{"path":"x","mode":"100644","type":"blob","content":"x"}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(tree))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// A start clears what an earlier sandbox left in the directory of the runs.
func TestStartClearsRuns(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "runs", "run-1-5152")
	if err := os.MkdirAll(filepath.Join(run, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	step := exec.Command("sleep", "303")
	step.Env = []string{"HOME=" + filepath.Join(run, "home")}
	if err := step.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = step.Wait(); close(ended) }()
	defer func() { _ = step.Process.Kill(); <-ended }()
	startSandbox(t, dir, plain)
	if _, err := os.Stat(run); err == nil {
		t.Error("the directory of a run is left")
	}
	if runtime.GOOS != "linux" {
		return
	}
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("the step of a run is left")
	}
}

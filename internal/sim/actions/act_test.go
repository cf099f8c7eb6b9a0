package actions

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/sim/github/workflow"
)

// actPath builds the pinned act once. A machine without it fails the test.
var actPath = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-n", "act")
	cmd.Dir = filepath.FromSlash("../../../tools") // a test runs in its package's directory
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

func newAct(t *testing.T) *Act {
	t.Helper()
	bin, err := actPath()
	if err != nil {
		t.Fatalf("go tool -n act: %v", err)
	}
	return &Act{Binary: bin, Dir: t.TempDir(), Parallel: 2}
}

// bare creates a bare repository with the files on main, and returns its path and the commit.
func bare(t *testing.T, files map[string]string) (dir, sha string) {
	t.Helper()
	work := t.TempDir()
	dir = filepath.Join(t.TempDir(), "infra.git")
	runCommand(t, "", "git", "init", "-q", "--bare", "-b", "main", dir)
	runCommand(t, dir, "git", "config", "http.receivepack", "true")
	runCommand(t, work, "git", "init", "-q", "-b", "main")
	for name, text := range files {
		file := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runCommand(t, work, "git", "add", "-A")
	runCommand(t, work, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "start")
	runCommand(t, work, "git", "push", "-q", dir, "main")
	return dir, strings.TrimSpace(runCommand(t, work, "git", "rev-parse", "HEAD"))
}

func runCommand(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func newJob(t *testing.T, file string, inputs map[string]string) (Job, *bytes.Buffer) {
	t.Helper()
	dir, sha := bare(t, map[string]string{".github/workflows/t.yml": file, "hello.txt": "hello\n"})
	log := &bytes.Buffer{}
	return Job{RunID: 4711, RunAttempt: 1, Repo: "acme/infra-core", GitDir: dir, Workflow: ".github/workflows/t.yml",
		File: []byte(file), SHA: sha, Ref: "refs/heads/main", Actor: "tfpilot[bot]", Inputs: inputs, Token: "tok_1",
		Log: log}, log
}

const preamble = `name: t
on: {workflow_dispatch: {inputs: {mode: {type: string, required: true}}}}
permissions: {}
jobs:
  t:
    runs-on: ${{ vars.TFPILOT_RUNNER || 'ubuntu-24.04' }}
    timeout-minutes: 5
    permissions: {contents: write, id-token: write}
    env: {MODE: "${{ inputs.mode }}"}
    steps:
`

// TestConformance runs both runners against the same expectations.
func TestConformance(t *testing.T) {
	const file = preamble + `
      - {name: First, run: "echo first"}
      - {name: Second, run: 'case "$MODE" in fail) exit 3 ;; hang) echo at work; exec sleep 30 ;; child) echo at work; sleep 1; true ;; esac'}
      - {name: Third, run: "echo third"}
      - {name: Last, if: always(), run: "echo last"}
`
	script := &Script{Table: map[string][]ScriptStep{"t.yml": {
		{Name: "First"},
		{Name: "Second", Do: func(ctx context.Context, job Job) error {
			switch job.Inputs["mode"] {
			case "fail":
				return fmt.Errorf("exit status 3")
			case "hang":
				_, _ = fmt.Fprintln(job.Log, "at work")
				<-ctx.Done()
				return ctx.Err()
			case "child": // a child of bash continues, and bash ends with success
				_, _ = fmt.Fprintln(job.Log, "at work")
				<-ctx.Done()
			}
			return nil
		}},
		{Name: "Third"},
		{Name: "Last", Always: true},
	}}}
	for _, tt := range []struct{ mode, conclusion, steps, failed string }{
		{"ok", "success", "First=success Second=success Third=success Last=success", ""},
		{"fail", "failure", "First=success Second=failure Third=skipped Last=success", "Second"},
		{"hang", "cancelled", "First=success Second=cancelled Third=skipped Last=success", "Second"},
		{"child", "cancelled", "First=success Second=cancelled Third=skipped Last=success", "Second"},
	} {
		for name, runner := range map[string]Runner{"act": newAct(t), "script": script} {
			t.Run(tt.mode+"/"+name, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				j, _ := newJob(t, file, map[string]string{"mode": tt.mode})
				log := &watcher{want: "\nat work", then: cancel}
				j.Log = log
				var seen []string
				j.Step = func(s Step) { seen = append(seen, fmt.Sprintf("%d %s %s", s.Number, s.Name, s.Status)) }
				res := runner.Run(ctx, j)
				if res.Err != nil || res.Conclusion != tt.conclusion || stepList(res.Steps) != tt.steps ||
					FailedStep(res.Steps) != tt.failed {
					t.Errorf("got %s %q failed %q err %v, want %s %q failed %q\n%s", res.Conclusion, stepList(res.Steps),
						FailedStep(res.Steps), res.Err, tt.conclusion, tt.steps, tt.failed, log.String())
				}
				if strings.Contains(log.String(), "third") != (tt.mode == "ok" && name == "act") {
					t.Errorf("the third step ran, or not:\n%s", log.String())
				}
				if len(seen) < 6 || seen[0] != "1 First in_progress" || seen[1] != "1 First completed" {
					t.Errorf("steps told: %q", seen)
				}
			})
		}
	}
}

func stepList(steps []Step) string {
	var out []string
	for _, s := range steps {
		out = append(out, s.Name+"="+s.Conclusion)
	}
	return strings.Join(out, " ")
}

// A cancel reaches the process of the step, which can still save its work. The steps that always run
// do run.
func TestCancelAsksTheStep(t *testing.T) {
	const file = preamble + `
      - name: Work
        run: |
          cat > "$RUNNER_TEMP/work.sh" <<'EOF'
          trap 'echo saved my state; exit 130' INT
          echo working
          while :; do sleep 0.05; done
          EOF
          exec bash "$RUNNER_TEMP/work.sh"
      - {name: Rescue, if: failure() || cancelled(), run: "echo rescued"}
`
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j, _ := newJob(t, file, map[string]string{"mode": "x"})
	log := &watcher{want: "working", then: cancel}
	j.Log = log
	res := newAct(t).Run(ctx, j)
	if got := log.String(); res.Conclusion != "cancelled" || !strings.Contains(got, "saved my state") ||
		!strings.Contains(got, "rescued") {
		t.Errorf("conclusion %s, steps %s, log:\n%s", res.Conclusion, stepList(res.Steps), got)
	}
}

// A cancel does not stop a step whose condition is still true: neither the cancel that made the rescue
// of the state necessary, nor the next one.
func TestCancelKeepsStepsThatAlwaysRun(t *testing.T) {
	const file = preamble + `
      - {name: Rescue, if: failure() || always(), run: 'echo working; exec sleep 1'}
      - {name: Next, run: "echo next ran"}
      - {name: Then, if: Always (), run: "echo kept"}
`
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j, _ := newJob(t, file, map[string]string{"mode": "x"})
	log := &watcher{want: "\nworking", then: cancel}
	j.Log = log
	res := newAct(t).Run(ctx, j)
	if got := stepList(res.Steps); res.Conclusion != "cancelled" || got != "Rescue=success Next=skipped Then=success" ||
		strings.Contains(log.String(), "next ran") {
		t.Errorf("conclusion %s, steps %s, log:\n%s", res.Conclusion, got, log.String())
	}
}

// watcher calls then once after want was written.
type watcher struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	want string
	then func()
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buf.Write(p)
	if w.then != nil && strings.Contains(w.buf.String(), w.want) {
		go w.then()
		w.then = nil
	}
	return n, err
}

func (w *watcher) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// A job sees only the environment it was given, and its inputs stay data.
func TestJobEnvironment(t *testing.T) {
	t.Setenv("SLACK_BOT_TOKEN", "xoxb-must-not-leak")
	j, log := newJob(t, preamble+`
      - {name: Show, run: 'env | sort; printf "mode=%s\n" "$MODE"'}
`, map[string]string{"mode": "x\"; echo PWNED; \"$(echo PWNED)`echo PWNED`${{ github.token }}"})
	a := newAct(t)
	a.Env = map[string]string{"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
	res := a.Run(t.Context(), j)
	out := log.String()
	if res.Conclusion != "success" {
		t.Fatalf("conclusion %s: %v\n%s", res.Conclusion, res.Err, out)
	}
	for _, want := range []string{"GITHUB_RUN_ID=4711", "GITHUB_RUN_ATTEMPT=1", "GITHUB_ACTOR=tfpilot[bot]",
		"GITHUB_SHA=" + j.SHA,
		"GITHUB_REF=refs/heads/main", "GITHUB_EVENT_NAME=workflow_dispatch", "AWS_ENDPOINT_URL_S3=http://127.0.0.1:1",
		"TERM=dumb", `mode=x"; echo PWNED`} {
		if !strings.Contains(out, want) {
			t.Errorf("log lacks %q", want)
		}
	}
	for _, bad := range []string{"xoxb-", "\nPWNED", "GITHUB_TOKEN", "tok_1", "***"} {
		if strings.Contains(out, bad) {
			t.Errorf("log holds %q:\n%s", bad, out)
		}
	}
	if left, err := os.ReadDir(a.Dir); err != nil || len(left) > 0 {
		t.Errorf("run directories left: %v %v", left, err)
	}
}

func TestStandIns(t *testing.T) {
	const file = preamble + `
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
        with: {ref: "${{ github.sha }}", path: tools, persist-credentials: true}
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
        with: {ref: "${{ inputs.mode }}", path: infra, fetch-depth: 0, persist-credentials: false}
      - uses: aws-actions/configure-aws-credentials@00943011d9042930efac3dcd3a170e4273319bc8
        with: {aws-region: eu-central-1, role-to-assume: "${{ vars.ROLE }}"}
      - uses: hashicorp/setup-terraform@b9cd54a3c349d3f38e8881555d616ced269862dd
        with: {terraform_version: 1.11.4, terraform_wrapper: false}
      - name: Use
        run: |
          cat tools/hello.txt; ls infra; terraform; echo "key=$AWS_ACCESS_KEY_ID region=$AWS_REGION secret=$AWS_SECRET_ACCESS_KEY"
          git -C infra config --local --get-regexp extraheader && echo LEFT-CREDENTIALS
          cd tools; git checkout -q -b cleanup/x; date > new.txt; git add -A
          git -c user.name=a -c user.email=a@b commit -q -m new; git push -q origin HEAD:refs/heads/cleanup/x
`
	j, log := newJob(t, file, nil)
	var auths sync.Map
	backend := gitHTTP(t, filepath.Dir(j.GitDir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auths.Store(r.Header.Get("Authorization"), true)
		backend.ServeHTTP(w, r)
	}))
	defer server.Close()
	j.CloneURL = server.URL + "/" + filepath.Base(j.GitDir)
	j.Inputs = map[string]string{"mode": j.SHA}
	j.Vars = map[string]string{"ROLE": "arn:aws:iam::1:role/plan"}
	a := newAct(t)
	a.Terraform = filepath.Join(t.TempDir(), "tf")
	if err := os.WriteFile(a.Terraform, []byte("#!/bin/sh\necho terraform was called\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	a.Roles = map[string]Role{"arn:aws:iam::1:role/plan": {AccessKeyID: "run-plan", SecretAccessKey: "s3cr3t-value",
		Workflows: []string{"t.yml"}}}
	res := a.Run(t.Context(), j)
	if res.Conclusion != "success" {
		t.Fatalf("conclusion %s: %v\n%s", res.Conclusion, res.Err, log)
	}
	for _, want := range []string{"hello\n", "hello.txt\n", "terraform was called",
		"key=run-plan region=eu-central-1 secret=***"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "s3cr3t-value") || strings.Contains(log.String(), "LEFT-CREDENTIALS") {
		t.Errorf("a secret is in the log or left in the checkout:\n%s", log)
	}
	if _, ok := auths.Load("basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:tok_1"))); !ok {
		t.Error("no call carried the run's token")
	}
	runCommand(t, j.GitDir, "git", "rev-parse", "--verify", "refs/heads/cleanup/x")

	a.Roles["arn:aws:iam::1:role/plan"] = Role{AccessKeyID: "run-plan", SecretAccessKey: "s",
		Workflows: []string{"apply.yml"}}
	if res := a.Run(t.Context(), j); res.Conclusion != "failure" ||
		!strings.Contains(FailedStep(res.Steps), "configure-aws-credentials") {
		t.Errorf("a workflow got a role that does not admit it: %s at %q", res.Conclusion, FailedStep(res.Steps))
	}
}

func gitHTTP(t *testing.T, root string) http.Handler {
	t.Helper()
	exe := filepath.Join(strings.TrimSpace(runCommand(t, "", "git", "--exec-path")), "git-http-backend")
	return &cgi.Handler{Path: exe, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=t"},
		InheritEnv: []string{"PATH"}}
}

func TestStartupFailures(t *testing.T) {
	for name, file := range map[string]string{
		"no yaml":        "jobs: [",
		"two jobs":       "on: {workflow_dispatch: {}}\njobs: {a: {steps: [{run: x}]}, b: {steps: [{run: x}]}}",
		"unknown action": preamble + "      - uses: evil/action@08c6903cd8c0fde910a37f88322edcfb5dd907a8\n",
		"unknown key":    preamble + "      - {name: x, run: x, frobnicate: 1}\n",
	} {
		t.Run(name, func(t *testing.T) {
			j, _ := newJob(t, file, nil)
			res := newAct(t).Run(t.Context(), j)
			if res.Conclusion != "startup_failure" || res.Err == nil {
				t.Errorf("got %s, %v", res.Conclusion, res.Err)
			}
		})
	}
}

func TestCancelBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j, _ := newJob(t, preamble+"      - {run: 'true'}\n", nil)
	a := newAct(t)
	a.once.Do(func() { a.slots = make(chan struct{}) }) // no slot is free
	if res := a.Run(ctx, j); res.Conclusion != "cancelled" {
		t.Errorf("got %s, %v", res.Conclusion, res.Err)
	}
}

// The output of a job is bounded, and the next line is still parsed.
func TestTranscriptBounds(t *testing.T) {
	var log bytes.Buffer
	tr := newTranscript(&workflow.File{Steps: []workflow.Step{{ID: "0", Name: "A"}}}, &log, nil)
	long := `{"raw_output":true,"msg":"` + strings.Repeat("x", 2*maxLine) + `"}` + "\n"
	line := `{"raw_output":true,"msg":"` + strings.Repeat("y", 1<<19) + `\n"}` + "\n"
	if err := tr.read(strings.NewReader(long + strings.Repeat(line, 12) + `{"jobResult":"success"}` + "\n")); err != nil {
		t.Fatal(err)
	}
	if log.Len() > maxLog+200 || tr.jobResult != "success" || !strings.Contains(log.String(), "longer than can be kept") {
		t.Errorf("log of %d bytes, result %q", log.Len(), tr.jobResult)
	}
}

// A job that takes too long times out: in a step, between two steps, or before the first one.
func TestJobTimeout(t *testing.T) {
	j, log := newJob(t, preamble+"      - {name: Slow, run: 'exec sleep 60'}\n", nil)
	a := newAct(t)
	wf, err := parse(j)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd, err := a.prepare(t.Context(), dir, j, wf)
	if err != nil {
		t.Fatal(err)
	}
	if res := a.watch(t.Context(), cmd, newTranscript(wf, log, nil), gate{dir},
		time.Second); res.Conclusion != "timed_out" {
		t.Errorf("got %s %s", res.Conclusion, stepList(res.Steps))
	}
}

// expired is a context that reports a passed deadline once it is done.
type expired struct{ context.Context }

func (e expired) Err() error {
	if e.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func TestStepThatTookTooLong(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	j, _ := newJob(t, preamble+"      - {name: Slow, run: 'echo working; exec sleep 60'}\n", nil)
	j.Log = &watcher{want: "\nworking", then: end}
	if res := newAct(t).Run(expired{ctx}, j); res.Conclusion != "timed_out" || FailedStep(res.Steps) != "Slow" {
		t.Errorf("got %s %s", res.Conclusion, stepList(res.Steps))
	}
}

// Between two steps there is no process to stop. act is not killed, since the steps that always run
// come next.
func TestCancelBetweenSteps(t *testing.T) {
	late := filepath.Join(t.TempDir(), "late")
	cmd := exec.Command("sh", "-c", "read x; touch "+late)
	next, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	go func() {
		defer close(stopped)
		stop(cmd.Process.Pid, newTranscript(&workflow.File{}, io.Discard, nil), gate{t.TempDir()}, ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Second): // nothing may happen
	}
	_ = next.Close() // also when it was killed
	<-stopped
	if _, err := os.Stat(late); err != nil {
		t.Error("the steps after the cancel did not run")
	}
}

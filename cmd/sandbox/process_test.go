package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/cli"
	"github.com/tfpilot/tfpilot/internal/sandbox"
	"github.com/tfpilot/tfpilot/internal/sandbox/demo"
)

// yard is a sandbox as a process of its own, and the product's processes beside it.
type yard struct {
	t      *testing.T
	dir    string
	access sandbox.Access
}

// newYard starts the simulators alone.
func newYard(t *testing.T) *yard {
	t.Helper()
	y := &yard{t: t, dir: t.TempDir()}
	y.sandbox("--simulators-only")
	return y
}

// sandbox starts a sandbox in the directory, and waits until it prints its addresses.
func (y *yard) sandbox(args ...string) *child {
	y.t.Helper()
	cmd := y.command(append([]string{"--json", "--data", y.dir, "--port", "0", "--tfpilot-ci",
		built(y.t, "tfpilot-ci")}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		y.t.Fatal(err)
	}
	c := y.start(cmd)
	y.access = sandbox.Access{}
	if err := json.NewDecoder(out).Decode(&y.access); err != nil {
		y.t.Fatalf("the start-up line: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return c
}

func (y *yard) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		y.t.Fatal(err)
	}
	return y.process(self, args...)
}

// product is a command of tfpilot.
func (y *yard) product(args ...string) *exec.Cmd { return y.process(built(y.t, "tfpilot"), args...) }

func (y *yard) process(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), childMark+"=1")
	for name, value := range y.access.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// child is a process of the test.
type child struct {
	*exec.Cmd
	errs   record
	ended  chan struct{}
	killed bool
}

// record is what a process says, readable while it speaks.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// start starts a process that ends with the test, and ends well.
func (y *yard) start(cmd *exec.Cmd) *child {
	y.t.Helper()
	c := &child{Cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &c.errs
	if err := cmd.Start(); err != nil {
		y.t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(c.ended) }()
	y.t.Cleanup(func() {
		y.interrupt(c)
		if y.t.Failed() {
			y.t.Logf("%v said:\n%.4000s", cmd.Args[1:], c.errs.text())
		}
	})
	return c
}

// run starts a process of tfpilot.
func (y *yard) run(args ...string) *child {
	y.t.Helper()
	return y.start(y.product(args...))
}

// interrupt ends a process as Ctrl-C does.
func (y *yard) interrupt(c *child) {
	y.t.Helper()
	_ = c.Process.Signal(os.Interrupt)
	if !c.endsIn(closeTime + time.Minute) {
		_ = c.Process.Kill()
		y.t.Errorf("%v did not end after an interrupt", c.Args[1:])
		return
	}
	if code := c.ProcessState.ExitCode(); code != cli.Done && !c.killed {
		y.t.Errorf("%v ended with %d", c.Args[1:], code)
	}
}

func (c *child) endsIn(d time.Duration) bool {
	select {
	case <-c.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// kill ends a process the hard way.
func (y *yard) kill(c *child) {
	y.t.Helper()
	c.killed = true
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		y.t.Errorf("kill: %v", err)
	}
	<-c.ended
}

// faults orders faults at the simulators.
func (y *yard) faults(order string) {
	y.t.Helper()
	resp, err := http.Post(y.access.Page+"/control/faults", "application/json", strings.NewReader(order))
	if err != nil {
		y.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		y.t.Fatalf("faults: %s %s", resp.Status, body)
	}
}

func (y *yard) counts() sandbox.Counts {
	y.t.Helper()
	resp, err := http.Get(y.access.Page + "/control/counts")
	if err != nil {
		y.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var c sandbox.Counts
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil {
		y.t.Fatal(err)
	}
	return c
}

// requests runs a command of the command line as its own process.
func (y *yard) requests(args ...string) string {
	y.t.Helper()
	out, err := y.product(append([]string{"requests"}, args...)...).Output()
	if err != nil {
		y.t.Fatalf("requests %v: %v %s", args, err, stderrOf(err))
	}
	return string(out)
}

func stderrOf(err error) string {
	if exit, ok := err.(*exec.ExitError); ok {
		return string(exit.Stderr)
	}
	return ""
}

// until waits for a status of a request.
func (y *yard) until(id, status string) {
	y.t.Helper()
	var last string
	for end := time.Now().Add(4 * time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		last = y.requests("show", id, "--json")
		if strings.Contains(last, `"status": "`+status+`"`) {
			return
		}
	}
	y.t.Fatalf("%s did not become %s:\n%s", id, status, last)
}

func (y *yard) open(name string) string {
	y.t.Helper()
	out := y.requests("open", "s3-bucket", "--project", "payments", "--env", "dev/api", "--as", "dana", "--reason",
		"for the test", "name="+name)
	_, rest, _ := strings.Cut(out, "\nID: ")
	id, _, _ := strings.Cut(rest, "\n")
	return id
}

// TestDemo plays the demo as a newcomer starts it: everything in one process.
func TestDemo(t *testing.T) {
	t.Parallel()
	y := &yard{t: t}
	cmd := y.command("demo", "--data", t.TempDir(), "--port", "0")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// TestDemoWithProcesses plays the demo against one app and two workers as processes
// of their own. One worker is killed half-way.
func TestDemoWithProcesses(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.run("app")
	victim := y.run("worker")
	y.run("worker")
	var once sync.Once
	err := demo.Run(t.Context(), demo.Config{Address: y.access.Page, Out: testLog{t}, OnStep: func(_, name string) {
		if strings.Contains(name, "finds the bucket in the cloud") {
			once.Do(func() { y.kill(victim) })
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !victim.killed {
		t.Error("no worker was killed: the demo no longer has such a step")
	}
	y.keysAreKnown("requests", "history", "run index", "pull index", "logs", "environments", "grants", "claims",
		"results", "identities")
}

// TestDemoWithoutWakeUps plays the demo with every webhook lost and Redis emptied
// before each step: sweep and sync alone bring it to its end.
func TestDemoWithoutWakeUps(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.run("app")
	y.run("worker")
	err := demo.Run(t.Context(), demo.Config{Address: y.access.Page, Out: testLog{t}, DropWebhooks: true,
		FlushRedisEachStep: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := y.counts().GitHub.Deliveries; len(n) > 0 {
		t.Errorf("webhooks were delivered: %v", n)
	}
}

// TestKilledWorkers kills the only worker in the middle of an effect, whose answer it
// never gets, and lets another finish.
func TestKilledWorkers(t *testing.T) {
	y := newYard(t)
	tests := []struct {
		name, method, path string
		before, after      func(id string)
		status             string
	}{
		{"opening", "POST", "/repos/*/*/pulls", nil, nil, "plan_ready"},
		{"dispatching", "POST", "/repos/*/*/actions/workflows/*/dispatches", nil, nil, "plan_ready"},
		{"merging", "PUT", "/repos/*/*/pulls/*/merge", func(id string) {
			y.until(id, "plan_ready")
			_, digest, _ := strings.Cut(strings.TrimSpace(y.requests("plan", id)), "\ndigest ")
			y.requests("approve", id, "--as", "omar", "--confirm", digest)
			y.until(id, "approved")
		}, func(id string) { y.requests("merge", id, "--as", "omar") }, "merged"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			worker := y.run("worker")
			order := fmt.Sprintf(`{"github":[{"kind":"lost","method":%q,"path":%q,"count":1}]}`, tt.method, tt.path)
			if tt.before == nil {
				y.faults(order)
			}
			id := y.open(fmt.Sprintf("killed-%d", i))
			if tt.before != nil {
				tt.before(id)
				y.faults(order)
				tt.after(id)
			}
			time.Sleep(1500 * time.Millisecond) // anywhere around the effect
			y.kill(worker)
			y.faults(`{"clear":true}`)
			next := y.run("worker")
			y.until(id, tt.status)
			y.kill(next)
			y.once(id)
		})
	}
}

// once checks that every effect for the request happened once.
func (y *yard) once(id string) {
	y.t.Helper()
	c := y.counts().GitHub
	for _, kind := range []map[string]int{c.PullRequests, c.Merges, c.Runs} {
		for what, n := range kind {
			if n != 1 {
				y.t.Errorf("%s happened %d times", what, n)
			}
		}
	}
	if c.PullRequests["acme/infra-payments request/"+id] != 1 {
		y.t.Errorf("no pull request for %s: %v", id, c.PullRequests)
	}
}

// TestDemoOfABrokenWorkflow puts `exit 1` in front of the plan: the demo must fail there,
// and name the step as the card does.
func TestDemoOfABrokenWorkflow(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.run("app")
	y.run("worker")
	y.breakPlan()
	err := demo.Run(t.Context(), demo.Config{Address: y.access.Page, Out: testLog{t}})
	if err == nil || !strings.Contains(err.Error(), "Fail on purpose") {
		t.Fatalf("the demo said: %v", err)
	}
}

// breakPlan commits a plan.yml whose first step fails, as adam.
func (y *yard) breakPlan() {
	y.t.Helper()
	dir := y.t.TempDir()
	token := ""
	for _, p := range y.access.People {
		if p.Login == "adam" {
			token = p.GitHubToken
		}
	}
	address := strings.Replace(y.access.Clone[0], "http://", "http://adam:"+token+"@", 1)
	script := `set -e
git clone -q "$1" "$2" && cd "$2"
sed -i 's/^    steps:$/    steps:\n      - name: Fail on purpose\n        run: exit 1/' .github/workflows/plan.yml
git -c user.name=adam -c user.email=adam@acme.example commit -qam "Break the plan"
git push -q origin main`
	cmd := exec.Command("bash", "-c", script, "break", address, dir+"/clone")
	if out, err := cmd.CombinedOutput(); err != nil {
		y.t.Fatalf("break plan.yml: %v %s", err, out)
	}
}

// testLog shows the demo's lines in the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// TestSecondStart starts a sandbox twice, in one directory and on one port: the second
// says so.
func TestSecondStart(t *testing.T) {
	y := newYard(t)
	again := func(args ...string) (string, error) {
		out, err := y.command(args...).CombinedOutput()
		return string(out), err
	}
	out, err := again("--data", y.dir, "--port", "0")
	if err == nil || !strings.Contains(out, "runs in "+y.dir+" already") {
		t.Fatalf("a second start in the same directory: %v %s", err, out)
	}
	port := y.access.Page[strings.LastIndex(y.access.Page, ":")+1:]
	out, err = again("--data", t.TempDir(), "--port", port, "--tfpilot-ci", built(t, "tfpilot-ci"))
	if err == nil || !strings.Contains(out, "is taken") || !strings.Contains(out, "--port") {
		t.Fatalf("a busy port: %v %s", err, out)
	}
}

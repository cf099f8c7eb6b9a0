package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	simulator "github.com/tfpilot/tfpilot/internal/sim/github"
)

const (
	planYAML = `name: plan
run-name: tfpilot plan ${{ inputs.request_id }} [${{ inputs.correlation_id }}]
on:
  workflow_dispatch:
    inputs:
      request_id: {required: true, type: string}
      correlation_id: {required: true, type: string}
permissions: {}
jobs:
  plan:
    runs-on: ubuntu-24.04
    steps:
      - run: echo hello
`
	reqID      = "req_0123456789abc"
	planID     = "plan-0123456789abcdef0123456789abcdef"
	testBranch = "request/" + reqID
	testFile   = "envs/dev/app/tfpilot_" + reqID + ".tf"
	hook       = "hook-secret"
)

var (
	core    = Repo{Owner: "acme", Name: "infra-core"}
	when    = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	testKey = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
)

func pemKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKey())})
}

type runnerFunc func(context.Context, actions.Job) actions.Result

func (f runnerFunc) Run(ctx context.Context, job actions.Job) actions.Result { return f(ctx, job) }

func endsWith(conclusion string, steps ...actions.Step) runnerFunc {
	return func(context.Context, actions.Job) actions.Result {
		return actions.Result{Conclusion: conclusion, Steps: steps}
	}
}

// received is every webhook that arrived.
type received struct {
	mu     sync.Mutex
	hints  []Hint
	errs   []error
	status int // answered to GitHub; 0: 202
}

func (r *received) RoundTrip(req *http.Request) (*http.Response, error) {
	hint, err := ParseWebhook(hook, req.Header, readAll(req))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errs = append(r.errs, err)
	} else {
		r.hints = append(r.hints, hint)
	}
	status := r.status
	if status == 0 {
		status = http.StatusAccepted
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
}

func (r *received) find(match func(Hint) bool) (Hint, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.hints, match)
	if i < 0 {
		return Hint{}, false
	}
	return r.hints[i], true
}

// fixture is the simulator with our client and people's clients in front of it.
type fixture struct {
	*Client
	server *simulator.Server
	hooks  *received
	calls  []string
}

func newFixture(t *testing.T, change ...func(*simulator.Config)) *fixture {
	t.Helper()
	w := &fixture{hooks: &received{}}
	cfg := simulator.Config{
		BaseURL: "http://github.test",
		App: simulator.App{
			ID: 77, Slug: "tfpilot", Name: "TfPilot", BotID: 9001, InstallationID: 2,
			Owner: "acme", PublicKey: &testKey().PublicKey,
		},
		Users: []simulator.User{{Login: "dana", ID: 1001, Token: "ghp_dana"}, {Login: "omar", ID: 1003, Token: "ghp_omar"}},
		Repos: []simulator.Repo{{
			Owner: core.Owner, Name: core.Name,
			Files: map[string][]byte{
				"README.md":                  []byte("# infra-core\n"),
				"envs.md":                    []byte("sorts before the directory envs\n"),
				"envs/dev/app/backend.tf":    []byte("terraform {}\n"),
				".github/workflows/plan.yml": []byte(planYAML),
			},
			Roles: map[string]string{"dana": "write", "omar": "write"},
		}},
		Runner:     endsWith("success", actions.Step{Number: 1, Name: "Plan", Status: "completed", Conclusion: "success"}),
		WebhookURL: "http://tfpilot.test/api/github/webhook", WebhookSecret: hook, Transport: w.hooks,
	}
	for _, c := range change {
		c(&cfg)
	}
	server, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w.server = server
	w.Client, err = New(Config{
		AppID: 77, InstallationID: 2, PrivateKey: pemKey(), APIURL: "http://github.test/api/v3",
		Transport: simulator.Transport(server.Handler()),
		OnCall:    func(method, path string) { w.calls = append(w.calls, method+" "+path) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// as is a person's client.
func (w *fixture) as(login string) *gh.Client {
	c, err := gh.NewClient(&http.Client{Transport: simulator.Transport(w.server.Handler())}).
		WithEnterpriseURLs("http://github.test", "http://github.test")
	if err != nil {
		panic(err)
	}
	return c.WithAuthToken("ghp_" + login)
}

// commit makes the request's branch as the worker does.
func (w *fixture) commit(t *testing.T, content string) (CommitInput, Commit, bool, error) {
	t.Helper()
	tip, err := w.Tip(t.Context(), core, "main")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := w.Tree(t.Context(), core, tip)
	if err != nil {
		t.Fatal(err)
	}
	in := CommitInput{
		Repo: core, BaseSHA: tip, BaseTree: tree.SHA, Branch: testBranch, Path: testFile,
		Content: []byte(content), Message: "Create s3-bucket in dev/app (" + reqID + ")", When: when,
	}
	c, created, err := w.CommitFile(t.Context(), in)
	return in, c, created, err
}

func (w *fixture) open(t *testing.T) Pull {
	t.Helper()
	if _, _, _, err := w.commit(t, "one"); err != nil {
		t.Fatal(err)
	}
	p, _, err := w.OpenPull(t.Context(), pullInput())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pullInput() PullInput {
	return PullInput{Repo: core, Head: testBranch, Base: "main", Title: "Create s3-bucket in dev/app",
		Body: "who, what, why"}
}

func dispatchInput() DispatchInput {
	return DispatchInput{
		Repo: core, Workflow: "plan.yml", Ref: "main",
		Inputs: map[string]string{"request_id": reqID, "correlation_id": planID},
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

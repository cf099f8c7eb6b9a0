package github_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gh "github.com/google/go-github/v62/github"

	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/github"
)

const planYAML = `name: plan
run-name: tfpilot plan ${{ inputs.request_id }} [${{ inputs.correlation_id }}]
on:
  workflow_dispatch:
    inputs:
      request_id: {required: true, type: string}
      correlation_id: {required: true, type: string}
      environment_key: {type: string, default: dev}
      dry_run: {type: boolean, default: false}
permissions: {}
concurrency:
  group: plan-${{ inputs.environment_key }}
  cancel-in-progress: false
jobs:
  plan:
    runs-on: ubuntu-24.04
    timeout-minutes: 20
    permissions: {contents: write, id-token: write}
    steps:
      - run: echo hello
`

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// runnerFunc turns a function into a runner.
type runnerFunc func(context.Context, actions.Job) actions.Result

func (f runnerFunc) Run(ctx context.Context, job actions.Job) actions.Result { return f(ctx, job) }

func succeed(_ context.Context, job actions.Job) actions.Result {
	_, _ = io.WriteString(job.Log, "hello from "+job.Workflow+"\n")
	job.Step(actions.Step{Number: 1, Name: "Plan", Status: "in_progress"})
	return actions.Result{Conclusion: "success",
		Steps: []actions.Step{{Number: 1, Name: "Plan", Status: "completed", Conclusion: "success"}}}
}

func config() github.Config {
	return github.Config{
		BaseURL: "http://github.test",
		App: github.App{ID: 77, Slug: "tfpilot", Name: "TfPilot", BotID: 9001, InstallationID: 2, Owner: "acme",
			PublicKey: &testKey().PublicKey},
		Users: []github.User{
			{Login: "dana", ID: 1001, Name: "Dana", Token: "ghp_dana"},
			{Login: "omar", ID: 1003, Name: "Omar", Token: "ghp_omar"},
			{Login: "vic", ID: 1005, Name: "Vic", Token: "ghp_vic"},
		},
		Repos: []github.Repo{{
			Owner: "acme", Name: "infra-core",
			Files: map[string][]byte{
				"README.md":                  []byte("# infra-core\n"),
				"envs/dev/app/backend.tf":    []byte("terraform {}\n"),
				".github/workflows/plan.yml": []byte(planYAML),
			},
			Vars:  map[string]string{"TFPILOT_PLAN_ROLE": "arn:aws:iam::000000000000:role/tfpilot-plan"},
			Roles: map[string]string{"dana": "write", "omar": "write"},
		}},
		Runner: runnerFunc(succeed),
	}
}

// fixture is a simulator with real clients.
type fixture struct {
	t      *testing.T
	server *github.Server
	app    *gh.Client // as the installation
}

func newFixture(t *testing.T, cfg github.Config) *fixture {
	t.Helper()
	s, err := github.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := &fixture{t: t, server: s}
	tr := ghinstallation.NewFromAppsTransport(w.appTransport(testKey()), 2)
	tr.BaseURL = "http://github.test"
	w.app = w.client(tr)
	return w
}

func (w *fixture) appTransport(key *rsa.PrivateKey) *ghinstallation.AppsTransport {
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	tr, err := ghinstallation.NewAppsTransport(w.transport(), 77, pemKey)
	if err != nil {
		w.t.Fatal(err)
	}
	tr.BaseURL = "http://github.test"
	return tr
}

func (w *fixture) client(tr http.RoundTripper) *gh.Client {
	c, err := gh.NewClient(&http.Client{Transport: tr}).WithEnterpriseURLs("http://github.test", "http://github.test")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// as returns the client of a person.
func (w *fixture) as(login string) *gh.Client {
	return w.client(w.transport()).WithAuthToken("ghp_" + login)
}

// transport compares every answer with GitHub's description.
func (w *fixture) transport() http.RoundTripper {
	return checked{w.t, github.Transport(w.server.Handler())}
}

// must fails the test on an error and returns the value.
func must[T any](v T, _ *gh.Response, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused asserts the status and a part of the message of an API error.
func refused(t *testing.T, err error, status int, text string) {
	t.Helper()
	e, is := err.(*gh.ErrorResponse)
	if !is {
		t.Fatalf("error is %T %v, want status %d", err, err, status)
	}
	body := e.Message
	for _, one := range e.Errors {
		body += " | " + one.Message + " " + one.Code + " " + one.Field
	}
	if e.Response.StatusCode != status || !strings.Contains(body, text) {
		t.Errorf("got %d %q, want %d with %q", e.Response.StatusCode, body, status, text)
	}
}

const owner, repo = "acme", "infra-core"

// commitFile creates a branch with one more file, as the product does, and returns the commit.
func commitFile(t *testing.T, c *gh.Client, branch, path, content string) string {
	t.Helper()
	ctx := context.Background()
	main := must(c.Git.GetRef(ctx, owner, repo, "heads/main"))(t)
	base := must(c.Git.GetCommit(ctx, owner, repo, main.Object.GetSHA()))(t)
	tree := must(c.Git.CreateTree(ctx, owner, repo, base.Tree.GetSHA(), []*gh.TreeEntry{
		{Path: gh.String(path), Mode: gh.String("100644"), Type: gh.String("blob"), Content: gh.String(content)},
	}))(t)
	commit := must(c.Git.CreateCommit(ctx, owner, repo,
		&gh.Commit{Message: gh.String("Add " + path), Tree: tree, Parents: []*gh.Commit{base}}, nil))(t)
	must(c.Git.CreateRef(ctx, owner, repo,
		&gh.Reference{Ref: gh.String("refs/heads/" + branch), Object: &gh.GitObject{SHA: commit.SHA}}))(t)
	return commit.GetSHA()
}

func openPull(t *testing.T, c *gh.Client, branch string) *gh.PullRequest {
	t.Helper()
	return must(c.PullRequests.Create(context.Background(), owner, repo, &gh.NewPullRequest{
		Title: gh.String("Create s3-bucket in dev/app"), Head: gh.String(branch), Base: gh.String("main"),
		Body: gh.String("who, what, why"),
	}))(t)
}

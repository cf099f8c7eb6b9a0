package page

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tfpilot/tfpilot/internal/sandbox"
	cloud "github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
)

const (
	requestsBucket = "tfpilot-requests"
	stateBucket    = "tfpilot-terraform-state"
	requestKey     = "requests/req_gn57ozoqhvzm6.json"
	stateKey       = "core/dev/app/terraform.tfstate"
	infraDev       = "C0INFRADEV"
)

// testSandbox is a running sandbox with its page. Only the test acts as the app.
type testSandbox struct {
	t   *testing.T
	box *sandbox.Sandbox
}

func newTestSandbox(t *testing.T) *testSandbox {
	t.Helper()
	return startTestSandbox(t, t.TempDir(), 0)
}

func startTestSandbox(t *testing.T, dir string, port int) *testSandbox {
	t.Helper()
	box, err := start(t, dir, port)
	if err != nil {
		t.Fatal(err)
	}
	return &testSandbox{t, box}
}

func start(t *testing.T, dir string, port int) (*sandbox.Sandbox, error) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "slack-manifest.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Start(t.Context(), sandbox.Config{
		Dir: dir, Port: port, Terraform: "/nowhere/terraform", Act: "/nowhere/act", CLIConfig: "/nowhere/cli.tfrc",
		Log: slog.New(slog.DiscardHandler), Manifest: raw,
		Buckets: []string{requestsBucket, stateBucket}, Principals: everything(),
		Repos: func(string) ([]sandbox.Repo, error) {
			return []sandbox.Repo{{Owner: "acme", Name: "infra-core", Project: "core", Files: map[string][]byte{
				"README.md": []byte("# infra-core\n"), ".github/workflows/plan.yml": fixture(t, "plan.yml"),
			}}}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		_ = box.Close(ctx) // a test may have closed it itself
	})
	Mount(box)
	return box, nil
}

func everything() []s3.Principal {
	all := []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}
	return []s3.Principal{
		{Name: "app", Allow: []s3.Rule{{Actions: all, Bucket: requestsBucket}, {Actions: all, Bucket: stateBucket}}},
		{Name: "run-plan-core"}, {Name: "run-apply-core"}, {Name: "human"},
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// put stores an object as the app would.
func (w *testSandbox) put(bucket, key string, body []byte) {
	w.t.Helper()
	env := w.box.Access.Env
	client := awss3.New(awss3.Options{
		Region: sandbox.Region, BaseEndpoint: aws.String(w.box.Access.S3), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
	_, err := client.PutObject(w.t.Context(),
		&awss3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		w.t.Fatal(err)
	}
}

// seed fills the viewers: a document, a state, a pull request, a run that could not start, failed
// webhooks, and an object in the cloud.
func (w *testSandbox) seed() {
	w.t.Helper()
	w.put(requestsBucket, requestKey, fixture(w.t, "request.json"))
	w.put(requestsBucket, "results/core/plan-00/plan.txt",
		[]byte("Terraform will perform the following actions:\n  + aws_s3_bucket.this\n"))
	w.put(stateBucket, stateKey, fixture(w.t, "state.json"))
	w.pull()
	w.github(http.MethodPost, "/repos/acme/infra-core/actions/workflows/plan.yml/dispatches",
		map[string]any{"ref": "main", "inputs": map[string]string{"request_id": "req_gn57ozoqhvzm6"}}, nil)
	w.make("aws_s3_bucket", "acme-build-artifacts",
		map[string]any{"bucket": "acme-build-artifacts", "tags": map[string]any{"Project": "core"}})
}

// make creates an object in the cloud as Terraform's provider would.
func (w *testSandbox) make(kind, id string, attributes map[string]any) {
	w.t.Helper()
	client := &cloud.Client{URL: w.box.Access.Cloud, Token: w.box.Access.CloudToken}
	if _, err := client.Create(w.t.Context(), kind, id, attributes); err != nil {
		w.t.Fatal(err)
	}
}

// pull opens a pull request with one file.
func (w *testSandbox) pull() {
	w.t.Helper()
	var ref struct{ Object struct{ SHA string } }
	w.github(http.MethodGet, "/repos/acme/infra-core/git/ref/heads/main", nil, &ref)
	var tree, commit struct{ SHA string }
	var base struct{ Tree struct{ SHA string } }
	w.github(http.MethodGet, "/repos/acme/infra-core/git/commits/"+ref.Object.SHA, nil, &base)
	w.github(http.MethodPost, "/repos/acme/infra-core/git/trees", map[string]any{"base_tree": base.Tree.SHA, "tree": []any{
		map[string]any{"path": "envs/dev/app/tfpilot_req_gn57ozoqhvzm6.tf", "mode": "100644", "type": "blob",
			"content": "module \"tfpilot\" {\n  name = \"acme-build-artifacts\"\n}\n"},
	}}, &tree)
	w.github(http.MethodPost, "/repos/acme/infra-core/git/commits",
		map[string]any{"message": "Ask for a bucket", "tree": tree.SHA, "parents": []string{ref.Object.SHA}}, &commit)
	w.github(http.MethodPost, "/repos/acme/infra-core/git/refs",
		map[string]any{"ref": "refs/heads/request/req_gn57ozoqhvzm6", "sha": commit.SHA}, nil)
	w.github(http.MethodPost, "/repos/acme/infra-core/pulls", map[string]any{
		"title": "TfPilot: s3-bucket in dev/app", "head": "request/req_gn57ozoqhvzm6", "base": "main",
		"body": "Requested by **dana**. <img src=x onerror=alert(1)>",
	}, nil)
}

// github calls GitHub as adam.
func (w *testSandbox) github(method, path string, in, out any) {
	w.t.Helper()
	token := ""
	for _, p := range w.box.Access.People {
		if p.Login == "adam" {
			token = p.GitHubToken
		}
	}
	w.call(method, w.box.Access.GitHub+"/api/v3"+path, token, in, out)
}

// call sends JSON and expects a successful answer.
func (w *testSandbox) call(method, url, token string, in, out any) int {
	w.t.Helper()
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(raw, out); err != nil {
			w.t.Fatalf("%s %s: %v in %.200s", method, url, err, raw)
		}
	}
	if resp.StatusCode >= 500 || token != "" && resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s %.300s", method, url, resp.Status, raw)
	}
	return resp.StatusCode
}

// view reads from the page's own endpoints.
func (w *testSandbox) view(path string, out any) int {
	w.t.Helper()
	return w.call(http.MethodGet, w.box.Access.Page+path, "", nil, out)
}

package ci_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tfpilot/tfpilot/internal/bootstrap"
	"github.com/tfpilot/tfpilot/internal/ci"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/sim/actions"
	"github.com/tfpilot/tfpilot/internal/sim/s3"
	"github.com/tfpilot/tfpilot/internal/store"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/bucket"
	"github.com/tfpilot/tfpilot/templates"
)

// TestMain lets this binary be the release asset that the workflows fetch.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "tfpilot-ci" {
		os.Exit(ci.Run(context.Background(), os.Args[1:], ci.Process{Env: os.Environ(), Stdout: os.Stdout,
			Stderr: os.Stderr}))
	}
	os.Exit(m.Run())
}

const (
	requestsBucket = bucket.Requests
	stateBucket    = bucket.States
	region         = bucket.Region
	planRole       = "arn:aws:iam::000000000000:role/tfpilot-plan-core"
	applyRole      = "arn:aws:iam::000000000000:role/tfpilot-apply-core"
	requestID      = "req_abcdefghijklm"
	requestPath    = "envs/dev/app/tfpilot_" + requestID + ".tf"
)

// demoModule needs no provider, makes a secret that its provider repeats unmarked,
// and can be made to fail or to hang.
const demoModule = `
variable "name" {
  type = string
}
variable "shell" {
  type    = string
  default = "true"
}
resource "terraform_data" "thing" {
  input = { name = var.name, password = sensitive("hunter2-very-secret") }
}
resource "terraform_data" "second" {
  depends_on = [terraform_data.thing]
  input      = var.name
  provisioner "local-exec" {
    command = var.shell
  }
}
output "endpoint" { value = "${var.name}.example.com" }
output "password" {
  value     = "hunter2-very-secret"
  sensitive = true
}
`

func requestFile(name, shell string) string {
	extra := ""
	if shell != "" {
		extra = fmt.Sprintf("  shell  = %q\n", shell)
	}
	return "# tfpilot:begin " + requestID + "\nmodule \"tfpilot_" + requestID +
		"\" {\n  source = \"../../../modules/demo\"\n\n  name   = \"" + name + "\"\n" + extra + "}\n# tfpilot:end " +
		requestID + "\n"
}

// harness has everything around a run: buckets, the repository, releases, runners.
type harness struct {
	t      *testing.T
	s3     *s3.Server
	app    *store.Store
	bare   string // repository
	work   string // someone's clone of it
	server *httptest.Server
	act    *actions.Act
	vars   map[string]string // variables of the repository
	runID  int64
	plans  map[string]string // correlation id of a stored plan by its digest
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	w := &harness{t: t, bare: filepath.Join(t.TempDir(), "acme", "infra-core.git"), work: t.TempDir(), runID: 1000,
		plans: map[string]string{}}
	w.s3 = bucket.New(t, "core", "payments")
	asset, sum := releaseAsset(t)
	mux := http.NewServeMux()
	mux.Handle("/releases/v0.1.0/"+assetName(), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.ServeFile(rw, r, asset)
	}))
	mux.Handle("/acme/infra-core.git/", gitBackend(t, filepath.Dir(filepath.Dir(w.bare))))
	mux.Handle("/", w.s3)
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	app, err := store.Open(t.Context(), bucket.Config(bucket.App, w.server.URL))
	if err != nil {
		t.Fatal(err)
	}
	w.app = app
	w.act = newAct(t, w.server.URL)
	w.bootstrap(sum)
	return w
}

func assetName() string {
	system := map[string]string{"linux": "Linux", "darwin": "macOS"}[runtime.GOOS]
	arch := map[string]string{"amd64": "X64", "arm64": "ARM64"}[runtime.GOARCH]
	return "tfpilot-ci_0.1.0_" + system + "_" + arch
}

// releaseAsset is this test's own binary.
var releaseAsset = func() func(t *testing.T) (string, string) {
	var once sync.Once
	var sum string
	return func(t *testing.T) (string, string) {
		t.Helper()
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		once.Do(func() {
			data, err := os.ReadFile(exe)
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.Sum256(data)
			sum = hex.EncodeToString(h[:])
		})
		return exe, sum
	}
}()

func gitBackend(t *testing.T, root string) http.Handler {
	t.Helper()
	exe := filepath.Join(strings.TrimSpace(command(t, "", "git", "--exec-path")), "git-http-backend")
	return &cgi.Handler{Path: exe, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=t"},
		InheritEnv: []string{"PATH"}}
}

// actBinary builds the pinned act once.
var actBinary = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "tool", "-n", "act")
	cmd.Dir = filepath.FromSlash("../../tools") // a test runs in its package's directory
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
})

func newAct(t *testing.T, endpoint string) *actions.Act {
	t.Helper()
	bin, err := actBinary()
	if err != nil {
		t.Fatalf("go tool -n act: %v", err)
	}
	tf, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal("terraform must be on the PATH: ", err)
	}
	workflows := []string{"plan.yml", "apply.yml", "destroy.yml", "cleanup.yml", "drift_plan.yml"}
	return &actions.Act{Binary: bin, Dir: t.TempDir(), Terraform: tf,
		Roles: map[string]actions.Role{
			planRole: {AccessKeyID: "run-plan-core", SecretAccessKey: bucket.Secret("run-plan-core"), Workflows: workflows},
			applyRole: {AccessKeyID: "run-apply-core", SecretAccessKey: bucket.Secret("run-apply-core"),
				Workflows: []string{"apply.yml", "destroy.yml"}},
		},
		Env: map[string]string{
			"AWS_ENDPOINT_URL_S3": endpoint, "AWS_EC2_METADATA_DISABLED": "true", "TF_CLI_CONFIG_FILE": os.DevNull,
			"TF_CLI_ARGS_init": "-backend-config=use_path_style=true -backend-config=skip_credentials_validation=true " +
				"-backend-config=skip_requesting_account_id=true -backend-config=skip_metadata_api_check=true",
		}}
}

// bootstrap commits the shipped workflows and a root without a provider.
func (w *harness) bootstrap(sum string) {
	w.t.Helper()
	trees := fstest.MapFS{"modules/demo/main.tf": {Data: []byte(demoModule)}}
	for _, pattern := range []string{"workflows/*.yml", "environment/backend.tf"} {
		files, err := fs.Glob(templates.FS, pattern)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, name := range files {
			data, err := fs.ReadFile(templates.FS, name)
			if err != nil {
				w.t.Fatal(err)
			}
			trees[name] = &fstest.MapFile{Data: data}
		}
	}
	tree, err := bootstrap.Render(bootstrap.Project{
		Name: "core", Repo: "acme/infra-core", RequestsBucket: requestsBucket, Region: region, Terraform: "1.11.4",
		Backend:      bootstrap.Backend{Bucket: stateBucket, UseLockfile: true},
		Environments: []bootstrap.Environment{{Key: "dev", Slug: "app"}},
		Release:      bootstrap.Release{Version: "0.1.0", Checksums: map[string]string{assetName(): sum}},
		Runs:         bootstrap.Runs{PlanRole: planRole, ApplyRole: applyRole, Releases: w.server.URL + "/releases"},
	}, trees)
	if err != nil {
		w.t.Fatal(err)
	}
	command(w.t, "", "git", "init", "-q", "--bare", "-b", "main", w.bare)
	w.git("init", "-q", "-b", "main")
	w.git("config", "user.name", "t")
	w.git("config", "user.email", "t@example.com")
	w.git("remote", "add", "origin", w.bare)
	for name, data := range tree {
		w.write(name, string(data))
	}
	w.write("envs/dev/app/.terraform.lock.hcl", "# This environment needs no provider that has to be fetched.\n")
	w.commit("start")
	w.git("push", "-q", "origin", "main")
}

func (w *harness) write(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.work, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *harness) git(args ...string) string {
	w.t.Helper()
	return strings.TrimSpace(command(w.t, w.work, "git", args...))
}

func (w *harness) commit(message string) string {
	w.t.Helper()
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", message)
	return w.git("rev-parse", "HEAD")
}

func command(t *testing.T, dir, name string, args ...string) string {
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

// propose commits the request's file to request/<id>.
func (w *harness) propose(text string) string {
	w.t.Helper()
	w.git("checkout", "-q", "-B", "request/"+requestID, "main")
	w.write(requestPath, text)
	sha := w.commit("propose")
	w.git("push", "-q", "-f", "origin", "HEAD:refs/heads/request/"+requestID)
	w.git("checkout", "-q", "main")
	return sha
}

// merge merges the request's branch; it returns the new head of main.
func (w *harness) merge() string {
	w.t.Helper()
	w.git("checkout", "-q", "main")
	w.git("merge", "-q", "--no-ff", "-m", "merge", "request/"+requestID)
	w.git("push", "-q", "origin", "main")
	return w.git("rev-parse", "HEAD")
}

// dispatch is what the app dispatches and grants.
type dispatch struct {
	kind     lifecycle.Kind
	inputs   map[string]string
	granting lifecycle.Grant
	cid      string
	noGrant  bool
	grant    func(*lifecycle.Grant)
	actor    string
	attempt  int
	ctx      context.Context
	onStep   func(actions.Step)
	sameRun  bool
	lifetime time.Duration
	expires  time.Time
}

var cidNumber int

func newCID(kind lifecycle.Kind) string {
	cidNumber++
	return fmt.Sprintf("%s-%032x", kind, cidNumber)
}

// request fills the inputs of a run for the request.
func (w *harness) request(kind lifecycle.Kind, purpose lifecycle.Purpose, sha, text, digest string) *dispatch {
	d := &dispatch{kind: kind, cid: newCID(kind), actor: "tfpilot[bot]", attempt: 1, lifetime: time.Hour}
	ref := "main"
	if kind == lifecycle.KindPlan && (purpose == lifecycle.PurposeOpen || purpose == lifecycle.PurposeEdit) {
		ref = "request/" + requestID
	}
	d.inputs = map[string]string{
		"request_id": requestID, "environment_key": "dev", "environment_slug": "app", "sha": sha, "ref": ref,
		"correlation_id": d.cid, "dry_run": "false",
	}
	d.granting = lifecycle.Grant{
		Purpose: purpose, Digest: digest, Path: requestPath, Blob: terraform.Blob([]byte(text)),
		Backend: lifecycle.Backend{Bucket: stateBucket, Key: "core/dev/app/terraform.tfstate", Region: region,
			UseLockfile: true},

		FingerprintKey: strings.Repeat("0123456789abcdef", 4),
	}
	if kind == lifecycle.KindApply || kind == lifecycle.KindDestroy {
		d.granting.LeaseToken, d.granting.Plan = 7, w.plans[digest]
	}
	return d
}

// granted is the same each time: a grant is written once and never changes.
func (d *dispatch) granted() lifecycle.Grant {
	if d.expires.IsZero() {
		d.expires = time.Now().Add(d.lifetime).UTC().Truncate(time.Second)
	}
	g := d.granting
	g.Kind, g.RequestID, g.Project, g.SHA, g.DryRun = d.kind, d.inputs["request_id"], "core", d.inputs["sha"], d.inputs["dry_run"] == "true"
	g.Environment = lifecycle.Environment{Key: d.inputs["environment_key"], Slug: d.inputs["environment_slug"]}
	g.ExpiresAt = d.expires
	if d.grant != nil {
		d.grant(&g)
	}
	return g
}

// run dispatches and waits; it returns how the run ended and its log.
func (w *harness) run(d *dispatch) (actions.Result, string) {
	w.t.Helper()
	if !d.noGrant {
		if err := w.app.PutGrant(w.t.Context(), "core", d.cid, d.granted()); err != nil {
			w.t.Fatal(err)
		}
	}
	if !d.sameRun {
		w.runID++
	}
	sha := strings.TrimSpace(command(w.t, w.bare, "git", "rev-parse", "main"))
	file := ".github/workflows/" + string(d.kind) + ".yml"
	log := &bytes.Buffer{}
	ctx := d.ctx
	if ctx == nil {
		ctx = w.t.Context()
	}
	res := w.act.Run(ctx, actions.Job{
		RunID: w.runID, RunAttempt: d.attempt, Repo: "acme/infra-core", GitDir: w.bare, CloneURL: w.server.URL +
			"/acme/infra-core.git",
		Workflow: file, File: []byte(command(w.t, w.bare, "git", "show", sha+":"+file)), SHA: sha, Ref: "refs/heads/main",
		Actor: d.actor, Inputs: d.inputs, Token: "ghs_test", Log: log, Step: d.onStep,
		Vars: w.vars,
	})
	return res, log.String()
}

// must runs and wants a success.
func (w *harness) must(d *dispatch) (lifecycle.Result, string) {
	w.t.Helper()
	res, log := w.run(d)
	if res.Conclusion != "success" {
		w.t.Fatalf("%s: %s at %q, %v\n%s", d.kind, res.Conclusion, actions.FailedStep(res.Steps), res.Err, log)
	}
	return w.result(d), log
}

func (w *harness) result(d *dispatch) lifecycle.Result {
	w.t.Helper()
	r, err := w.app.Result(w.t.Context(), "core", d.cid)
	if err != nil {
		w.t.Fatalf("result of %s: %v", d.cid, err)
	}
	if d.kind == lifecycle.KindPlan && r.Digest != "" {
		w.plans[r.Digest] = d.cid
	}
	return r
}

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
	"github.com/tfpilot/tfpilot/internal/sim/aws"
)

var built string // directory of the provider's binary

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "provider"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(built)
	os.Exit(code)
}

// providerBinary builds the provider as users run it: the sandbox under another name. Terraform
// starts it for every command, which takes ten times as long with the race detector.
var providerBinary = sync.OnceValues(func() (string, error) {
	at := filepath.Join(built, "sandbox")
	build := exec.Command("go", "build", "-race=false", "-o", at, "github.com/tfpilot/tfpilot/cmd/sandbox")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return at, nil
})

var terraform = sync.OnceValues(func() (toolchain.Tool, error) {
	return toolchain.Finder{}.Terraform(context.Background())
})

// testRoot is a Terraform root with the real CLI, this provider and an account.
type testRoot struct {
	t     *testing.T
	dir   string
	env   []string
	cloud *aws.Server
}

func newRoot(t *testing.T, config string) *testRoot {
	t.Helper()
	account, err := aws.New(aws.Config{Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(account)
	t.Cleanup(srv.Close)
	self, err := providerBinary()
	if err != nil {
		t.Fatal(err)
	}
	rc, err := Mirror(t.TempDir(), self)
	if err != nil {
		t.Fatal(err)
	}
	r := &testRoot{t: t, dir: t.TempDir(), cloud: account}
	r.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TF_CLI_CONFIG_FILE=" + rc, "TF_INPUT=0", "TF_IN_AUTOMATION=1",
		"TF_CLI_ARGS=-no-color", "TF_LOG=WARN", "TF_LOG_PATH=" + filepath.Join(r.dir, "log"), EnvURL + "=" + srv.URL,
		EnvToken + "=token",
	}
	r.write(config)
	t.Cleanup(r.consistent)
	return r
}

// consistent checks in Terraform's log that no result ever differed from its plan. Terraform hides
// this from users for providers on the older SDK.
func (r *testRoot) consistent() {
	log, _ := os.ReadFile(filepath.Join(r.dir, "log"))
	for line := range strings.SplitSeq(string(log), "\n") {
		if strings.Contains(line, "produced an unexpected new value") || strings.Contains(line, "inconsistent") {
			r.t.Error(line)
		}
	}
}

const configHead = `
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}
`

func (r *testRoot) write(config string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "main.tf"), []byte(configHead+config), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *testRoot) run(args ...string) (string, int) {
	r.t.Helper()
	tool, err := terraform()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), tool.Path, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

func (r *testRoot) must(args ...string) string {
	r.t.Helper()
	out, code := r.run(args...)
	if code != 0 {
		r.t.Fatalf("terraform %v: exit %d\n%s", args, code, out)
	}
	return out
}

func (r *testRoot) noChanges() {
	r.t.Helper()
	if out, code := r.run("plan", "-detailed-exitcode"); code != 0 {
		r.t.Fatalf("a second plan has changes (exit %d):\n%s", code, out)
	}
}

// actions plans and returns the action for each address that would change.
func (r *testRoot) actions() map[string]string {
	r.t.Helper()
	r.must("plan", "-out=tfplan")
	var plan struct {
		Changes []struct {
			Address string `json:"address"`
			Change  struct {
				Actions []string `json:"actions"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(r.must("show", "-json", "tfplan")), &plan); err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range plan.Changes {
		if what := strings.Join(c.Change.Actions, "+"); what != "no-op" {
			out[c.Address] = what
		}
	}
	return out
}

const everything = `
provider "aws" {
  region = "eu-central-1"
  default_tags { tags = { Team = "infra" } }
}
resource "aws_s3_bucket" "b" {
  bucket = "acme-everything"
  tags   = { Name = "everything" }
}
resource "aws_s3_bucket_public_access_block" "b" {
  bucket            = aws_s3_bucket.b.id
  block_public_acls = true
}
resource "aws_s3_bucket_ownership_controls" "b" {
  bucket = aws_s3_bucket.b.id
  rule { object_ownership = "BucketOwnerEnforced" }
}
resource "aws_s3_bucket_versioning" "b" {
  bucket = aws_s3_bucket.b.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_bucket_server_side_encryption_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    apply_server_side_encryption_by_default { sse_algorithm = "AES256" }
  }
}
resource "aws_s3_bucket_lifecycle_configuration" "b" {
  bucket = aws_s3_bucket.b.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    expiration { days = 30 }
    transition {
      days          = 10
      storage_class = "STANDARD_IA"
    }
  }
}
resource "aws_s3_bucket_policy" "b" {
  bucket = aws_s3_bucket.b.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Deny", Principal = "*", Action = "s3:*", Resource = aws_s3_bucket.b.arn }] })
}
resource "aws_instance" "i" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "t3.micro"
  metadata_options { http_tokens = "required" }
  root_block_device { volume_size = 20 }
}
resource "aws_ecr_repository" "r" {
  name = "team/app"
  image_scanning_configuration { scan_on_push = true }
  encryption_configuration {}
}
resource "aws_ecr_lifecycle_policy" "r" {
  repository = aws_ecr_repository.r.name
  policy     = jsonencode({ rules = [] })
}
resource "aws_cloudwatch_log_group" "l" {
  name              = "/acme/app"
  retention_in_days = 30
}
resource "aws_iam_role" "r" {
  name               = "runner"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_iam_role_policy_attachment" "r" {
  role       = aws_iam_role.r.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
output "url" { value = aws_ecr_repository.r.repository_url }
output "tags" { value = aws_s3_bucket.b.tags_all }
output "dns" { value = aws_instance.i.private_dns }
`

func TestResourceLifecycles(t *testing.T) {
	r := newRoot(t, everything)
	r.must("init")
	if got := r.actions(); len(got) != len(traits) {
		t.Fatalf("planned %v", got)
	}
	r.must("apply", "tfplan")
	r.noChanges()
	if got := len(r.cloud.Objects("")); got != len(traits) {
		t.Errorf("%d objects in the account", got)
	}
	outputs := r.must("output", "-json")
	for _, want := range []string{"000000000000.dkr.ecr.eu-central-1.amazonaws.com/team/app", `"Team":`, `"Name":`,
		"compute.internal"} {
		if !strings.Contains(outputs, want) {
			t.Errorf("outputs lack %s:\n%s", want, outputs)
		}
	}
	r.changes()
	r.drift()
	r.must("destroy", "-auto-approve")
	if left := r.cloud.Objects(""); len(left) != 0 {
		t.Errorf("left in the account: %v", left)
	}
}

// changes edits in place, then changes what requires a new object.
func (r *testRoot) changes() {
	r.t.Helper()
	for _, row := range []struct{ old, new, address, want string }{
		{"retention_in_days = 30", "retention_in_days = 60", "aws_cloudwatch_log_group.l", "update"},
		{`instance_type = "t3.micro"`, `instance_type = "t3.large"`, "aws_instance.i", "update"},
		{`tags   = { Name = "everything" }`, `tags   = { Name = "all" }`, "aws_s3_bucket.b", "update"},
		{"expiration { days = 30 }", "expiration { days = 40 }", "aws_s3_bucket_lifecycle_configuration.b", "update"},
		{`"/acme/app"`, `"/acme/other"`, "aws_cloudwatch_log_group.l", "delete+create"},
		{"ami-0123456789abcdef0", "ami-0fedcba9876543210", "aws_instance.i", "delete+create"},
	} {
		text, err := os.ReadFile(filepath.Join(r.dir, "main.tf"))
		if err != nil {
			r.t.Fatal(err)
		}
		r.write(strings.Replace(strings.TrimPrefix(string(text), configHead), row.old, row.new, 1))
		if got := r.actions(); got[row.address] != row.want || len(got) != 1 {
			r.t.Errorf("%s: planned %v, want %s of %s", row.new, got, row.want, row.address)
		}
		r.must("apply", "tfplan")
		r.noChanges()
	}
}

// drift changes and removes objects from outside Terraform.
func (r *testRoot) drift() {
	r.t.Helper()
	if err := r.cloud.Change("aws_s3_bucket_versioning", "acme-everything", map[string]any{
		"versioning_configuration": []any{map[string]any{"status": "Suspended"}},
	}); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cloud.Change("aws_s3_bucket", "acme-everything",
		map[string]any{"tags": map[string]any{"Team": "infra", "Name": "all", "Rogue": "yes"}}); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cloud.Remove("aws_cloudwatch_log_group", "/acme/other"); err != nil {
		r.t.Fatal(err)
	}
	got := r.actions()
	want := map[string]string{
		"aws_s3_bucket_versioning.b": "update", "aws_s3_bucket.b": "update", "aws_cloudwatch_log_group.l": "create",
	}
	for address, what := range want {
		if got[address] != what {
			r.t.Errorf("drift of %s: planned %q, want %q", address, got[address], what)
		}
	}
	if len(got) != len(want) {
		r.t.Errorf("drift: planned %v", got)
	}
	r.must("apply", "tfplan")
	r.noChanges()
}

func TestImport(t *testing.T) {
	r := newRoot(t, `
provider "aws" { region = "eu-central-1" }
resource "aws_cloudwatch_log_group" "l" { name = "/old" }
`)
	r.must("init")
	r.must("apply", "-auto-approve")
	r.must("state", "rm", "aws_cloudwatch_log_group.l")
	r.must("import", "aws_cloudwatch_log_group.l", "/old")
	r.noChanges()
	if out, code := r.run("import", "aws_cloudwatch_log_group.l", "/none"); code == 0 {
		t.Errorf("a missing object was imported:\n%s", out)
	}
}

func TestWrongConfigurationsFail(t *testing.T) {
	for name, row := range map[string]struct{ config, want string }{
		"unknown argument": {`resource "aws_s3_bucket" "b" { versionning = true }`, "Unsupported argument"},
		"unknown block":    {"resource \"aws_instance\" \"i\" {\n ami = \"a\"\n disk {}\n}", "Unsupported block type"},
		"missing argument": {`resource "aws_s3_bucket_policy" "b" { bucket = "x" }`, "Missing required argument"},
		"missing block": {`resource "aws_s3_bucket_versioning" "b" { bucket = "x" }`,
			"Insufficient versioning_configuration blocks"},
		"two of one block": {"resource \"aws_s3_bucket_versioning\" \"b\" {\n bucket = \"x\"\n versioning_configuration { status = \"Enabled\" }\n versioning_configuration { status = \"Enabled\" }\n}", "Too many versioning_configuration blocks"},
		"wrong type": {`resource "aws_cloudwatch_log_group" "l" { retention_in_days = "soon" }`,
			"a number is required"},
		"wrong value":        {`resource "aws_cloudwatch_log_group" "l" { retention_in_days = 31 }`, "expected one of"},
		"computed is set":    {`resource "aws_s3_bucket" "b" { arn = "x" }`, "unconfigurable attribute"},
		"wrong nested value": {"resource \"aws_s3_bucket_versioning\" \"b\" {\n bucket = \"x\"\n versioning_configuration { status = \"On\" }\n}", "expected one of"},
		"policy is no JSON": {"resource \"aws_s3_bucket_policy\" \"b\" {\n bucket = \"x\"\n policy = \"allow\"\n}",
			"invalid JSON"},
		"name and prefix": {"resource \"aws_cloudwatch_log_group\" \"l\" {\n name = \"x\"\n name_prefix = \"y\"\n}",
			"conflicts with"},
		"no image":            {`resource "aws_instance" "i" { instance_type = "t3.micro" }`, "must be specified"},
		"unknown resource":    {`resource "aws_sqs_queue" "q" {}`, "Invalid resource type"},
		"unknown data source": {`data "aws_region" "r" {}`, "Invalid data source"},
		"provider argument": {"provider \"aws\" { regoin = \"x\" }\nresource \"aws_s3_bucket\" \"b\" {}",
			"Unsupported argument"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoot(t, row.config)
			r.must("init")
			out, code := r.run("validate")
			if code == 0 || !strings.Contains(out, row.want) {
				t.Errorf("exit %d, want %q in:\n%s", code, row.want, out)
			}
		})
	}
}

func TestRefusalsOfTheAccountAreShown(t *testing.T) {
	r := newRoot(t, `
provider "aws" { region = "eu-central-1" }
resource "aws_instance" "i" {
  ami           = "ami-0123456789abcdef0"
  instance_type = "m7i.24xlarge"
}
resource "aws_s3_bucket" "b" { bucket = "test" }
`)
	r.must("init")
	if err := r.cloud.Inject(aws.Fault{Op: aws.OpCreate, Type: "aws_instance",
		Code: "VcpuLimitExceeded"}); err != nil {
		t.Fatal(err)
	}
	out, code := r.run("apply", "-auto-approve")
	for _, want := range []string{
		"creating EC2 Instance", "operation error EC2: RunInstances", "VcpuLimitExceeded: You have requested more vCPU",
		"creating S3 Bucket (test): operation error S3: CreateBucket, https response error StatusCode: 409",
		"BucketAlreadyExists",
	} {
		if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " "), want) {
			t.Errorf("missing %q", want)
		}
	}
	if code == 0 || len(r.cloud.Objects("")) != 0 {
		t.Errorf("exit %d, objects %v\n%s", code, r.cloud.Objects(""), out)
	}
}

func TestProviderNeedsAnAccount(t *testing.T) {
	r := newRoot(t, `resource "aws_s3_bucket" "b" {}`)
	r.must("init")
	r.env = append(r.env, EnvURL+"=")
	out, code := r.run("plan")
	if code == 0 || !strings.Contains(out, "never calls AWS") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

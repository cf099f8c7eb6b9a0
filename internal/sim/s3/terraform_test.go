package s3

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tfpilot/tfpilot/internal/sandbox/toolchain"
)

const stateKey = "core/dev/app/terraform.tfstate"

const rootConfig = `
terraform {
  backend "s3" {
    bucket       = "things"
    key          = "core/dev/app/terraform.tfstate"
    region       = "eu-central-1"
    use_lockfile = true
  }
}
resource "terraform_data" "x" { input = "hello" }
`

// terraformIn returns a function that runs the real CLI against the simulator, in a root directory and
// an environment of its own.
func terraformIn(t *testing.T, url string, p Principal) func(args ...string) (string, error) {
	t.Helper()
	tool, err := toolchain.Finder{}.Terraform(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(rootConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), tool.Path, args...)
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "CHECKPOINT_DISABLE=1", "TF_CLI_ARGS=-no-color", "TF_INPUT=0",
			"TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE=" + os.DevNull,
			"AWS_ENDPOINT_URL_S3=" + url, "AWS_ACCESS_KEY_ID=" + p.AccessKey, "AWS_SECRET_ACCESS_KEY=" + p.Secret,
			"AWS_EC2_METADATA_DISABLED=true",
			"TF_CLI_ARGS_init=-backend-config=use_path_style=true -backend-config=skip_credentials_validation=true" +
				" -backend-config=skip_requesting_account_id=true -backend-config=skip_metadata_api_check=true",
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

func TestTerraformState(t *testing.T) {
	s := newServer(t, Config{})
	srv := httptest.NewServer(s)
	defer srv.Close()
	tf := terraformIn(t, srv.URL, admin())
	must := func(args ...string) {
		t.Helper()
		if out, err := tf(args...); err != nil {
			t.Fatalf("terraform %v: %v\n%s", args, err, out)
		}
	}
	must("init")
	must("plan", "-lock=false", "-out=tfplan")
	must("apply", "tfplan")
	if _, ok := s.Read(testBucket, stateKey); !ok {
		t.Fatalf("no state among %v", s.Keys(testBucket, ""))
	}
	must("plan", "-detailed-exitcode")

	lock := stateKey + ".tflock"
	put(t, client(s, admin()), lock,
		`{"ID":"11111111-1111-1111-1111-111111111111","Operation":"OperationTypeApply","Who":"dana@host"}`)
	out, err := tf("apply", "-auto-approve")
	if err == nil || !strings.Contains(out, "Error acquiring the state lock") || !strings.Contains(out, "dana@host") {
		t.Errorf("a held lock did not stop apply: %v\n%s", err, out)
	}
	must("force-unlock", "-force", "11111111-1111-1111-1111-111111111111")
	must("destroy", "-auto-approve")
	if keys := s.Keys(testBucket, ""); len(keys) != 1 {
		t.Errorf("left in the bucket: %v", keys)
	}
}

func TestTerraformWithAWrongSecretIsRefused(t *testing.T) {
	srv := httptest.NewServer(newServer(t, Config{}))
	defer srv.Close()
	p := admin()
	p.Secret = "wrong"
	out, err := terraformIn(t, srv.URL, p)("init")
	if err == nil || !strings.Contains(out, "SignatureDoesNotMatch") {
		t.Errorf("got %v\n%s", err, out)
	}
}

package terraform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const backendFile = `terraform {
  required_version = ">= 1.8"

  backend "s3" {
    bucket       = "tfpilot-terraform-state"
    key          = "core/dev/app/terraform.tfstate"
    region       = "eu-central-1"
    use_lockfile = true
    encrypt      = true
  }
}
`

var parsedBackend = Backend{Bucket: "tfpilot-terraform-state", Key: "core/dev/app/terraform.tfstate",
	Region: "eu-central-1", UseLockfile: true, Encrypt: true}

func TestParseBackend(t *testing.T) {
	got, err := ParseBackend(map[string][]byte{
		"backend.tf": []byte(backendFile), "providers.tf": []byte(`provider "aws" {}`),
		"inner/override.tf": []byte("not read"), "notes.md": []byte("{{{"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parsedBackend, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseBackendRefuses(t *testing.T) {
	with := func(name, content string) map[string][]byte {
		return map[string][]byte{"backend.tf": []byte(backendFile), name: []byte(content)}
	}
	changed := func(from, to string) map[string][]byte {
		return map[string][]byte{"backend.tf": []byte(strings.Replace(backendFile, from, to, 1))}
	}
	for _, tc := range []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"none", map[string][]byte{"main.tf": nil}, "0 backend blocks"},
		{"two", with("other.tf", backendFile), "2 backend blocks"},
		{"cloud", with("other.tf", "terraform {\n  cloud {}\n}"), "cloud block"},
		{"override", with("override.tf", ""), "override file"},
		{"named override", with("my_override.tf", ""), "override file"},
		{"JSON", with("x.tf.json", "{}"), "Terraform's own language"},
		{"OpenTofu", with("x.tofu", ""), "Terraform's own language"},
		{"syntax", with("x.tf", "{{{"), "parse"},
		{"other kind", changed(`"s3"`, `"local"`), "works with s3"},
		{"variable", changed(`"core/dev/app/terraform.tfstate"`, "var.key"), "key must be a literal"},
		{"template", changed("core/dev", "${local.x}/dev"), "key must be a literal"},
		{"partial", changed(`bucket       = "tfpilot-terraform-state"`, ""), "partial backend"},
		{"type", changed("use_lockfile = true", `use_lockfile = "yes"`), "use_lockfile must be a literal"},
		{"no lock", changed("use_lockfile = true", ""), "nothing would lock"},
		{"unknown argument", changed("encrypt      = true", `profile = "x"`), "profile is not known"},
		{"inner block", changed("encrypt      = true", "assume_role {}"), "assume_role"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseBackend(tc.files)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %+v, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func TestParseInitialized(t *testing.T) {
	// What Terraform 1.11 writes, cut to the keys that matter and one that does not.
	content := `{"version":3,"terraform_version":"1.11.4","backend":{"type":"s3","config":{"access_key":null,"bucket":"tfpilot-terraform-state",
		"dynamodb_table":null,"encrypt":true,"key":"core/dev/app/terraform.tfstate","region":"eu-central-1","use_lockfile":true,"use_path_style":true},"hash":1}}`
	got, err := ParseInitialized([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parsedBackend, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"profile", "role_arn", "assume_role", "endpoints", "endpoint", "workspace_key_prefix",
		"acl", "sse_customer_key",
		"access_key", "secret_key", "token", "shared_config_files", "allowed_account_ids", "an_argument_of_a_later_version"} {
		changed := strings.Replace(content, `"access_key":null`, `"`+name+`":"x"`, 1)
		if got, err := ParseInitialized([]byte(changed)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "{}", `{"backend":{"type":"local","config":{}}}`,
		`{"backend":{"type":"s3","config":{}}}`} {
		if got, err := ParseInitialized([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

func TestCompare(t *testing.T) {
	if got := parsedBackend.Compare(parsedBackend); got != nil {
		t.Error(got)
	}
	wrong := Backend{Bucket: "b", Key: "k", DynamoDBTable: "t", KMSKeyID: "k"}
	var names []string
	for _, d := range parsedBackend.Compare(wrong) {
		names = append(names, d.Name)
	}
	if diff := cmp.Diff([]string{"bucket", "key", "dynamodb_table", "use_lockfile", "region", "encrypt", "kms_key_id"},
		names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := parsedBackend.Compare(wrong)[0].String(); got != `bucket is "b", not "tfpilot-terraform-state"` {
		t.Error(got)
	}
}

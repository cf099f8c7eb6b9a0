package terraform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Code says where it takes other code and data from, in more ways than one.
func TestReadSources(t *testing.T) {
	got, err := ReadSources(map[string][]byte{"main.tf": []byte(`
module "a" {
  source = "./inner"
}
module "b" {
  source  = "acme/net/aws//modules/x"
  version = "1.2.3"
}
locals {
  policy  = file("${path.module}/../shared/policy.json")
  same    = file("${path.module}/../shared/policy.json")
  range   = "0..255, and so on..."
  command = "cd ../.. && ./scripts/run.sh --file=../x"
  other   = module.tfpilot_req_abcdefghijklm.name
  own     = module.a.name
}
`), "a_override.tf": []byte("module \"b\" {\n  version = \"1.2.4\"\n}\n")})
	if err != nil {
		t.Fatal(err)
	}
	want := Sources{
		Local: []string{"./inner"}, Remote: map[string]string{"b": "acme/net/aws//modules/x"},
		Climbs: []string{"../..", "../x", "/../shared/policy.json"}, Modules: []string{"req_abcdefghijklm"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A module from elsewhere is named by a commit or by one version, and by nothing that may
// change without the code.
func TestRemoteModulesArePinned(t *testing.T) {
	commit := strings.Repeat("0a", 20)
	for _, c := range []struct {
		source, version, want string
	}{
		{"git::https://git.example.com/net.git?ref=" + commit, "", ""},
		{"git::https://git.example.com/net.git//dir?ref=" + commit, "", ""},
		{"github.com/acme/net?ref=" + commit, "", ""},
		{"git@github.com:acme/net.git?ref=" + commit, "", ""},
		{"git::https://git.example.com/net.git?ref=main", "", "40 digits"},
		{"git::https://git.example.com/net.git?ref=" + commit[:39], "", "40 digits"},
		{"git::https://git.example.com/net.git?ref=" + strings.ToUpper(commit), "", "40 digits"},
		{"git::https://git.example.com/net.git?ref=" + commit + "&depth=1", "", "40 digits"},
		{"git::https://git.example.com/net.git?ref=" + commit + "&ref=main", "", "40 digits"},
		{"git::https://git.example.com/net.git?ref=" + commit + ";depth=1", "", "40 digits"},
		{"git::https://git.example.com/net.git?sha=" + commit, "", "40 digits"},
		{"git::https://git.example.com/net.git", "", "40 digits"},
		{"acme/net/aws", "1.2.3", ""},
		{"registry.example.com/acme/net/aws//dir", "= 1.2.3-rc.1", ""},
		{"acme/net/aws", "~> 1.2.3", "one exact version"},
		{"acme/net/aws", "1.2", "one exact version"},
		{"acme/net/aws", ">= 1.2.3, < 2.0.0", "one exact version"},
		{"acme/net/aws", "", "one exact version"},
		{"https://example.com/net.zip", "", "cannot be pinned"},
		{"s3::https://s3.amazonaws.com/b/net.zip", "", "cannot be pinned"},
		{"hg::https://example.com/net?ref=" + commit, "", "cannot be pinned"},
	} {
		err := checkPinned("far", c.source, c.version)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s %q: %v, want %q", c.source, c.version, err, c.want)
		}
	}
}

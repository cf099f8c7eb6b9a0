package terraform

import (
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

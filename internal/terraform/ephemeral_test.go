package terraform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const ephemeralRoot = `
ephemeral "vault_token" "deployer" {
  role = "deploy"
}
provider "vault" {
  token = ephemeral.vault_token.deployer.token
}
module "tfpilot_req_aaaaaaaaaaaaa" {
  source = "../../../modules/demo"
  name   = "n"
}
`

const ephemeralModule = `
variable "name" {}
locals {
  password = ephemeral.aws_secretsmanager_secret_version.db.secret_string
}
ephemeral "aws_secretsmanager_secret_version" "db" {
  secret_id = "prod/${var.name}"
}
module "token" {
  source = "./token"
}
resource "aws_db_instance" "main" {
  name                = var.name
  password_wo         = local.password
  password_wo_version = 1
  sensitive_body      = { key = "never-shown" }
  api_key_wo          = "never-shown"
  kms_key_id          = null
  description         = var.name
  nested {
    secret = module.token.value
  }
  lifecycle {
    precondition {
      condition     = ephemeral.aws_secretsmanager_secret_version.db.secret_string != ""
      error_message = "empty"
    }
  }
}
`

const ephemeralChild = `
ephemeral "vault_kv" "token" {
  path = "kv/token"
}
output "value" {
  value     = ephemeral.vault_kv.token.data
  ephemeral = true
}
`

// ephemeralPlan is a plan of that code: of ephemeral resources and of write-only values it says nothing.
func ephemeralPlan(actions ...tfjson.Action) *tfjson.Plan {
	plan := planWith(&tfjson.ResourceChange{Type: "aws_db_instance", Name: "main", Change: &tfjson.Change{
		Actions: actions, Before: map[string]any{"name": "old"},
		After: map[string]any{"name": "n", "password_wo_version": "1"}, AfterUnknown: map[string]any{"description": true},
	}})
	plan.Config.ProviderConfigs = map[string]*tfjson.ProviderConfig{
		"aws": {Name: "aws", FullName: aws}, "vault": {Name: "vault", FullName: "registry.terraform.io/hashicorp/vault"},
	}
	plan.Config.RootModule.ModuleCalls[lifecycle.ModuleCall(mine)].Module.Resources = []*tfjson.ConfigResource{{Address: "aws_db_instance.main", Type: "aws_db_instance", Name: "main", ProviderConfigKey: "aws"}}
	return plan
}

func ephemeralCode(replace ...string) Config {
	with := strings.NewReplacer(replace...)
	return Config{
		"/main.tf": []byte(with.Replace(ephemeralRoot)), lifecycle.ModuleCall(mine) +
			"/main.tf": []byte(with.Replace(ephemeralModule)),
		lifecycle.ModuleCall(mine) + ".token/main.tf": []byte(with.Replace(ephemeralChild)),
	}
}

// What the apply reads and sends without a trace in the plan is in the summary.
func TestEphemeralAndWriteOnlyAreListed(t *testing.T) {
	s := summarized(t, ephemeralPlan("create"), ephemeralCode())
	var got []string
	for _, c := range s.Changes {
		line := c.Kind() + " " + ShortAddress(c.Address) + " of " + c.Provider
		if len(c.Settings) > 0 {
			line += " " + string(canonical(c.Settings))
		}
		if len(c.WriteOnly) > 0 {
			line += " " + string(canonical(c.WriteOnly))
		}
		got = append(got, strings.TrimSpace(WithoutFingerprints(line)))
	}
	const vault = "registry.terraform.io/hashicorp/vault"
	want := []string{
		`read ephemeral.vault_token.deployer of ` + vault + ` {"role":"deploy"}`,
		`create aws_db_instance.main of ` + aws + ` {"api_key_wo":{"value":"(sensitive)"},` +
			`"nested.secret":{"from":["module.token.ephemeral.vault_kv.token"],"value":"(sensitive)"},` +
			`"password_wo":{"from":["ephemeral.aws_secretsmanager_secret_version.db"],"value":"(sensitive)"},"sensitive_body":{"value":"(sensitive)"}}`,
		`read ephemeral.aws_secretsmanager_secret_version.db of ` + aws +
			` {"secret_id":{"expression":"\"prod/${var.name}\"","values":{"var.name":"n"}}}`,
		`read module.token.ephemeral.vault_kv.token of ` + vault + ` {"path":"kv/token"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(s.Providers) != 1 || s.Providers[0].Name != "vault" {
		t.Errorf("the provider that only an ephemeral resource uses is missing: %+v", s.Providers)
	}
	again, err := ParseSummary(s.Bytes())
	if err != nil || again.Digest() != s.Digest() || strings.Contains(string(s.Bytes()), "never-shown") {
		t.Errorf("read back: %v\n%s", err, s.Bytes())
	}
	for _, c := range again.Changes {
		if IsEphemeral(c) != (c.Kind() == "read") {
			t.Errorf("%s is ephemeral: %v", c.Address, IsEphemeral(c))
		}
	}
}

func TestEphemeralAndWriteOnlyAreApproved(t *testing.T) {
	for name, row := range map[string]struct {
		from, to string
		action   tfjson.Action
		same     bool
	}{
		"which secret is read":              {"prod/$", "root/$", "create", false},
		"the input that names the secret":   {`"n"`, `"other"`, "create", false},
		"what a module in the module reads": {"kv/token", "kv/root", "create", false},
		"as whom the provider works":        {"deploy\"", "admin\"", "update", false},
		"a written value": {`api_key_wo          = "never-shown"`, `api_key_wo = "other"`, "update",
			false},
		"a value of another kind of name": {`{ key = "never-shown" }`, `{ key = "other" }`, "update", false},
		"what a written value is made of": {"db.secret_string\n}", "db.secret_binary\n}", "update", false},
		"an argument that stays without value": {"kms_key_id          = null",
			"kms_key_id = var.name == \"\" ? null : null", "create", true},
	} {
		before, after := summaryWith(t, ephemeralPlan(row.action)), summaryWith(t, ephemeralPlan(row.action), row.from,
			row.to)
		if (before.Digest() == after.Digest()) != row.same {
			t.Errorf("%s: same digest %v, want %v", name, !row.same, row.same)
		}
	}
}

// A destroy opens them too; where nothing changes there is no apply.
func TestEphemeralOfOtherPlans(t *testing.T) {
	if got := len(summaryWith(t, ephemeralPlan("delete")).Changes); got != 4 {
		t.Errorf("a destroy lists %d", got)
	}
	if got := len(summaryWith(t, ephemeralPlan("no-op")).Changes); got != 0 {
		t.Errorf("an empty plan lists %d", got)
	}
}

func summaryWith(t *testing.T, plan *tfjson.Plan, replace ...string) *Summary {
	t.Helper()
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "reapply", Config: ephemeralCode(replace...),
		FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

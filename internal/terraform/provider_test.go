package terraform

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

const aws = "registry.terraform.io/hashicorp/aws"

// providerConfig is how terraform show -json writes the providers of a root and of a module. One of them does nothing.
const providerConfig = `{
  "aws": {"name": "aws", "full_name": "` + aws + `", "version_constraint": ">= 5.0", "expressions": {"region": {"references": ["var.stage"]}}},
  "aws.us": {"name": "aws", "alias": "us", "full_name": "` + aws + `", "expressions": {"region": {}}},
  "aws.idle": {"name": "aws", "alias": "idle", "full_name": "` + aws + `", "expressions": {"region": {}}},
  "module.tfpilot_req_aaaaaaaaaaaaa:aws.own": {"name": "aws", "alias": "own", "full_name": "` + aws + `", "module_address": "module.tfpilot_req_aaaaaaaaaaaaa", "expressions": {"region": {}}}
}`

var configurations = []string{"aws", "aws.us", "module.tfpilot_req_aaaaaaaaaaaaa:aws.own"}

const rootCode = `
variable "stage" {}
variable "password" {}
locals {
  account = "111122223333"
  role    = "arn:aws:iam::${local.account}:role/apply"
}
provider "aws" {
  version    = ">= 5.0"
  region     = "eu-${var.stage}-1"
  secret_key = "never-shown"
  profile    = join("-", ["a", "b"])
  assume_role {
    role_arn = local.role
  }
  default_tags {
    tags = { Team = "x", api_token = "never-shown", n = 12345678901234567890 }
  }
  ignore_tags = null
  headers     = merge({ Authorization = "never-shown", "x-api-key" : "never-shown", plain = "shown" }, {})
  literal     = ({ password = "never-shown", plain = "shown" })
  skip        = true
}
provider "aws" {
  alias  = "us"
  region = lower("US-EAST-1")
}
provider "aws" {
  alias  = "idle"
  region = lower("IDLE")
}
`

const providerModule = `
variable "place" {
  default = "eu-west-1"
}
provider "aws" {
  alias  = "own"
  region = "${var.place}"
}
`

// awsPlan makes three resources, each by its own configuration.
func awsPlan(t *testing.T, keys ...string) *tfjson.Plan {
	t.Helper()
	plan := planOf(t, "create")
	third := *plan.ResourceChanges[0]
	third.Address, third.Name = third.ModuleAddress+".terraform_data.third", "third"
	plan.ResourceChanges = append(plan.ResourceChanges, &third)
	plan.Config.ProviderConfigs = nil
	if err := json.Unmarshal([]byte(providerConfig), &plan.Config.ProviderConfigs); err != nil {
		t.Fatal(err)
	}
	plan.Variables = map[string]*tfjson.PlanVariable{"stage": {Value: "central"}, "password": {Value: "never-shown"}}
	for _, rc := range plan.ResourceChanges {
		rc.ProviderName = aws
	}
	module := plan.Config.RootModule.ModuleCalls[lifecycle.ModuleCall(mine)].Module
	module.Resources = append(module.Resources, &tfjson.ConfigResource{Address: "terraform_data.third",
		Type: "terraform_data", Name: "third"})
	for i, r := range module.Resources {
		r.ProviderConfigKey = keys[i]
	}
	return plan
}

func summarized(t *testing.T, plan *tfjson.Plan, config Config) *Summary {
	t.Helper()
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen, Config: config,
		FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testConfig(replace ...string) Config {
	with := strings.NewReplacer(replace...)
	return Config{
		"/main.tf": []byte(with.Replace(rootCode)), lifecycle.ModuleCall(mine) + "/main.tf": []byte(with.Replace(providerModule)),
		lifecycle.ModuleCall(mine) + "0/main.tf": []byte("of another request, and {not} even readable"),
	}
}

// Where and as whom something is done belongs to what is approved.
func TestProviders(t *testing.T) {
	s := summarized(t, awsPlan(t, configurations...), testConfig())
	want := []string{
		`aws {"assume_role":[{"role_arn":{"expression":"local.role","values":{"local.account":"111122223333","local.role":{"expression":"\"arn:aws:iam::${local.account}:role/apply\""}}}}],` +
			`"default_tags":[{"tags":{"Team":"x","api_token":"(sensitive)","n":12345678901234567890}}],"headers":{"expression":"merge({ Authorization = \"(sensitive)\", \"x-api-key\" : \"(sensitive)\", plain = \"shown\" }, {})"},"ignore_tags":null,` +
			`"literal":{"password":"(sensitive)","plain":"shown"},"profile":{"expression":"join(\"-\", [\"a\", \"b\"])"},` +
			`"region":{"expression":"\"eu-${var.stage}-1\"","values":{"var.stage":"central"}},"secret_key":"(sensitive)","skip":true}`,
		`aws.us {"region":{"expression":"lower(\"US-EAST-1\")"}}`,
		`module.tfpilot_req_aaaaaaaaaaaaa:aws.own {"region":{"expression":"\"${var.place}\"","values":{"var.place":"eu-west-1"}}}`,
	}
	var got []string
	for _, p := range s.Providers {
		got = append(got, p.Name+" "+WithoutFingerprints(strings.TrimSpace(string(canonical(p.Config)))))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if !slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Configuration == "aws.us" }) {
		t.Errorf("no change names its provider: %s", s.Bytes())
	}
	if again, err := ParseSummary(s.Bytes()); err != nil || again.Digest() != s.Digest() {
		t.Errorf("read back: %v", err)
	}
	if strings.Contains(string(s.Bytes()), "never-shown") {
		t.Error("a credential shows")
	}
}

func TestProvidersAreApproved(t *testing.T) {
	all := configurations
	first := summarized(t, awsPlan(t, all...), testConfig()).Digest()
	for name, c := range map[string]struct {
		from, to string
		differs  bool
	}{
		"the text around a reference": {"eu-${", "us-${", true},
		"the value of a function":     {"US-EAST-1", "US-WEST-1", true},
		"a local behind a local":      {"111122223333", "444455556666", true},
		"a role":                      {"role/apply", "role/admin", true},
		"the default of a module":     {"eu-west-1", "us-west-1", true},
		"another version":             {">= 5.0", ">= 5.1", false},
		"another secret":              {"never-shown", "nor-this", true},
		"one that does nothing":       {"IDLE", "STILL", false},
	} {
		if again := summarized(t, awsPlan(t, all...), testConfig(c.from, c.to)).Digest(); (again != first) != c.differs {
			t.Errorf("%s: digest %s, was %s", name, again, first)
		}
	}
	plan := awsPlan(t, all...)
	plan.Variables["stage"].Value = "north"
	if summarized(t, plan, testConfig()).Digest() == first {
		t.Error("another value of a variable that the provider uses has the same digest")
	}
	if summarized(t, awsPlan(t, all[1], all[0], all[2]), testConfig()).Digest() == first {
		t.Error("resources that change places between providers have the same digest")
	}
	override := testConfig()
	override["/x_override.tf"] = []byte("provider \"aws\" {\n  alias  = \"us\"\n  region = \"us-gov-1\"\n}\n")
	if summarized(t, awsPlan(t, all...), override).Digest() == first {
		t.Error("a region that is overridden has the same digest")
	}
	_, err := Summarize(awsPlan(t, all...), Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen,
		Config: Config{"/main.tf": nil}, FingerprintKey: testKey})
	if no := (*PlanError)(nil); !errors.As(err, &no) || no.Code != lifecycle.CodeUnsupported {
		t.Errorf("a configuration that cannot be read: %v", err)
	}
}

// commandPlan changes one resource in a module of the request's module, whose provisioners are in the code.
func commandPlan(actions tfjson.Actions, provisioners int) *tfjson.Plan {
	plan := secretPlan("s3cr3t-value", map[string]any{})
	rc := plan.ResourceChanges[0]
	rc.ModuleAddress, rc.Name = "module."+lifecycle.ModuleCall(mine)+`.module.each["a.b"]`, "b"
	rc.Address, rc.Change.Actions = rc.ModuleAddress+".a.b", actions
	if !actions.Create() {
		rc.Change.Before, rc.Change.BeforeSensitive = rc.Change.After, rc.Change.AfterSensitive
	}
	plan.Config.RootModule.ModuleCalls[lifecycle.ModuleCall(mine)].Module = &tfjson.ConfigModule{ModuleCalls: map[string]*tfjson.ModuleCall{"each": {
		Module: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{{Address: "a.b", Type: "a", Name: "b",
			Provisioners: make([]*tfjson.ConfigProvisioner, provisioners)}}},
	}}}
	plan.Variables = map[string]*tfjson.PlanVariable{"host": {Value: "the root's, which is another"}}
	return plan
}

func commandCode(replace ...string) Config {
	with := strings.NewReplacer(replace...)
	return Config{
		lifecycle.ModuleCall(mine) + "/main.tf": []byte(with.Replace("locals {\n  h = \"h1\"\n}\nmodule \"each\" {\n" +
			"  host = \"${local.h}.example\"\n}\n")),
		lifecycle.ModuleCall(mine) + ".each/main.tf": []byte(with.Replace(`
variable "host" {}
resource "a" "b" {
  connection {
    host = "c1"
  }
  provisioner "local-exec" {
    command     = "curl ${var.host} --header s3cr3t-value"
    environment = { DB_PASSWORD = "abc", SELF = self.id }
  }
  provisioner "remote-exec" {
    when   = destroy
    inline = ["rm ${self.id}"]
  }
}
`)),
	}
}

// A command that a provisioner runs beside the plan is shown and approved with it.
func TestCommands(t *testing.T) {
	s := summarized(t, commandPlan(tfjson.Actions{tfjson.ActionCreate}, 2), commandCode())
	want := `[{"config":{"command":{"expression":"\"curl ${var.host} --header (sensitive)\"","values":{"root.tfpilot_req_aaaaaaaaaaaaa: local.h":"h1","var.host":{"expression":"\"${local.h}.example\""}}},` +
		`"connection of the resource":{"host":"c1"},"environment":{"DB_PASSWORD":"(sensitive)","SELF":{"expression":"self.id"}}},"type":"local-exec"}]`
	if got := WithoutFingerprints(strings.TrimSpace(string(canonical(s.Changes[0].Commands)))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again, err := ParseSummary(s.Bytes()); err != nil || again.Digest() != s.Digest() {
		t.Errorf("read back: %v", err)
	}
	for _, c := range [][2]string{{"curl", "wget"}, {"h1", "h2"}, {".example", ".evil"}, {"c1", "c2"}} {
		if summarized(t, commandPlan(tfjson.Actions{tfjson.ActionCreate}, 2),
			commandCode(c[0], c[1])).Digest() == s.Digest() {
			t.Errorf("%s for %s has the same digest", c[1], c[0])
		}
	}
	_, err := Summarize(commandPlan(tfjson.Actions{tfjson.ActionCreate}, 3),
		Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen, Config: commandCode(), FingerprintKey: testKey})
	if no := (*PlanError)(nil); !errors.As(err, &no) || no.Code != lifecycle.CodeUnsupported {
		t.Errorf("a command that cannot be read: %v", err)
	}
}

// A change is shown the commands that run with it, and no others.
func TestCommandsRunInTheirTime(t *testing.T) {
	for name, c := range map[string]struct {
		actions tfjson.Actions
		want    []string
	}{
		"create":  {tfjson.Actions{tfjson.ActionCreate}, []string{"local-exec"}},
		"replace": {tfjson.Actions{tfjson.ActionDelete, tfjson.ActionCreate}, []string{"local-exec", "remote-exec"}},
		"delete":  {tfjson.Actions{tfjson.ActionDelete}, []string{"remote-exec"}},
		"update":  {tfjson.Actions{tfjson.ActionUpdate}, nil},
	} {
		s, err := Summarize(commandPlan(c.actions, 2), Scope{RequestID: mine, Purpose: lifecycle.PurposeEdit,
			Config: commandCode(), FingerprintKey: testKey})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range s.Changes[0].Commands {
			got = append(got, one.(map[string]any)["type"].(string))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Locals may lead back to each other in what was never planned, and far in what was.
func TestSettingsEnd(t *testing.T) {
	config := testConfig("111122223333", "${local.role}")
	if _, err := Summarize(awsPlan(t, configurations...), Scope{RequestID: mine, Purpose: lifecycle.PurposeOpen,
		Config: config, FingerprintKey: testKey}); err != nil {
		t.Error(err)
	}
}

func TestReadConfig(t *testing.T) {
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	for name, text := range map[string]string{"tfplan": "x", "tfconfig/modules.json": "[]", "tfconfig/m-/main.tf": "a",
		"tfconfig/m-x.in/v.tf": "b", "tfconfig/m-/x.tfvars": "c"} {
		part, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConfig(file.Bytes())
	if want := (Config{"/main.tf": []byte("a"), "x.in/v.tf": []byte("b")}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := ReadConfig([]byte("no archive")); err == nil {
		t.Error("what is no plan file was read")
	}
}

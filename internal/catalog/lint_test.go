package catalog

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

const lintOld = `variable "a" {
  type        = string
  description = "d"
}
variable "b" {
  type        = string
  description = "d"
  default     = "x"
}`

const lintRule = "variable \"b\" {\n  type = string\n  description = \"d\"\n  default = \"x\"\n  validation {\n" +
	"    condition     = %s\n    error_message = \"m\"\n  }\n}"

var lintCases = []struct{ name, tf, overlay, previous, want string }{
	{"fine", lintOld, "", lintOld, ""},
	{"new with default", lintOld + "\nvariable \"c\" {\n  type = string\n  description = \"d\"\n  default = \"\"\n}", "",
		lintOld, ""},
	{"sensitive", "variable \"a\" {\n  type = string\n  sensitive = true\n}", "", "", "a secret is never an input"},
	{"no description", `variable "a" { type = string }`, "", "", "no description"},
	{"described by the overlay", `variable "a" { type = string }`, "fields: [{name: a, help: h}]", "", ""},
	{"hidden without description", "variable \"a\" {\n  default = 1\n}", "hidden: [a]", "", ""},
	{"plantimestamp", `locals { a = "x${plantimestamp()}" }`, "", "", "plantimestamp"},
	{"core plantimestamp", `locals { a = core::plantimestamp() }`, "", "", "plantimestamp"},
	{"data", `data "aws_vpc" "x" {}`, "", "", "list its type under data"},
	{"listed data", `data "aws_vpc" "x" {}`, "data: [aws_vpc]", "", ""},
	{"external", `data "external" "x" {}`, "data: [external]", "", "never possible"},
	{"provisioner", "resource \"aws_instance\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"x\"\n  }\n}",
		"", "", "runs commands"},
	{"import", "import {\n  to = aws_s3_bucket.x\n  id = \"x\"\n}", "", "", "own files only"},
	{"experiment", "terraform {\n  experiments = [x]\n}", "", "", "experiments"},
	{"function of no one", `locals { a = nosuch(1) }`, "", "", "calls nosuch, which Terraform " + TerraformVersion +
		" does not have"},
	{"functions of a plan and a provider",
		`locals { a = [core::timestamp(), file("x"), provider::aws::arn_parse("x")] }`, "", "", ""},
	{"undeclared variable", `output "x" { value = var.nam }`, "", "", "refers to var.nam, which is not declared"},
	{"undeclared local", "resource \"x_y\" \"z\" {\n  b {\n    c = local.l\n  }\n}", "", "", "refers to local.l,"},
	{"undeclared module", `locals { a = module.m.id }`, "", "", "refers to module.m,"},
	{"undeclared data", `locals { a = data.aws_vpc.x.id }`, "", "", "refers to data.aws_vpc.x,"},
	{"declared", "locals {\n  l = [for module in [1] : module]\n  a = local.l\n}\nmoved {\n  from = module.old\n" +
		"  to = x_y.z\n}", "", "", ""},
	{"a name of a loop", "resource \"x_y\" \"z\" {\n  dynamic \"b\" {\n    for_each = [1]\n    content {\n" +
		"      c = b.value\n    }\n  }\n}", "", "", ""},
	{"provider", `provider "aws" {}`, "", "", "cannot be destroyed"},
	{"remote module", `module "x" { source = "git::https://example.com/x" }`, "", "", "from elsewhere"},
	{"module of the registry", `module "x" { source = "terraform-aws-modules/vpc/aws" }`, "", "", "from elsewhere"},
	{"module outside", `module "x" { source = "../other" }`, "", "", "outside the module's directory"},
	{"module outside by a detour", `module "x" { source = "./a/../../other" }`, "", "", "outside the module's directory"},
	{"module that is not there", `module "x" { source = "./gone" }`, "", "", "holds no .tf file"},
	{"module itself", `module "x" { source = "./a/.." }`, "", "", "the module itself"},
	{"aliased provider", "resource \"aws_instance\" \"x\" {\n  provider = aws.far\n}", "", "", "passes no providers"},
	{"plain provider", "resource \"aws_instance\" \"x\" {\n  provider = aws\n}", "", "", ""},
	{"data of a check", "check \"c\" {\n  data \"http\" \"x\" {}\n}", "", "", "reads data http.x"},
	{"configuration aliases", "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n" +
		"      configuration_aliases = [aws.a]\n    }\n  }\n}", "", "", "configuration_aliases"},
	{"providers", "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}",
		"", "", ""},
	{"provider of other environments", "terraform {\n  required_providers {\n    aws = {\n" +
		"      source  = \"hashicorp/aws\"\n      version = \"~> 4.0\"\n    }\n  }\n}", "", "",
		"note: requires ~> 4.0 of the provider aws, but environments as bootstrap writes them take >= 5.0, < 7.0"},
	{"provider of any environment", "terraform {\n  required_providers {\n    aws = {\n" +
		"      source  = \"hashicorp/aws\"\n      version = \"~> 6.14\"\n    }\n  }\n}", "", "", ""},
	{"another provider", "terraform {\n  required_providers {\n    random = {\n      source  = \"hashicorp/random\"\n" +
		"      version = \"~> 3.0\"\n    }\n  }\n}", "", "", ""},
	{"provider's version that is none", "terraform {\n  required_providers {\n    aws = \"new\"\n  }\n}", "", "",
		"not a version constraint"},
	{"Terraform that will do", "terraform {\n  required_version = \">= 1.5, < 2.0\"\n}", "", "", ""},
	{"Terraform of the past", "terraform {\n  required_version = \"~> 1.10.0\"\n}", "", "",
		"requires Terraform ~> 1.10.0, but runs use " + TerraformVersion},
	{"Terraform that is none", "terraform {\n  required_version = \"new\"\n}", "", "", "not a version constraint"},
	{"new without default", lintOld + "\nvariable \"c\" {\n  type = string\n  description = \"d\"\n}", "", lintOld,
		"new variable c needs a default"},
	{"removed", "variable \"a\" {\n  type = string\n  description = \"d\"\n}", "", lintOld, "variable b is gone"},
	{"type", strings.Replace(lintOld, "type        = string", "type        = number", 1), "", lintOld,
		"variable a has another type"},
	{"default gone", strings.Replace(lintOld, "\n  default     = \"x\"", "", 1), "", lintOld, "lost its default"},
	{"output gone", lintOld, "", lintOld + "\noutput \"o\" {\n  value = 1\n}", "output o is gone"},
	{"output that hides", lintOld + "\noutput \"o\" {\n  value = 1\n  sensitive = true\n}", "", lintOld +
		"\noutput \"o\" {\n  value = 1\n}", "note: output o is sensitive now"},
	{"resource renamed", "resource \"x_y\" \"b\" {}", "", "resource \"x_y\" \"a\" {}", "note: x_y.a is gone"},
	{"resource moved", "resource \"x_y\" \"b\" {}\nmoved {\n  from = x_y.a\n  to   = x_y.b\n}", "",
		"resource \"x_y\" \"a\" {}", ""},
	{"resource let go", "removed {\n  from = x_y.a\n  lifecycle {\n    destroy = false\n  }\n}", "",
		"resource \"x_y\" \"a\" {}", ""},
	{"rule added", fmt.Sprintf(lintRule, `length(var.b) < 9`), "", fmt.Sprintf(lintRule, `var.b != ""`),
		"note: variable b has a new validation"},
	{"rule reformatted", fmt.Sprintf(lintRule, `length(var.b)   <   9`), "", fmt.Sprintf(lintRule, `length(var.b) < 9`), ""},
	{"field hidden", "variable \"b\" {\n  type = string\n  default = \"x\"\n}", "hidden: [b]",
		"variable \"b\" {\n  type = string\n  default = \"x\"\n}", "note: field b is no longer in the form"},
	{"choice against validation", "variable \"a\" {\n  type = string\n  description = \"d\"\n  validation {\n" +
		"    condition = var.a != \"x\"\n    error_message = \"m\"\n  }\n}", "fields: [{name: a, choices: [x]}]", "",
		"refuses"},
	{"default against validation", fmt.Sprintf(lintRule, `var.b != "x"`), "", "",
		"the default of field b, \"x\", is refused: m"},
	{"one side guards the other", "variable \"b\" {\n  type = string\n  description = \"d\"\n  default = null\n" +
		"  validation {\n    condition     = var.b == null || length(var.b) > 2\n    error_message = \"m\"\n  }\n}", "",
		"", "tries both sides of && and ||"},
	{"one side guarded as it works", "variable \"b\" {\n  type = string\n  description = \"d\"\n  default = null\n" +
		"  validation {\n    condition     = var.b == null ? true : length(var.b) > 2\n    error_message = \"m\"\n  }\n}",
		"", "", ""},
	{"rule that reads a local", fmt.Sprintf(lintRule, `contains(local.l, var.b)`) + "\nlocals {\n  l = \"x\"\n}", "", "",
		"note: the validation of variable b refers to local.l"},
	{"rule that reads data", fmt.Sprintf(lintRule, `var.b != data.x_y.z.id`) + "\ndata \"x_y\" \"z\" {}", "data: [x_y]", "",
		"refers to data.x_y"},
	{"rule that reads the directory", fmt.Sprintf(lintRule, `fileexists("${path.module}/${var.b}")`), "", "",
		"calls fileexists, refers to path.module"},
	{"rule of a provider's function", fmt.Sprintf(lintRule, `provider::x::y(var.b)`), "", "", "calls provider::x::y"},
}

// TestLint holds what each fault of a module is called. The text of a note begins with "note: ".
func TestLint(t *testing.T) {
	for _, tc := range lintCases {
		t.Run(tc.name, func(t *testing.T) {
			var previous fs.FS
			if tc.previous != "" {
				previous = moduleFS("m", tc.previous, "title: T")
			}
			findings, err := Lint(moduleFS("m", tc.tf, "title: T\n"+tc.overlay), previous)
			if err != nil {
				t.Fatal(err)
			}
			if (tc.want == "") != (len(findings) == 0) {
				t.Fatalf("findings %v, want %q", findings, tc.want)
			}
			if tc.want != "" && (len(findings) != 1 || !strings.Contains(findings[0].String(), tc.want)) {
				t.Errorf("got %v, want %q", findings, tc.want)
			}
		})
	}
	gone, err := Lint(fstest.MapFS{}, moduleFS("m", "", "title: T"))
	if err != nil || len(gone) != 1 {
		t.Errorf("a module that is gone: %v %v", gone, err)
	}
}

// TestLintOfTeamModules shows what is said of modules as platform teams have them.
func TestLintOfTeamModules(t *testing.T) {
	var got strings.Builder
	for _, dirs := range [][2]string{{"modules", ""}, {"output-gone/after", "output-gone/before"}} {
		var previous fs.FS
		if dirs[1] != "" {
			previous = os.DirFS("testdata/" + dirs[1])
		}
		findings, err := Lint(os.DirFS("testdata/"+dirs[0]), previous)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			fmt.Fprintln(&got, f)
		}
	}
	golden.Check(t, "testdata/lint.txt", got.String())
}

// TestLintReadsWhatTerraformReads: examples and tests beside a module are not part of it.
func TestLintReadsWhatTerraformReads(t *testing.T) {
	module := fstest.MapFS{
		"m/tfpilot.yaml":              {Data: []byte("title: T")},
		"m/main.tf":                   {Data: []byte(`module "a" { source = "./parts/a" }`)},
		"m/parts/a/main.tf":           {Data: []byte(`module "b" { source = "../b" }`)},
		"m/parts/b/main.tf":           {Data: []byte("resource \"x_y\" \"b\" {\n  provider = x.far\n}")},
		"m/examples/all/main.tf":      {Data: []byte("provider \"aws\" {}\nmodule \"m\" {\n  source = \"../..\"\n}")},
		"m/examples/all/more.tf.json": {Data: []byte("{}")},
		"m/tests/plan.tftest.hcl":     {Data: []byte("run \"x\" {}")},
	}
	findings, err := Lint(module, nil)
	if err != nil || len(findings) > 0 {
		t.Error(err, findings)
	}
	module["m/parts/b/main.tf"] = &fstest.MapFile{Data: []byte(`provider "aws" {}`)}
	findings, err = Lint(module, nil)
	if err != nil || len(findings) != 1 || findings[0].Where != "parts/b/main.tf:1" {
		t.Error(err, findings)
	}
}

// TestLintKnowsWhichProvidersACallHas: the module passes its default ones under any name, but no other.
func TestLintKnowsWhichProvidersACallHas(t *testing.T) {
	for providers, want := range map[string]int{"{ aws.far = aws }": 0, "{ aws = aws.far }": 2,
		"{ aws.far = aws.near, aws = aws }": 1} {
		findings, err := Lint(fstest.MapFS{
			"m/tfpilot.yaml": {Data: []byte("title: T")},
			"m/main.tf":      {Data: []byte("module \"a\" {\n  source    = \"./a\"\n  providers = " + providers + "\n}")},
			"m/a/main.tf": {Data: []byte("terraform {\n  required_providers {\n    aws = {\n" +
				"      source = \"hashicorp/aws\"\n      configuration_aliases = [aws.far]\n    }\n  }\n}")},
		}, nil)
		if err != nil || len(findings) != want {
			t.Errorf("%s: %v, %v", providers, findings, err)
		}
	}
}

// TestLintFindsWhatFailsInEveryPlan: calls between the directories of a module.
func TestLintFindsWhatFailsInEveryPlan(t *testing.T) {
	const alias = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n" +
		"      configuration_aliases = [aws.far]\n    }\n  }\n}"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a configuration that is not passed": {map[string]string{"main.tf": `module "a" { source = "./a" }`,
			"a/main.tf": alias}, "does not pass the provider aws.far"},
		"directories that call each other": {map[string]string{"main.tf": `module "a" { source = "./a" }`,
			"a/main.tf": `module "b" { source = "../b" }`, "b/main.tf": `module "a" { source = "../a" }`},
			"which calls this one in turn"},
		"one directory twice": {map[string]string{"main.tf": "module \"a\" {\n  source = \"./a\"\n}\n" +
			"module \"b\" {\n  source = \"./a\"\n}", "a/main.tf": ""}, ""},
		"a file of OpenTofu":         {map[string]string{"main.tf": "", "more.tofu": ""}, "write it as .tf"},
		"one beside the directories": {map[string]string{"main.tf": "", "examples/more.tofu": ""}, ""},
	} {
		module := fstest.MapFS{"m/tfpilot.yaml": {Data: []byte("title: T")}}
		for file, content := range tc.files {
			module["m/"+file] = &fstest.MapFile{Data: []byte(content)}
		}
		findings, err := Lint(module, nil)
		if err != nil || len(findings) != min(len(tc.want), 1) || len(findings) == 1 &&
			!strings.Contains(findings[0].String(), tc.want) {
			t.Errorf("%s: %v, %v", name, err, findings)
		}
	}
}

func TestVersionsMeet(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"~> 4.0", ">= 5.0, < 7.0", false}, {">= 7.0", ">= 5.0, < 7.0", false}, {"> 6.99", ">= 5.0, < 7.0", true},
		{"5.31.0", ">= 5.0, < 7.0", true},
		{">= 3.0", ">= 5.0, < 7.0", true}, {"~> 5.0, != 5.0.0", "~> 5.0.0", true}, {"< 5.0", ">= 5.0", false}, {"<= 5.0", ">= 5.0", true}, {"~> 5.40", "< 5.40", false}, {"< 6.0", "> 4.5", true},
	} {
		if got := compatible(tc.a, tc.b); got != tc.want || compatible(tc.b, tc.a) != tc.want {
			t.Errorf("%s and %s: %t, want %t", tc.a, tc.b, got, tc.want)
		}
	}
}

// TestModuleHasItsHiddenFiles leaves out only what editors, git and Terraform leave behind.
func TestModuleHasItsHiddenFiles(t *testing.T) {
	module := fstest.MapFS{"m/tfpilot.yaml": {Data: []byte("title: T")}, "m/main.tf": {}}
	kept := []string{".motd.tpl", "files/.env.tpl", ".config/app.json", ".header.md", "a.tf.bak", "#readme"}
	left := []string{".terraform/x", ".terraform.lock.hcl", ".git/config", "sub/.git", ".idea/x", ".vscode/x", ".main.tf.swp", "main.tf~", ".#main.tf", "#main.tf#", ".DS_Store"}
	for _, name := range append(kept, left...) {
		module["m/"+name] = &fstest.MapFile{Data: []byte("x")}
	}
	c, err := Load(module)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	files := m.Files()
	if len(files) != len(kept)+2 {
		t.Errorf("%d files, want %d", len(files), len(kept)+2)
	}
	for _, name := range kept {
		if files[name] == nil {
			t.Errorf("%s is left out", name)
		}
	}
	if _, found := files[left[0]]; found {
		t.Error("a leftover is taken")
	}
	before := m.Digest
	module["m/.motd.tpl"] = &fstest.MapFile{Data: []byte("y")}
	if c, err = Load(module); err != nil {
		t.Fatal(err)
	}
	if m, _ = c.Module("m"); m.Digest == before {
		t.Error("the digest does not cover a hidden file")
	}
}

func TestModuleWithoutConfigurationIsRefused(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"none":   {},
		"hidden": {"m/.main.tf": {}},
		"below":  {"m/sub/main.tf": {}},
	} {
		files["m/tfpilot.yaml"] = &fstest.MapFile{Data: []byte("title: T")}
		if _, err := Load(files); err == nil || !strings.Contains(err.Error(), "holds no .tf file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

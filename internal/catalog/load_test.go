package catalog

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoadRefuses(t *testing.T) {
	const title = "title: T\n"
	for _, tc := range []struct{ name, tf, overlay, want string }{
		{"sensitive", `variable "password" {
			type      = string
			sensitive = true
		}`, title, "a secret is never an input"},
		{"ephemeral", `variable "token" {
			type      = string
			ephemeral = true
		}`, title, "a secret is never an input"},
		{"sensitive in disguise", `variable "p" {
			type      = string
			sensitive = "true" == "true"
		}`, title, "a secret is never an input"},
		{"no type", `variable "a" {}`, title, "has no type"},
		{"name", `variable "Bad" { type = string }`, title, "named like bucket_name"},
		{"reserved name", `variable "source" { type = string }`, title, "Terraform's own words"},
		{"object without hidden", `variable "a" { type = object({ b = string }) }`, title, "cannot be asked for"},
		{"nested list", `variable "a" { type = list(list(string)) }`, title, "cannot be asked for"},
		{"default of another type", `variable "a" {
			type    = number
			default = "x"
		}`, title, "default"},
		{"unknown function", `variable "a" {
			type = string
			validation {
				condition     = file("x") == var.a
				error_message = "m"
			}
		}`, title, "calls file"},
		{"other reference", `variable "a" {
			type = string
			validation {
				condition     = local.x == var.a
				error_message = "m"
			}
		}`, title, "refers to local"},
		{"syntax", `variable "a" {`, title, "parse"},
		{"no title", ``, "description: x", "title is missing"},
		{"unknown key", ``, title + "colour: red", "colour"},
		{"two documents", ``, title + "---\ntitle: U\n", "more than one document"},
		{"unknown field", ``, title + "fields: [{name: nope}]", "not a variable"},
		{"field twice", `variable "a" { type = string }`, title + "fields: [{name: a}, {name: a}]", "listed twice"},
		{"unknown group", `variable "a" { type = string }`, title + "fields: [{name: a, group: other}]", "only \"advanced\" is known"},
		{"required and advanced", `variable "a" { type = string }`, title + "fields: [{name: a, group: advanced}]", "cannot be folded away"},
		{"choice of another type", `variable "a" { type = number }`, title + "fields: [{name: a, choices: [x]}]", "choice"},
		{"number as text choice", `variable "a" { type = string }`, title + "fields: [{name: a, choices: [1]}]", "put it in quotes"},
		{"choices of a map", `variable "a" { type = map(string) }`, title + "fields: [{name: a, choices: [x]}]", "choices fit only"},
		{"max of a text", `variable "a" { type = string }`, title + "fields: [{name: a, limits: [{max: 3}]}]", "of a number field"},
		{"empty limit", `variable "a" { type = string }`, title + "fields: [{name: a, limits: [{reason: x}]}]", "needs allowed"},
		{"unknown output", ``, title + "outputs: [x]", "output x does not exist"},
		{"computed kind", `variable "a" { type = string }`, title + "computed: {a: weather}", "known are tags"},
		{"computed type", `variable "a" { type = string }`, title + "computed: {a: tags}", "must be a variable of type map of string"},
		{"hidden without default", `variable "a" { type = string }`, title + "hidden: [a]", "has no default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(moduleFS("mod", tc.tf, tc.overlay))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestLoadReportsAllFaults(t *testing.T) {
	fsys := moduleFS("one", `variable "a" {}
variable "b" {}`, "title: T")
	for name, file := range moduleFS("Two", "", "title: T") {
		fsys[name] = file
	}
	_, err := Load(fsys)
	for _, want := range []string{`"a"`, `"b"`, "module Two"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestDigestCoversEveryFile(t *testing.T) {
	seen := map[string]string{}
	for name, fsys := range map[string]fstest.MapFS{
		"base":    {"m/a.tf": {Data: []byte("")}, "m/tfpilot.yaml": {Data: []byte("title: T")}},
		"content": {"m/a.tf": {Data: []byte("# x")}, "m/tfpilot.yaml": {Data: []byte("title: T")}},
		"name":    {"m/b.tf": {Data: []byte("")}, "m/tfpilot.yaml": {Data: []byte("title: T")}},
		"overlay": {"m/a.tf": {Data: []byte("")}, "m/tfpilot.yaml": {Data: []byte("title: U")}},
		"more":    {"m/a.tf": {Data: []byte("")}, "m/x/b.txt": {Data: []byte("")}, "m/tfpilot.yaml": {Data: []byte("title: T")}},
	} {
		c, err := Load(fsys)
		if err != nil {
			t.Fatal(name, err)
		}
		m, _ := c.Module("m")
		if other, twice := seen[m.Digest]; twice {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[m.Digest] = name
	}
}

func TestHiddenComputedAndOptional(t *testing.T) {
	c, err := Load(moduleFS("m", `
variable "owner" { type = string }
variable "settings" {
  type    = object({ size = optional(number, 3) })
  default = {}
}
variable "note" {
  type    = string
  default = "x"
  validation {
    condition     = var.settings.size == 3 && length(var.note) < 4
    error_message = "Too long for size ${var.settings.size}."
  }
}`, "title: T\nhidden: [settings]\ncomputed: {owner: project}"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	if len(m.Fields) != 1 || m.Fields[0].Name != "note" {
		t.Fatalf("fields are %+v, want only note", m.Fields)
	}
	_, errs := m.Parse(map[string]any{"note": "longer", "owner": "me"}, dev)
	got := byField(errs)
	if got["note"] != "Too long for size 3." || !strings.Contains(got["owner"], "set by TfPilot") {
		t.Errorf("got %v", got)
	}
	args, err := m.Args(map[string]any{}, Computed{Project: "core"})
	if err != nil || args["owner"].AsString() != "core" {
		t.Error(args, err)
	}
}

func TestLint(t *testing.T) {
	old := `variable "a" {
  type        = string
  description = "d"
}
variable "b" {
  type        = string
  description = "d"
  default     = "x"
}`
	for _, tc := range []struct{ name, tf, overlay, previous, want string }{
		{"fine", old, "", old, ""},
		{"new with default", old + "\nvariable \"c\" {\n  type = string\n  description = \"d\"\n  default = \"\"\n}", "", old, ""},
		{"sensitive", "variable \"a\" {\n  type = string\n  sensitive = true\n}", "", "", "a secret is never an input"},
		{"no description", `variable "a" { type = string }`, "", "", "no description"},
		{"plantimestamp", `locals { a = "x${plantimestamp()}" }`, "", "", "plantimestamp"},
		{"data", `data "aws_vpc" "x" {}`, "", "", "list its type under data"},
		{"listed data", `data "aws_vpc" "x" {}`, "data: [aws_vpc]", "", ""},
		{"external", `data "external" "x" {}`, "data: [external]", "", "never possible"},
		{"provisioner", "resource \"aws_instance\" \"x\" {\n  provisioner \"local-exec\" {\n    command = \"x\"\n  }\n}", "", "", "runs commands"},
		{"provider", `provider "aws" {}`, "", "", "cannot be destroyed"},
		{"remote module", `module "x" { source = "git::https://example.com/x" }`, "", "", "from elsewhere"},
		{"new without default", old + "\nvariable \"c\" {\n  type = string\n  description = \"d\"\n}", "", old, "new variable c needs a default"},
		{"removed", "variable \"a\" {\n  type = string\n  description = \"d\"\n}", "", old, "variable b is gone"},
		{"type", strings.Replace(old, "type        = string", "type        = number", 1), "", old, "variable a has another type"},
		{"default gone", strings.Replace(old, "\n  default     = \"x\"", "", 1), "", old, "lost its default"},
		{"choice against validation", "variable \"a\" {\n  type = string\n  description = \"d\"\n  validation {\n    condition = var.a != \"x\"\n    error_message = \"m\"\n  }\n}", "fields: [{name: a, choices: [x]}]", "", "refuses"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var previous fstest.MapFS
			now := moduleFS("m", tc.tf, "title: T\n"+tc.overlay)
			delete(now, "m/inner/main.tf")
			findings, err := Lint(now, nil)
			if tc.previous != "" {
				previous = moduleFS("m", tc.previous, "title: T")
				findings, err = Lint(now, previous)
			}
			if err != nil {
				t.Fatal(err)
			}
			if (tc.want == "") != (len(findings) == 0) {
				t.Fatalf("findings %v, want %q", findings, tc.want)
			}
			if tc.want != "" && !strings.Contains(findings[0].String(), tc.want) {
				t.Errorf("got %v, want %q", findings, tc.want)
			}
		})
	}
	gone, err := Lint(fstest.MapFS{}, moduleFS("m", "", "title: T"))
	if err != nil || len(gone) != 1 {
		t.Errorf("a module that is gone: %v %v", gone, err)
	}
}

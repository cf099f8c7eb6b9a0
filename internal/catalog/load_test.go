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
		{"no type", `variable "a" {}`, title, "its type, any type, is not supported as an input"},
		{"a bare list", `variable "a" { type = list }`, title, "is not supported as an input"},
		{"a hidden secret without default", `variable "a" {
			type      = string
			sensitive = true
		}`, title + "hidden: [a]", "has no default"},
		{"a computed secret", `variable "a" {
			type      = string
			sensitive = true
		}`, title + "computed: {a: project}", "a secret is never an input"},
		{"a secret with a default", `variable "a" {
			type      = string
			default   = "x"
			sensitive = true
		}`, title, "list the variable under hidden"},
		{"null where it is not taken", `variable "a" {
			type     = string
			default  = null
			nullable = false
		}`, title, "must not be null"},
		{"declared twice", `variable "a" { type = string }
variable "a" { type = string }`, title, "declared twice"},
		{"name of a field", `variable "business-unit" {
			type    = string
			default = ""
		}`, title, "list the variable under hidden"},
		{"name", `variable "Bad" { type = string }`, title, "named like bucket_name"},
		{"reserved name", `variable "source" { type = string }`, title, "not a name that Terraform takes"},
		{"object without hidden", `variable "a" { type = object({ b = string }) }`, title, "is not supported as an input"},
		{"nested list", `variable "a" { type = list(list(string)) }`, title, "is not supported as an input"},
		{"default of another type", `variable "a" {
			type    = number
			default = "x"
		}`, title, "default"},
		{"syntax", `variable "a" {`, title, "parse"},
		{"no title", ``, "description: x", "title is missing"},
		{"unknown key", ``, title + "shade: red", "shade"},
		{"two documents", ``, title + "---\ntitle: U\n", "more than one document"},
		{"unknown field", ``, title + "fields: [{name: nope}]", "not a variable"},
		{"field twice", `variable "a" { type = string }`, title + "fields: [{name: a}, {name: a}]", "listed twice"},
		{"unknown group", `variable "a" { type = string }`, title + "fields: [{name: a, group: other}]",
			"only \"advanced\" is known"},
		{"required and advanced", `variable "a" { type = string }`, title + "fields: [{name: a, group: advanced}]",
			"cannot be folded away"},
		{"choice of another type", `variable "a" { type = number }`, title + "fields: [{name: a, choices: [x]}]", "choice"},
		{"number as text choice", `variable "a" { type = string }`, title + "fields: [{name: a, choices: [1]}]",
			"put it in quotes"},
		{"choices of a map", `variable "a" { type = map(string) }`, title + "fields: [{name: a, choices: [x]}]",
			"choices fit only"},
		{"max of a text", `variable "a" { type = string }`, title + "fields: [{name: a, limits: [{max: 3}]}]",
			"of a number field"},
		{"empty limit", `variable "a" { type = string }`, title + "fields: [{name: a, limits: [{reason: x}]}]",
			"needs allowed"},
		{"unknown output", ``, title + "outputs: [x]", "output x does not exist"},
		{"computed kind", `variable "a" { type = string }`, title + "computed: {a: weather}", "known are tags"},
		{"computed type", `variable "a" { type = string }`, title + "computed: {a: tags}",
			"must be a variable of type map of string"},
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
	for _, want := range []string{"variable a", "variable b", "module Two"} {
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
		"more": {"m/a.tf": {Data: []byte("")}, "m/x/b.txt": {Data: []byte("")},
			"m/tfpilot.yaml": {Data: []byte("title: T")}},
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

// A text whose name suggests a credential is not a field: what people type would be kept in git.
// The overlay can override that.
func TestFieldsNamedLikeCredentials(t *testing.T) {
	const name = "variable \"name\" {\n  type = string\n  description = \"Name.\"\n}\n"
	for _, c := range []struct{ variable, typ, overlay, want string }{
		{"admin_password", "string", "title: T", "suggests a credential"},
		{"auth_token", "string", "title: T", "suggests a credential"},
		{"api_keys", "list(string)", "title: T", "suggests a credential"},
		{"client_secrets", "map(string)", "title: T", "suggests a credential"},
		{"auth_token", "string", "title: T\nfields: [{name: auth_token, secret: true}]", "a secret is never an input"},
		{"auth_token", "string", "title: T\nfields: [{name: auth_token, secret: false}]", ""},
		{"auth_token", "string", "title: T\nfields: [{name: auth_token, choices: [none, iam]}]", ""},
		{"rotate_password", "bool", "title: T", ""},
		{"secret_arn", "string", "title: T", ""},
		{"password_length", "number", "title: T", ""},
	} {
		tf := name + "variable \"" + c.variable + "\" {\n  type = " + c.typ + "\n  description = \"D.\"\n}\n"
		findings, err := Lint(moduleFS("m", tf, c.overlay), nil)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, f := range findings {
			text += f.String() + "\n"
		}
		if c.want == "" && text != "" || !strings.Contains(text, c.want) {
			t.Errorf("%s %s, %q: %q", c.variable, c.typ, c.overlay, text)
		}
	}
}

package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

// shipped is loaded once: it never changes.
var shipped = sync.OnceValues(Builtin)

func builtin(t testing.TB) *Catalog {
	t.Helper()
	c, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func builtinModule(t testing.TB, name string) *Module {
	t.Helper()
	m, ok := builtin(t).Module(name)
	if !ok {
		t.Fatalf("no module %s", name)
	}
	return m
}

var dev = Environment{Project: "core", Key: "dev", Slug: "app"}
var prod = Environment{Project: "core", Key: "prod", Slug: "app", Protected: true}

func TestBuiltinForms(t *testing.T) {
	c := builtin(t)
	var got strings.Builder
	for _, m := range c.Modules() {
		fmt.Fprintf(&got, "%s: %s. %s\n", m.Name, m.Title, m.Description)
		for _, f := range m.Fields {
			fmt.Fprintf(&got, "  %s | %s | %s%s | required=%t advanced=%t immutable=%t | default=%q | choices=%s\n", f.Name,
				f.Label, f.Kind,
				f.Elem, f.Required, f.Advanced, f.Immutable, f.Text(f.Default), strings.Join(choiceWords(f.Choices), ","))
		}
		for _, o := range m.Outputs {
			fmt.Fprintf(&got, "  → %s: %s\n", o.Name, o.Description)
		}
	}
	golden.Check(t, "testdata/forms.txt", got.String())
}

func TestEveryFormHasVariety(t *testing.T) {
	kinds := map[Kind]bool{}
	for _, m := range builtin(t).Modules() {
		advanced := false
		for _, f := range m.Fields {
			kinds[f.Kind] = true
			advanced = advanced || f.Advanced
		}
		if !advanced || len(m.Outputs) == 0 {
			t.Errorf("%s has no advanced field or no output", m.Name)
		}
	}
	for _, kind := range []Kind{Text, Number, Bool, Select, List, Map} {
		if !kinds[kind] {
			t.Errorf("no module asks for a %s", kind)
		}
	}
}

func TestBuiltinPassesLint(t *testing.T) {
	findings, err := Lint(BuiltinFS(), BuiltinFS())
	if err != nil || len(findings) > 0 {
		t.Error(err, findings)
	}
}

var parseCases = []struct {
	name   string
	module string
	env    Environment
	input  map[string]any
	want   map[string]any
	errs   map[string]string // field → part of the message
}{
	{"typed in a form", "s3-bucket", dev,
		map[string]any{"name": " build-artifacts ", "versioning": "Yes", "encryption": "sse-kms", "expire_days": " 030 ",
			"reader_arns": "arn:aws:iam::123456789012:role/a, arn:aws:iam::123456789012:role/b",
			"tags":        "CostCenter=12=3\n\n Team = x ", "kms_key_arn": ""},
		map[string]any{"name": "build-artifacts", "versioning": true, "encryption": "aws:kms",
			"expire_days": json.Number("30"),
			"reader_arns": []any{"arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b"},
			"tags":        map[string]any{"CostCenter": "12=3", "Team": "x"}}, nil},
	{"as JSON", "s3-bucket", dev,
		map[string]any{"name": "abc", "versioning": false, "expire_days": json.Number("3e1"), "reader_arns": []any{},
			"tags": map[string]any{}, "kms_key_arn": nil},
		map[string]any{"name": "abc", "versioning": false, "expire_days": json.Number("30"), "reader_arns": []any{},
			"tags": map[string]any{}}, nil},
	{"all errors together", "s3-bucket", dev,
		map[string]any{"versioning": "perhaps", "expire_days": "30 days", "encryption": "aws:kmz", "reader_arns": "dana",
			"tags": "a", "nmae": "x"},
		map[string]any{}, map[string]string{"name": "Bucket name is missing", "versioning": "must be yes or no",
			"expire_days": "plain number such as 30",
			"encryption":  "(did you mean aws:kms?).", "reader_arns": "ARNs of IAM roles", "tags": "one name=value per line",
			"nmae": "Did you mean name?"}},
	{"validation of the module", "s3-bucket", dev, map[string]any{"name": "Bad_Name", "expire_days": 0.5},
		map[string]any{},
		map[string]string{"name": "lowercase letters", "expire_days": "whole number"}},
	{"the server's tags", "ecr-repo", dev, map[string]any{"name": "a/b", "tags": map[string]any{"managedby": "me"}},
		map[string]any{"name": "a/b"},
		map[string]string{"tags": "TfPilot sets ManagedBy"}},
	{"limits of dev", "ec2-instance", dev, map[string]any{"name": "web", "ami_id": "ami-0123456789abcdef0",
		"instance_type": "m7i.large", "root_volume_gb": 101},
		map[string]any{"name": "web", "ami_id": "ami-0123456789abcdef0"},
		map[string]string{"instance_type": "must be one of t3.micro, t3.small, t3.medium in dev/app: larger",
			"root_volume_gb": "at most 100 in dev/app"}},
	{"the same in prod", "ec2-instance", prod, map[string]any{"name": "web", "ami_id": "ami-0123456789abcdef0",
		"instance_type": "m7i.large", "root_volume_gb": 101},
		map[string]any{"name": "web", "ami_id": "ami-0123456789abcdef0", "instance_type": "m7i.large",
			"root_volume_gb": json.Number("101")}, nil},
	{"limits of a protected environment", "ec2-instance", prod,
		map[string]any{"name": "web", "ami_id": "ami-0123456789abcdef0", "public_ip": "yes"},
		map[string]any{"name": "web",
			"ami_id": "ami-0123456789abcdef0"}, map[string]string{"public_ip": "must be no in prod/app"}},
	{"what production must have", "ecr-repo", prod, map[string]any{"name": "a/b", "immutable_tags": "no",
		"scan_on_push": "no"}, map[string]any{"name": "a/b"},
		map[string]string{"immutable_tags": "must be yes in prod/app", "scan_on_push": "must be yes in prod/app"}},
	{"versions in production", "s3-bucket", prod, map[string]any{"name": "abc", "versioning": "no"},
		map[string]any{"name": "abc"},
		map[string]string{"versioning": "must be yes in prod/app: in a protected environment"}},
	{"policies that give everything", "iam-role", dev,
		map[string]any{"name": "x", "trusted_services": "ec2.amazonaws.com",
			"managed_policy_arns": "arn:aws:iam::aws:policy/AdministratorAccess-Amplify"},
		map[string]any{"name": "x", "trusted_services": []any{"ec2.amazonaws.com"}}, map[string]string{"managed_policy_arns": "does not attach AdministratorAccess"}},
	{"policies of one's own", "iam-role", dev, map[string]any{"name": "x", "trusted_services": "ec2.amazonaws.com",
		"managed_policy_arns": "arn:aws:iam::123456789012:policy/team/poweruseraccess"},
		map[string]any{"name": "x", "trusted_services": []any{"ec2.amazonaws.com"}}, map[string]string{"managed_policy_arns": "does not attach AdministratorAccess"}},
	{"policies that give little", "iam-role", dev, map[string]any{"name": "x", "trusted_services": "ec2.amazonaws.com",
		"managed_policy_arns": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"},
		map[string]any{"name": "x", "trusted_services": []any{"ec2.amazonaws.com"},
			"managed_policy_arns": []any{"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}}, nil},
	{"a number by choice", "cloudwatch-log-group", dev, map[string]any{"name": "/acme", "retention_days": 7.0},
		map[string]any{"name": "/acme", "retention_days": json.Number("7")}, nil},
	{"a secret", "iam-role", dev, map[string]any{"name": "x", "trusted_services": "ec2.amazonaws.com",
		"description": "uses AKIAIOSFODNN7EXAMPLE"},
		map[string]any{"name": "x", "trusted_services": []any{"ec2.amazonaws.com"}}, map[string]string{"description": "looks like it holds an AWS access key"}},
	{"a secret in a map", "iam-role", dev, map[string]any{"name": "x", "trusted_services": "ec2.amazonaws.com",
		"tags": "Token=ghp_" + strings.Repeat("a1B2", 9)},
		map[string]any{"name": "x", "trusted_services": []any{"ec2.amazonaws.com"}}, map[string]string{"tags": "GitHub token"}},
	{"hidden characters", "iam-role", dev,
		map[string]any{"name": "x\x00", "trusted_services": "ec2\u202e.amazonaws.com", "description": "a\nb",
			"tags": "a=\xff"},
		map[string]any{}, map[string]string{"name": "U+0000", "trusted_services": "U+202E", "description": "on one line",
			"tags": "not valid UTF-8"}},
	{"joiners belong to words", "ecr-repo", dev,
		map[string]any{"name": "ab", "tags": "Who=\U0001f469\u200d\U0001f4bb می\u200cخواهم"},
		map[string]any{"name": "ab", "tags": map[string]any{"Who": "\U0001f469\u200d\U0001f4bb می\u200cخواهم"}}, nil},
	{"decomposed letters are composed", "ecr-repo", dev, map[string]any{"name": "ab", "tags": "Who=Rene\u0301"},
		map[string]any{"name": "ab", "tags": map[string]any{"Who": "Ren\u00e9"}}, nil},
	{"computed only by the server, unknown as a whole", "s3-bucket", dev,
		map[string]any{"name": "abc", "source": "evil"}, map[string]any{"name": "abc"},
		map[string]string{"source": "no field"}},
	{"values of the wrong type", "s3-bucket", dev, map[string]any{"name": 7, "versioning": []any{}, "expire_days": true,
		"tags": []any{"x"}, "reader_arns": map[string]any{"a": 1}},
		map[string]any{}, map[string]string{"name": "must be a text", "versioning": "yes or no",
			"expire_days": "must be a number", "tags": "name=value", "reader_arns": "must be a list"}},
}

func TestParse(t *testing.T) {
	for _, tc := range parseCases {
		t.Run(tc.name, func(t *testing.T) {
			config, errs := builtinModule(t, tc.module).Parse(tc.input, tc.env)
			if diff := cmp.Diff(tc.want, config); diff != "" {
				t.Errorf("config (-want +got):\n%s", diff)
			}
			messages := byField(errs)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(tc.errs)), slices.Sorted(maps.Keys(messages))); diff != "" {
				t.Errorf("fields with errors (-want +got):\n%s\n%s", diff, errs)
			}
			for field, part := range tc.errs {
				if !strings.Contains(messages[field], part) {
					t.Errorf("%s: %q does not say %q", field, messages[field], part)
				}
			}
		})
	}
}

func TestMissingIsSaid(t *testing.T) {
	_, errs := builtinModule(t, "ec2-instance").Parse(nil, dev)
	for _, one := range errs {
		if !strings.HasSuffix(one.Message, " is missing.") {
			t.Errorf("%+v", one)
		}
	}
	if len(errs) != 2 {
		t.Errorf("got %d errors, want name and ami_id", len(errs))
	}
}

func TestArgs(t *testing.T) {
	m := builtinModule(t, "s3-bucket")
	config, errs := m.Parse(map[string]any{"name": "abc", "tags": "Team=x"}, dev)
	if errs != nil {
		t.Fatal(errs)
	}
	args, err := m.Args(config, Computed{RequestID: "req_abcdefghijk12", Project: "core", Environment: "dev", Slug: "app"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]cty.Value{"name": cty.StringVal("abc"), "tags": cty.MapVal(map[string]cty.Value{
		"Team": cty.StringVal("x"), "ManagedBy": cty.StringVal("tfpilot"),
		"TfPilotRequestId": cty.StringVal("req_abcdefghijk12"),
		"Project":          cty.StringVal("core"), "Environment": cty.StringVal("dev/app")})}
	if len(args) != len(want) {
		t.Errorf("got %d arguments, want %d", len(args), len(want))
	}
	for name, value := range want {
		if !args[name].RawEquals(value) {
			t.Errorf("%s = %#v, want %#v", name, args[name], value)
		}
	}
}

func TestArgsRefusesWhatParseDidNotMake(t *testing.T) {
	m := builtinModule(t, "s3-bucket")
	for name, config := range map[string]map[string]any{
		"missing":       {},
		"unknown":       {"name": "abc", "other": "x"},
		"type":          {"name": "abc", "versioning": "yes"},
		"server's tags": {"name": "abc", "tags": map[string]any{"Project": "x"}},
		"decomposed":    {"name": "e\u0301"},
		"null in list":  {"name": "abc", "reader_arns": []any{nil}},
	} {
		if args, err := m.Args(config, Computed{}); err == nil {
			t.Errorf("%s: no error, %v", name, args)
		}
	}
}

func TestChanged(t *testing.T) {
	m := builtinModule(t, "ec2-instance")
	before := map[string]any{"name": "a", "ami_id": "ami-1", "public_ip": false}
	after := map[string]any{"name": "b", "ami_id": "ami-2"}
	errs := m.Changed(before, after)
	if len(errs) != 1 || errs[0].Field != "ami_id" {
		t.Errorf("got %v, want only ami_id: name may change, public_ip means its default", errs)
	}
}

func TestLimitsInForms(t *testing.T) {
	f, _ := builtinModule(t, "ec2-instance").Field("instance_type")
	if got := len(f.ChoicesIn(dev)); got != 3 {
		t.Errorf("dev offers %d sizes, want 3", got)
	}
	if got := len(f.ChoicesIn(prod)); got != len(f.Choices) {
		t.Errorf("prod offers %d sizes, want all", got)
	}
	if f.DefaultIn(dev) != "t3.micro" {
		t.Error("the default of dev is gone")
	}
}

func TestNearest(t *testing.T) {
	known := []string{"s3-bucket", "ec2-instance", "ecr-repo", "iam-role", "cloudwatch-log-group"}
	for word, want := range map[string]string{
		"s3": "s3-bucket", "s3bucket": "s3-bucket", "S3-Buckte": "s3-bucket", "bucket": "s3-bucket",
		"ec2-instnace": "ec2-instance",
		"role":         "iam-role", "log-group": "cloudwatch-log-group", "ecr": "ecr-repo", "": "", "kubernetes": "",
		strings.Repeat("s", 500): "",
	} {
		if got, _ := Nearest(word, known); got != want {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
	if got, _ := Nearest("prd", []string{"dev", "prod"}); got != "prod" {
		t.Errorf("prd: got %q", got)
	}
}

func TestAllows(t *testing.T) {
	m := Module{Title: "Queue", Allow: Allow{Roles: []string{"admin"}, Projects: []string{"core"}}}
	for _, tc := range []struct {
		role, project string
		want          bool
	}{{"admin", "core", true}, {"developer", "core", false}, {"admin", "payments", false}} {
		if ok, why := m.Allows(tc.role, tc.project); ok != tc.want || ok == (why != "") {
			t.Errorf("%s in %s: %t %q", tc.role, tc.project, ok, why)
		}
	}
}

func TestLaterReplacesEarlier(t *testing.T) {
	own := moduleFS("ecr-repo", `variable "name" { type = string }`, "title: Ours")
	c, err := Load(BuiltinFS(), own, moduleFS("queue", "", "title: Queue"))
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := c.Module("ecr-repo"); m.Title != "Ours" {
		t.Errorf("got %q, want the module of the later directory", m.Title)
	}
	if got := len(c.Names()); got != 6 {
		t.Errorf("got %d modules, want 6", got)
	}
	if near, _ := Nearest("queu", c.Names()); near != "queue" {
		t.Errorf("got %q", near)
	}
}

func moduleFS(name, tf, config string) fstest.MapFS {
	return fstest.MapFS{
		name + "/variables.tf":  {Data: []byte(tf)},
		name + "/tfpilot.yaml":  {Data: []byte(config)},
		name + "/.terraform/x":  {Data: []byte("left over")},
		".git/config":           {Data: []byte("not a module")},
		"README.md":             {Data: []byte("not a module")},
		name + "/.hidden.tf":    {Data: []byte("not parsed {{{")},
		name + "/inner/main.tf": {Data: []byte(`variable "inner" { type = string }`)},
	}
}

// byField joins the messages of each field.
func byField(errs FieldErrors) map[string]string {
	messages := map[string]string{}
	for _, one := range errs {
		messages[one.Field] = strings.TrimSpace(messages[one.Field] + " " + one.Message)
	}
	return messages
}

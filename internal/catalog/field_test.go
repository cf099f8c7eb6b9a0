package catalog

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The modules in testdata/modules are of kinds that platform teams have.
func teamModule(t testing.TB, name string) *Module {
	t.Helper()
	c, err := Load(os.DirFS("testdata/modules"))
	if err != nil {
		t.Fatal(err)
	}
	m, ok := c.Module(name)
	if !ok {
		t.Fatalf("no module %s", name)
	}
	return m
}

// TestTeamModulesAreTakenAsTerraformTakesThem fills in forms of modules that Terraform takes.
func TestTeamModulesAreTakenAsTerraformTakesThem(t *testing.T) {
	for _, tc := range []struct {
		module string
		input  map[string]any
		wrong  map[string]string // field → part of the message
	}{
		{"optional-attribute", nil, nil},
		{"no-type", nil, nil},
		{"name-with-hyphen", nil, nil},
		{"name-in-camel-case", nil, nil},
		{"hidden-sensitive", nil, nil},
		{"hidden-sensitive", map[string]any{"break_glass": "x"}, map[string]string{"break_glass": "no field"}},
		{"rule-calls-index", nil, nil},
		{"rule-calls-index", map[string]any{"size": "large"}, nil},
		{"rule-calls-index", map[string]any{"size": "huge"}, map[string]string{"size": "Size is small or large."}},
		{"rule-calls-coalesce", nil, nil},
		{"rule-calls-coalesce", map[string]any{"alias": "abc"}, map[string]string{"alias": "Too short."}},
		{"rule-calls-cidrsubnet", nil, nil},
		{"rule-calls-one", nil, nil},
		{"rule-calls-one", map[string]any{"shares": "1\n2"}, map[string]string{"shares": "either zero or one elements"}},
		{"rule-calls-sum", map[string]any{"shares": "40\n60"}, nil},
		{"rule-calls-sum", map[string]any{"shares": "40\n50"}, map[string]string{"shares": "Wrong."}},
		{"rule-calls-yamldecode", nil, nil},
		{"rule-reads-local", map[string]any{"kind": "red"}, nil}, // the plan tries it
		{"rule-fails-on-null", nil, map[string]string{"suffix": "argument must not be null"}},
		{"rule-fails-on-null", map[string]any{"suffix": "abc"}, nil},
		{"rule-of-hidden", nil, nil},
		{"rule-of-hidden", map[string]any{"size": "huge"}, map[string]string{"size": "Size is one of small, large."}},
	} {
		t.Run(tc.module, func(t *testing.T) {
			input := map[string]any{"name": "x"}
			for name, value := range tc.input {
				input[name] = value
			}
			_, errs := teamModule(t, tc.module).Parse(input, dev)
			got := byField(errs)
			if len(got) != len(tc.wrong) {
				t.Errorf("got %v, want %v", got, tc.wrong)
			}
			for field, part := range tc.wrong {
				if !strings.Contains(got[field], part) {
					t.Errorf("%s: %q does not hold %q", field, got[field], part)
				}
			}
		})
	}
}

func TestHiddenRuleKnowsWhatTheServerSets(t *testing.T) {
	c, err := Load(moduleFS("m", `
variable "team" {
  type = string
  validation {
    condition     = var.team != "payments" || var.size == "small"
    error_message = "Payments takes small ones."
  }
}
variable "size" {
  type    = string
  default = "small"
}
variable "labels" {
  type    = map(string)
  default = {}
  validation {
    condition     = length(var.labels) <= 5
    error_message = "At most five labels, with the labels of the server."
  }
}`, "title: T\ncomputed: {team: project, labels: tags}\nfields: [{name: labels}, {name: size}]"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	_, errs := m.Parse(map[string]any{"size": "large", "labels": "a=1\nb=2"}, Environment{Project: "payments", Key: "dev"})
	want := map[string]string{"size": "Payments takes small ones.",
		"labels": "At most five labels, with the labels of the server."}
	if diff := cmp.Diff(want, byField(errs)); diff != "" {
		t.Error(diff)
	}
	if _, errs := m.Parse(map[string]any{"size": "large", "labels": "a=1"},
		Environment{Project: "core", Key: "dev"}); errs != nil {
		t.Error(errs)
	}
}

func TestBrokenRuleOfHiddenVariablesIsReported(t *testing.T) {
	c, err := Load(moduleFS("m", `
variable "name" { type = string }
variable "hidden" {
  type    = number
  default = 1
  validation {
    condition     = var.hidden > 1
    error_message = "Too small."
  }
}`, "title: T\nhidden: [hidden]"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	_, errs := m.Parse(map[string]any{"name": "x"}, dev)
	if got := byField(errs)["hidden"]; !strings.Contains(got, "Too small.") || !strings.Contains(got, "platform team") {
		t.Errorf("got %q", got)
	}
}

func TestSensitiveDefaultsStayOutOfMessages(t *testing.T) {
	c, err := Load(moduleFS("m", `
variable "name" {
  type = string
  validation {
    condition     = var.name != var.secret && issensitive(var.secret)
    error_message = "Not ${var.secret}."
  }
}
variable "secret" {
  type      = string
  default   = "hunter2"
  sensitive = true
}`, "title: T\nhidden: [secret]"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	_, errs := m.Parse(map[string]any{"name": "hunter2"}, dev)
	if got := byField(errs)["name"]; got != unexplained {
		t.Errorf("got %q", got)
	}
	if _, errs := m.Parse(map[string]any{"name": "other"}, dev); errs != nil {
		t.Error(errs)
	}
}

// TestDefaultsThatAFormCannotShowSaySo: typed back they would be other values.
func TestDefaultsThatAFormCannotShowSaySo(t *testing.T) {
	for module, want := range map[string]map[string]bool{
		"long-list":       {"ranges": false},
		"long-text":       {"policy": false},
		"multi-line-text": {"greeting": true},
		"unusual-text":    {"parts": false, "padded": false, "commas": false, "lines": false, "spaced": false, "eq": false},
		"fields-to-empty": {"open_to": true, "labels": true, "note": true, "days": true},
	} {
		m := teamModule(t, module)
		for name, shown := range want {
			f, _ := m.Field(name)
			text, ok := f.FormText(f.Default)
			if ok != shown {
				t.Errorf("%s.%s: shown %t as %q, want %t", module, name, ok, shorten(text), shown)
			}
		}
		if config, errs := m.Parse(map[string]any{"name": "x"}, dev); errs != nil || len(config) != 1 {
			t.Errorf("%s: left alone, the fields are %v, %v", module, config, errs)
		}
	}
}

// TestDefaultsAreNotCheckedLikeWhatIsTyped: no one typed them, and people can request a module with such a default.
func TestDefaultsAreNotCheckedLikeWhatIsTyped(t *testing.T) {
	c, err := Load(moduleFS("m", `
variable "odd" {
  type    = string
  default = "a\tb\u200b"
}
variable "table" {
  type    = map(string)
  default = { "two\nlines" = "x\u202e" }
}`, "title: T"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	if config, errs := m.Parse(nil, dev); errs != nil || len(config) > 0 {
		t.Errorf("%v %v", config, errs)
	}
	if _, errs := m.Parse(map[string]any{"odd": "a\u200b"}, dev); errs == nil {
		t.Error("an invisible character was taken")
	}
}

func TestTextOfSeveralLinesIsKept(t *testing.T) {
	m := teamModule(t, "multi-line-text")
	const greeting = "  one\n\ttwo\n\n"
	config, errs := m.Parse(map[string]any{"name": "x", "greeting": strings.ReplaceAll(greeting, "\n", "\r\n")}, dev)
	if errs != nil || config["greeting"] != greeting {
		t.Fatalf("got %q, %v", config["greeting"], errs)
	}
	args, err := m.Args(config, Computed{})
	if err != nil || args["greeting"].AsString() != greeting {
		t.Errorf("%#v, %v", args["greeting"], err)
	}
	if _, errs := m.Parse(map[string]any{"name": "x\ny"}, dev); !strings.Contains(byField(errs)["name"], "on one line") {
		t.Errorf("a name of two lines: %v", errs)
	}
	if _, err := m.Args(map[string]any{"name": "x\ny"}, Computed{}); err == nil {
		t.Error("a name of two lines got an argument")
	}
}

// TestWhatAFormShowsReadsBackUnchanged draws defaults at random: a form shows them exactly, or reports that it cannot.
func TestWhatAFormShowsReadsBackUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, err := randomModule().Draw(t, "module").load()
		if err != nil {
			t.Fatal(err)
		}
		typed, want := map[string]any{}, map[string]any{}
		for i := range m.Fields {
			f := &m.Fields[i]
			text, shown := f.FormText(f.Default)
			if shown && text != "" {
				typed[f.Name], want[f.Name] = text, f.Default
			}
			if !shown && text != "" {
				t.Fatalf("%s is not shown, but has the text %q", f.Name, text)
			}
		}
		config, _ := m.Parse(typed, dev)
		for name := range want { // rules and limits aside
			if got, ok := config[name]; ok && !equalValues(got, want[name]) {
				t.Fatalf("%s: %#v became %#v", name, want[name], got)
			} else if !ok {
				t.Fatalf("%s: %#v is shown as %q, but does not read back", name, want[name], typed[name])
			}
		}
	})
}

// TestChoicesThatLookAlikeStayThemselves: the exact value counts before a label or another case.
func TestChoicesThatLookAlikeStayThemselves(t *testing.T) {
	c, err := Load(moduleFS("m", `variable "size" {
  type    = string
  default = "b"
}`, `title: T
fields:
  - name: size
    choices: [{value: a, label: b}, {value: B, label: A}, {value: b, label: c}, {value: "", label: None}]`))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("m")
	for given, want := range map[string]string{"a": "a", "b": "b", "B": "B", "A": "a", "c": "b", "C": "b", "": "",
		"none": ""} {
		config, errs := m.Parse(map[string]any{"size": given}, dev)
		if errs != nil || config["size"] != want {
			t.Errorf("%q is taken as %v, want %q, %v", given, config["size"], want, errs)
		}
	}
}

// generated is the text of a module with one variable for each kind of field.
type generated map[string]string

func (g generated) load() (*Module, error) {
	fsys := fstest.MapFS{"m/variables.tf": {Data: []byte(g["tf"])},
		"m/tfpilot.yaml": {Data: []byte("title: M\nhidden: [nested]\n")}}
	c, err := Load(fsys)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, g["tf"])
	}
	m, _ := c.Module("m")
	return m, nil
}

// randomModule declares variables with defaults at random, among them what no form can show.
func randomModule() *rapid.Generator[generated] {
	text := rapid.OneOf(rapid.StringMatching(`[a-z0-9]{0,6}`),
		rapid.StringMatching(`[ a=,.\n\t"\\#:éа\x{0301}\x{200b}\x{202e}-]{0,8}`),
		rapid.Map(rapid.IntRange(2990, 3010), func(n int) string { return strings.Repeat("x", n) }),
		rapid.SampledFrom([]string{"", " ", "\n", "yes", "null", "a,b", "a\n", "1", "😀"}))
	number := rapid.SampledFrom([]any{json.Number("0"), json.Number("-1.50"), json.Number("1e3"), json.Number("1e60"),
		json.Number("0.1"), json.Number("9007199254740993")})
	list := func(item *rapid.Generator[any]) *rapid.Generator[any] {
		return rapid.Map(rapid.SliceOfN(item, 0, 4), func(items []any) any { return items })
	}
	long := rapid.Map(rapid.IntRange(190, 260), func(n int) any {
		items := make([]any, n)
		for i := range items {
			items[i] = fmt.Sprintf("10.%d.200.0/24", i)
		}
		return items
	})
	orNull := func(v *rapid.Generator[any]) *rapid.Generator[any] { return rapid.OneOf(v, v, v, rapid.Just(any(nil))) }
	return rapid.Custom(func(t *rapid.T) generated {
		var tf strings.Builder
		declare := func(name, typ string, value *rapid.Generator[any]) {
			def, err := json.Marshal(orNull(value).Draw(t, name))
			if err != nil {
				t.Fatal(err)
			}
			escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(def))
			fmt.Fprintf(&tf, "variable %q {\n  type = %s\n  default = %s\n}\n", name, typ, escaped)
		}
		declare("text", "string", text.AsAny())
		declare("number", "number", number)
		declare("flag", "bool", rapid.Bool().AsAny())
		declare("texts", "list(string)", rapid.OneOf(list(orNull(text.AsAny())), long))
		declare("numbers", "list(number)", list(number))
		declare("unordered", "set(string)", list(text.AsAny()))
		declare("table", "map(string)", rapid.MapOfN(text, orNull(text.AsAny()), 0, 4).AsAny())
		declare("nested", "object({ a = optional(list(string), [\"x\"]), b = optional(map(object({ c = optional(number, "+
			"3) }))) })",
			rapid.SampledFrom([]any{map[string]any{}, map[string]any{"b": map[string]any{"k": map[string]any{}}},
				map[string]any{"a": []any{"y"}}}))
		return generated{"tf": tf.String()}
	})
}

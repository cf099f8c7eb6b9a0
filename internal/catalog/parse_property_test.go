package catalog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const anyModule = `
variable "text" {
  type    = string
  default = null
}
variable "number" {
  type    = number
  default = 1
}
variable "flag" {
  type    = bool
  default = false
}
variable "list" {
  type    = list(string)
  default = []
}
variable "numbers" {
  type    = set(number)
  default = []
}
variable "table" {
  type    = map(string)
  default = {}
}`

func openModule(t testing.TB) *Module {
	t.Helper()
	c, err := Load(moduleFS("open", anyModule, "title: Open"))
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("open")
	return m
}

// What Parse accepts has an argument of the same value, and reads back from a form, and from JSON, unchanged.
func TestAcceptedConfigIsStable(t *testing.T) {
	m := openModule(t)
	rapid.Check(t, func(t *rapid.T) {
		config, errs := m.Parse(anyInput().Draw(t, "input"), dev)
		if errs != nil {
			return
		}
		if _, err := m.Args(config, Computed{}); err != nil {
			t.Fatalf("accepted, but no arguments: %v", err)
		}
		typed := map[string]any{}
		for _, f := range m.Fields {
			value, ok := config[f.Name]
			if !ok {
				continue
			}
			if text, readsBack := f.FormText(value); readsBack && text != "" {
				typed[f.Name] = text
			} else {
				typed[f.Name] = value // an empty list, or an item "," has no typed form
			}
		}
		again, errs := m.Parse(typed, dev)
		if errs != nil || !cmp.Equal(config, again) {
			t.Fatalf("typed again: %v\n%s", errs, cmp.Diff(config, again))
		}
		stored, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		var loaded map[string]any
		decoder := json.NewDecoder(strings.NewReader(string(stored)))
		decoder.UseNumber()
		if err := decoder.Decode(&loaded); err != nil || !cmp.Equal(config, loaded) {
			t.Fatalf("stored and loaded: %v\n%s", err, cmp.Diff(config, loaded))
		}
	})
}

func anyInput() *rapid.Generator[map[string]any] {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.StringMatching(`[-a-z0-9=, ."\\$%{}éа\x{0301}]*`))
	number := rapid.OneOf(rapid.StringMatching(`[-+]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?`), text)
	items := rapid.Map(rapid.SliceOfN(text, 0, 5), func(s []string) any {
		list := make([]any, len(s))
		for i := range s {
			list[i] = s[i]
		}
		return list
	})
	return rapid.Custom(func(t *rapid.T) map[string]any {
		input := map[string]any{}
		set := func(name string, generators ...*rapid.Generator[any]) {
			if rapid.Bool().Draw(t, name+" given") {
				input[name] = rapid.OneOf(generators...).Draw(t, name)
			}
		}
		set("text", text.AsAny())
		set("number", number.AsAny(), rapid.Float64().AsAny(), rapid.Int64().AsAny())
		set("flag", text.AsAny(), rapid.Bool().AsAny())
		set("list", text.AsAny(), items)
		set("numbers", number.AsAny())
		set("table", text.AsAny(), rapid.MapOfN(text, text, 0, 4).AsAny())
		return input
	})
}

func TestNumbersStayExact(t *testing.T) {
	m := openModule(t)
	for given, want := range map[string]string{
		"9007199254740993": "9007199254740993", "0.1": "0.1", "-0": "0", "+007.500": "7.5", "1e3": "1000", "12e-1": "1.2",
		"1234567890123456789012345678901234567890": "1234567890123456789012345678901234567890",
	} {
		config, errs := m.Parse(map[string]any{"number": given}, dev)
		if errs != nil || config["number"] != json.Number(want) {
			t.Errorf("%s: got %v, want %s, %v", given, config["number"], want, errs)
		}
		args, err := m.Args(config, Computed{})
		if err != nil || args["number"].AsBigFloat().Text('f', -1) != want {
			t.Errorf("%s: argument %#v, %v", given, args["number"], err)
		}
	}
	for _, given := range []string{"0x10", "1_000", "1,000", "NaN", "Inf", "1e999", "١", "1/3", "--1",
		strings.Repeat("9", 41)} {
		if config, errs := m.Parse(map[string]any{"number": given}, dev); errs == nil {
			t.Errorf("%s was taken as %v", given, config["number"])
		}
	}
}

func FuzzParse(f *testing.F) {
	m := openModule(f)
	f.Add("text", "30", "yes", "a,b", "a=b")
	f.Add("é\x00", "1e9", "\u202e", "\xff", "=\n=")
	f.Fuzz(func(t *testing.T, text, number, flag, list, table string) {
		config, errs := m.Parse(map[string]any{"text": text, "number": number, "flag": flag, "list": list, "table": table},
			dev)
		if errs != nil {
			return
		}
		if _, err := m.Args(config, Computed{}); err != nil {
			t.Fatal(err)
		}
	})
}

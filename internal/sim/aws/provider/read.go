package provider

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

// ReadResource updates the state from the account.
func (s *Server) ReadResource(ctx context.Context,
	req *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	out := &tfprotov5.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private}
	prior, err := s.decode(req.TypeName, req.CurrentState)
	if err == nil && prior != nil {
		ctx, cancel := s.stoppable(ctx)
		defer cancel()
		id, _ := prior["id"].(string)
		out.NewState, err = s.read(ctx, req.TypeName, id, prior)
	}
	if err != nil {
		out.Diagnostics = fail("reading "+traits[req.TypeName].label, err)
	}
	return out, nil
}

func (s *Server) read(ctx context.Context, typ, id string, prior map[string]any) (*tfprotov5.DynamicValue, error) {
	if s.cloud == nil {
		return nil, errNotConfigured
	}
	obj, err := s.cloud.Read(ctx, typ, id)
	if aws.NotFound(err) {
		return encodeState(nil, s.schemas[typ])
	}
	if err != nil {
		return nil, fmt.Errorf("(%s): %w", id, err)
	}
	state := maps.Clone(obj.Attributes)
	state["id"] = id
	state["timeouts"] = prior["timeouts"]
	if _, tagged := s.facts.Resources[typ].Attributes["tags_all"]; tagged {
		s.splitTags(state, prior)
	}
	fillBlocks(s.facts.Resources[typ], state)
	return encodeState(state, s.schemas[typ])
}

// splitTags removes the provider's default tags from the object's tags.
func (s *Server) splitTags(state, prior map[string]any) {
	all, _ := state["tags"].(map[string]any)
	before, _ := prior["tags"].(map[string]any)
	own := map[string]any{}
	for k, v := range all {
		if _, asked := before[k]; asked || s.defaults[k] != v {
			own[k] = v
		}
	}
	if all == nil {
		all = map[string]any{}
	}
	state["tags_all"], state["tags"] = all, own
	if len(own) == 0 && before == nil {
		state["tags"] = nil
	}
}

// fillBlocks adds missing blocks as empty lists: Terraform never expects null. A change from outside
// may leave a block out.
func fillBlocks(b schema.Block, state map[string]any) {
	for name, n := range b.Blocks {
		if n.Nesting == "single" {
			continue
		}
		items := asList(state[name])
		filled := make([]any, len(items))
		for i, item := range items {
			one, _ := item.(map[string]any)
			one = maps.Clone(one)
			if one == nil {
				one = map[string]any{}
			}
			fillBlocks(n.Block, one)
			filled[i] = one
		}
		state[name] = filled
	}
}

// ImportResourceState imports an object of the account by its id.
func (s *Server) ImportResourceState(ctx context.Context,
	req *tfprotov5.ImportResourceStateRequest) (*tfprotov5.ImportResourceStateResponse, error) {
	out := &tfprotov5.ImportResourceStateResponse{}
	if _, ok := s.schemas[req.TypeName]; !ok {
		out.Diagnostics = fail("import", errUnknownType(req.TypeName))
		return out, nil
	}
	ctx, cancel := s.stoppable(ctx)
	defer cancel()
	state, err := s.read(ctx, req.TypeName, req.ID, map[string]any{})
	if err != nil {
		out.Diagnostics = fail("importing "+traits[req.TypeName].label, err)
		return out, nil
	}
	out.ImportedResources = []*tfprotov5.ImportedResource{{TypeName: req.TypeName, State: state}}
	return out, nil
}

// UpgradeResourceState reads the state from the backend.
func (s *Server) UpgradeResourceState(_ context.Context,
	req *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	out := &tfprotov5.UpgradeResourceStateResponse{}
	sch, ok := s.schemas[req.TypeName]
	if !ok {
		out.Diagnostics = fail("upgrade state", errUnknownType(req.TypeName))
		return out, nil
	}
	value, err := req.RawState.UnmarshalWithOpts(sch.ValueType(), tfprotov5.UnmarshalOpts{
		ValueFromJSONOpts: ignoreUndefined,
	})
	if err != nil {
		out.Diagnostics = fail("read stored state of "+req.TypeName, err)
		return out, nil
	}
	upgraded, err := tfprotov5.NewDynamicValue(sch.ValueType(), value)
	if err != nil {
		out.Diagnostics = fail("upgrade state of "+req.TypeName, err)
	}
	out.UpgradedState = &upgraded
	return out, nil
}

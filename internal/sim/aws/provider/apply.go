package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"

	"github.com/tfpilot/tfpilot/internal/sim/aws"
	"github.com/tfpilot/tfpilot/internal/sim/aws/provider/schema"
)

func errUnknownType(typ string) error { return fmt.Errorf("resource type %s is not simulated", typ) }

var errNotConfigured = errors.New("the provider was not configured")

// ApplyResourceChange makes the planned change in the account.
func (s *Server) ApplyResourceChange(ctx context.Context,
	req *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	//lint:ignore SA1019 AWS's provider sets it too, see PlanResourceChange
	out := &tfprotov5.ApplyResourceChangeResponse{NewState: req.PriorState, UnsafeToUseLegacyTypeSystem: true}
	prior, err := s.decode(req.TypeName, req.PriorState)
	if err != nil {
		out.Diagnostics = fail("read state of "+req.TypeName, err)
		return out, nil
	}
	planned, err := s.decode(req.TypeName, req.PlannedState)
	if err != nil {
		out.Diagnostics = fail("read plan of "+req.TypeName, err)
		return out, nil
	}
	ctx, cancel := s.stoppable(ctx)
	defer cancel()
	state, err := s.apply(ctx, req.TypeName, planned, prior)
	if err != nil {
		out.Diagnostics = []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: err.Error()}}
		return out, nil
	}
	if out.NewState, err = encodeState(state, s.schemas[req.TypeName]); err != nil {
		out.Diagnostics = fail("write state of "+req.TypeName, err)
	}
	return out, nil
}

func (s *Server) apply(ctx context.Context, typ string, planned, prior map[string]any) (map[string]any, error) {
	if s.cloud == nil {
		return nil, errNotConfigured
	}
	t := traits[typ]
	switch {
	case planned == nil:
		id, _ := prior["id"].(string)
		if prior["skip_destroy"] == true {
			return nil, nil
		}
		if err := s.cloud.Delete(ctx, typ, id); err != nil && !aws.NotFound(err) {
			return nil, t.words("deleting", 2, id, err)
		}
		return nil, nil
	case prior == nil:
		state := t.complete(s.facts.Resources[typ], planned, s.region)
		id, _ := state["id"].(string)
		if _, err := s.cloud.Create(ctx, typ, id, actual(state)); err != nil {
			return nil, t.words("creating", 0, id, err)
		}
		return state, nil
	}
	state := t.complete(s.facts.Resources[typ], planned, s.region)
	id, _ := prior["id"].(string)
	if _, err := s.cloud.Update(ctx, typ, id, actual(state)); err != nil {
		return nil, t.words("updating", 1, id, err)
	}
	return state, nil
}

// words formats a refusal as AWS's provider does.
func (t trait) words(doing string, call int, id string, err error) error {
	var refused *aws.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("%s %s (%s): %w", doing, t.label, id, err)
	}
	return fmt.Errorf("%s %s (%s): operation error %s: %s, https response error StatusCode: %d, RequestID: %s, %w",
		doing, t.label, id, t.service, t.calls[call], refused.Status, hexDigits(16), err)
}

// complete assigns a value to every unknown of a planned state.
func (t trait) complete(b schema.Block, planned map[string]any, region string) map[string]any {
	m := made{region: firstText(planned["region"], region), state: maps.Clone(planned)}
	for _, name := range []string{"name", "bucket"} { // the parts of an id come first
		if m.state[name] == any(unknown) {
			m.state[name] = t.values[name](m)
		}
	}
	m.id, _ = planned["id"].(string)
	if m.id == "" {
		m.id = t.newID(m.state)
	}
	m.state["id"] = m.id
	for _, name := range derivedLast(b) {
		if m.state[name] == any(unknown) {
			m.state[name] = t.value(name, m)
		}
	}
	for name, n := range b.Blocks {
		m.state[name] = t.completeBlocks(n, m, m.state[name], name)
	}
	return m.state
}

func (t trait) newID(state map[string]any) string {
	if t.id == nil {
		return t.idPrefix + hexDigits(17)
	}
	return t.id(state)
}

// derivedLast orders attributes so that derived ones come after their sources (private_dns after
// private_ip).
func derivedLast(b schema.Block) []string {
	var first, last []string
	for name := range b.Attributes {
		if strings.HasSuffix(name, "_dns") || strings.HasPrefix(name, "public_") {
			last = append(last, name)
			continue
		}
		first = append(first, name)
	}
	for i, name := range last { // public_ip before public_dns
		if name == "public_ip" {
			last[0], last[i] = last[i], last[0]
		}
	}
	return append(first, last...)
}

func (t trait) value(path string, m made) any {
	if f, ok := t.values[path]; ok {
		return f(m)
	}
	return nil
}

func (t trait) completeBlocks(n schema.Nested, m made, v any, path string) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = t.completeBlocks(n, m, item, path)
		}
		return out
	case map[string]any:
		m.block = maps.Clone(v)
		for name := range n.Attributes {
			if m.block[name] == any(unknown) {
				m.block[name] = t.value(join(path, name), m)
			}
		}
		for name, inner := range n.Blocks {
			m.block[name] = t.completeBlocks(inner, m, m.block[name], join(path, name))
		}
		return m.block
	}
	return v
}

// actual returns what the account stores: the set values, and one set of tags.
func actual(state map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range state {
		if v != nil && name != "tags_all" && name != "timeouts" {
			out[name] = v
		}
	}
	if all, ok := state["tags_all"]; ok {
		out["tags"] = all
	}
	return out
}

package terraform

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// Blocks such as provider and provisioner are not in the changes of a plan, and an approver must
// see what they contain. A plan's JSON gives only the references in their expressions. So this
// file evaluates the source as far as it can without Terraform: a literal becomes its value, and
// any other expression becomes its text together with the locals and variables that it depends
// on. That is enough to detect every change of the meaning, which is what the digest needs.

// settings reads the arguments that configuration blocks set, with every secret masked.
type settings struct {
	code    Config
	modules map[string]*moduleCode
	given   map[string]*tfjson.PlanVariable // of the root
	hide    *mask
}

func newSettings(plan *tfjson.Plan, scope Scope, hide *mask) (*settings, error) {
	modules, err := scope.Config.parse(lifecycle.ModuleCall(scope.RequestID))
	if err != nil {
		return nil, err
	}
	return &settings{code: scope.Config, modules: modules, given: plan.Variables, hide: hide}, nil
}

// of merges blocks. Later ones override earlier ones.
func (s *settings) of(module *moduleCode, blocks []*hclsyntax.Block, except ...string) map[string]any {
	all := map[string]any{}
	for _, block := range blocks {
		inner := map[string][]any{}
		for name, attr := range block.Body.Attributes {
			if !slices.Contains(except, name) {
				all[name] = s.named(module, name, attr.Expr, nil)
			}
		}
		for _, one := range block.Body.Blocks {
			name := one.Type
			for _, label := range one.Labels {
				name += " " + label
			}
			inner[name] = append(inner[name], s.block(module, one))
		}
		for name, list := range inner {
			all[name] = list
		}
	}
	return all
}

// block is one block inside others. All of it is hidden when its name suggests a credential.
func (s *settings) block(module *moduleCode, block *hclsyntax.Block) any {
	if s.hide.raw || !secretscan.Name(block.Type) {
		return s.of(module, []*hclsyntax.Block{block})
	}
	return s.hide.below(block.Type).hidden(s.unmasked().of(module, []*hclsyntax.Block{block}))
}

// unmasked reads the same without masking. Fingerprints need it, because they cover everything
// that an expression refers to.
func (s *settings) unmasked() *settings {
	raw := *s
	raw.hide = s.hide.unmasked()
	return &raw
}

// trail collects the locals and variables that an expression depends on, each once, by name.
type trail struct {
	from   *moduleCode
	values map[string]any
}

// named returns the value of an argument. If its name hides the value, the fingerprint covers
// the value and everything that it refers to.
func (s *settings) named(module *moduleCode, name string, expr hclsyntax.Expression, to *trail) any {
	if s.hide.raw || !secretscan.Name(name) {
		return s.value(module, expr, to)
	}
	hide := s.hide.below(name)
	if literal, ok := literalOf(expr); ok {
		return hide.value(literal, nil, secretscan.Names{}.Below(name))
	}
	return hide.hidden(s.unmasked().value(module, expr, nil))
}

func literalOf(expr hclsyntax.Expression) (any, bool) {
	value, diags := expr.Value(nil)
	if diags.HasErrors() || !value.IsWhollyKnown() {
		return nil, false
	}
	return plainValue(value), true
}

// value returns a literal as its value. Any other expression becomes its text and the values of
// its references, which are added to the trail if there is one.
func (s *settings) value(module *moduleCode, expr hclsyntax.Expression, to *trail) any {
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		if table, ok := s.object(module, e, to); ok {
			return table
		}
	case *hclsyntax.TupleConsExpr:
		list := make([]any, len(e.Exprs))
		for i, one := range e.Exprs {
			list[i] = s.value(module, one, to)
		}
		return list
	}
	if literal, ok := literalOf(expr); ok {
		return s.hide.value(literal, nil, secretscan.Names{})
	}
	if word := hcl.ExprAsKeyword(expr); word != "" {
		return word
	}
	written := map[string]any{"expression": s.hide.text(string(expr.Range().SliceBytes(s.code[expr.Range().Filename])))}
	if to != nil {
		s.follow(module, expr, to)
		return written
	}
	to = &trail{from: module, values: map[string]any{}}
	if s.follow(module, expr, to); len(to.values) > 0 {
		written["values"] = to.values
	}
	return written
}

// object is a table with literal keys.
func (s *settings) object(module *moduleCode, e *hclsyntax.ObjectConsExpr, to *trail) (map[string]any, bool) {
	table := make(map[string]any, len(e.Items))
	for _, item := range e.Items {
		name, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() || !name.IsWhollyKnown() || name.IsNull() || name.Type() != cty.String {
			return nil, false
		}
		table[s.hide.text(name.AsString())] = s.named(module, name.AsString(), item.ValueExpr, to)
	}
	return table, true
}

// follow adds the locals and variables of an expression. It skips resources and data sources,
// because the changes of the plan show their values.
func (s *settings) follow(module *moduleCode, expr hclsyntax.Expression, to *trail) {
	for _, traversal := range expr.Variables() {
		if len(traversal) < 2 {
			continue
		}
		attr, isAttr := traversal[1].(hcl.TraverseAttr)
		if !isAttr {
			continue
		}
		key := traversal.RootName() + "." + attr.Name
		if module != to.from {
			key = strings.TrimSuffix("root."+module.name, ".") + ": " + key
		}
		if _, done := to.values[key]; done {
			continue
		}
		switch traversal.RootName() {
		case "local":
			to.values[key] = nil // while it is being evaluated
			if meant := attribute(module.find("locals"), attr.Name); meant != nil {
				to.values[key] = s.named(module, attr.Name, meant, to)
			}
		case "var":
			to.values[key] = nil
			to.values[key] = s.variable(module, attr.Name, to)
		}
	}
}

// variable returns the argument that the module call passes, or else the default.
func (s *settings) variable(module *moduleCode, name string, to *trail) any {
	declared := module.find("variable", name)
	if !s.hide.raw && (isTrue(attribute(declared, "sensitive")) || secretscan.Name(name)) {
		return s.hide.below("var." + name).hidden(s.unmasked().variable(module, name,
			&trail{from: module, values: map[string]any{}}))
	}
	if module.parent == nil {
		if given := s.given[name]; given != nil {
			return s.hide.value(given.Value, nil, secretscan.Names{})
		}
		return nil
	}
	if passed := attribute(module.parent.find("module", module.call()), name); passed != nil {
		return s.value(module.parent, passed, to)
	}
	if preset := attribute(declared, "default"); preset != nil {
		return s.value(module, preset, to)
	}
	return nil
}

func isTrue(expr hclsyntax.Expression) bool {
	if expr == nil {
		return false
	}
	value, diags := expr.Value(nil)
	return !diags.HasErrors() && value.RawEquals(cty.True)
}

// plainValue converts a value to its JSON form, or to nil if it has none.
func plainValue(value cty.Value) any {
	if value.IsNull() {
		return nil
	}
	encoded, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		return nil
	}
	var plain any
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		return nil
	}
	return plain
}

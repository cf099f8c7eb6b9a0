package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Before a module is destroyed, nothing else may use it: an output that disappears breaks the
// plan of every other request in the environment, and Terraform with -target would destroy the
// users too. Two checks find users. Referrers reads the plan's JSON, where references are
// resolved but locals are missing. Mentions reads the source, where locals are visible.

// Referrers lists the addresses in the environment's root that use the module of a request.
// Destroying the module would break or destroy them.
func Referrers(plan *tfjson.Plan, id string) []string {
	if plan == nil || plan.Config == nil || plan.Config.RootModule == nil {
		return nil
	}
	root, target := plan.Config.RootModule, "module."+lifecycle.ModuleCall(id)
	users := map[string]bool{}
	for name, call := range root.ModuleCalls {
		if call != nil && name != lifecycle.ModuleCall(id) &&
			(uses(call.Expressions, target) || namesAny(call.DependsOn, target) ||
				expressionUses(call.CountExpression, target) || expressionUses(call.ForEachExpression, target)) {
			users["module."+name] = true
		}
	}
	for _, resource := range root.Resources {
		if resource != nil && (uses(resource.Expressions, target) || namesAny(resource.DependsOn, target) ||
			expressionUses(resource.CountExpression, target) || expressionUses(resource.ForEachExpression, target)) {
			users[resource.Address] = true
		}
	}
	for name, output := range root.Outputs {
		if output != nil && (expressionUses(output.Expression, target) || namesAny(output.DependsOn, target)) {
			users["output."+name] = true
		}
	}
	return slices.Sorted(maps.Keys(users))
}

// Mentions reports whether a file of the environment's root, other than the request's own, uses
// the request's module. It finds uses in locals too, which the configuration in a plan omits.
func Mentions(content []byte, name, id string) (bool, error) {
	file, diags := hclsyntax.ParseConfig(content, name, hcl.InitialPos)
	if diags.HasErrors() {
		return false, fmt.Errorf("parse: %w", diags)
	}
	found := false
	visit := func(node hclsyntax.Node) hcl.Diagnostics {
		if t, ok := node.(*hclsyntax.ScopeTraversalExpr); ok && len(t.Traversal) > 1 && t.Traversal.RootName() == "module" {
			call, ok := t.Traversal[1].(hcl.TraverseAttr)
			found = found || ok && call.Name == lifecycle.ModuleCall(id)
		}
		return nil
	}
	_ = hclsyntax.VisitAll(file.Body.(*hclsyntax.Body), visit) // visit reports nothing
	return found, nil
}

// uses also searches nested blocks, which the JSON nests as lists of expressions.
func uses(expressions map[string]*tfjson.Expression, target string) bool {
	for _, expression := range expressions {
		if expressionUses(expression, target) {
			return true
		}
	}
	return false
}

func expressionUses(expression *tfjson.Expression, target string) bool {
	if expression == nil || expression.ExpressionData == nil {
		return false
	}
	if namesAny(expression.References, target) {
		return true
	}
	for _, block := range expression.NestedBlocks {
		if uses(block, target) {
			return true
		}
	}
	return false
}

func namesAny(references []string, target string) bool {
	for _, reference := range references {
		// A plain prefix would also match the module of a request whose id begins with this one.
		if reference == target || strings.HasPrefix(reference, target+".") || strings.HasPrefix(reference, target+"[") {
			return true
		}
	}
	return false
}

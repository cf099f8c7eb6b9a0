package terraform

import (
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// Referrers lists what in the environment's root uses the module of a request, so that destroying it would break or destroy
// others.
func Referrers(plan *tfjson.Plan, id string) []string {
	if plan == nil || plan.Config == nil || plan.Config.RootModule == nil {
		return nil
	}
	root, target := plan.Config.RootModule, "module."+ModuleCall(id)
	users := map[string]bool{}
	for name, call := range root.ModuleCalls {
		if call != nil && name != ModuleCall(id) && (uses(call.Expressions, target) || namesAny(call.DependsOn, target) ||
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
		if reference == target || strings.HasPrefix(reference, target+".") || strings.HasPrefix(reference, target+"[") {
			return true
		}
	}
	return false
}

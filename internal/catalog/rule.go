package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// rule is one validation block of a variable. It is evaluated over the values of a form as a
// plan evaluates it: with the same functions and operators, and with all variables of the
// module, including hidden ones.
type rule struct {
	condition hclsyntax.Expression
	message   hclsyntax.Expression
	at        hcl.Range
	source    string   // the condition as it is written, without its spacing
	refers    []string // the variables that the condition reads
	untried   string   // why only a plan can try it: "refers to local", "calls file"; empty where it is tried here
}

// parseRules reads the validation blocks of a variable. Terraform requires both arguments.
func parseRules(blocks hclsyntax.Blocks, file []byte) ([]rule, error) {
	var rules []rule
	for _, block := range blocks {
		if block.Type != "validation" {
			continue
		}
		condition, message := block.Body.Attributes["condition"], block.Body.Attributes["error_message"]
		if condition == nil || message == nil {
			return nil, fmt.Errorf("a validation needs a condition and an error_message")
		}
		r := rule{condition: condition.Expr, message: message.Expr, at: block.DefRange()}
		// Spacing is removed, so that formatting a file does not look like a new rule to Lint.
		r.source = strings.Join(strings.Fields(string(condition.Expr.Range().SliceBytes(file))), " ")
		r.refers, r.untried = reads(condition.Expr)
		evaluateBothSides(r.condition)
		evaluateBothSides(r.message)
		rules = append(rules, r)
	}
	return rules, nil
}

// reads lists the variables that an expression reads, and names the part that only a plan can
// evaluate.
func reads(expr hclsyntax.Expression) (variables []string, untried string) {
	var unknown []string
	for _, traversal := range expr.Variables() {
		if len(traversal) < 2 || traversal.RootName() != "var" {
			unknown = append(unknown, "refers to "+reference(traversal))
			continue
		}
		if step, ok := traversal[1].(hcl.TraverseAttr); ok && !slices.Contains(variables, step.Name) {
			variables = append(variables, step.Name)
		}
	}
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
			if _, known := functions[call.Name]; !known {
				unknown = append(unknown, "calls "+call.Name)
			}
		}
		return nil
	})
	slices.Sort(unknown)
	return variables, strings.Join(slices.Compact(unknown), ", ")
}

// reference returns the first two steps of a traversal, such as local.kinds.
func reference(traversal hcl.Traversal) string {
	name := traversal.RootName()
	if len(traversal) > 1 {
		if step, ok := traversal[1].(hcl.TraverseAttr); ok {
			name += "." + step.Name
		}
	}
	return name
}

// evaluateBothSides makes && and || work as in TerraformVersion: both sides are evaluated, and
// an error in either is an error. From 1.12 on, Terraform evaluates only the side that decides.
func evaluateBothSides(expr hclsyntax.Expression) {
	_ = hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if both, ok := node.(*hclsyntax.BinaryOpExpr); ok && both.Op.ShortCircuit != nil {
			both.Op = &hclsyntax.Operation{Impl: both.Op.Impl, Type: both.Op.Type}
		}
		return nil
	})
}

const unexplained = "This value breaks a rule of the module."

// check fails closed: if a rule cannot be evaluated with known values it is broken, because the
// plan would fail.
func (r rule) check(ctx *hcl.EvalContext) (message string, broken bool) {
	if r.untried != "" {
		return "", false
	}
	result, diags := r.condition.Value(ctx)
	if diags.HasErrors() {
		return fmt.Sprintf("%s Terraform could not try the rule: %s", r.explain(ctx), lowerFirst(detail(diags))), true
	}
	result, _ = result.UnmarkDeep()
	// The rule depends on a value that only the server or the plan knows. The plan checks it
	// then.
	if !result.IsKnown() {
		return "", false
	}
	if ok, err := convert.Convert(result, cty.Bool); err == nil && !ok.IsNull() && ok.True() {
		return "", false
	}
	return r.explain(ctx), true
}

// explain returns the author's message. A message that contains a sensitive or unknown value
// falls back to a general sentence, as Terraform would refuse to print it too.
func (r rule) explain(ctx *hcl.EvalContext) string {
	value, diags := r.message.Value(ctx)
	if diags.HasErrors() || value.ContainsMarked() || value.IsNull() || !value.IsWhollyKnown() ||
		value.Type() != cty.String {
		return unexplained
	}
	if text := strings.TrimSpace(value.AsString()); text != "" {
		return text
	}
	return unexplained
}

// detail returns the text of the first error.
func detail(diags hcl.Diagnostics) string {
	for _, one := range diags {
		if one.Severity == hcl.DiagError {
			return one.Detail
		}
	}
	return ""
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

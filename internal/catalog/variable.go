package catalog

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// variable is one variable block of a module.
type variable struct {
	name        string
	description string
	typ         cty.Type
	defaults    *typeexpr.Defaults // of optional object attributes
	def         cty.Value          // NilVal when the variable is required
	nullable    bool
	validations []validation
}

func (v variable) required() bool { return v.def == cty.NilVal }

type validation struct {
	condition hclsyntax.Expression
	message   hclsyntax.Expression
}

// parsedModule is what the catalog takes from a module's Terraform files.
type parsedModule struct {
	variables []variable // in the order of the files
	outputs   []Output
}

// parseModule reads the variables and outputs of the files in the module's own folder, as Terraform does.
func parseModule(files map[string][]byte) (parsedModule, error) {
	var p parsedModule
	var faults faultList
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != "." || !strings.HasSuffix(name, ".tf") {
			if strings.HasSuffix(name, ".tf.json") {
				faults.add("%s: write the module in Terraform's own language, not as JSON", name)
			}
			continue
		}
		file, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			faults.add("parse: %w", diags)
			continue
		}
		p.readBlocks(file.Body.(*hclsyntax.Body), &faults)
	}
	return p, faults.err()
}

func (p *parsedModule) readBlocks(body *hclsyntax.Body, faults *faultList) {
	for _, block := range body.Blocks {
		if len(block.Labels) != 1 {
			continue
		}
		switch block.Type {
		case "variable":
			v, err := parseVariable(block)
			if err != nil {
				faults.add("variable %q: %w", block.Labels[0], err)
				continue
			}
			p.variables = append(p.variables, v)
		case "output":
			o, err := parseOutput(block)
			if err != nil {
				faults.add("output %q: %w", block.Labels[0], err)
				continue
			}
			p.outputs = append(p.outputs, o)
		}
	}
}

func parseVariable(block *hclsyntax.Block) (variable, error) {
	v := variable{name: block.Labels[0], nullable: true}
	if !identifier.MatchString(v.name) || v.name == "source" || v.name == "version" || v.name == "providers" ||
		v.name == "count" || v.name == "for_each" || v.name == "depends_on" || v.name == "lifecycle" {
		return v, fmt.Errorf("an input is named like bucket_name, with lower-case letters, digits and underscores, and not like one of Terraform's own words")
	}
	attrs := block.Body.Attributes
	for _, flag := range []string{"sensitive", "ephemeral"} {
		on, err := literalBool(attrs[flag], false)
		if err != nil || on {
			return v, fmt.Errorf("is %s: a secret is never an input; let the provider make it, or take the name of where it is kept", flag)
		}
	}
	var err error
	if v.nullable, err = literalBool(attrs["nullable"], true); err != nil {
		return v, fmt.Errorf("nullable: %w", err)
	}
	if v.description, err = literalString(attrs["description"]); err != nil {
		return v, fmt.Errorf("description: %w", err)
	}
	if err = v.parseType(attrs); err != nil {
		return v, err
	}
	return v, v.parseValidations(block.Body.Blocks)
}

func (v *variable) parseType(attrs hclsyntax.Attributes) error {
	attr, ok := attrs["type"]
	if !ok {
		return fmt.Errorf("has no type")
	}
	typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
	if diags.HasErrors() {
		return fmt.Errorf("type: %w", diags)
	}
	v.typ, v.defaults = typ, defaults
	attr, ok = attrs["default"]
	if !ok {
		return nil
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return fmt.Errorf("default: %w", diags)
	}
	value, err := v.convert(value)
	if err != nil {
		return fmt.Errorf("default: %w", err)
	}
	v.def = value
	return nil
}

// convert does what Terraform does with a value given to the variable.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.typ.WithoutOptionalAttributesDeep())
}

func (v *variable) parseValidations(blocks hclsyntax.Blocks) error {
	for _, block := range blocks {
		if block.Type != "validation" {
			continue
		}
		condition, message := block.Body.Attributes["condition"], block.Body.Attributes["error_message"]
		if condition == nil || message == nil {
			return fmt.Errorf("a validation needs a condition and an error_message")
		}
		for _, expr := range []hclsyntax.Expression{condition.Expr, message.Expr} {
			if err := checkExpression(expr); err != nil {
				return fmt.Errorf("validation: %w", err)
			}
		}
		v.validations = append(v.validations, validation{condition: condition.Expr, message: message.Expr})
	}
	return nil
}

// checkExpression refuses what could not be evaluated later, so that it is found when a module is written, not when it is used.
func checkExpression(expr hclsyntax.Expression) error {
	var faults faultList
	for _, traversal := range expr.Variables() {
		if traversal.RootName() != "var" {
			faults.add("refers to %s; only var is known in it", traversal.RootName())
		}
	}
	hclsyntax.VisitAll(expr, func(node hclsyntax.Node) hcl.Diagnostics {
		if call, ok := node.(*hclsyntax.FunctionCallExpr); ok {
			if _, known := functions[call.Name]; !known {
				faults.add("calls %s, which is not known here", call.Name)
			}
		}
		return nil
	})
	return faults.err()
}

func parseOutput(block *hclsyntax.Block) (Output, error) {
	o := Output{Name: block.Labels[0]}
	var err error
	if o.Description, err = literalString(block.Body.Attributes["description"]); err != nil {
		return o, fmt.Errorf("description: %w", err)
	}
	o.Sensitive, err = literalBool(block.Body.Attributes["sensitive"], false)
	return o, err
}

func literalBool(attr *hclsyntax.Attribute, otherwise bool) (bool, error) {
	if attr == nil {
		return otherwise, nil
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || value.Type() != cty.Bool {
		return otherwise, fmt.Errorf("must be true or false")
	}
	return value.True(), nil
}

func literalString(attr *hclsyntax.Attribute) (string, error) {
	if attr == nil {
		return "", nil
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || value.Type() != cty.String {
		return "", fmt.Errorf("must be a plain text")
	}
	return value.AsString(), nil
}

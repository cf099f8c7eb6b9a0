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

// This file reads the interface of a module from its .tf files: variables and outputs, nothing
// else. It uses the parser of HCL and the same type expressions as Terraform, because Terraform's
// own loader is internal to it. What it does not understand is an error and never ignored: a
// variable that is left out would be missing from the form, and a flag that is misread could show
// a secret.

// identifier is stricter than Terraform, which also allows capital letters, hyphens and other
// scripts. A name becomes a key of a config, an id of a Slack input and an argument in code.
var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// variable is one variable block of a module.
type variable struct {
	name        string
	description string
	typ         cty.Type
	defaults    *typeexpr.Defaults // of optional object attributes
	def         cty.Value          // NilVal when the variable is required
	nullable    bool
	secret      string // "sensitive" or "ephemeral"; such a variable is never an input
	rules       []rule
}

func (v variable) required() bool { return v.def == cty.NilVal }

// lines reports whether the variable holds a text of several lines.
func (v variable) lines() bool {
	return v.typ == cty.String && !v.required() && !v.def.IsNull() && strings.Contains(v.def.AsString(), "\n")
}

// parsedModule is the part of a module's Terraform files that the catalog uses.
type parsedModule struct {
	variables []variable // in the order of the files
	outputs   []Output
}

// parseModule reads the variables and outputs of the files in the module's own directory, as Terraform does.
func parseModule(files map[string][]byte) (parsedModule, error) {
	var p parsedModule
	var faults faultList
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != "." || !isConfig(name) {
			continue
		}
		if strings.HasSuffix(name, ".json") {
			faults.add("%s: write the module in Terraform's own language, not as JSON", name)
			continue
		}
		// Terraform merges override files into the blocks of the others after it has read them
		// all. The form would show the defaults of before the merge.
		if name == "override.tf" || strings.HasSuffix(name, "_override.tf") {
			faults.add("%s: an override file changes what the others say; write the change into those", name)
			continue
		}
		file, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			faults.add("parse: %w", diags)
			continue
		}
		p.readBlocks(file, &faults)
	}
	if len(faults.errs) == 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(files)), func(name string) bool {
		return path.Dir(name) == "." && isConfig(name)
	}) {
		faults.add("the directory holds no .tf file")
	}
	return p, faults.err()
}

// isConfig reports whether Terraform reads a file as configuration: it leaves out hidden files and backups of editors.
func isConfig(name string) bool {
	base := path.Base(name)
	return (strings.HasSuffix(base, ".tf") || strings.HasSuffix(base, ".tf.json")) && !strings.HasPrefix(base, ".")
}

// readBlocks collects the variables and outputs of one file. Lint reads the other blocks.
func (p *parsedModule) readBlocks(file *hcl.File, faults *faultList) {
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		if len(block.Labels) != 1 {
			continue
		}
		switch block.Type {
		case "variable":
			v, err := parseVariable(block, file.Bytes)
			if err != nil {
				faults.add("variable %q: %w", block.Labels[0], err)
				continue
			}
			if slices.ContainsFunc(p.variables, func(other variable) bool { return other.name == v.name }) {
				faults.add("variable %q: is declared twice", v.name)
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

// reserved are Terraform's own words in a module call.
var reserved = []string{"source", "version", "providers", "count", "for_each", "depends_on", "lifecycle", "locals"}

// parseVariable reads one variable block. Terraform evaluates its arguments without variables or
// functions, so each must be a literal; an expression is an error and not a guess.
func parseVariable(block *hclsyntax.Block, file []byte) (variable, error) {
	v := variable{name: block.Labels[0], nullable: true}
	if !hclsyntax.ValidIdentifier(v.name) || slices.Contains(reserved, v.name) {
		return v, fmt.Errorf("is not a name that Terraform takes for a variable")
	}
	attrs := block.Body.Attributes
	for _, flag := range []string{"sensitive", "ephemeral"} {
		on, err := literalBool(attrs[flag], false)
		if err != nil {
			return v, fmt.Errorf("%s: %w", flag, err)
		}
		if on {
			v.secret = flag
		}
	}
	var err error
	if v.nullable, err = literalBool(attrs["nullable"], true); err != nil {
		return v, fmt.Errorf("nullable: %w", err)
	}
	if v.description, err = literalString(attrs["description"]); err != nil {
		return v, fmt.Errorf("description: %w", err)
	}
	if v.typ, v.defaults, err = parseType(attrs["type"]); err != nil {
		return v, fmt.Errorf("type: %w", err)
	}
	if err = v.parseDefault(attrs["default"]); err != nil {
		return v, fmt.Errorf("default: %w", err)
	}
	v.rules, err = parseRules(block.Body.Blocks, file)
	return v, err
}

// parseType parses a type constraint. Without a constraint, any type is valid; a bare list or
// map has elements of any type.
func parseType(attr *hclsyntax.Attribute) (cty.Type, *typeexpr.Defaults, error) {
	if attr == nil {
		return cty.DynamicPseudoType, nil, nil
	}
	switch hcl.ExprAsKeyword(attr.Expr) {
	case "list":
		return cty.List(cty.DynamicPseudoType), nil, nil
	case "map":
		return cty.Map(cty.DynamicPseudoType), nil, nil
	}
	typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
	if diags.HasErrors() {
		return cty.NilType, nil, diags
	}
	return typ, defaults, nil
}

// parseDefault evaluates the default without any context, as Terraform does: it can name no other
// variable and call no function. A null default makes a variable optional, too.
func (v *variable) parseDefault(attr *hclsyntax.Attribute) error {
	if attr == nil {
		return nil
	}
	value, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return diags
	}
	value, err := v.convert(value)
	if err != nil {
		return err
	}
	if value.IsNull() && !v.nullable {
		return fmt.Errorf("must not be null where nullable is false")
	}
	v.def = value
	return nil
}

// convert converts a value to the variable's type, as Terraform does.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	return convert.Convert(value, v.typ)
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

// literalBool converts "true" to true, as Terraform does. otherwise is for a missing argument; a
// value that is not constant is an error, so that sensitive = local.x does not mean false.
func literalBool(attr *hclsyntax.Attribute, otherwise bool) (bool, error) {
	if attr == nil {
		return otherwise, nil
	}
	value, diags := attr.Expr.Value(nil)
	if !diags.HasErrors() && !value.IsNull() {
		if value, err := convert.Convert(value, cty.Bool); err == nil {
			return value.True(), nil
		}
	}
	return otherwise, fmt.Errorf("must be true or false")
}

func literalString(attr *hclsyntax.Attribute) (string, error) {
	if attr == nil {
		return "", nil
	}
	text, ok := constantText(attr.Expr)
	if !ok {
		return "", fmt.Errorf("must be a plain text")
	}
	return text, nil
}

func constantText(expr hcl.Expression) (string, bool) {
	value, diags := expr.Value(nil)
	if diags.HasErrors() || value.IsNull() || value.Type() != cty.String {
		return "", false
	}
	return value.AsString(), true
}

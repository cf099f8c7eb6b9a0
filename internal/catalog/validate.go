package catalog

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// validate evaluates the validation blocks of the module's variables, with Terraform's expressions, over the config.
func (m *Module) validate(config map[string]any, errs *FieldErrors) {
	ctx := m.evalContext(config, *errs)
	before := *errs
	for i := range m.variables {
		v := &m.variables[i]
		field, ok := m.Field(v.name)
		if !ok || before.on(v.name) {
			continue
		}
		for _, rule := range v.validations {
			if message, broken := rule.check(ctx); broken {
				errs.add(field.Name, "%s", message)
			}
		}
	}
}

// evalContext gives every variable the value that Terraform would see. What is wrong already is unknown, so that a rule that
// looks at it says nothing more.
func (m *Module) evalContext(config map[string]any, errs FieldErrors) *hcl.EvalContext {
	vars := make(map[string]cty.Value, len(m.variables))
	for i := range m.variables {
		v := &m.variables[i]
		value, err := v.value(config[v.name])
		if err != nil || errs.on(v.name) {
			value = cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		}
		vars[v.name] = value
	}
	return &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(vars)}, Functions: functions}
}

// value is what Terraform would see for a config's value; nil is the default.
func (v *variable) value(raw any) (cty.Value, error) {
	if raw == nil {
		if v.required() { // left out on purpose only where the server sets it
			return cty.UnknownVal(v.typ), nil
		}
		return v.def, nil
	}
	value, err := fromConfig(raw, v.typ)
	if err != nil {
		return cty.NilVal, err
	}
	return v.convert(value)
}

const unexplained = "This value breaks a rule of the module."

// check fails closed: a rule that cannot be decided for known values is broken.
func (r validation) check(ctx *hcl.EvalContext) (message string, broken bool) {
	result, diags := r.condition.Value(ctx)
	if !diags.HasErrors() {
		result, _ = result.Unmark()
		if !result.IsKnown() {
			return "", false
		}
		if ok, err := convert.Convert(result, cty.Bool); err == nil && !ok.IsNull() && ok.True() {
			return "", false
		}
	}
	return r.explain(ctx), true
}

func (r validation) explain(ctx *hcl.EvalContext) string {
	value, diags := r.message.Value(ctx)
	if diags.HasErrors() || value.IsNull() || !value.IsWhollyKnown() || value.Type() != cty.String {
		return unexplained
	}
	if text := strings.TrimSpace(value.AsString()); text != "" {
		return text
	}
	return unexplained
}

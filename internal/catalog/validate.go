package catalog

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// validate evaluates the rules of all variables over the config, as a plan would. It reports a
// broken rule at its variable or, if that is not in the form, at a field that the rule reads.
func (m *Module) validate(config map[string]any, env Environment, errs *FieldErrors) {
	ctx := m.evalContext(config, env, *errs)
	before := *errs
	for i := range m.variables {
		v := &m.variables[i]
		for _, check := range v.rules {
			place := m.reportAt(v, check, config)
			// The field has an error already, and evalContext made its value unknown. A second
			// message would only hide the first one.
			if before.on(place) {
				continue
			}
			message, broken := check.check(ctx)
			switch _, visible := m.Field(place); {
			case !broken:
			case place == v.name && !visible:
				errs.add(place, "%s No field of the form changes this; ask your platform team about %s.", message, v.name)
			default:
				errs.add(place, "%s", message)
			}
		}
	}
}

// reportAt returns the field at which to report a broken rule: the variable's own field, else a
// field that the rule reads, preferring filled ones, else the variable's name.
func (m *Module) reportAt(v *variable, r rule, config map[string]any) string {
	visible := func(name string) bool { _, ok := m.Field(name); return ok }
	if visible(v.name) {
		return v.name
	}
	read := slices.DeleteFunc(slices.Clone(r.refers), func(name string) bool { return !visible(name) })
	if len(read) == 0 {
		return v.name
	}
	if i := slices.IndexFunc(read, func(name string) bool { return config[name] != nil }); i >= 0 {
		return read[i]
	}
	return read[0]
}

// evalContext returns the value of every variable as Terraform would see it. An invalid value is
// unknown, so that a rule that reads it reports no second error. A value that only the server
// knows later is unknown too.
func (m *Module) evalContext(config map[string]any, env Environment, errs FieldErrors) *hcl.EvalContext {
	vars := make(map[string]cty.Value, len(m.variables))
	for i := range m.variables {
		v := &m.variables[i]
		value, err := v.value(config[v.name])
		if err != nil || errs.on(v.name) {
			value = cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep())
		}
		if kind := m.computed[v.name]; kind != "" && !errs.on(v.name) {
			value = computedValue(kind, value, env)
		}
		if v.secret != "" {
			value = value.Mark(mark(v.secret))
		}
		vars[v.name] = value
	}
	return &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(vars)}, Functions: functions}
}

// computedValue returns the value that the server will put into a variable, as far as it depends
// on the environment.
func computedValue(kind string, given cty.Value, env Environment) cty.Value {
	known := func(text string) cty.Value {
		if text == "" {
			return cty.UnknownVal(cty.String)
		}
		return cty.StringVal(text)
	}
	switch kind {
	case ComputedProject:
		return known(env.Project)
	case ComputedEnvironment:
		return known(env.Key)
	case ComputedSlug:
		return known(env.Slug)
	case ComputedTags:
		return computedTags(given, known(env.Project))
	}
	return cty.UnknownVal(cty.String)
}

// computedTags are the server's tags over those that were given; most of their values are known later.
func computedTags(given, project cty.Value) cty.Value {
	if !given.IsKnown() {
		return given
	}
	tags := Computed{}.tags()
	for name, value := range tags {
		tags[name] = cty.UnknownVal(value.Type())
	}
	tags[TagManagedBy], tags[TagProject] = cty.StringVal("tfpilot"), project
	if !given.IsNull() {
		for key, value := range given.AsValueMap() {
			if _, ours := tags[key]; !ours {
				tags[key] = value
			}
		}
	}
	return cty.MapVal(tags)
}

// value returns what Terraform would see for a config value; nil is the default.
func (v *variable) value(raw any) (cty.Value, error) {
	if raw == nil {
		if v.required() { // left out on purpose only where the server sets it
			return cty.UnknownVal(v.typ.WithoutOptionalAttributesDeep()), nil
		}
		return v.def, nil
	}
	value, err := fromConfig(raw, v.typ, v.lines())
	if err != nil {
		return cty.NilVal, err
	}
	return v.convert(value)
}

package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// A form has two sources: the variables of the module, which Terraform also reads, and the
// overlay tfpilot.yaml, which only TfPilot reads. This file joins them when the catalog is loaded
// and rejects a module whose form would be incomplete or unsafe. It is better to stop a release
// of the catalog than to offer a form whose every request fails in its plan.
//
// Each variable ends in exactly one of three groups: a field that people fill in, a computed
// variable that the server fills in, or a hidden one that always has its default. Only tags are
// in two groups: people may add their own, and the server adds its own to them.

// assemble joins variables and overlay into the module's form.
func (m *Module) assemble(over overlay, parsed parsedModule) error {
	var faults faultList
	m.assembleFields(over, &faults)
	m.checkComputed(&faults)
	for _, name := range over.Outputs {
		i := slices.IndexFunc(parsed.outputs, func(o Output) bool { return o.Name == name })
		if i < 0 {
			faults.add("tfpilot.yaml: output %s does not exist", name)
			continue
		}
		m.Outputs = append(m.Outputs, parsed.outputs[i])
	}
	return faults.err()
}

// assembleFields returns the overlay's fields in its order, then the other variables in the
// order of the files.
func (m *Module) assembleFields(over overlay, faults *faultList) {
	asked := map[string]bool{}
	for _, field := range over.Fields {
		asked[field.Name] = true
		v, ok := m.variable(field.Name)
		if !ok {
			faults.add("tfpilot.yaml: field %s is not a variable of the module", field.Name)
			continue
		}
		m.addField(v, field, faults)
	}
	for _, name := range over.Hidden {
		v, ok := m.variable(name)
		if !ok || v.required() && m.computed[name] == "" {
			faults.add("tfpilot.yaml: hidden variable %s does not exist or has no default", name)
		}
	}
	for i := range m.variables {
		v := &m.variables[i]
		if asked[v.name] || m.computed[v.name] != "" || slices.Contains(over.Hidden, v.name) {
			continue
		}
		m.addField(v, overlayField{Name: v.name}, faults)
	}
}

// addField adds a variable to the form, or explains why the form cannot contain it. checkInput
// comes first, since its advice (hide the variable) also solves the other errors.
func (m *Module) addField(v *variable, over overlayField, faults *faultList) {
	field, err := newField(v, over)
	if wrong := v.checkInput(); wrong != nil {
		err = wrong
	}
	if err != nil {
		faults.add("variable %s: %w", v.name, err)
		return
	}
	if kind := m.computed[v.name]; kind != "" && kind != ComputedTags {
		faults.add("tfpilot.yaml: %s is set by the server, so it cannot be a field", v.name)
		return
	}
	m.Fields = append(m.Fields, field)
}

// checkComputed requires the exact type of what the server writes. Terraform would convert a
// string to a bool or number where it can, so a wrong type would fail for some projects only.
func (m *Module) checkComputed(faults *faultList) {
	for name, kind := range m.computed {
		v, ok := m.variable(name)
		want := cty.String
		if kind == ComputedTags {
			want = cty.Map(cty.String)
		}
		if ok && v.checkInput() != nil {
			faults.add("variable %s: %w", name, v.checkInput())
			continue
		}
		if !ok || !v.typ.Equals(want) {
			faults.add("tfpilot.yaml: computed %s must be a variable of type %s", name, want.FriendlyName())
		}
	}
}

func (m *Module) variable(name string) (*variable, bool) {
	for i := range m.variables {
		if m.variables[i].name == name {
			return &m.variables[i], true
		}
	}
	return nil, false
}

// checkInput rejects variables that cannot be an input. A hidden variable is never written into
// a module call.
func (v *variable) checkInput() error {
	switch {
	case v.secret != "" && v.required():
		return fmt.Errorf("is %s: a secret is never an input; let the provider generate it, or use a reference to it",
			v.secret)
	case v.secret != "":
		return fmt.Errorf("is %s: a secret is never an input; list the variable under hidden, so that it keeps its default",
			v.secret)
	case !identifier.MatchString(v.name):
		return fmt.Errorf("an input is named like bucket_name, with lower-case letters, digits and underscores; " +
			"list the variable under hidden if it has a default")
	}
	return nil
}

// newField joins a variable with its entry in the overlay. The label falls back to the variable's
// name, and the help starts with its description, so that a module needs no overlay for them.
func newField(v *variable, over overlayField) (Field, error) {
	field := Field{
		Name: v.name, Label: over.Label, Help: over.Help, Placeholder: over.Placeholder,
		Required: v.required(), Advanced: over.Group == groupAdvanced, Immutable: over.Immutable, Multiline: v.lines(),
		typ: v.typ,
	}
	if field.Label == "" {
		field.Label = strings.ToUpper(v.name[:1]) + strings.ReplaceAll(v.name[1:], "_", " ")
	}
	field.Help = strings.TrimSpace(v.description + " " + over.Help)
	if field.Required && field.Advanced {
		return field, fmt.Errorf("a required field cannot be folded away under advanced")
	}
	var err error
	if field.Kind, field.Elem, err = kindOf(v.typ); err != nil {
		return field, err
	}
	if !v.required() {
		field.Default = toConfig(v.def)
	}
	if err := field.addChoices(over.Choices); err != nil {
		return field, err
	}
	// The config is stored and the generated code is committed, so a password would stay in the
	// history of Git. A field whose name suggests one therefore needs a decision by the author of
	// the module. A field with choices is exempt: its values are in the module's files already.
	if over.Secret == nil && len(field.Choices) == 0 && (field.Kind == Text || field.Elem == Text) &&
		secretscan.Name(v.name) {
		return field, fmt.Errorf("its name suggests a credential, which is never an input: let the provider generate it, " +
			"or use a reference to it; " +
			"if it is not a credential, set secret: false for the field in tfpilot.yaml")
	}
	return field, field.addLimits(over.Limits)
}

// kindOf maps a type of Terraform to a kind of input. Slack's forms have no nested inputs, so an
// object, a tuple or a list of lists has no field; such a variable must be hidden.
func kindOf(typ cty.Type) (kind, elem Kind, err error) {
	switch {
	case typ == cty.String:
		return Text, "", nil
	case typ == cty.Number:
		return Number, "", nil
	case typ == cty.Bool:
		return Bool, "", nil
	case typ.IsListType() || typ.IsSetType():
		kind = List
	case typ.IsMapType():
		kind = Map
	default:
		return "", "", cannotAsk(typ)
	}
	elem, _, err = kindOf(typ.ElementType())
	if err == nil && elem != Text && elem != Number && elem != Bool {
		err = cannotAsk(typ)
	}
	return kind, elem, err
}

func cannotAsk(typ cty.Type) error {
	return fmt.Errorf("its type, %s, is not supported as an input; give the variable a default and list it under hidden",
		typ.FriendlyNameForConstraint())
}

// addChoices makes a text or number a choice. In a list, the choices restrict the items.
func (f *Field) addChoices(raw []any) error {
	if len(raw) == 0 {
		return nil
	}
	if f.Kind == Bool || f.Kind == Map || f.Elem == Bool {
		return fmt.Errorf("choices fit only a text, a number or a list of these")
	}
	elem := f.typ
	if f.Kind == List {
		elem = f.typ.ElementType()
	} else {
		f.Kind = Select
	}
	for _, one := range raw {
		choice, err := newChoice(one, elem)
		if err != nil {
			return err
		}
		// A list is typed one item per line, and blank lines are skipped, so no one could enter
		// an empty item by hand.
		if f.Kind == List && choice.Value == "" {
			return fmt.Errorf("choice: an item of a list must not be empty")
		}
		f.Choices = append(f.Choices, choice)
	}
	return nil
}

// newChoice reads a value, or a table with a value and a label. Extra keys are an error: a
// misspelled label would otherwise vanish silently.
func newChoice(raw any, typ cty.Type) (Choice, error) {
	label := ""
	if table, ok := raw.(map[string]any); ok {
		label, _ = table["label"].(string)
		if len(table) > 2 || len(table) == 2 && label == "" {
			return Choice{}, fmt.Errorf("a choice is a value, or a value with a label")
		}
		raw = table["value"]
	}
	value, err := literal(raw, typ)
	if err != nil {
		return Choice{}, fmt.Errorf("choice: %w", err)
	}
	if label == "" {
		label = itemText(value)
	}
	return Choice{Value: value, Label: label}, nil
}

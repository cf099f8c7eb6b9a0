package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// Parse is the only way from an untrusted entry to a config: the Slack form, the language model
// and stored drafts all pass through it. What it returns has been checked against the types,
// choices, limits and rules of the module, and contains no credential that a scan recognizes.
//
// Checks run from cheap to general: the type of each field, then credentials and limits, then the
// module's own rules over all fields together. A field gets one error, the first: a rule over a
// value of the wrong type would only repeat the problem in harder words.

// maxConfig bounds the JSON of a config in bytes, so that the document, the pull request and the
// card can contain it.
const maxConfig = 32 << 10

// FieldError is one invalid field. Its message tells the person how to fix it.
type FieldError struct {
	Field   string
	Message string // a full sentence
}

// FieldErrors lists all invalid fields, in the order of the form.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Field + ": " + one.Message
	}
	return strings.Join(lines, "\n")
}

func (e *FieldErrors) add(field, format string, args ...any) {
	*e = append(*e, FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
}

func (e FieldErrors) on(field string) bool {
	return slices.ContainsFunc(e, func(one FieldError) bool { return one.Field == field })
}

// Parse converts form entries or JSON values to a config for an environment. The values of a
// config are string, bool, json.Number, []any and map[string]any. Parse reports all errors
// together. If there are any, the config contains only the valid fields: use it to continue a
// form or conversation, but do not store it.
func (m *Module) Parse(input map[string]any, env Environment) (config map[string]any, errs FieldErrors) {
	config = map[string]any{}
	for i := range m.Fields {
		m.parseField(&m.Fields[i], input[m.Fields[i].Name], env, config, &errs)
	}
	m.refuseUnknown(input, &errs)
	m.validate(config, env, &errs)
	if content, err := json.Marshal(config); err != nil || len(content) > maxConfig {
		errs.add(m.Fields[0].Name, "All fields together are longer than %d bytes; shorten them.", maxConfig)
	}
	for _, one := range errs {
		delete(config, one.Field)
	}
	return config, errs
}

// parseField checks one field alone. An empty field is checked with its default, because an
// environment can have a limit that the default exceeds, but only an entry becomes part of the
// config: a later version of the module may improve its default.
func (m *Module) parseField(f *Field, raw any, env Environment, config map[string]any, errs *FieldErrors) {
	value, given, err := f.valueOf(raw)
	switch {
	case err != nil:
		errs.add(f.Name, "%s %s.", f.Label, err)
		return
	case !given && f.Required:
		errs.add(f.Name, "%s is missing.", f.Label)
		return
	case !given:
		value = f.Default
	}
	if given { // a default is the module's own code, which no one typed here
		err = checkCredential(value)
	}
	if err != nil {
		errs.add(f.Name, "%s %s.", f.Label, err)
		return
	}
	if err := f.checkLimits(value, env); err != nil {
		errs.add(f.Name, "%s %s.", f.Label, err)
		return
	}
	if m.computed[f.Name] == ComputedTags {
		if err := checkTags(value); err != nil {
			errs.add(f.Name, "%s %s.", f.Label, err)
			return
		}
	}
	if given {
		config[f.Name] = value
	}
}

// checkCredential rejects a value that contains a credential, by its format or, in a table, by
// its name.
func checkCredential(value any) error {
	for _, item := range itemsOf(value) {
		if typed, ok := item.(string); ok {
			if err := secretscan.CheckInput(typed, invisible.Lines); err != nil { // whether it may have lines was checked before
				return err
			}
		}
	}
	table, _ := value.(map[string]any)
	for _, name := range sortedKeys(table) {
		item, _ := table[name].(string)
		if err := cmp.Or(secretscan.CheckInput(name, invisible.Line), secretscan.CheckPair(name, item)); err != nil {
			return err
		}
	}
	return nil
}

// refuseUnknown reports unknown fields, each with the nearest known one.
func (m *Module) refuseUnknown(input map[string]any, errs *FieldErrors) {
	names := make([]string, len(m.Fields))
	for i, field := range m.Fields {
		names[i] = field.Name
	}
	for _, name := range sortedKeys(input) {
		if slices.Contains(names, name) {
			continue
		}
		if m.computed[name] != "" {
			errs.add(name, "%s is set by TfPilot; leave it out.", name)
			continue
		}
		hint := "Known are " + strings.Join(names, ", ") + "."
		if near, ok := Nearest(name, names); ok {
			hint = "Did you mean " + near + "?"
		}
		errs.add(name, "%s has no field %s. %s", m.Title, shorten(name), hint)
	}
}

// Changed lists the immutable fields in which two configs differ, for an edit of an existing
// resource.
func (m *Module) Changed(before, after map[string]any) (errs FieldErrors) {
	for _, field := range m.Fields {
		if field.Immutable && !sameValue(before[field.Name], after[field.Name], field.Default) {
			errs.add(field.Name, "%s cannot be changed once it exists: that would replace it. Ask for a new one instead.",
				field.Label)
		}
	}
	return errs
}

// sameValue compares the meaning of two values: an absent one means the default.
func sameValue(a, b, otherwise any) bool {
	if a == nil {
		a = otherwise
	}
	if b == nil {
		b = otherwise
	}
	return equalValues(a, b)
}

package catalog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// valueOf takes what was given for a field, typed in a form or as JSON, into the form that a config holds. Given is false for
// nothing, a blank text among them; an empty JSON list or object is a value.
func (f *Field) valueOf(raw any) (value any, given bool, err error) {
	if text, ok := raw.(string); ok && strings.TrimSpace(text) == "" {
		return nil, false, checkText(text, f.Kind == List || f.Kind == Map)
	}
	if raw == nil {
		return nil, false, nil
	}
	switch f.Kind {
	case List:
		value, err = listOf(raw, f.Elem)
	case Map:
		value, err = mapOf(raw, f.Elem)
	case Select:
		value, err = f.choiceOf(raw)
	default:
		value, err = scalarOf(raw, f.Kind)
	}
	if err == nil && f.Kind == List {
		err = f.checkItems(value.([]any))
	}
	return value, err == nil, err
}

// choiceOf takes a choice by its value or, in whatever case, by its label.
func (f *Field) choiceOf(raw any) (any, error) {
	for _, choice := range f.Choices {
		text, ok := raw.(string)
		if ok && (strings.EqualFold(strings.TrimSpace(text), choice.Label) || strings.EqualFold(strings.TrimSpace(text), itemText(choice.Value))) {
			return choice.Value, nil
		}
		if value, err := literal(raw, f.typ); err == nil && value == choice.Value {
			return choice.Value, nil
		}
	}
	words := choiceWords(f.Choices)
	if text, ok := raw.(string); ok {
		if near, ok := Nearest(text, words); ok {
			return nil, fmt.Errorf("must be one of %s (did you mean %s?)", strings.Join(words, ", "), near)
		}
	}
	return nil, fmt.Errorf("must be one of %s", strings.Join(words, ", "))
}

func (f *Field) checkItems(items []any) error {
	if len(f.Choices) == 0 {
		return nil
	}
	for i, item := range items {
		if !hasChoice(f.Choices, item) {
			return fmt.Errorf("item %d must be one of %s", i+1, strings.Join(choiceWords(f.Choices), ", "))
		}
	}
	return nil
}

func hasChoice(choices []Choice, value any) bool {
	for _, choice := range choices {
		if choice.Value == value {
			return true
		}
	}
	return false
}

func choiceWords(choices []Choice) []string {
	words := make([]string, len(choices))
	for i, choice := range choices {
		words[i] = itemText(choice.Value)
	}
	return words
}

// Text writes a config's value as it is typed in a form; what it gives, Parse reads back as the same value.
func (f *Field) Text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []any:
		lines := make([]string, len(v))
		for i, item := range v {
			lines[i] = itemText(item)
		}
		if len(lines) == 1 && strings.Contains(lines[0], ",") {
			return lines[0] + "\n" // more than one line, so that the comma separates nothing
		}
		return strings.Join(lines, "\n")
	case map[string]any:
		lines := make([]string, 0, len(v))
		for _, key := range sortedKeys(v) {
			lines = append(lines, key+"="+itemText(v[key]))
		}
		return strings.Join(lines, "\n")
	}
	return itemText(value)
}

func itemText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return ""
}

// literal takes a value from an overlay, as strictly as its variable's type.
func literal(raw any, typ cty.Type) (any, error) {
	kind, _, err := kindOf(typ)
	if err != nil {
		return nil, err
	}
	if _, isText := raw.(string); !isText && kind == Text {
		return nil, fmt.Errorf("%v must be a text; put it in quotes", raw)
	}
	if kind == List || kind == Map {
		return nil, fmt.Errorf("%v must be a single value", raw)
	}
	return scalarOf(raw, kind)
}

// toConfig writes a Terraform value as a config holds it.
func toConfig(v cty.Value) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case !v.IsWhollyKnown():
		return nil, fmt.Errorf("is not known")
	case v.Type() == cty.String:
		return v.AsString(), nil
	case v.Type() == cty.Bool:
		return v.True(), nil
	case v.Type() == cty.Number:
		return canonicalNumber(v.AsBigFloat().Text('f', -1))
	case v.Type().IsListType() || v.Type().IsSetType():
		list := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, elem := it.Element()
			item, err := toConfig(elem)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	case v.Type().IsMapType():
		table := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, elem := it.Element()
			item, err := toConfig(elem)
			if err != nil {
				return nil, err
			}
			table[key.AsString()] = item
		}
		return table, nil
	}
	return nil, fmt.Errorf("the type %s has no place in a config", v.Type().FriendlyName())
}

// fromConfig is the reverse for a value that a config holds, as strict as the variable's type.
func fromConfig(raw any, typ cty.Type) (cty.Value, error) {
	switch v := raw.(type) {
	case nil:
		return cty.NullVal(typ), nil
	case string:
		if typ != cty.String {
			break
		}
		if err := checkText(v, false); err != nil {
			return cty.NilVal, err
		}
		if cty.NormalizeString(v) != v {
			return cty.NilVal, fmt.Errorf("is not in composed form")
		}
		return cty.StringVal(v), nil
	case bool:
		if typ == cty.Bool {
			return cty.BoolVal(v), nil
		}
	case json.Number, float64:
		text, err := numberOf(v)
		if err != nil || typ != cty.Number {
			break
		}
		return cty.ParseNumberVal(text.String())
	case []any:
		if typ.IsListType() || typ.IsSetType() {
			return listFromConfig(v, typ)
		}
	case map[string]any:
		if typ.IsMapType() {
			return mapFromConfig(v, typ)
		}
	}
	return cty.NilVal, fmt.Errorf("must be of type %s", typ.FriendlyName())
}

func listFromConfig(raw []any, typ cty.Type) (cty.Value, error) {
	if len(raw) == 0 {
		return convert.Convert(cty.EmptyTupleVal, typ)
	}
	items := make([]cty.Value, len(raw))
	for i, one := range raw {
		item, err := fromConfig(one, typ.ElementType())
		if err != nil || item.IsNull() {
			return cty.NilVal, fmt.Errorf("item %d is not of its type", i+1)
		}
		items[i] = item
	}
	return convert.Convert(cty.TupleVal(items), typ)
}

func mapFromConfig(raw map[string]any, typ cty.Type) (cty.Value, error) {
	table := make(map[string]cty.Value, len(raw))
	for key, one := range raw {
		if checkText(key, false) != nil || cty.NormalizeString(key) != key {
			return cty.NilVal, fmt.Errorf("the name %s cannot be kept", shorten(key))
		}
		item, err := fromConfig(one, typ.ElementType())
		if err != nil || item.IsNull() {
			return cty.NilVal, fmt.Errorf("the value of %s is not of its type", shorten(key))
		}
		table[key] = item
	}
	return convert.Convert(cty.ObjectVal(table), typ)
}

package catalog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/tfpilot/tfpilot/internal/invisible"
)

// Three forms of the same value meet here:
//
//   entry     what a form or a model gives: text, or JSON of any shape
//   config    what a request stores: string, bool, json.Number, []any, map[string]any
//   cty       what Terraform computes with: a typed value of one variable
//
// valueOf reads an entry, Text and FormText write one, and toConfig and fromConfig convert
// between config and cty. The rule that joins them: an entry that FormText wrote reads back as
// the same value. An edit opens the form with the stored values and saves it again; without this
// rule, a person who changes one field would silently change another one too.
//
// A number is a json.Number in one canonical form. As a float64, 9007199254740993 would lose its
// last digit between the form and the plan.

// valueOf converts a form entry or JSON value to a config value. given is false for an empty
// entry, such as a blank text; an empty JSON list or object is a value.
func (f *Field) valueOf(raw any) (value any, given bool, err error) {
	typed, isText := raw.(string)
	// The exact choice comes first: an empty string may be one, and otherwise it would mean that
	// nothing was entered.
	if f.Kind == Select && isText && hasChoice(f.Choices, typed) {
		return typed, true, nil
	}
	if isText && strings.TrimSpace(typed) == "" {
		return nil, false, invisible.Check(typed, invisible.Shape(f.Kind == List || f.Kind == Map || f.Multiline))
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
	case Text:
		value, err = f.textOf(raw)
	default:
		value, err = scalarOf(raw, f.Kind)
	}
	if err == nil && f.Kind == List {
		err = f.checkItems(value.([]any))
	}
	return value, err == nil, err
}

// textOf converts a text. A text of several lines is unchanged except for its line endings.
func (f *Field) textOf(raw any) (any, error) {
	text, ok := raw.(string)
	if !f.Multiline || !ok {
		return scalarOf(raw, Text)
	}
	// Terraform normalizes strings to NFC when it reads them. A config in another form would
	// differ from the plan's value although both look the same. A client may end lines with CRLF.
	text = cty.NormalizeString(strings.ReplaceAll(text, "\r\n", "\n"))
	if err := invisible.Check(text, invisible.Lines); err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("is longer than %d bytes", maxText)
	}
	return text, nil
}

// choiceOf finds a choice by its value or, ignoring case, by its label. If labels differ only in
// case, the exact one wins.
func (f *Field) choiceOf(raw any) (any, error) {
	for _, choice := range f.Choices {
		if value, err := literal(raw, f.typ); raw == choice.Value || err == nil && value == choice.Value {
			return choice.Value, nil
		}
	}
	words := choiceWords(f.Choices)
	text, ok := raw.(string)
	if !ok {
		return nil, fmt.Errorf("must be one of %s", strings.Join(words, ", "))
	}
	// Values come before labels: a label of one choice may equal the value of another.
	for _, nameOf := range []func(Choice) string{func(c Choice) string {
		return itemText(c.Value)
	}, func(c Choice) string { return c.Label }} {
		for _, choice := range f.Choices {
			if strings.EqualFold(strings.TrimSpace(text), nameOf(choice)) {
				return choice.Value, nil
			}
		}
	}
	if near, ok := Nearest(text, words); ok {
		return nil, fmt.Errorf("must be one of %s (did you mean %s?)", strings.Join(words, ", "), near)
	}
	return nil, fmt.Errorf("must be one of %s", strings.Join(words, ", "))
}

// checkItems restricts the items of a list to its choices. A single choice is checked by
// choiceOf.
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

// choiceWords returns the values rather than the labels, since a model and the CLI send values.
func choiceWords(choices []Choice) []string {
	words := make([]string, len(choices))
	for i, choice := range choices {
		words[i] = itemText(choice.Value)
	}
	return words
}

// FormText returns a value as text for a form. It reports false if the text would not read back
// as the same value, or is longer than an input allows.
func (f *Field) FormText(value any) (string, bool) {
	text := f.Text(value)
	if isNothing(value) {
		return "", true
	}
	// Counted in UTF-16 code units, as JavaScript counts: never less than the number of
	// characters, so the text is short enough whichever of the two Slack counts.
	if len(utf16.Encode([]rune(text))) > maxText {
		return "", false
	}
	back, given, err := f.valueOf(text)
	if err != nil || !given || !equalValues(back, value) {
		return "", false
	}
	return text, true
}

// Empty returns the empty list or map, or nil for a field that cannot be empty: there, no entry
// means the default.
func (f *Field) Empty() any {
	switch f.Kind {
	case List:
		return []any{}
	case Map:
		return map[string]any{}
	}
	return nil
}

// isNothing reports whether an empty input represents the value exactly.
func isNothing(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// equalValues compares as JSON, which is how configs are stored and which sorts the keys of a
// map. Both sides must be canonical: 30 and 30.0 would differ.
func equalValues(a, b any) bool {
	left, err1 := json.Marshal(a)
	right, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(left) == string(right)
}

// Describe summarizes a value in a few words, for messages that cannot show it.
func Describe(value any) string {
	count := func(what string, n int, one, many string) string {
		if n == 1 {
			return fmt.Sprintf("%s of 1 %s", what, one)
		}
		return fmt.Sprintf("%s of %d %s", what, n, many)
	}
	switch v := value.(type) {
	case nil:
		return "null"
	case []any:
		return count("a list", len(v), "item", "items")
	case map[string]any:
		return count("a map", len(v), "entry", "entries")
	case string:
		if n := utf8.RuneCountInString(v); n > 40 {
			return count("a text", n, "character", "characters")
		}
		return strconv.Quote(v)
	}
	return itemText(value)
}

// Text returns a config value as text for a form. FormText reports whether the text reads back
// as the same value.
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

// itemText writes a scalar as people type it. boolOf reads yes and no back.
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

// literal converts an overlay value, as strictly as the variable's type requires.
func literal(raw any, typ cty.Type) (any, error) {
	kind, _, err := kindOf(typ)
	if err != nil {
		return nil, err
	}
	// YAML reads 1.10 as a number and loses its zero, and reads yes as a bool in some versions.
	// The author has to quote such a text, because no conversion could restore it.
	if _, isText := raw.(string); !isText && kind == Text {
		return nil, fmt.Errorf("%v must be a text; put it in quotes", raw)
	}
	if kind == List || kind == Map {
		return nil, fmt.Errorf("%v must be a single value", raw)
	}
	value, err := scalarOf(raw, kind)
	if text, isText := raw.(string); err == nil && isText && kind == Text && value != text {
		return nil, fmt.Errorf("%s must have no space around it", shorten(text))
	}
	return value, err
}

// toConfig converts a default to a config value. A part that no config can contain, such as null
// in a list, stays in it, and the value then has no Text.
func toConfig(v cty.Value) any {
	switch typ := v.Type(); {
	case v.IsNull():
		return nil
	case typ == cty.Bool:
		return v.True()
	case typ == cty.Number:
		if number, err := canonicalNumber(v.AsBigFloat().Text('f', -1)); err == nil {
			return number
		}
		return json.Number(v.AsBigFloat().Text('g', -1)) // of more digits than a config holds
	case typ.IsListType() || typ.IsSetType():
		list := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, item := it.Element()
			list = append(list, toConfig(item))
		}
		return list
	case typ.IsMapType():
		table := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			key, item := it.Element()
			table[key.AsString()] = toConfig(item)
		}
		return table
	}
	return v.AsString()
}

// fromConfig is the reverse of toConfig, for values that a config can contain, and as strict as
// the variable's type. A text has several lines only if the field allows them.
func fromConfig(raw any, typ cty.Type, lines bool) (cty.Value, error) {
	switch v := raw.(type) {
	case nil:
		return cty.NullVal(typ), nil
	case string:
		if typ != cty.String {
			break
		}
		if err := invisible.Check(v, invisible.Shape(lines)); err != nil {
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

// listFromConfig builds a tuple and converts it, so that cty chooses between list and set, and
// removes duplicates from a set.
func listFromConfig(raw []any, typ cty.Type) (cty.Value, error) {
	if len(raw) == 0 {
		return convert.Convert(cty.EmptyTupleVal, typ)
	}
	items := make([]cty.Value, len(raw))
	for i, one := range raw {
		item, err := fromConfig(one, typ.ElementType(), false)
		if err != nil || item.IsNull() {
			return cty.NilVal, fmt.Errorf("item %d is not of its type", i+1)
		}
		items[i] = item
	}
	return convert.Convert(cty.TupleVal(items), typ)
}

// mapFromConfig rejects keys that would differ after Terraform's normalization: two keys could
// become one, and the plan would miss an entry that the card showed.
func mapFromConfig(raw map[string]any, typ cty.Type) (cty.Value, error) {
	table := make(map[string]cty.Value, len(raw))
	for key, one := range raw {
		if invisible.Check(key, invisible.Line) != nil || cty.NormalizeString(key) != key {
			return cty.NilVal, fmt.Errorf("the name %s cannot be kept", shorten(key))
		}
		item, err := fromConfig(one, typ.ElementType(), false)
		if err != nil || item.IsNull() {
			return cty.NilVal, fmt.Errorf("the value of %s is not of its type", shorten(key))
		}
		table[key] = item
	}
	return convert.Convert(cty.ObjectVal(table), typ)
}

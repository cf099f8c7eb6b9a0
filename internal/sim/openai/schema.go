package openai

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

const (
	maxDepth      = 10
	maxProperties = 5000
	maxValues     = 1000    // in all enumerations
	maxNames      = 120_000 // characters in all names and values
	longList      = 250     // above this many values, their length counts too
	maxLongList   = 15_000
)

// schema is the part of JSON Schema that strict output supports.
type schema struct {
	Type        types             `json:"type"`
	Description string            `json:"description"`
	Enum        []any             `json:"enum"`
	Const       any               `json:"const"`
	AnyOf       []schema          `json:"anyOf"`
	Properties  map[string]schema `json:"properties"`
	Required    []string          `json:"required"`
	Additional  any               `json:"additionalProperties"`
	Items       *schema           `json:"items"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	Pattern     string            `json:"pattern"`
}

// types is one type or several.
type types []string

func (t *types) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(t))
}

func (s schema) is(typ string) bool { return slices.Contains(s.Type, typ) }

// nullable reports whether a schema allows null.
func (s schema) nullable() bool {
	return s.is("null") || slices.Contains(s.Enum, nil) && len(s.Enum) > 0 ||
		slices.ContainsFunc(s.AnyOf, schema.nullable)
}

// allowed returns the values of an enumeration, without null.
func (s schema) allowed() []any {
	if s.Const != nil {
		return []any{s.Const}
	}
	return slices.DeleteFunc(slices.Clone(s.Enum), func(v any) bool { return v == nil })
}

var formatName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkFormat refuses a response format that OpenAI would refuse.
func (req *request) checkFormat() *apiError {
	switch req.Format.Type {
	case "", "text", "json_object":
		return nil
	case "json_schema":
	default:
		return invalid("response_format.type",
			fmt.Sprintf("Invalid value: '%.40s'. Supported values are: 'json_object', 'json_schema', and 'text'.",
				req.Format.Type))
	}
	given := req.Format.Schema
	if given == nil || !formatName.MatchString(given.Name) {
		return invalid("response_format.json_schema.name",
			"Invalid 'response_format.json_schema.name': expected 1 to 64 letters, digits, _ or -.")
	}
	if err := json.Unmarshal(given.Schema, &req.schema); err != nil {
		return invalid("response_format.json_schema.schema", "Invalid schema: "+err.Error())
	}
	if !given.Strict {
		return nil
	}
	wrong := "schema must be a JSON Schema of 'type: \"object\"'"
	if req.schema.is("object") {
		left := maxProperties
		if wrong = req.schema.strict("()", 0, &left); wrong == "" {
			wrong = req.schema.size().tooLarge()
		}
	}
	if wrong != "" {
		return invalid("response_format", fmt.Sprintf("Invalid schema for response_format '%s': %s", given.Name, wrong))
	}
	return nil
}

// strict returns what strict mode does not allow in a schema, or "".
func (s schema) strict(at string, depth int, left *int) string {
	if depth > maxDepth {
		return fmt.Sprintf("In context=%s, nesting is deeper than %d levels.", at, maxDepth)
	}
	if s.is("object") {
		if s.Additional != false {
			return fmt.Sprintf("In context=%s, 'additionalProperties' is required to be supplied and to be false.", at)
		}
		if *left -= len(s.Properties); *left < 0 {
			return fmt.Sprintf("more than %d properties", maxProperties)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(s.Required, name) {
			return fmt.Sprintf(
				"In context=%s, 'required' is required to be supplied and to be an array including every key in properties. Missing '%s'.", at, name)
		}
		if wrong := s.Properties[name].strict(fmt.Sprintf("('properties', '%s')", name), depth+1, left); wrong != "" {
			return wrong
		}
	}
	if s.is("array") {
		if s.Items == nil {
			return fmt.Sprintf("In context=%s, array schema missing items.", at)
		}
		return s.Items.strict(at+"[items]", depth+1, left)
	}
	for i, a := range s.AnyOf {
		if wrong := a.strict(fmt.Sprintf("%s[anyOf %d]", at, i), depth+1, left); wrong != "" {
			return wrong
		}
	}
	return ""
}

// size is measured against the limits of a whole schema.
type size struct{ values, names, longest int }

func (s schema) size() size {
	var n size
	own := 0
	for _, v := range s.Enum {
		text, _ := v.(string)
		own += len(text)
	}
	n.values, n.names = len(s.Enum), own
	if len(s.Enum) > longList {
		n.longest = own
	}
	inner := s.AnyOf
	for name, p := range s.Properties {
		n.names += len(name)
		inner = append(inner[:len(inner):len(inner)], p)
	}
	if s.Items != nil {
		inner = append(inner[:len(inner):len(inner)], *s.Items)
	}
	for _, one := range inner {
		of := one.size()
		n.values, n.names, n.longest = n.values+of.values, n.names+of.names, max(n.longest, of.longest)
	}
	return n
}

func (n size) tooLarge() string {
	switch {
	case n.values > maxValues:
		return fmt.Sprintf(
			"Expected at most %d enum values in total within a single schema when using structured outputs, but received %d.",
			maxValues, n.values)
	case n.longest > maxLongList:
		return fmt.Sprintf("an enum of more than %d values has %d characters; at most %d are allowed", longList, n.longest,
			maxLongList)
	case n.names > maxNames:
		return fmt.Sprintf("%d characters of names and values; at most %d are allowed in a schema", n.names, maxNames)
	}
	return ""
}

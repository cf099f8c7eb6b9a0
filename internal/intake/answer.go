package intake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// What an entry of an answer is about.
const (
	aboutCurrent = "current"
	aboutNew     = "new"
)

// item is one entry of a model's answer, as it came.
type item struct {
	About       string   `json:"about"`
	Environment string   `json:"environment"`
	Forget      []string `json:"forget"`
	Words       string   `json:"words"`
	Request     struct {
		Module string         `json:"module"`
		Values map[string]any `json:"values"`
	} `json:"request"`
}

// readAnswer parses an answer. One that is not JSON of the requested schema is an error; what is too
// much is left out.
func readAnswer(content string) ([]item, error) {
	if len(content) > maxAnswer {
		return nil, fmt.Errorf("%d bytes: %w", len(content), ErrNonsense)
	}
	var raw struct {
		Requests *[]item `json:"requests"`
	}
	dec := json.NewDecoder(strings.NewReader(content))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("not JSON of the schema: %w", ErrNonsense)
	}
	if raw.Requests == nil {
		return nil, fmt.Errorf("no list of requests: %w", ErrNonsense)
	}
	return (*raw.Requests)[:min(len(*raw.Requests), MaxDrafts)], nil
}

// known returns the values of fields that the module has. null means "not given".
func known(m *catalog.Module, values map[string]any) map[string]any {
	in := map[string]any{}
	for name, v := range values {
		f, ok := m.Field(name)
		if !ok || v == nil {
			continue
		}
		if f.Kind == catalog.Map {
			v = joinPairs(v)
		}
		in[name] = v
	}
	return in
}

// joinPairs turns a list of {name, value} into an object. A strict schema cannot describe
// an object with arbitrary names.
func joinPairs(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for _, one := range list {
		pair, _ := one.(map[string]any)
		if name, ok := pair["name"].(string); ok {
			out[name] = pair["value"]
		}
	}
	return out
}

// node is a part of a JSON schema. Its keys are written in alphabetical order.
type node map[string]any

func (n node) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]any(n)) }

// maxListed is the most environments that the schema lists. Strict output allows 1,000
// choices in a whole schema, and used to allow 500.
const maxListed = 200

// schema returns the JSON schema of the answer: entries with an environment and one of the modules with
// its values. Each value may be null. Strict schemas require every property and allow no others.
func (s Scope) schema() node {
	var modules []any
	for _, m := range s.Modules {
		modules = append(modules, object(node{
			"module": node{"type": "string", "enum": []string{m.Name}},
			"values": object(fieldNodes(m)),
		}))
	}
	modules = append(modules, object(node{
		"module": node{"type": "string", "enum": []string{""}, "description": "no module matches"},
		"values": object(node{}),
	}))
	request := object(node{
		"about":       node{"type": "string", "enum": []string{aboutCurrent, aboutNew}},
		"environment": s.environmentNode(),
		"forget":      node{"type": "array", "items": node{"type": "string"}, "description": "names of fields to clear"},
		"words":       node{"type": "string", "description": "the part of the words that this entry is from"},
		"request":     node{"anyOf": modules},
	})
	return object(node{"requests": node{"type": "array", "items": request}})
}

func (s Scope) environmentNode() node {
	if len(s.Places) > maxListed {
		return node{"type": []string{"string", "null"}, "description": "exactly as it is listed"}
	}
	names := []any{}
	for _, p := range s.Places {
		names = append(names, placeName(p))
	}
	return node{"type": []string{"string", "null"}, "enum": append(names, nil)}
}

func fieldNodes(m *catalog.Module) node {
	props := node{}
	for _, f := range m.Fields {
		n := fieldNode(f)
		n["description"] = strings.TrimSpace(f.Label + ". " + f.Help)
		props[f.Name] = n
	}
	return props
}

func fieldNode(f catalog.Field) node {
	switch f.Kind {
	case catalog.Select:
		return node{"type": []string{scalarType(f.Choices), "null"}, "enum": append(choiceValues(f), nil)}
	case catalog.List:
		return node{"type": []string{"array", "null"}, "items": elemNode(f)}
	case catalog.Map:
		pair := object(node{"name": node{"type": "string"}, "value": node{"type": jsonType(f.Elem)}})
		return node{"type": []string{"array", "null"}, "items": pair}
	default:
		return node{"type": []string{jsonType(f.Kind), "null"}}
	}
}

func elemNode(f catalog.Field) node {
	if len(f.Choices) == 0 {
		return node{"type": jsonType(f.Elem)}
	}
	return node{"type": scalarType(f.Choices), "enum": choiceValues(f)}
}

func choiceValues(f catalog.Field) []any {
	values := []any{}
	for _, c := range f.Choices {
		values = append(values, c.Value)
	}
	return values
}

func scalarType(choices []catalog.Choice) string {
	for _, c := range choices {
		if _, text := c.Value.(string); !text {
			return "number"
		}
	}
	return "string"
}

func jsonType(k catalog.Kind) string {
	switch k {
	case catalog.Number:
		return "number"
	case catalog.Bool:
		return "boolean"
	default:
		return "string"
	}
}

func object(props node) node {
	required := slices.Sorted(maps.Keys(props))
	return node{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

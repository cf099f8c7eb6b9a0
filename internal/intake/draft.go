package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tfpilot/tfpilot/internal/catalog"
)

// Bounds of a conversation.
const (
	MaxDrafts    = 5 // of one person in one conversation
	maxUnclear   = 20
	maxDraftText = 500 // runes of the words that stay with a draft
)

// Draft is a request that is not yet made: what is known of it, checked.
type Draft struct {
	ID          string         `json:"id,omitempty"` // of the request that it becomes
	Project     string         `json:"project,omitempty"`
	Environment string         `json:"environment,omitempty"` // key/slug
	Module      string         `json:"module,omitempty"`
	Inputs      map[string]any `json:"inputs,omitempty"` // as Module.Parse returns them
	Words       string         `json:"words,omitempty"`  // what the person wrote when it began
	Unclear     []Unclear      `json:"unclear,omitempty"`
}

// Unclear is something that the person wrote and that could not be used, as a sentence for them.
type Unclear struct {
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
	// Suggest is a valid value close to what the person said, as text for a form; empty without one.
	Suggest string `json:"suggest,omitempty"`
}

// UnmarshalJSON keeps numbers as they were typed.
func (d *Draft) UnmarshalJSON(raw []byte) error {
	type plain Draft
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	return dec.Decode((*plain)(d))
}

// Hash identifies the module, the environment, the inputs and what is suggested. A button carries it: clicked after a change,
// it is out of date.
func (d Draft) Hash() string {
	inputs := d.Inputs
	if len(inputs) == 0 {
		inputs = nil // as it is stored
	}
	data, err := json.Marshal([]any{d.Project, d.Environment, d.Module, inputs, d.Suggestions()})
	if err != nil {
		return "" // no button has it
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// The fields of a question besides the module's own.
const (
	FieldEnvironment = "environment"
	FieldModule      = "module"
)

// Question is one thing that a draft still needs.
type Question struct {
	Field   string // FieldModule, FieldEnvironment or a field of the module
	Label   string
	Text    string           // a sentence
	Choices []catalog.Choice // when the answer is one of a few
}

// Questions lists what a draft needs before it can be a request, all at once.
func (s Scope) Questions(d Draft) []Question {
	var out []Question
	m := s.module(d.Module)
	if m == nil {
		q := Question{Field: FieldModule, Label: "Module", Text: "What do you need?"}
		for _, m := range s.Modules {
			q.Choices = append(q.Choices, catalog.Choice{Value: m.Name, Label: m.Title})
		}
		out = append(out, q)
	}
	env, ok := Environments(s.Places).find(d.Project, d.Environment)
	if !ok {
		q := Question{Field: FieldEnvironment, Label: "Environment", Text: "In which environment?"}
		for _, e := range s.Places {
			q.Choices = append(q.Choices, catalog.Choice{Value: placeName(e), Label: placeName(e)})
		}
		out = append(out, q)
	}
	if m == nil || !ok {
		return out
	}
	_, wrong := m.Parse(d.Inputs, env)
	for _, e := range wrong {
		q := Question{Field: e.Field, Label: e.Field, Text: e.Message}
		if f, ok := m.Field(e.Field); ok {
			q.Label, q.Choices = f.Label, f.ChoicesIn(env)
			if f.Kind == catalog.List || f.Kind == catalog.Map {
				q.Choices = nil
			}
		}
		out = append(out, q)
	}
	return out
}

// Answer returns the draft after the person chose the answer of a question from a menu. It reports false
// when that is not a choice of the question.
func (s Scope) Answer(d Draft, field string, value string) (Draft, bool) {
	i := slices.IndexFunc(s.Questions(d), func(q Question) bool { return q.Field == field })
	if i < 0 {
		return d, false
	}
	q := s.Questions(d)[i]
	i = slices.IndexFunc(q.Choices, func(c catalog.Choice) bool { return fmt.Sprint(c.Value) == value })
	if i < 0 {
		return d, false
	}
	switch field {
	case FieldModule:
		d.Module = value
		d = s.checked(d, d.Inputs)
	case FieldEnvironment:
		e := s.place(value)
		d.Project, d.Environment = e.Project, pathOf(*e)
		d = s.checked(d, d.Inputs)
	default:
		inputs := cloneInputs(d.Inputs)
		inputs[field] = q.Choices[i].Value
		d = s.checked(d, inputs)
	}
	d.Unclear = slices.DeleteFunc(slices.Clone(d.Unclear), func(u Unclear) bool { return u.Field == field })
	return d, true
}

func cloneInputs(in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for k, v := range in {
		out[k] = v
	}
	return out
}

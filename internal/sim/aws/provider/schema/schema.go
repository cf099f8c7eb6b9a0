// Package schema contains the facts about the AWS provider's schema: the arguments of a resource,
// their types, which ones are required, and how blocks nest. The generator in gen writes facts.json
// from a published package, whose name and digest are in the file. This package reads the facts;
// package provider decides what a resource does with them.
package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed facts.json
var raw []byte

// Facts is the content of facts.json.
type Facts struct {
	Source    Source           `json:"source"`
	Provider  Block            `json:"provider"`
	Resources map[string]Block `json:"resources"`
}

// Source names the origin of the facts.
type Source struct {
	Package         string `json:"package"`
	Version         string `json:"version"`
	Integrity       string `json:"integrity"`
	Provider        string `json:"provider"`
	ProviderVersion string `json:"providerVersion"`
}

// Mode says who sets an attribute. The published package does not distinguish "optional" from
// "optional and computed".
type Mode string

// The modes of an attribute.
const (
	Required Mode = "required"
	Optional Mode = "optional"
	Computed Mode = "computed"
)

// Attribute is one argument or computed value. Type is string, number, bool,
// or list(…), set(…), map(…) of one of them.
type Attribute struct {
	Type string `json:"type"`
	Mode Mode   `json:"mode"`
}

// Block is the body of a resource, of the provider, or of a nested block.
type Block struct {
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Blocks     map[string]Nested    `json:"blocks,omitempty"`
}

// Nested is a nested block: Nesting is list, set or single; Max 0 means any number.
type Nested struct {
	Nesting string `json:"nesting"`
	Min     int    `json:"min,omitempty"`
	Max     int    `json:"max,omitempty"`
	Block
}

// Load returns the committed facts.
func Load() (Facts, error) {
	var f Facts
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("decode schema facts: %w", err)
	}
	return f, nil
}

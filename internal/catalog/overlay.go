package catalog

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// The overlay adds what a form needs and a variable block has no argument for: labels, the order
// of fields, choices, limits, and who may request the module. What Terraform can express stays in
// the module's code (types, defaults, descriptions, validations), so that there is one source for
// each fact and the module works without TfPilot.

// overlay is tfpilot.yaml beside a module: what Terraform's own language cannot say about its variables.
type overlay struct {
	Title       string            `yaml:"title"`
	Description string            `yaml:"description"`
	Fields      []overlayField    `yaml:"fields"`   // in the order of the form
	Hidden      []string          `yaml:"hidden"`   // variables that are never in the form
	Computed    map[string]string `yaml:"computed"` // variable → what the server puts into it
	Outputs     []string          `yaml:"outputs"`  // shown to people, in this order
	Data        []string          `yaml:"data"`     // types of data sources that the module may read
	Allow       Allow             `yaml:"allow"`
}

type overlayField struct {
	Name        string         `yaml:"name"`
	Label       string         `yaml:"label"`
	Help        string         `yaml:"help"`
	Placeholder string         `yaml:"placeholder"`
	Group       string         `yaml:"group"` // empty or advanced
	Immutable   bool           `yaml:"immutable"`
	Secret      *bool          `yaml:"secret"`  // false: holds no credential, whatever its name says
	Choices     []any          `yaml:"choices"` // a value, or {value, label}
	Limits      []overlayLimit `yaml:"limits"`
}

type overlayLimit struct {
	Projects     []string `yaml:"projects"`
	Environments []string `yaml:"environments"`
	Protected    *bool    `yaml:"protected"`
	Allowed      []any    `yaml:"allowed"`
	Min          any      `yaml:"min"`
	Max          any      `yaml:"max"`
	Reason       string   `yaml:"reason"`
}

// Allow says who may ask for a module. An empty list is no restriction.
type Allow struct {
	Roles    []string `yaml:"roles"`
	Projects []string `yaml:"projects"`
}

const groupAdvanced = "advanced"

// What the server can put into a variable.
const (
	ComputedTags        = "tags" // the server's tags, which override the tags of the user
	ComputedProject     = "project"
	ComputedEnvironment = "environment" // the key
	ComputedSlug        = "slug"
	ComputedRequestID   = "request_id"
)

var computedKinds = []string{ComputedTags, ComputedProject, ComputedEnvironment, ComputedSlug, ComputedRequestID}

// parseOverlay is strict: an unknown key is an error. Limits and roles are in this file, and a
// misspelled key would leave a module open that its author believes is restricted. A second
// document in the file would be ignored just as silently.
func parseOverlay(content []byte) (overlay, error) {
	var o overlay
	decoder := yaml.NewDecoder(bytes.NewReader(content), yaml.Strict())
	if err := decoder.Decode(&o); err != nil && err != io.EOF {
		return overlay{}, fmt.Errorf("decode tfpilot.yaml: %w", err)
	}
	var more any
	if err := decoder.Decode(&more); err != io.EOF {
		return overlay{}, fmt.Errorf("tfpilot.yaml holds more than one document")
	}
	return o, o.check()
}

// check covers what the overlay alone can get wrong. assemble checks it against the variables.
func (o overlay) check() error {
	var faults faultList
	if strings.TrimSpace(o.Title) == "" {
		faults.add("tfpilot.yaml: title is missing")
	}
	seen := map[string]bool{}
	for _, field := range o.Fields {
		if field.Name == "" || seen[field.Name] {
			faults.add("tfpilot.yaml: fields: %q is empty or listed twice", field.Name)
		}
		seen[field.Name] = true
		if field.Secret != nil && *field.Secret {
			faults.add("tfpilot.yaml: field %s: secret: true: a secret is never an input; hide the variable, "+
				"or use a reference to it", field.Name)
		}
		if field.Group != "" && field.Group != groupAdvanced {
			faults.add("tfpilot.yaml: field %s: group is %q, only %q is known", field.Name, field.Group, groupAdvanced)
		}
	}
	for _, name := range o.Hidden {
		if seen[name] {
			faults.add("tfpilot.yaml: %s is both a field and hidden", name)
		}
	}
	for name, kind := range o.Computed {
		if !slices.Contains(computedKinds, kind) {
			faults.add("tfpilot.yaml: computed: %s is %q, known are %s", name, kind, strings.Join(computedKinds, ", "))
		}
	}
	return faults.err()
}

package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// The last step before code is generated: a stored config becomes typed arguments of a module
// call. A config can be older than the module that it is checked against here, because people
// edit modules while requests wait. So this file trusts nothing that Parse accepted before: each
// value is converted again, as strictly as the variable's type requires, and a value that no
// longer matches is an error. The alternative, to let Terraform convert it, would put a value
// into the cloud that no one entered and no form ever showed.

// Computed holds the values that the server adds to a module's arguments.
type Computed struct {
	RequestID   string
	Project     string
	Environment string // key
	Slug        string
}

// The server's tags, which no one else can set.
const (
	// They tie a cloud resource to its request, for cost reports and for policies that allow
	// TfPilot to change only what it made. If a requester could set one, a resource could be
	// charged to another project, or escape such a policy.
	TagManagedBy   = "ManagedBy"
	TagRequestID   = "TfPilotRequestId"
	TagProject     = "Project"
	TagEnvironment = "Environment"
)

var serverTags = []string{TagManagedBy, TagRequestID, TagProject, TagEnvironment}

// checkTags rejects the server's tags in any case, because IAM compares tag names without case.
func checkTags(value any) error {
	table, _ := value.(map[string]any)
	for _, key := range sortedKeys(table) {
		if slices.ContainsFunc(serverTags, func(tag string) bool { return strings.EqualFold(tag, key) }) {
			return fmt.Errorf("cannot set %s: TfPilot sets %s itself", shorten(key), strings.Join(serverTags, ", "))
		}
	}
	return nil
}

// tags returns the server's tags. The environment's key and slug share one tag, because the same
// slug can exist under several keys.
func (c Computed) tags() map[string]cty.Value {
	return map[string]cty.Value{
		TagManagedBy:   cty.StringVal("tfpilot"),
		TagRequestID:   cty.StringVal(c.RequestID),
		TagProject:     cty.StringVal(c.Project),
		TagEnvironment: cty.StringVal(c.Environment + "/" + c.Slug),
	}
}

// Args returns the arguments of the module call: the config's values, converted to the types of
// their variables, and the server's values. A config that Parse did not make, or that no longer
// matches the module, is an error.
func (m *Module) Args(config map[string]any, c Computed) (map[string]cty.Value, error) {
	var faults faultList
	args := map[string]cty.Value{}
	for _, name := range sortedKeys(config) {
		field, ok := m.Field(name)
		if !ok {
			faults.add("%s is not a field of %s", shorten(name), m.Name)
			continue
		}
		value, err := fromConfig(config[name], field.typ, field.Multiline)
		if err != nil {
			faults.add("%s %w", name, err)
			continue
		}
		// A null is left out, so that the variable's default applies. Written into the call, a
		// null would override the default wherever the variable is nullable, which is Terraform's
		// default.
		if !value.IsNull() {
			args[name] = value
		}
	}
	for _, field := range m.Fields {
		if _, given := args[field.Name]; field.Required && !given && m.computed[field.Name] == "" {
			faults.add("%s is missing", field.Name)
		}
	}
	m.addComputed(args, c, &faults)
	return args, faults.err()
}

// addComputed runs last, so that a value of the server overrides any other.
func (m *Module) addComputed(args map[string]cty.Value, c Computed, faults *faultList) {
	for name, kind := range m.computed {
		switch kind {
		case ComputedTags:
			args[name] = mergeTags(args[name], c.tags(), faults)
		case ComputedProject:
			args[name] = cty.StringVal(c.Project)
		case ComputedEnvironment:
			args[name] = cty.StringVal(c.Environment)
		case ComputedSlug:
			args[name] = cty.StringVal(c.Slug)
		case ComputedRequestID:
			args[name] = cty.StringVal(c.RequestID)
		}
	}
}

// mergeTags adds the given tags to the server's. It checks their names again, because the config
// may have been stored before this variable became the computed tags.
func mergeTags(given cty.Value, server map[string]cty.Value, faults *faultList) cty.Value {
	if given != cty.NilVal {
		for it := given.ElementIterator(); it.Next(); {
			key, value := it.Element()
			if err := checkTags(map[string]any{key.AsString(): ""}); err != nil {
				faults.add("tags: %w", err)
				continue
			}
			server[key.AsString()] = value
		}
	}
	return cty.MapVal(server)
}

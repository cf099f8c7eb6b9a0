package terraform

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// Provider is how a provider that changes something is configured: where the changes happen, and as whom. Terraform evaluates
// it outside the plan, so a region or role that somebody edits after the approval shows nowhere else.
type Provider struct {
	Name   string         // aws, or aws.alias
	Source string         // its full address
	Config map[string]any // values as written; what refers to something else is {"references": names, "values": of root variables}
}

// providersOf lists what is configured of every provider that has a part in the changes.
func providersOf(plan *tfjson.Plan, changes []Change, hide *mask) []Provider {
	used := map[string]bool{}
	for _, c := range changes {
		used[c.Provider] = true
	}
	var all []Provider
	for _, config := range plan.Config.ProviderConfigs {
		if config == nil || !used[config.FullName] {
			continue
		}
		p := Provider{Name: config.Name, Source: config.FullName}
		if config.ModuleAddress != "" {
			p.Name = config.ModuleAddress + ":" + p.Name
		}
		if config.Alias != "" {
			p.Name += "." + config.Alias
		}
		if p.Config = hide.expressions(plan, config.Expressions); len(p.Config) > 0 {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b Provider) int { return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name)) })
	return all
}

// credentialName is an argument that holds a credential, which Terraform does not mark in a provider's configuration.
var credentialName = regexp.MustCompile(`(?i)secret|token|passw|credential|private|access_?key|api_?key`)

func (m *mask) expressions(plan *tfjson.Plan, all map[string]*tfjson.Expression) map[string]any {
	values := make(map[string]any, len(all))
	for name, one := range all {
		switch {
		case one == nil || one.ExpressionData == nil:
		case credentialName.MatchString(name):
			values[name] = Hidden
		default:
			values[name] = m.expression(plan, one)
		}
	}
	return values
}

func (m *mask) expression(plan *tfjson.Plan, e *tfjson.Expression) any {
	if len(e.NestedBlocks) > 0 {
		blocks := make([]any, len(e.NestedBlocks))
		for i, block := range e.NestedBlocks {
			blocks[i] = m.expressions(plan, block)
		}
		return blocks
	}
	if len(e.References) == 0 {
		return m.value(e.ConstantValue, nil)
	}
	names, known := []any{}, map[string]any{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(e.References))) {
		names = append(names, name)
		variable, isVariable := strings.CutPrefix(name, "var.")
		if given := plan.Variables[variable]; isVariable && given != nil {
			known[name] = m.value(given.Value, nil)
		}
	}
	if len(known) == 0 {
		return map[string]any{"references": names}
	}
	return map[string]any{"references": names, "values": known}
}

func (p Provider) document() map[string]any {
	return map[string]any{"name": p.Name, "source": p.Source, "config": p.Config}
}

// Line tells the configuration in one plain line, the region first.
func (p Provider) Line() string {
	names := slices.Sorted(maps.Keys(p.Config))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(placeRank(a), placeRank(b)) })
	var parts []string
	for _, name := range names {
		value, isText := p.Config[name].(string)
		if !isText {
			value = strings.TrimSuffix(string(canonical(p.Config[name])), "\n")
		}
		parts = append(parts, name+" "+value)
	}
	return plain("provider " + p.Name + ": " + strings.Join(parts, ", "))
}

func placeRank(name string) int {
	if name == "region" {
		return 0
	}
	return 1
}

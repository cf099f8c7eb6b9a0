package terraform

import (
	"cmp"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Provider is the configuration of a provider that makes changes: where the changes happen, and
// with which identity. Terraform evaluates it outside the plan, so a region or role that someone
// edits after the approval is visible nowhere else.
type Provider struct {
	Name   string // aws, or aws.alias; behind a module's address and a colon when the module has its own
	Source string // its full address
	// values as written; what is computed is {"expression": text, "values": of the locals and variables in it}
	Config map[string]any
}

// addProviders lists the configuration of every provider that takes part in the changes. A
// change names its provider configuration, except when the root has only one and it has no
// alias.
func (s *Summary) addProviders(plan *tfjson.Plan, written *settings) error {
	listed := map[string]bool{}
	for key, config := range plan.Config.ProviderConfigs {
		if config == nil || !s.uses(plan, key, config) {
			continue
		}
		blocks, module := written.provider(config)
		// The JSON knows a configuration that no .tf file contains, so it comes from a JSON file.
		if len(blocks) == 0 && len(config.Expressions) > 0 {
			return planError(lifecycle.CodeUnsupported, nil, "the configuration of provider %s is not in Terraform's own "+
				"language, so it cannot be shown", key)
		}
		if p := (Provider{Name: key, Source: config.FullName,
			Config: written.of(module, blocks, "alias", "version")}); len(p.Config) > 0 {
			s.Providers, listed[key] = append(s.Providers, p), true
		}
	}
	slices.SortFunc(s.Providers, func(a, b Provider) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Name, b.Name))
	})
	for i := range s.Changes {
		// The default configuration of the root needs no name, and one without settings has
		// nothing that the name could refer to.
		if c := &s.Changes[i]; !listed[c.Configuration] || !strings.ContainsAny(c.Configuration, ".:") {
			c.Configuration = ""
		}
	}
	return nil
}

// uses reports whether a change uses a provider configuration or might use it. A change whose
// configuration is no longer in the code might use any.
func (s *Summary) uses(plan *tfjson.Plan, key string, config *tfjson.ProviderConfig) bool {
	return slices.ContainsFunc(s.Changes, func(c Change) bool {
		return c.Provider == config.FullName &&
			(c.Configuration == key || plan.Config.ProviderConfigs[c.Configuration] == nil)
	})
}

func (p Provider) document() map[string]any {
	return map[string]any{"name": p.Name, "source": p.Source, "config": p.Config}
}

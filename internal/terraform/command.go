package terraform

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Provisioners run commands on the runner or on a new machine while Terraform applies.
// Terraform's plan does not list them: a resource change looks the same with and without. They
// are read from the configuration in the plan file and become a part of the summary, so that an
// approver sees them and the digest covers them.

// declaredResource is a resource in the configuration.
type declaredResource struct {
	module string // its path
	config *tfjson.ConfigResource
}

// resourcesOf lists the resources of the configuration by module path and address there.
func resourcesOf(plan *tfjson.Plan) map[string]declaredResource {
	found := map[string]declaredResource{}
	var walk func(module *tfjson.ConfigModule, path string)
	walk = func(module *tfjson.ConfigModule, path string) {
		if module == nil {
			return
		}
		for _, r := range module.Resources {
			if r != nil {
				found[path+"/"+r.Address] = declaredResource{path, r}
			}
		}
		for name, call := range module.ModuleCalls {
			if call != nil {
				walk(call.Module, strings.TrimPrefix(path+"."+name, "."))
			}
		}
	}
	walk(plan.Config.RootModule, "")
	return found
}

// commands lists the provisioners that run with a change of this kind. No resource change shows
// the commands that they run.
func (s *settings) commands(r declaredResource, kind string) ([]any, error) {
	if r.config == nil || len(r.config.Provisioners) == 0 {
		return nil, nil
	}
	module := s.modules[r.module]
	var found, connection []*hclsyntax.Block
	for _, block := range module.find("resource", r.config.Type, r.config.Name) {
		for _, inner := range block.Body.Blocks {
			switch inner.Type {
			case "provisioner":
				found = append(found, inner)
			case "connection":
				connection = append(connection, inner)
			}
		}
	}
	// The JSON of the plan counts provisioners of every syntax, and the source was only read as
	// .tf.
	if len(found) < len(r.config.Provisioners) {
		return nil, planError(lifecycle.CodeUnsupported, []string{r.config.Address},
			"a command is not in Terraform's own language, so it cannot be shown")
	}
	var run []any
	for _, block := range found {
		config := s.of(module, []*hclsyntax.Block{block})
		if !runsWith(config["when"], kind) {
			continue
		}
		if len(connection) > 0 {
			config["connection of the resource"] = s.of(module, connection)
		}
		run = append(run, map[string]any{"type": strings.Join(block.Labels, " "), "config": config})
	}
	return run, nil
}

// runsWith reports whether a provisioner with this "when" argument runs with a change of this
// kind.
// Terraform runs creation-time provisioners only when it creates a resource, not when it updates
// one, and destroy-time provisioners before it deletes one.
func runsWith(when any, kind string) bool {
	if when == "destroy" {
		return kind == "delete" || kind == "replace"
	}
	return kind == "create" || kind == "replace"
}

// instanceKey matches what count and for_each add to a module's name.
var instanceKey = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

// configKey is the key of a change's resource in the configuration.
func configKey(rc *tfjson.ResourceChange) string {
	if rc.Mode == tfjson.DataResourceMode {
		return modulePath(rc.ModuleAddress) + "/data." + rc.Type + "." + rc.Name
	}
	return modulePath(rc.ModuleAddress) + "/" + rc.Type + "." + rc.Name
}

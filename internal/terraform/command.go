package terraform

import (
	"regexp"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// commandsOf finds the provisioners of the configuration by the address of their resource there. They run commands that no
// resource change tells of.
func commandsOf(plan *tfjson.Plan, hide *mask) map[string][]any {
	found := map[string][]any{}
	var walk func(module *tfjson.ConfigModule, prefix string)
	walk = func(module *tfjson.ConfigModule, prefix string) {
		if module == nil {
			return
		}
		for _, r := range module.Resources {
			if r == nil {
				continue
			}
			for _, p := range r.Provisioners {
				if p != nil {
					found[prefix+r.Address] = append(found[prefix+r.Address], map[string]any{"type": p.Type, "config": hide.expressions(plan, p.Expressions)})
				}
			}
		}
		for name, call := range module.ModuleCalls {
			if call != nil {
				walk(call.Module, prefix+"module."+name+".")
			}
		}
	}
	walk(plan.Config.RootModule, "")
	return found
}

// instanceKey is what count and for_each add to a module's name.
var instanceKey = regexp.MustCompile(`\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]`)

// configAddress is where the configuration has the resource of a change.
func configAddress(rc *tfjson.ResourceChange) string {
	address := rc.Type + "." + rc.Name
	if rc.ModuleAddress != "" {
		address = instanceKey.ReplaceAllLiteralString(rc.ModuleAddress, "") + "." + address
	}
	return address
}

// CommandLines tell in plain lines which commands run beside the change.
func (c Change) CommandLines() []string {
	var lines []string
	for _, one := range c.Commands {
		command, _ := one.(map[string]any)
		kind, _ := command["type"].(string)
		lines = append(lines, plain("runs "+kind+": "+strings.TrimSuffix(string(canonical(command["config"])), "\n")))
	}
	return lines
}

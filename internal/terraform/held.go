package terraform

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Missing lists what the state behind a plan lacks of an approved one: resources that it makes or
// keeps and that are not there, and those that it deletes and that still are. Empty together with
// an empty plan means that the approved plan is done. The key is the fingerprint key.
func Missing(approved *Summary, now *tfjson.Plan, key []byte) []string {
	hide := newMask(now, key)
	held := map[string]bool{}
	for _, address := range stateAddresses(now) {
		held[hide.address(address)] = true
	}
	var missing []string
	for _, c := range approved.Changes {
		kind := c.Kind()
		if kind == "read" || c.Deposed != "" {
			continue
		}
		if held[c.Address] == (kind == "delete") {
			missing = append(missing, c.Address)
		}
	}
	return missing
}

// Holds reports whether the state held anything of the request's module before the plan: what is
// still there, and what the plan found removed outside of Terraform.
func Holds(now *tfjson.Plan, id string) bool {
	prefix := "module." + lifecycle.ModuleCall(id) + "."
	if slices.ContainsFunc(stateAddresses(now), func(address string) bool { return strings.HasPrefix(address, prefix) }) {
		return true
	}
	return slices.ContainsFunc(now.ResourceDrift, func(rc *tfjson.ResourceChange) bool {
		return rc != nil && rc.Change != nil && rc.Change.Actions.Delete() && strings.HasPrefix(rc.Address, prefix)
	})
}

// stateAddresses lists the managed resources of the state that a plan was made on.
func stateAddresses(plan *tfjson.Plan) []string {
	if plan == nil || plan.PriorState == nil || plan.PriorState.Values == nil {
		return nil
	}
	var found []string
	var walk func(module *tfjson.StateModule)
	walk = func(module *tfjson.StateModule) {
		if module == nil {
			return
		}
		for _, r := range module.Resources {
			if r != nil && r.Mode == tfjson.ManagedResourceMode && r.DeposedKey == "" {
				found = append(found, r.Address)
			}
		}
		for _, child := range module.ChildModules {
			walk(child)
		}
	}
	walk(plan.PriorState.Values.RootModule)
	return found
}

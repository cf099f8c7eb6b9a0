package terraform

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// An apply that was interrupted may have done all, some or none of its plan. The next run plans
// again, and an empty plan can have two meanings: the work is done, or the state is not the one
// that it was planned for. These functions tell the two apart by the resources in the state.

// Missing lists the differences between the state behind a plan and an approved plan: resources
// that the approved plan creates or keeps but that do not exist, and resources that it deletes
// but that still exist. If both the list and the new plan are empty, the approved plan is done.
// key is the fingerprint key.
func Missing(approved *Summary, now *tfjson.Plan, key []byte) []string {
	hide := newMask(now, key)
	held := map[string]bool{}
	for _, address := range stateAddresses(now) {
		held[hide.address(address)] = true
	}
	var missing []string
	for _, c := range approved.Changes {
		kind := c.Kind()
		// A data source leaves no resource behind, and a deposed object shares its address with
		// the object that replaced it.
		if kind == "read" || c.Deposed != "" {
			continue
		}
		if held[c.Address] == (kind == "delete") {
			missing = append(missing, c.Address)
		}
	}
	return missing
}

// Holds reports whether the state contained resources of the request's module before the plan.
// Resources that were removed outside of Terraform count.
func Holds(now *tfjson.Plan, id string) bool {
	prefix := "module." + lifecycle.ModuleCall(id) + "."
	if slices.ContainsFunc(stateAddresses(now), func(address string) bool { return strings.HasPrefix(address, prefix) }) {
		return true
	}
	return slices.ContainsFunc(now.ResourceDrift, func(rc *tfjson.ResourceChange) bool {
		return rc != nil && rc.Change != nil && rc.Change.Actions.Delete() && strings.HasPrefix(rc.Address, prefix)
	})
}

// stateAddresses lists the managed resources in the prior state of a plan.
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

package terraform

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/secretscan"
)

// The heart of the approval. A plan of Terraform has many fields and all secrets; a summary has
// what an approver must judge, in a form that is equal byte for byte when two plans mean the
// same. Three rules follow:
//
//   - Complete. What an apply can do is in the summary or the plan is refused. A kind of change
//     that this version does not know is refused, never left out.
//   - Stable. Lists are sorted, sets are ordered, and nothing depends on time or on the run.
//   - Bounded to the request. A change outside of its module is refused, with the exception of
//     data sources, which only read.

// Scope is what a plan may change, and its purpose.
type Scope struct {
	RequestID string            // required
	Purpose   lifecycle.Purpose // required
	Config    Config            // what the plan was made of; needed where that configures providers or runs commands
	Code      *CodeIdentity     // its identity

	// FingerprintKey is the request's key for fingerprints of hidden values. Required: without
	// it a changed secret would not change the digest.
	FingerprintKey []byte
}

func (s Scope) prefix() string { return "module." + lifecycle.ModuleCall(s.RequestID) + "." }

// Summarize converts a plan to the document that an approver sees, with every secret masked. A
// plan that changes something outside the request's module, or that does not match its purpose,
// is a *PlanError.
func Summarize(plan *tfjson.Plan, scope Scope) (*Summary, error) {
	if !lifecycle.NameRequest.Valid(scope.RequestID) {
		return nil, fmt.Errorf("summarize: %q is not a request id", scope.RequestID)
	}
	if len(scope.FingerprintKey) < MinFingerprintKey {
		return nil, fmt.Errorf("summarize: no key for the fingerprints of hidden values")
	}
	if err := checkPlan(plan, scope); err != nil {
		return nil, err
	}
	hide := newMask(plan, scope.FingerprintKey)
	written, err := newSettings(plan, scope, hide)
	if err != nil {
		return nil, fmt.Errorf("summarize: %w", err)
	}
	s := &Summary{Code: scope.Code}
	resources := resourcesOf(plan)
	var outside []string
	for _, rc := range plan.ResourceChanges {
		if !counts(rc) {
			continue
		}
		if !scope.holds(rc) && !reads(rc) {
			outside = append(outside, hide.address(rc.Address))
			continue
		}
		change, err := newChange(rc, hide)
		if err != nil {
			return nil, err
		}
		resource := resources[configKey(rc)]
		if change.Commands, err = written.commands(resource, change.Kind()); err != nil {
			return nil, err
		}
		change.WriteOnly = written.writeOnly(resource, rc.Change, hide.below(rc.Address))
		if resource.config != nil {
			change.Configuration = resource.config.ProviderConfigKey
		}
		s.Changes = append(s.Changes, change)
	}
	if len(outside) > 0 {
		return nil, planError(lifecycle.CodeOutsideModule, outside, "the plan changes what does not belong to %s",
			scope.RequestID)
	}
	if len(s.Changes) > 0 {
		s.Changes = append(s.Changes, written.ephemerals(plan)...)
	}
	slices.SortFunc(s.Changes, compareChanges)
	if err := s.addProviders(plan, written); err != nil {
		return nil, err
	}
	return s, s.checkPurpose(scope)
}

// counts reports whether a change belongs in the summary: not resources without a change, nor
// data sources that the plan already read.
func counts(rc *tfjson.ResourceChange) bool {
	if rc == nil || rc.Change == nil {
		return false
	}
	if rc.Mode == tfjson.DataResourceMode {
		return rc.Change.Actions.Read()
	}
	return !rc.Change.Actions.NoOp() || rc.Change.Importing != nil || rc.PreviousAddress != "" &&
		rc.PreviousAddress != rc.Address
}

// reads reports whether a change only reads a data source during the apply. Reading runs
// provider code, also outside the request's module.
func reads(rc *tfjson.ResourceChange) bool {
	return rc.Mode == tfjson.DataResourceMode && rc.Change.Actions.Read()
}

// holds reports whether a change is inside the request's module, before and after a move. A move
// from another module would take a resource away from its request.
func (s Scope) holds(rc *tfjson.ResourceChange) bool {
	return strings.HasPrefix(rc.Address, s.prefix()) &&
		(rc.PreviousAddress == "" || strings.HasPrefix(rc.PreviousAddress, s.prefix()))
}

func checkPlan(plan *tfjson.Plan, scope Scope) error {
	if plan == nil || plan.Config == nil || plan.Config.RootModule == nil {
		return fmt.Errorf("summarize: the plan has no configuration")
	}
	// An apply of such a plan would do only some of what the request needs, and TfPilot would
	// report it as done.
	if len(plan.DeferredChanges) > 0 {
		return planError(lifecycle.CodeTerraformFailed, nil, "the plan puts changes off to a later plan")
	}
	if len(plan.ActionInvocations) > 0 {
		return planError(lifecycle.CodeUnsupported, nil, "the plan runs provider actions, which a summary cannot show")
	}
	call := plan.Config.RootModule.ModuleCalls[lifecycle.ModuleCall(scope.RequestID)]
	if scope.Purpose != lifecycle.PurposeDestroy {
		if call == nil {
			return planError(lifecycle.CodeContentDiffers, nil, "the environment has no module %s at this commit",
				lifecycle.ModuleCall(scope.RequestID))
		}
		return nil
	}
	if users := Referrers(plan, scope.RequestID); len(users) > 0 {
		return planError(lifecycle.CodeReferredTo, users, "others use what is to be destroyed")
	}
	return nil
}

func (s *Summary) checkPurpose(scope Scope) error {
	if scope.Purpose == lifecycle.PurposeDestroy {
		var other []string
		for _, c := range s.Changes {
			if kind := c.Kind(); kind != "delete" && kind != "read" {
				other = append(other, c.Address)
			}
		}
		if len(other) > 0 {
			return planError(lifecycle.CodeNotOnlyDestroy, other, "a destroy may only delete")
		}
	}
	// A new request that creates nothing is a mistake, such as a count of zero in its module.
	if scope.Purpose == lifecycle.PurposeOpen && s.Counts().Add == 0 {
		return planError(lifecycle.CodeNothingPlanned, nil, "the plan creates nothing")
	}
	return nil
}

// compareChanges orders changes by address and then by their other fields, so that the order is
// the same in every run.
func compareChanges(a, b Change) int {
	if order := cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Deposed, b.Deposed)); order != 0 {
		return order
	}
	return bytes.Compare(canonical(a.document()), canonical(b.document()))
}

// knownActions are the combinations of actions that Kind has a word for. forget, which removes a
// resource from the state and leaves it in the cloud, is not among them.
var knownActions = []string{"create", "update", "delete", "delete,create", "create,delete", "no-op", "read"}

func newChange(rc *tfjson.ResourceChange, hide *mask) (Change, error) {
	c := Change{
		Address: hide.address(rc.Address), PreviousAddress: hide.address(rc.PreviousAddress), Deposed: rc.DeposedKey,
		Type: rc.Type, Provider: rc.ProviderName, Reason: string(rc.ActionReason),
		ReplacePaths: sortedPaths(hide.value(rc.Change.ReplacePaths, nil, secretscan.Names{})),
	}
	for _, action := range rc.Change.Actions {
		c.Actions = append(c.Actions, string(action))
	}
	if !slices.Contains(knownActions, strings.Join(c.Actions, ",")) {
		return c, planError(lifecycle.CodeUnsupported, []string{c.Address},
			"the plan wants to %s, which TfPilot does not do", strings.Join(c.Actions, " and "))
	}
	if rc.Change.Importing != nil {
		c.Importing = hide.text(rc.Change.Importing.ID)
		// Terraform 1.12 and later can import by an identity instead of an id.
		if c.Importing == "" {
			c.Importing = "by identity"
		}
	}
	if c.Kind() == "move" && c.PreviousAddress == c.Address {
		c.PreviousAddress = ""
	}
	c.addValues(rc.Change, hide.below(rc.Address))
	c.Warnings = c.warnings()
	return c, nil
}

// sortedPaths sorts a set that Terraform returns as a list.
func sortedPaths(masked any) []any {
	paths, _ := masked.([]any)
	slices.SortFunc(paths, func(a, b any) int { return cmp.Compare(string(canonical(a)), string(canonical(b))) })
	return paths
}

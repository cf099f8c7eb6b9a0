package terraform

import (
	"encoding/json"
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// maxPlan bounds what `terraform show -json` may give.
const maxPlan = 64 << 20

// Code names why a plan is refused.
type Code string

const (
	NothingPlanned    Code = "nothing_planned"    // the first plan of a request creates nothing
	OutsideModule     Code = "outside_module"     // a change lies outside the request's module
	ModuleMissing     Code = "module_missing"     // the environment does not call the request's module
	NotOnlyDestroy    Code = "not_only_destroy"   // a destroy plan does something else too
	Referenced        Code = "referenced"         // others refer to the module that is to be destroyed
	UnsupportedAction Code = "unsupported_action" // an action that TfPilot does not know or allow
	PlanIncomplete    Code = "plan_incomplete"    // Terraform says that the plan failed or defers changes
	TooLarge          Code = "too_large"
)

// PlanError is a plan that must not go on, in words for people.
type PlanError struct {
	Code      Code
	Text      string
	Addresses []string // at most maxNamed of those concerned
}

const maxNamed = 10

func (e *PlanError) Error() string {
	if len(e.Addresses) == 0 {
		return e.Text
	}
	return e.Text + ": " + strings.Join(e.Addresses, ", ")
}

func planError(code Code, addresses []string, format string, args ...any) *PlanError {
	return &PlanError{Code: code, Text: fmt.Sprintf(format, args...), Addresses: addresses[:min(len(addresses), maxNamed)]}
}

// ParsePlan reads the output of `terraform show -json` of a plan file, with exact numbers.
func ParsePlan(content []byte) (*tfjson.Plan, error) {
	if len(content) > maxPlan {
		return nil, planError(TooLarge, nil, "the plan is larger than %d bytes", maxPlan)
	}
	var plan tfjson.Plan
	plan.UseJSONNumber(true)
	if err := json.Unmarshal(content, &plan); err != nil {
		return nil, fmt.Errorf("parse plan: %w", err)
	}
	var more struct {
		Errored bool `json:"errored"`
	}
	if err := json.Unmarshal(content, &more); err != nil {
		return nil, fmt.Errorf("parse plan: %w", err)
	}
	if more.Errored {
		return nil, planError(PlanIncomplete, nil, "Terraform could not finish the plan")
	}
	return &plan, nil
}

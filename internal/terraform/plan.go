package terraform

import (
	"encoding/json"
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// maxPlan bounds the output of `terraform show -json`, in bytes.
const maxPlan = 64 << 20

// PlanError explains to people why TfPilot refuses a plan.
type PlanError struct {
	Code      lifecycle.ReasonCode
	Text      string
	Addresses []string // at most maxNamed of those concerned
}

// A card shows these addresses, and a list of hundreds would hide the message.
const maxNamed = 10

func (e *PlanError) Error() string {
	if len(e.Addresses) == 0 {
		return e.Text
	}
	return e.Text + ": " + strings.Join(e.Addresses, ", ")
}

func planError(code lifecycle.ReasonCode, addresses []string, format string, args ...any) *PlanError {
	return &PlanError{Code: code, Text: fmt.Sprintf(format, args...), Addresses: addresses[:min(len(addresses), maxNamed)]}
}

// ParsePlan reads the output of `terraform show -json` of a plan file, with exact numbers.
func ParsePlan(content []byte) (*tfjson.Plan, error) {
	if len(content) > maxPlan {
		return nil, planError(lifecycle.CodePlanTooLarge, nil, "the plan is larger than %d bytes", maxPlan)
	}
	var plan tfjson.Plan
	// A float64 would round large numbers, and two different plans could get one digest.
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
	// Terraform writes a plan file even when planning fails, with only some of the changes.
	if more.Errored {
		return nil, planError(lifecycle.CodeTerraformFailed, nil, "Terraform could not finish the plan")
	}
	return &plan, nil
}

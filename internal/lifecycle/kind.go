package lifecycle

import (
	"slices"
	"strings"
)

// A run kind is the purpose of a workflow run. All differences between kinds are in the table
// below; a test compares its rows with the workflow files.

// Kind names a run kind. It begins the correlation ids of its attempts.
type Kind string

const (
	KindPlan      Kind = "plan"
	KindApply     Kind = "apply"
	KindDestroy   Kind = "destroy"
	KindCleanup   Kind = "cleanup"
	KindDriftPlan Kind = "drift_plan"
)

// KindRow is one run kind.
type KindRow struct {
	Kind          Kind   // required
	Workflow      string // required: its file below .github/workflows/
	Concurrency   string // required: how its concurrency group begins
	Role          string // required: the strongest role that its runs may take, plan or apply
	HoldsLease    bool   // it changes resources, one run at a time in an environment
	OfEnvironment bool   // it belongs to an environment, not to a request
	Serves        Action // the intent that it carries out; empty when none asks for it
	EffectStep    string // the step of the workflow that changes resources
}

var kindRows = []KindRow{
	{Kind: KindPlan, Workflow: "plan.yml", Concurrency: "tfpilot-plan-", Role: "plan", Serves: ActionPlan},
	{
		Kind: KindApply, Workflow: "apply.yml", Concurrency: "tfpilot-state-", Role: "apply", HoldsLease: true,
		Serves: ActionApply, EffectStep: "Apply",
	},
	{
		Kind: KindDestroy, Workflow: "destroy.yml", Concurrency: "tfpilot-state-", Role: "apply", HoldsLease: true,
		Serves: ActionDestroy, EffectStep: "Destroy",
	},
	{Kind: KindCleanup, Workflow: "cleanup.yml", Concurrency: "tfpilot-cleanup-", Role: "plan"},
	{Kind: KindDriftPlan, Workflow: "drift_plan.yml", Concurrency: "tfpilot-drift-", Role: "plan", OfEnvironment: true},
}

// KindRows are all run kinds.
func KindRows() []KindRow { return slices.Clone(kindRows) }

// RequestKinds are the kinds whose runs belong to a request.
var RequestKinds = func() (kinds []Kind) {
	for _, row := range kindRows {
		if !row.OfEnvironment {
			kinds = append(kinds, row.Kind)
		}
	}
	return kinds
}()

// Row returns the row of the kind; empty for a kind of another version.
func (k Kind) Row() KindRow {
	for _, row := range kindRows {
		if row.Kind == k {
			return row
		}
	}
	return KindRow{}
}

// Named returns the kind with its article, for the start of a sentence.
func (k Kind) Named() string {
	word := strings.ReplaceAll(string(k), "_", " ")
	if strings.HasPrefix(word, "a") {
		return "An " + word
	}
	return "A " + word
}

// stepsBeforeEffect are the steps of apply.yml and destroy.yml that come before the one
// with an effect.
var stepsBeforeEffect = []string{
	"Download TfPilot", "Validate inputs", "Assume plan role", "Verify grant and claim", "Check out default branch",
	"Check out requested commit", "Set up Terraform", "Verify content", "Initialize backend", "Plan", "Assume apply role",
}

// beforeEffect reports whether a step of an apply or destroy certainly comes before the step
// that changes resources. An unknown step may be later. GitHub adds the first step.
func beforeEffect(step string) bool {
	return step == "Set up job" || slices.Contains(stepsBeforeEffect, step)
}

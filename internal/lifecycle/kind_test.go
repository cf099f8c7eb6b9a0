package lifecycle

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every run kind has exactly one row, which is complete and says what its workflow file does.
func TestKindRowsMatchTheWorkflows(t *testing.T) {
	rows := map[string]KindRow{}
	for _, row := range KindRows() {
		if _, twice := rows[string(row.Kind)]; twice {
			t.Errorf("two rows have the kind %s", row.Kind)
		}
		rows[string(row.Kind)] = row
		for _, fault := range row.faults(workflowText(t, row.Workflow)) {
			t.Errorf("%s: %s", row.Kind, fault)
		}
	}
	for name, value := range constantsOf(t, "Kind") {
		if _, ok := rows[value]; !ok {
			t.Errorf("%s has no row", name)
		}
		delete(rows, value)
	}
	for value := range rows {
		t.Errorf("the row %q has no constant", value)
	}
	files, err := os.ReadDir("../../templates/workflows")
	if err != nil || len(files) != len(KindRows()) {
		t.Errorf("%d workflow files, %d kinds: %v", len(files), len(KindRows()), err)
	}
	if row := Kind("promote").Row(); row != (KindRow{}) {
		t.Errorf("an unknown kind has the row %+v", row)
	}
}

func workflowText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../../templates/workflows/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (row KindRow) faults(workflow string) (faults []string) {
	must := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, fault)
		}
	}
	must(strings.Contains(workflow, "\nname: "+string(row.Kind)+"\n"), "the workflow has another name")
	must(strings.Contains(workflow, "\nrun-name: \"tfpilot "+string(row.Kind)+" ${{ inputs.request_id "),
		"its runs have another title")
	must(row.Concurrency != "" && strings.Contains(workflow, "\n  group: \""+row.Concurrency+"${{"),
		"another concurrency group")
	must((row.Role == "apply") == strings.Contains(workflow, `role-to-assume: "@apply_role@"`), "it takes another role")
	must(row.Role == "apply" || row.Role == "plan" && strings.Contains(workflow, `role-to-assume: "@plan_role@"`),
		"no role")
	must(row.HoldsLease == (row.Role == "apply"), "a run that may change what exists holds the lease, and no other")
	must(row.HoldsLease == (row.EffectStep != ""), "the step of its effect")
	serves, known := row.Serves.Row()
	must(row.Serves == "" || known && serves.RecordsIntent(), "it serves what is no intent")
	return faults
}

// Nothing can have changed only where the workflow says so: each step before the effect is known,
// and none of the others.
func TestStepsBeforeTheEffectMatchTheWorkflows(t *testing.T) {
	for _, row := range KindRows() {
		if !row.HoldsLease {
			continue
		}
		early := true
		for _, m := range regexp.MustCompile(`(?m)^      - name: (.+)$`).FindAllStringSubmatch(workflowText(t,
			row.Workflow), -1) {
			name := strings.TrimSpace(m[1])
			early = early && name != row.EffectStep
			if slices.Contains(stepsBeforeEffect, name) != early {
				t.Errorf("%s: step %q before the effect: %v", row.Workflow, name, early)
			}
			a := &Attempt{Conclusion: "cancelled", FailedStep: name}
			if a.BeforeEffect() != early {
				t.Errorf("%s: cancelled at %q: %v", row.Workflow, name, a.BeforeEffect())
			}
		}
		if early {
			t.Errorf("%s has no step %s", row.Workflow, row.EffectStep)
		}
	}
	for _, a := range []*Attempt{{Conclusion: "cancelled"}, {Conclusion: "stale"},
		{Conclusion: "failure", FailedStep: "A step of one's own"}, {}} {
		if a.BeforeEffect() {
			t.Errorf("%+v may have changed something", a)
		}
	}
}

func TestNamedKinds(t *testing.T) {
	for kind, want := range map[Kind]string{KindPlan: "A plan", KindApply: "An apply", KindDriftPlan: "A drift plan"} {
		if got := kind.Named(); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

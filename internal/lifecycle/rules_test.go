package lifecycle

import "testing"

// What may be done in states that a request reaches on a detour: a destroy that failed and
// is wanted again, a plan of it that failed, content that changed after the merge.
func TestWhatMayBeDoneOnDetours(t *testing.T) {
	failedDestroy := func(r *Request) { r.Runs.Destroy = runSet("failure") }
	wanted := func(r *Request) { r.Wanted = []Intent{{What: ActionDestroy, By: "adam"}} }
	failedPlan := func(r *Request) { r.Runs.Plan = runSet("success", "failure") }
	many := func(r *Request) { r.Runs.Plan.Attempts = append(make([]Attempt, MaxPlans), r.Runs.Plan.Attempts...) }
	foreign := func(r *Request) { r.PR.Foreign = true }
	differs := func(step string, code ReasonCode) func(*Request) {
		return func(r *Request) { r.Problem = &Problem{Step: step, Code: code} }
	}
	merged, open := func() *builder { return live(t) }, func() *builder { return story(t) }
	for name, c := range map[string]struct {
		from    func() *builder
		changes []func(*Request)
		action  Action
		want    ReasonCode
	}{
		"plan after a failed destroy":     {merged, []func(*Request){failedDestroy}, ActionPlan, CodeDestroying},
		"plan before a destroy":           {merged, []func(*Request){wanted}, ActionPlan, CodeDestroying},
		"plan the destroy again":          {merged, []func(*Request){wanted, failedPlan}, ActionPlan, ""},
		"plan the second destroy again":   {merged, []func(*Request){failedDestroy, wanted, failedPlan}, ActionPlan, ""},
		"plan too often":                  {merged, []func(*Request){many}, ActionPlan, CodeTooMany},
		"plan a destroy too often":        {merged, []func(*Request){wanted, failedPlan, many}, ActionPlan, ""},
		"plan foreign content":            {open, []func(*Request){foreign}, ActionPlan, CodeForeign},
		"plan what was merged as foreign": {merged, []func(*Request){foreign}, ActionPlan, ""},
		"restore foreign content":         {open, []func(*Request){foreign}, ActionRestore, ""},
		"restore it after the merge":      {merged, []func(*Request){foreign}, ActionRestore, CodeNothing},
		"restore what the plan refused": {open, []func(*Request){differs("plan", CodeContentDiffers)}, ActionRestore,
			""},
		"restore what the apply refused": {open, []func(*Request){differs("apply", CodeContentDiffers)}, ActionRestore,
			CodeNothing},
		"restore after another failure": {open, []func(*Request){differs("plan", "terraform_failed")}, ActionRestore,
			CodeNothing},
		"keep it from the destroy": {merged, []func(*Request){failedDestroy}, ActionCancelDestroy, ""},
		"keep it from one that is set aside": {merged, []func(*Request){failedDestroy, func(r *Request) {
			r.Runs.Destroy.Attempts[0].SetAside = true
		}}, ActionCancelDestroy, CodeNothing},
	} {
		r := c.from().r
		for _, change := range c.changes {
			change(&r)
		}
		var got ReasonCode
		if refusal := Can(r, c.action); refusal != nil {
			got = refusal.Code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Who approved is the person whose approval counts, not one who withdrew it.
func TestApprovedByWhomItCounts(t *testing.T) {
	s := story(t)
	s.approved("omar")
	s.do(WithdrawApproval(Person{Login: "omar"}, s.now))
	s.approved("ana")
	if refusal := Can(s.r, ActionApprove); refusal == nil || refusal.Text != "ana already approved this plan." {
		t.Errorf("%v", refusal)
	}
}

package lifecycle

import (
	"slices"
)

// BeforeEffect reports whether an apply or destroy that did not succeed certainly ended before
// it could change anything.
func (a *Attempt) BeforeEffect() bool {
	return a.Conclusion == ConclusionStartupFailure || a.failed() && beforeEffect(a.FailedStep)
}

// PlanRun returns the run that made the current plan, nil if there is no plan. A newer run may
// be active or have failed.
func (r *Request) PlanRun() *Attempt {
	if r.Plan == nil {
		return nil
	}
	i := slices.IndexFunc(r.Runs.Plan.Attempts, func(a Attempt) bool { return a.Number == r.Plan.Attempt })
	if i < 0 {
		return nil
	}
	return &r.Runs.Plan.Attempts[i]
}

// AppliedPlanRun is the run of the first plan that was applied: the one that created the
// resources, while later ones show only what they changed. It is nil when nothing was applied.
func (r *Request) AppliedPlanRun() *Attempt {
	for _, apply := range r.Runs.Apply.Attempts {
		for i, plan := range r.Runs.Plan.Attempts {
			if plan.Number == apply.PlanAttempt {
				return &r.Runs.Plan.Attempts[i]
			}
		}
	}
	return nil
}

// CorrelationIDs name every run of the request, for those who read what the runs stored.
func (r *Request) CorrelationIDs() []string {
	var ids []string
	for _, kind := range RequestKinds {
		for _, a := range r.attemptsOf(kind) {
			if a.CorrelationID != "" {
				ids = append(ids, a.CorrelationID)
			}
		}
	}
	return ids
}

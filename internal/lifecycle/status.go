package lifecycle

import "time"

// Status is the state of a request in one word. It is never stored.
type Status string

const (
	StatusRequestCreated Status = "request_created"
	StatusPlanning       Status = "planning"
	StatusPlanReady      Status = "plan_ready"
	StatusApproved       Status = "approved"
	StatusMerged         Status = "merged"
	StatusApplying       Status = "applying"
	StatusApplied        Status = "applied"
	StatusDestroying     Status = "destroying"
	StatusDestroyed      Status = "destroyed"
	StatusFailed         Status = "failed"
	StatusClosed         Status = "closed"
)

// Statuses are all statuses, in the order of a request's life.
var Statuses = []Status{StatusRequestCreated, StatusPlanning, StatusPlanReady, StatusApproved, StatusMerged,
	StatusApplying, StatusApplied, StatusDestroying, StatusDestroyed, StatusFailed, StatusClosed}

// StaleDestroy is how long a destroy run may report nothing before the request's status is
// failed. It frees no lease, and a late conclusion still wins.
const StaleDestroy = 15 * time.Minute

// DeriveLifecycleStatus is the only source of a request's status. The first matching rule wins.
func DeriveLifecycleStatus(r Request, now time.Time) Status {
	plan, apply, destroy := r.Runs.Plan.Current(), r.Runs.Apply.Current(), r.Runs.Destroy.Current()
	switch {
	case destroy != nil && !destroy.SetAside:
		return destroyStatus(destroy, now)
	case apply.failed():
		return StatusFailed
	case plan.failed() && apply == nil && !r.closed():
		return StatusFailed
	case apply != nil && apply.Conclusion == "":
		return StatusApplying
	case apply != nil:
		return StatusApplied
	case r.merged():
		return StatusMerged
	case r.closed():
		return StatusClosed
	case r.Approval.Approved:
		return StatusApproved
	case plan != nil && plan.Conclusion == ConclusionSuccess:
		return StatusPlanReady
	case plan != nil || r.PR.isOpen():
		return StatusPlanning
	default:
		return StatusRequestCreated
	}
}

func destroyStatus(a *Attempt, now time.Time) Status {
	switch {
	case a.failed():
		return StatusFailed
	case a.Conclusion == ConclusionSuccess:
		return StatusDestroyed
	case a.RunID != 0 && a.DispatchedAt != nil && now.Sub(*a.DispatchedAt) > StaleDestroy:
		return StatusFailed
	default:
		return StatusDestroying
	}
}

// Stuck reports whether the cleanup cannot continue by itself: its run did not succeed, or its
// pull request cannot be merged. Starting it again may help.
func (c *Cleanup) Stuck() bool { return c != nil && (c.failed() || c.Blocked) }

func (p *PullRequest) isOpen() bool { return p != nil && p.Open != nil && *p.Open && !p.Merged }

func (r Request) merged() bool { return r.MergedSHA != "" || r.PR != nil && r.PR.Merged }

func (r Request) closed() bool {
	return r.ClosedAt != nil || r.PR != nil && r.PR.Open != nil && !*r.PR.Open && !r.PR.Merged
}

// Attempt returns the attempt of this kind with this correlation id, nil if there is none.
func (r *Request) Attempt(kind Kind, correlationID string) *Attempt {
	return r.attemptsOf(kind).named(correlationID)
}

// CurrentRun returns the current attempt of this kind, nil if there is none.
func (r *Request) CurrentRun(kind Kind) *Attempt {
	if kind == KindCleanup {
		if r.Cleanup == nil {
			return nil
		}
		return &r.Cleanup.Attempt
	}
	if set := r.runSet(kind); set != nil {
		return set.Current()
	}
	return nil
}

// attemptsOf returns all attempts of a kind in the document.
func (r *Request) attemptsOf(kind Kind) Attempts {
	if kind == KindCleanup {
		if r.Cleanup == nil {
			return nil
		}
		return Attempts{&r.Cleanup.Attempt}
	}
	return r.runSet(kind).all()
}

func (r *Request) runSet(kind Kind) *RunSet {
	switch kind {
	case KindPlan:
		return &r.Runs.Plan
	case KindApply:
		return &r.Runs.Apply
	case KindDestroy:
		return &r.Runs.Destroy
	default:
		return nil
	}
}

package story

import (
	"maps"
	"testing"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/terraform"
)

// States are requests in every state that people can see, by name.
func States(t testing.TB) map[string]*Story {
	all := beforeMerge(t)
	maps.Copy(all, afterMerge(t))
	maps.Copy(all, leaving(t))
	return all
}

// beforeMerge are requests whose round is decided on the pull request.
func beforeMerge(t testing.TB) map[string]*Story {
	foreign := Ready(t).Approved("omar")
	yes := true
	foreign.Do(lifecycle.SeePull(lifecycle.PullFacts{Open: true, HeadSHA: Head2, BaseRef: "main", UpdatedAt: foreign.Now,
		Foreign: &yes}))
	closed := Ready(t).Approved("omar").Requested(lifecycle.ActionClose, "dana")
	rejected := Ready(t).Requested(lifecycle.ActionReject, "omar")
	rejected.Do(lifecycle.Reject(rejected.Intent(lifecycle.ActionReject, "omar"))).Do(lifecycle.Closed(rejected.Now))
	refused := Ready(t).Approved("omar").Requested(lifecycle.ActionMerge, "omar")
	refused.Do(lifecycle.Refused(lifecycle.ActionMerge, "omar", "blocked",
		"GitHub says: at least one more review is required.", refused.Now))
	objected := Ready(t).Approved("omar").Do(lifecycle.Objected([]lifecycle.Objection{{Review: 7, Login: "ana",
		GithubID: 1002, At: Start}}, noApprover, Start))
	unlinked := Ready(t).Requested(lifecycle.ActionApprove, "ana")
	unlinked.Do(lifecycle.RefuseIntent(*unlinked.R.Intent(lifecycle.ActionApprove), "identity",
		"The Slack account of ana is no longer linked to a GitHub account.", unlinked.Now))
	withdrawn := Ready(t).Approved("omar")
	foreignRun := Ready(t)
	foreignRun.Do(lifecycle.SawForeignRun(lifecycle.ForeignRun{
		RunID: 900, Actor: "mallory", Kind: lifecycle.KindPlan, URL: "https://github.test/acme/infra-core/actions/runs/900",
		At: foreignRun.Now,
	}))
	reading := New(t, Dev()).Opened()
	reading.End(lifecycle.KindPlan,
		reading.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen, HeadSHA: Head1}), "success")
	running := New(t, Dev()).Opened()
	running.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen, HeadSHA: Head1})
	canceled := New(t, Dev()).Opened()
	canceled.End(lifecycle.KindPlan,
		canceled.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen, HeadSHA: Head1}), "cancelled")

	return map[string]*Story{
		"created":            New(t, Dev()),
		"planning":           New(t, Dev()).Opened(),
		"plan_running":       running,
		"reading":            reading,
		"plan_ready":         Ready(t),
		"plan_replaces":      New(t, Prod()).Opened().Planned(lifecycle.PurposeOpen, Head1, Replacing()),
		"plan_failed":        PlanFailed(t),
		"plan_canceled":      canceled,
		"plan_failed_closed": PlanFailed(t).Requested(lifecycle.ActionClose, "dana").Do(lifecycle.Closed(Start)),
		"approving":          Ready(t).Requested(lifecycle.ActionApprove, "omar"),
		"approval_refused":   unlinked,
		"approved":           Ready(t).Approved("omar"),
		"withdrawn":          withdrawn.Do(lifecycle.WithdrawApproval(lifecycle.Person{Login: "omar"}, withdrawn.Now)),
		"voided":             foreign,
		"objected":           objected,
		"foreign_run":        foreignRun,
		"merging":            Ready(t).Approved("omar").Requested(lifecycle.ActionMerge, "omar"),
		"merge_refused":      refused,
		"rejected":           rejected,
		"closed":             closed.Do(lifecycle.Closed(closed.Now)),
	}
}

// afterMerge are requests that are merged.
func afterMerge(t testing.TB) map[string]*Story {
	reading := Ready(t).Approved("omar").Merged()
	reading.End(lifecycle.KindPlan,
		reading.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeReapply, HeadSHA: Head2}), "success")
	again := func() *Story {
		return ApplyFailed(t).Planned(lifecycle.PurposeReapply, Head2, Creating())
	}
	replanning := ApplyFailed(t)
	replanning.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeReapply, HeadSHA: Head2})
	requeued := again().Approved("omar").Requested(lifecycle.ActionApply, "omar")
	requeued.Do(lifecycle.Named(lifecycle.ActionApply, Correlation(lifecycle.KindApply, 99)))
	applying := Ready(t).Approved("omar").Merged()
	applying.Begin(lifecycle.KindApply, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen})
	queued := Ready(t).Approved("omar").Merged().Requested(lifecycle.ActionApply, "omar")
	queued.Do(lifecycle.Named(lifecycle.ActionApply, Correlation(lifecycle.KindApply, 99)))
	unchanged := Live(t).Replanned("ana", terraform.Summary{})
	dismissed := Live(t).Replanned("ana", Creating()).Requested(lifecycle.ActionReject, "omar")
	drifted := Live(t)
	drifted.R.Drift = &lifecycle.Drift{CheckedAt: drifted.Now, RunID: 77, Drifted: true,
		Summary: "aws_s3_bucket.this: versioning was disabled"}
	archived := cleaned(t)
	archived.R.ArchivedAt = &archived.Now

	return map[string]*Story{
		"merged":         Ready(t).Approved("omar").Merged(),
		"merged_foreign": Ready(t).Merged(),
		"merged_reading": reading,
		"queued":         queued,
		"applying":       applying,
		"applied":        Live(t),
		"apply_failed":   ApplyFailed(t),
		"replanning":     replanning,
		"replanned":      again(),
		"reapproved":     again().Approved("omar"),
		"requeued":       requeued,
		"unchanged":      unchanged,
		"dismissed":      dismissed.Do(lifecycle.Reject(dismissed.Intent(lifecycle.ActionReject, "omar"))),
		"drifted":        drifted,
		"archived":       archived,
	}
}

// leaving are requests that a person wants destroyed, or that are.
func leaving(t testing.TB) map[string]*Story {
	unplanned := Live(t).Requested(lifecycle.ActionDestroy, "adam")
	cid := unplanned.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy, HeadSHA: Head2})
	unplanned.End(lifecycle.KindPlan, cid, "failure")
	unplanned.Do(lifecycle.ReadFailure(lifecycle.KindPlan, cid, "terraform_failed",
		"Error: No valid credential sources found", "Plan", unplanned.Now))
	destroyPlan := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2,
		Destroying())
	kept := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2, Destroying())
	keptLate := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2,
		Destroying()).Approved("omar")
	spared := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2,
		Destroying()).Requested(lifecycle.ActionReject, "omar")
	silent := destroyStarted(t)
	silent.Now = silent.Now.Add(lifecycle.StaleDestroy)
	cleaning := Destroyed(t)
	cleaning.Begin(lifecycle.KindCleanup, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy, HeadSHA: Head2})

	return map[string]*Story{
		"merged_destroy":       Ready(t).Approved("omar").Merged().Requested(lifecycle.ActionDestroy, "adam"),
		"apply_failed_destroy": ApplyFailed(t).Requested(lifecycle.ActionDestroy, "adam"),
		"destroy_asked":        Live(t).Requested(lifecycle.ActionDestroy, "adam"),
		"destroy_plan":         destroyPlan,
		"destroy_plan_failed":  unplanned,
		"destroy_rejected":     spared.Do(lifecycle.Reject(spared.Intent(lifecycle.ActionReject, "omar"))),
		"kept":                 kept.Do(lifecycle.CancelDestroy(Start)),
		"kept_approved":        keptLate.Do(lifecycle.CancelDestroy(Start)),
		"destroying":           destroyStarted(t),
		"destroy_silent":       silent,
		"destroy_failed":       DestroyFailed(t),
		"destroy_failed_again": DestroyFailed(t).Requested(lifecycle.ActionDestroy, "adam"),
		"destroyed":            Destroyed(t),
		"cleaning":             cleaning,
		"cleaned":              cleaned(t),
	}
}

func noApprover(lifecycle.Approver) bool { return false }

// destroyStarted is a request whose destroy runs.
func destroyStarted(t testing.TB) *Story {
	s := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2,
		Destroying()).Approved("omar")
	s.Begin(lifecycle.KindDestroy, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy})
	return s
}

// Destroyed is a request whose resources are destroyed, and whose code is not removed yet.
func Destroyed(t testing.TB) *Story {
	s := destroyStarted(t)
	return s.End(lifecycle.KindDestroy, s.R.CurrentRun(lifecycle.KindDestroy).CorrelationID, "success")
}

// cleaned is a request whose code is removed, too.
func cleaned(t testing.TB) *Story {
	s := Destroyed(t)
	s.R.Cleanup = &lifecycle.Cleanup{
		Attempt: lifecycle.Attempt{Number: 1, CorrelationID: Correlation(lifecycle.KindCleanup, 98), RunID: 198,
			Conclusion: "success", ResultRead: true},
		PRNumber: 8, PRURL: "https://github.test/acme/infra-core/pull/8", MergedAt: &s.Now,
	}
	return s
}

// PlanFailed is a request whose first plan failed.
func PlanFailed(t testing.TB) *Story {
	s := New(t, Dev()).Opened()
	cid := s.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen, HeadSHA: Head1})
	s.End(lifecycle.KindPlan, cid, "failure")
	return s.Do(lifecycle.ReadFailure(lifecycle.KindPlan, cid, "terraform_failed",
		"Error: Invalid value for variable\n\n  on tfpilot.tf line 3", "Plan", s.Now))
}

// Replanned is a new plan of what exists, requested by a person.
func (s *Story) Replanned(by string, summary terraform.Summary) *Story {
	s.Requested(lifecycle.ActionPlan, by)
	p := s.R.Intent(lifecycle.ActionPlan).Person()
	cid := s.Begin(lifecycle.KindPlan, lifecycle.Attempt{Purpose: lifecycle.PurposeReapply, HeadSHA: Head2,
		RequestedBy: &p})
	s.End(lifecycle.KindPlan, cid, "success")
	n := summary.Counts()
	return s.Do(lifecycle.ReadPlan(cid, lifecycle.Plan{
		Blob: Blob1, Digest: summary.Digest(), Add: n.Add, Change: n.Change, Nothing: len(summary.Changes) == 0,
	}))
}

// ApplyFailed is a request whose apply failed halfway.
func ApplyFailed(t testing.TB) *Story {
	s := Ready(t).Approved("omar").Merged()
	cid := s.Begin(lifecycle.KindApply, lifecycle.Attempt{Purpose: lifecycle.PurposeOpen})
	s.End(lifecycle.KindApply, cid, "failure")
	return s.Do(lifecycle.ReadFailure(lifecycle.KindApply, cid, "terraform_failed",
		"Error: creating S3 Bucket: AccessDenied", "Apply", s.Now))
}

// DestroyFailed is a request whose destroy failed halfway.
func DestroyFailed(t testing.TB) *Story {
	s := Live(t).Requested(lifecycle.ActionDestroy, "adam").Planned(lifecycle.PurposeDestroy, Head2,
		Destroying()).Approved("omar")
	cid := s.Begin(lifecycle.KindDestroy, lifecycle.Attempt{Purpose: lifecycle.PurposeDestroy})
	s.End(lifecycle.KindDestroy, cid, "failure")
	return s.Do(lifecycle.ReadFailure(lifecycle.KindDestroy, cid, "terraform_failed",
		"Error: deleting S3 Bucket: BucketNotEmpty", "Destroy", s.Now))
}

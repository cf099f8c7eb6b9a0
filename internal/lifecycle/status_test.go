package lifecycle

import (
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func timeAfter(d time.Duration) *time.Time { t := t0.Add(d); return &t }
func yes() *bool                           { b := true; return &b }
func no() *bool                            { b := false; return &b }

func runSet(conclusions ...Conclusion) RunSet {
	var s RunSet
	for i, c := range conclusions {
		s.Attempts = append(s.Attempts, Attempt{Number: i + 1, Conclusion: c, DispatchedAt: timeAfter(0)})
		s.CurrentAttempt = i + 1
	}
	return s
}

func TestDeriveLifecycleStatus(t *testing.T) {
	late := runSet("")
	late.Attempts[0].RunID = 7
	noRun := runSet("")
	noTime := runSet("")
	noTime.Attempts[0].RunID, noTime.Attempts[0].DispatchedAt = 7, nil
	aside := runSet("failure")
	aside.Attempts[0].SetAside = true
	tests := []struct {
		name string
		r    Request
		now  time.Duration
		want Status
	}{
		{"nothing", Request{}, 0, StatusRequestCreated},
		{"pull request open", Request{PR: &PullRequest{Open: yes()}}, 0, StatusPlanning},
		{"pull request not known", Request{PR: &PullRequest{}}, 0, StatusRequestCreated},
		{"plan runs", Request{Runs: Runs{Plan: runSet("")}}, 0, StatusPlanning},
		{"plan ready", Request{PR: &PullRequest{Open: yes()}, Runs: Runs{Plan: runSet("success")}}, 0, StatusPlanReady},
		{"plan failed", Request{PR: &PullRequest{Open: yes()}, Runs: Runs{Plan: runSet("failure")}}, 0, StatusFailed},
		{"only the current plan counts", Request{Runs: Runs{Plan: runSet("failure", "success")}}, 0, StatusPlanReady},
		{"approved", Request{Approval: Approval{Approved: true}, Runs: Runs{Plan: runSet("success")}}, 0, StatusApproved},
		{"closed beats approved", Request{PR: &PullRequest{Open: no()}, Approval: Approval{Approved: true}}, 0, StatusClosed},
		{"closed at", Request{ClosedAt: timeAfter(0)}, 0, StatusClosed},
		{"closed beats a failed plan", Request{ClosedAt: timeAfter(0), Runs: Runs{Plan: runSet("failure")}}, 0, StatusClosed},
		{"closed on GitHub beats a failed plan", Request{PR: &PullRequest{Open: no()}, Runs: Runs{Plan: runSet("failure")}},
			0, StatusClosed},
		{"a failed plan of what was merged", Request{PR: &PullRequest{Open: no(), Merged: true}, MergedSHA: "abc",
			Runs: Runs{Plan: runSet("failure")}}, 0, StatusFailed},
		{"merged", Request{PR: &PullRequest{Open: no(), Merged: true}, Runs: Runs{Plan: runSet("success")}}, 0, StatusMerged},
		{"merged sha alone", Request{MergedSHA: "abc"}, 0, StatusMerged},
		{"applying", Request{MergedSHA: "abc", Runs: Runs{Apply: runSet("")}}, 0, StatusApplying},
		{"applied", Request{MergedSHA: "abc", Runs: Runs{Apply: runSet("success")}}, 0, StatusApplied},
		{"apply failed", Request{MergedSHA: "abc", Runs: Runs{Apply: runSet("cancelled")}}, 0, StatusFailed},
		{"failed new plan does not hide an apply",
			Request{MergedSHA: "abc", Runs: Runs{Apply: runSet("success"), Plan: runSet("success", "failure")}}, 0, StatusApplied},
		{"destroying", Request{Runs: Runs{Apply: runSet("success"), Destroy: noRun}}, 20 * time.Minute, StatusDestroying},
		{"destroying with a run", Request{Runs: Runs{Destroy: late}}, 15 * time.Minute, StatusDestroying},
		{"silent destroy", Request{Runs: Runs{Destroy: late}}, 15*time.Minute + time.Second, StatusFailed},
		{"destroy of an unknown time", Request{Runs: Runs{Destroy: noTime}}, time.Hour, StatusDestroying},
		{"destroyed", Request{Runs: Runs{Apply: runSet("success"), Destroy: runSet("success")}}, 0, StatusDestroyed},
		{"destroy failed", Request{Runs: Runs{Apply: runSet("success"), Destroy: runSet("timed_out")}}, 0, StatusFailed},
		{"destroy set aside", Request{Runs: Runs{Apply: runSet("success"), Destroy: aside}}, 0, StatusApplied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := DeriveLifecycleStatus(tt.r, t0.Add(tt.now)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestEveryUnsuccessfulConclusionFails(t *testing.T) {
	for _, c := range []Conclusion{"failure", "cancelled", "timed_out", "action_required", "startup_failure", "stale",
		"skipped", "neutral"} {
		if got := DeriveLifecycleStatus(Request{Runs: Runs{Apply: runSet(c)}}, t0); got != StatusFailed {
			t.Errorf("%s reads as %s", c, got)
		}
	}
}

func BenchmarkDerive(b *testing.B) {
	r := story(b).r
	for b.Loop() {
		DeriveLifecycleStatus(r, t0)
	}
}

func BenchmarkCommit(b *testing.B) {
	r := story(b).r
	for b.Loop() {
		if _, _, err := Commit(r, ClearProblem("nothing"), System("worker"), t0); err != nil {
			b.Fatal(err)
		}
	}
}

// A cleanup is stuck when its run did not succeed, or its pull request cannot be merged.
func TestStuck(t *testing.T) {
	for name, c := range map[string]struct {
		cleanup *Cleanup
		want    bool
	}{
		"none":                  {nil, false},
		"it runs":               {&Cleanup{}, false},
		"it succeeded":          {&Cleanup{Attempt: Attempt{Conclusion: "success"}}, false},
		"it failed":             {&Cleanup{Attempt: Attempt{Conclusion: "failure"}}, true},
		"its merge is blocked":  {&Cleanup{Attempt: Attempt{Conclusion: "success"}, Blocked: true}, true},
		"it failed, is blocked": {&Cleanup{Attempt: Attempt{Conclusion: "failure"}, Blocked: true}, true},
	} {
		if got := c.cleanup.Stuck(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// link links a person's Slack account to a GitHub account, in place of their own.
func (w *harness) link(who, login string, id int64) {
	w.t.Helper()
	w.must(w.store.PutIdentity(context.Background(), lifecycle.Identity{SlackTeam: team, SlackUser: people[who].slack,
		Login: login, GithubID: id, LinkedAt: time.Now()}))
}

func (w *harness) unlink(who string) {
	w.t.Helper()
	w.must(w.store.DeleteIdentity(context.Background(), team, people[who].slack))
}

// losses are what an approver may lose, and what is said of the approval then.
var losses = map[string]struct {
	lose func(*harness)
	says string
}{
	"link":                  {func(w *harness) { w.unlink("ana") }, "no longer linked"},
	"link to another login": {func(w *harness) { w.link("ana", "vic", 1005) }, "linked to vic now"},
	"link to another id":    {func(w *harness) { w.link("ana", "ana", 4711) }, "linked to ana now"},
	"login on GitHub": {func(w *harness) {
		w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 404, Method: "GET", Path: "/users/ana"})
		w.pass(6 * time.Minute) // what was known of it before is too old
	}, "GitHub no longer has the account ana"},
	"role": {func(w *harness) { w.policy.Approvers = []string{"omar"} }, "no longer have the right to approve"},
	"TfPilot": {func(w *harness) { w.policy.AllowedLogins = []string{"dana", "omar", "adam"} },
		"no longer have the right to approve"},
	"other person": {func(w *harness) { w.link("ana", "omar", 1003) }, "linked to omar now"},
}

// An approval does not outlive what made it valid: at every effect all of it is asked
// again.
func TestApprovalDoesNotOutliveItsReasons(t *testing.T) {
	effects := map[lifecycle.Action]func(*harness){
		lifecycle.ActionMerge: func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana") },
		lifecycle.ActionApply: func(w *harness) { w.open(reqA); w.approveAs(reqA, "ana"); w.merge(reqA) },
	}
	for what, upTo := range effects {
		for name, loss := range losses {
			t.Run(string(what)+" without "+name, func(t *testing.T) {
				withHarness(t, setup{}, func(w *harness) {
					upTo(w)
					w.settled(reqA)
					w.pause()
					w.click(reqA, what, "omar")
					loss.lose(w)
					before := w.effects()
					p := w.idleWorker()
					w.must(p.Reconcile(context.Background(), reqA))
					if after := w.effects(); after != before {
						w.t.Errorf("something happened:\n%s\n%s", before, after)
					}
					w.assertEvent(reqA, "approval_voided", loss.says)
					if r := w.request(reqA); r.Approval.Approved || r.Intent(what) != nil {
						w.t.Errorf("approved %v, wanted %v", r.Approval.Approved, r.Wanted)
					}
				})
			})
		}
	}
}

// A destroy that is approved starts by itself; it asks the same.
func TestDestroyAsksForItsApprovalAgain(t *testing.T) {
	for name, loss := range losses {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.ready(reqA)
				w.apply(reqA)
				w.click(reqA, lifecycle.ActionDestroy, "adam")
				w.planned(reqA, lifecycle.PurposeDestroy)
				w.settled(reqA)
				w.pause()
				w.must(w.change(reqA, "ana", lifecycle.Approve(w.approval(reqA, "ana"))))
				loss.lose(w)
				p := w.idleWorker()
				w.must(p.Reconcile(context.Background(), reqA))
				w.assertEvent(reqA, "approval_voided", loss.says)
				if n := w.github.Counts().Dispatches[repoName+" destroy.yml"]; n != 0 {
					w.t.Errorf("%d destroys", n)
				}
			})
		})
	}
}

func (w *harness) approval(id, by string) lifecycle.Approver {
	w.t.Helper()
	intent := w.intent(id, lifecycle.ActionApprove, by)
	return lifecycle.Approver{
		Login: by, GithubID: intent.ByID, SlackTeam: team, SlackUser: intent.SlackUser, At: intent.At,
		HeadSHA: intent.HeadSHA, PlanDigest: intent.PlanDigest, Source: intent.Source,
	}
}

// A sweep voids an unused approval once its reason is gone.
func TestSweepVoidsWhatAnUnlinkedAccountApproved(t *testing.T) {
	for name, change := range map[string]func(*harness){
		"unlinked": func(w *harness) { w.unlink("omar") },
		"relinked": func(w *harness) { w.link("omar", "omar", 4711) },
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				w.open(reqA)
				w.approve(reqA)
				w.settled(reqA)
				change(w)
				w.pass(2 * time.Minute)
				if w.request(reqA).Approval.Approved {
					w.t.Error("it still counts")
				}
				w.assertEvent(reqA, "approval_voided", "inked to")
			})
		})
	}
}

// What was applied stays applied: its approval was used.
func TestUsedApprovalIsLeftAlone(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.unlink("omar")
		w.pass(5 * time.Minute)
		if !w.request(reqA).Approval.Approved {
			w.t.Error("it was voided after it was used")
		}
	})
}

// Directly before the call everything is asked once more: the account may be unlinked
// while the worker was on its way.
func TestApprovalFallsOnTheWayToTheEffect(t *testing.T) {
	t.Run("merge", func(t *testing.T) {
		withHarness(t, setup{}, func(w *harness) {
			w.open(reqA)
			w.approveAs(reqA, "ana")
			w.settled(reqA)
			w.pause()
			p := w.idleWorker()
			w.click(reqA, lifecycle.ActionMerge, "omar")
			w.gate.onCall("github GET /pulls/*/reviews", func() { w.pass(3 * time.Second); w.unlink("ana") })
			w.must(p.Reconcile(context.Background(), reqA))
			if n := len(w.github.Counts().Merges); n != 0 {
				w.t.Errorf("%d merges", n)
			}
		})
	})
	t.Run("apply", func(t *testing.T) {
		withHarness(t, setup{}, func(w *harness) {
			w.open(reqA)
			w.approveAs(reqA, "ana")
			w.merge(reqA)
			w.settled(reqA)
			w.pause()
			p := w.idleWorker()
			w.click(reqA, lifecycle.ActionApply, "omar")
			w.gate.onCall("s3 PUT grants", func() { w.pass(3 * time.Second); w.unlink("ana") })
			w.must(p.Reconcile(context.Background(), reqA))
			if n := w.github.Counts().Dispatches[repoName+" apply.yml"]; n != 0 {
				w.t.Errorf("%d dispatches", n)
			}
			a := w.request(reqA).Runs.Apply.Current()
			if _, err := w.store.Grant(context.Background(), project, a.CorrelationID); err == nil {
				w.t.Error("its grant stays")
			}
			w.assertEvent(reqA, "approval_voided", "no longer linked")
		})
	})
}

// Who requested a destroy does not approve it, and neither does who requested a new plan;
// the refusal is kept for the person by name.
func TestRequesterOfARoundDoesNotApproveIt(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.ledger.forget(reqA)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.planned(reqA, lifecycle.PurposeReapply)
		w.click(reqA, lifecycle.ActionApprove, "ana")
		w.served(reqA, lifecycle.ActionApprove)
		w.must(w.change(reqA, "ana", lifecycle.CancelDestroy(time.Now())))
		w.click(reqA, lifecycle.ActionDestroy, "adam")
		w.planned(reqA, lifecycle.PurposeDestroy)
		w.click(reqA, lifecycle.ActionApprove, "adam")
		w.served(reqA, lifecycle.ActionApprove)
		r := w.request(reqA)
		if r.Approval.Approved || len(r.Refused) != 2 {
			w.t.Fatalf("%+v, refused %+v", r.Approval, r.Refused)
		}
		for i, by := range []string{"ana", "adam"} {
			no := r.Refused[i]
			if no.By != by || no.SlackUser != people[by].slack || no.Code != "round_requester" {
				w.t.Errorf("%+v", no)
			}
		}
		w.click(reqA, lifecycle.ActionApprove, "omar")
		w.reach(reqA, lifecycle.StatusDestroyed)
	})
}

// A new plan that has nothing to change needs no one.
func TestNewPlanWithoutChangesEnds(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.apply(reqA)
		w.click(reqA, lifecycle.ActionPlan, "ana")
		w.until(reqA, "ended", func(d store.Doc) bool {
			a := d.Request.Runs.Plan.Current()
			return a.Purpose == lifecycle.PurposeReapply && a.SetAside
		})
		w.settled(reqA)
		if w.status(reqA) != lifecycle.StatusApplied {
			w.t.Error(w.status(reqA))
		}
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "omar"), lifecycle.CodeDismissed)
		w.destroy(reqA)
	})
}

// Withdrawn before the run reaches its effect, an approval lets nothing happen.
func TestApprovalIsWithdrawnBeforeTheEffect(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.ledger.holds("apply", true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "running", func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && len(w.ledger.claimed(a.CorrelationID)) == 1
		})
		w.must(w.change(reqA, "omar", lifecycle.WithdrawApproval(lifecycle.Person{Login: "omar", GithubID: 1003},
			time.Now())))
		w.until(reqA, "revoked", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().RevokedAt != nil })
		w.ledger.holds("apply", false)
		w.until(reqA, "stopped", func(d store.Doc) bool { return d.Request.Runs.Apply.Current().Conclusion == "failure" })
		if n := w.ledger.did("apply", reqA); n != 0 {
			w.t.Errorf("%d applies", n)
		}
		w.settled(reqA)
		w.released(reqA)
	})
}

// Request changes on GitHub by a person who may reject blocks approving and merging until
// that person reviews again or the review is dismissed. A review by anyone else blocks nothing.
func TestRequestedChangesBlock(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.review("dana", "REQUEST_CHANGES")
		w.pass(2 * time.Minute)
		w.approve(reqA)
		id := w.review("ana", "REQUEST_CHANGES")
		w.until(reqA, "blocked", func(d store.Doc) bool { return len(d.Request.Objections()) == 1 })
		w.assertEvent(reqA, "changes_requested", "ana requested changes")
		refusedWith(w.t, w.try(reqA, lifecycle.ActionMerge, "omar"), lifecycle.CodeObjected)
		if !w.request(reqA).Approval.Approved {
			w.t.Error("the approval of another person is void")
		}
		w.must(w.change(reqA, "omar", lifecycle.WithdrawApproval(lifecycle.Person{Login: "omar"}, time.Now())))
		refusedWith(w.t, w.try(reqA, lifecycle.ActionApprove, "adam"), lifecycle.CodeObjected)
		w.dismiss(id)
		w.until(reqA, "free", func(d store.Doc) bool { return len(d.Request.Objections()) == 0 })
		w.assertEvent(reqA, "changes_settled", "ana")
		w.review("ana", "REQUEST_CHANGES")
		w.until(reqA, "blocked", func(d store.Doc) bool { return len(d.Request.Objections()) == 1 })
		w.pass(2 * time.Second)
		w.review("ana", "APPROVE")
		w.until(reqA, "approved", approvedNow)
		w.merge(reqA)
	})
}

// A review without a webhook is read before the merge, the apply and the approval.
func TestRequestedChangesAreReadAtTheEffect(t *testing.T) {
	for what, upTo := range map[lifecycle.Action]func(*harness){
		lifecycle.ActionApprove: func(w *harness) { w.open(reqA) },
		lifecycle.ActionMerge:   func(w *harness) { w.open(reqA); w.approve(reqA) },
		lifecycle.ActionApply:   func(w *harness) { w.ready(reqA) },
	} {
		t.Run(string(what), func(t *testing.T) {
			withHarness(t, setup{}, func(w *harness) {
				upTo(w)
				w.settled(reqA)
				w.pass(time.Minute)
				w.pause()
				w.silent()
				p := w.idleWorker()
				w.pass(5 * time.Second)
				w.review("ana", "REQUEST_CHANGES")
				before := w.effects()
				w.click(reqA, what, "omar")
				w.must(p.Reconcile(context.Background(), reqA))
				r := w.request(reqA)
				if after := w.effects(); after != before || len(r.Refused) != 1 || r.Refused[0].Code != lifecycle.CodeObjected {
					w.t.Errorf("refused %+v\n%s\n%s", r.Refused, before, after)
				}
			})
		})
	}
}

// Who approved in Slack and then requests changes on GitHub has withdrawn the approval.
func TestRequestedChangesWithdrawTheOwnApproval(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.approve(reqA)
		w.settled(reqA)
		id := w.review("omar", "REQUEST_CHANGES")
		w.until(reqA, "void", func(d store.Doc) bool { return !d.Request.Approval.Approved })
		w.dismiss(id)
		w.until(reqA, "free", func(d store.Doc) bool { return len(d.Request.Objections()) == 0 })
		refusedWith(w.t, w.try(reqA, lifecycle.ActionMerge, "omar"), lifecycle.CodeUnapproved)
	})
}

// A review is no way back to an approval that its giver withdrew after it.
func TestReviewOlderThanAWithdrawalDoesNotCount(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.silent()
		w.open(reqA)
		w.settled(reqA)
		w.approve(reqA)
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.pass(10 * time.Minute)
		w.must(w.change(reqA, "omar", lifecycle.WithdrawApproval(lifecycle.Person{Login: "omar"}, time.Now())))
		w.review("dana", "COMMENT") // all reviews are read again
		w.pass(20 * time.Minute)
		if w.request(reqA).Approval.Approved {
			w.t.Error("the older review counts")
		}
		w.review("omar", "APPROVE")
		w.until(reqA, "approved", approvedNow)
	})
}

// A review counts only for a linked account, as a click does, and falls with the link.
func TestReviewNeedsTheLink(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.unlink("omar")
		w.open(reqA)
		w.settled(reqA)
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		w.pass(10 * time.Minute)
		w.assertEvent(reqA, "review_refused", "is not linked to a Slack account")
		w.link("omar", "omar", 1003)
		w.review("omar", "APPROVE")
		w.until(reqA, "approved", approvedNow)
		if a := w.request(reqA).Approver("omar", 0); a.SlackUser != people["omar"].slack {
			w.t.Errorf("%+v", a)
		}
		w.unlink("omar")
		w.pass(2 * time.Minute)
		if w.request(reqA).Approval.Approved {
			w.t.Error("it outlives the link")
		}
	})
}

// The requester's Slack account, linked to an approver's login, approves on no surface.
func TestRequesterUnderAnotherLoginDoesNotApprove(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.open(reqA)
		w.settled(reqA)
		w.unlink("omar")
		w.link("dana", "omar", 1003)
		w.pass(2 * time.Second)
		w.review("omar", "APPROVE")
		intent := w.intent(reqA, lifecycle.ActionApprove, "omar")
		intent.SlackUser = people["dana"].slack
		w.must(w.change(reqA, "omar", lifecycle.RecordIntent(intent)))
		w.served(reqA, lifecycle.ActionApprove)
		w.pass(10 * time.Minute)
		r := w.request(reqA)
		if len(r.Approval.Approvers) != 0 || len(r.Refused) != 1 || r.Refused[0].Code != "author" {
			w.t.Errorf("%+v, refused %+v", r.Approval, r.Refused)
		}
		w.assertEvent(reqA, "review_refused", "wrote or edited")
	})
}

// A canceled apply leaves the queue at once, not with the next sweep.
func TestCanceledApplyLeavesTheQueueAtOnce(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		a, b := numberedID(0), numberedID(1)
		w.ready(a, b)
		w.ledger.holds("apply", true)
		for _, id := range []string{a, b} {
			w.click(id, lifecycle.ActionApply, "omar")
			w.until(id, "in the queue", func(store.Doc) bool { return w.inLine(id) >= 0 })
		}
		w.pause()
		p := w.idleWorker() // no sweep
		w.must(w.change(b, "omar", lifecycle.CancelIntent()))
		w.must(p.Reconcile(context.Background(), b))
		if w.inLine(b) >= 0 || w.request(b).Leaving != nil {
			w.t.Errorf("%+v, leaving %v", w.lease(), w.request(b).Leaving)
		}
		w.ledger.holds("apply", false)
	})
}

// In a protected environment an approval is typed: one that was not, as from before the
// environment was protected, does not count there.
func TestUntypedApprovalInAProtectedEnvironment(t *testing.T) {
	prod := lifecycle.Environment{Key: "prod", Slug: "app"}
	withHarness(t, setup{}, func(w *harness) {
		w.askIn(reqA, "dana", prod)
		w.planned(reqA, lifecycle.PurposeOpen)
		intent := w.intent(reqA, lifecycle.ActionApprove, "omar")
		intent.Typed = false
		w.must(w.change(reqA, "omar", lifecycle.RecordIntent(intent)))
		w.served(reqA, lifecycle.ActionApprove)
		if r := w.request(reqA); r.Approval.Approved || len(r.Refused) != 1 || r.Refused[0].Code != "not_typed" {
			w.t.Errorf("%+v, refused %+v", r.Approval, r.Refused)
		}
		w.approve(reqA)
	})
}

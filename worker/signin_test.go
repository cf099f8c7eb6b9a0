package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// signedOut are the ways in which the sign-in to GitHub stops working.
var signedOut = map[string]struct {
	strike, repair func(*harness)
	words          string // on the card
}{
	"clock is behind": {
		func(w *harness) { w.github.SetClock(2 * time.Minute); w.github.RevokeTokens() },
		func(w *harness) { w.github.SetClock(0) }, "clock of TfPilot's machine is about 2 minutes behind",
	},
	"installation is suspended": {
		func(w *harness) { w.github.Suspend(true) }, func(w *harness) { w.github.Suspend(false) }, "suspended",
	},
	"IP allow list": {
		func(w *harness) {
			w.must(w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Path: "/repos/**",
				Message: "Although you appear to have the correct authorization credentials, the `acme` organization has an IP " +
					"allow list enabled, and 192.0.2.7 is not permitted to access this resource."}))
		},
		func(w *harness) { w.github.ClearFaults() }, "IP allow list",
	},
	"bad credentials": {
		func(w *harness) {
			w.must(w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 401, Path: "/repos/**",
				Message: "Bad credentials"}))
		},
		func(w *harness) { w.github.ClearFaults() }, "does not accept TfPilot's credentials",
	},
	"suspended at the dispatch": {
		func(w *harness) {
			w.gate.onCall("github POST /actions/workflows/apply.yml/dispatches", func() { w.github.Suspend(true) })
		},
		func(w *harness) { w.github.Suspend(false) }, "suspended",
	},
	"no permission to act": {
		func(w *harness) {
			for _, method := range []string{"POST", "PUT", "PATCH"} {
				w.must(w.github.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Method: method, Path: "/repos/**",
					Message: "Resource not accessible by integration"}))
			}
		},
		func(w *harness) { w.github.ClearFaults() }, "lacks a permission",
	},
}

// While GitHub does not let TfPilot in, every accepted click stays, the card says why, and
// afterwards the request continues by itself: nothing has to be pressed again.
func TestSignedOutDropsNothing(t *testing.T) {
	steps := []struct {
		what lifecycle.Action
		by   string
		upTo func(*harness)
		done func(store.Doc) bool
	}{
		{lifecycle.ActionMerge, "omar", func(w *harness) { w.open(reqA); w.approve(reqA) }, func(d store.Doc) bool {
			return d.Request.PR.Merged
		}},
		{lifecycle.ActionApply, "omar", func(w *harness) { w.ready(reqA) }, func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && a.Conclusion == "success"
		}},
		{lifecycle.ActionClose, "dana", func(w *harness) { w.open(reqA) }, func(d store.Doc) bool {
			return d.Request.ClosedAt != nil
		}},
	}
	for name, way := range signedOut {
		for _, s := range steps {
			if name == "suspended at the dispatch" && s.what != lifecycle.ActionApply || testing.Short() &&
				s.what != lifecycle.ActionApply {
				continue
			}
			t.Run(name+", "+string(s.what), func(t *testing.T) {
				t.Parallel()
				withHarness(t, setup{workers: 2}, func(w *harness) {
					s.upTo(w)
					w.settled(reqA)
					way.strike(w)
					w.click(reqA, s.what, s.by)
					w.until(reqA, "told", func(d store.Doc) bool {
						p := d.Request.Problem
						return p != nil && p.Code == lifecycle.CodeSignIn && strings.Contains(p.Text, way.words)
					})
					from := w.gate.count()
					apiCalls, _, names := w.spent(func() { w.pass(20 * time.Minute) })
					if apiCalls > 200 { // a merge reads the pull request and its reviews each time
						w.t.Errorf("%d calls to GitHub in 20 minutes since %d:\n%s", apiCalls, from, names)
					}
					if a := w.request(reqA).Runs.Apply.Current(); a != nil && a.Conclusion != "" {
						w.t.Errorf("the approved round is over: %+v", a)
					}
					way.repair(w)
					w.until(reqA, "done", s.done)
					w.until(reqA, "cleared", func(d store.Doc) bool { return d.Request.Problem == nil })
					w.dispatchedOnce()
					w.assertInvariants()
				})
			})
		}
	}
}

// An intent that is canceled during the outage leaves no word of it on the card.
func TestSignedOutThenCanceled(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.ready(reqA)
		w.settled(reqA)
		w.github.Suspend(true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "told", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == lifecycle.CodeSignIn
		})
		w.must(w.change(reqA, "omar", lifecycle.CancelIntent()))
		w.until(reqA, "cleared", func(d store.Doc) bool { return d.Request.Problem == nil })
	})
}

// A request that is opened meanwhile is opened afterwards.
func TestSignedOutWhileOpening(t *testing.T) {
	withHarness(t, setup{}, func(w *harness) {
		w.pass(5 * time.Second)
		w.github.Suspend(true)
		w.ask(reqA, "dana")
		w.until(reqA, "told", func(d store.Doc) bool {
			p := d.Request.Problem
			return p != nil && p.Code == lifecycle.CodeSignIn
		})
		w.pass(6 * time.Hour)
		w.github.Suspend(false)
		from := time.Now()
		w.planned(reqA, lifecycle.PurposeOpen)
		if took := time.Since(from); took > 3*time.Minute {
			w.t.Errorf("%s until it was planned", took)
		}
	})
}

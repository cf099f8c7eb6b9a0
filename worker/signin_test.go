package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sandbox/github"
	"github.com/tfpilot/tfpilot/internal/store"
)

// signedOut are the ways in which GitHub stops letting TfPilot in.
var signedOut = map[string]struct {
	strike, mend func(*world)
	words        string // on the card
}{
	"clock is behind": {
		func(w *world) { w.hub.SetClock(2 * time.Minute); w.hub.RevokeTokens() },
		func(w *world) { w.hub.SetClock(0) }, "clock of TfPilot's machine is about 2 minutes behind",
	},
	"installation is suspended": {
		func(w *world) { w.hub.Suspend(true) }, func(w *world) { w.hub.Suspend(false) }, "suspended",
	},
	"IP allow list": {
		func(w *world) {
			w.must(w.hub.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Path: "/repos/**", Message: "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and 192.0.2.7 is not permitted to access this resource."}))
		},
		func(w *world) { w.hub.ClearFaults() }, "IP allow list",
	},
	"bad credentials": {
		func(w *world) {
			w.must(w.hub.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 401, Path: "/repos/**", Message: "Bad credentials"}))
		},
		func(w *world) { w.hub.ClearFaults() }, "does not accept TfPilot's credentials",
	},
	"suspended at the dispatch": {
		func(w *world) {
			w.gate.onCall("github POST /actions/workflows/apply.yml/dispatches", func() { w.hub.Suspend(true) })
		},
		func(w *world) { w.hub.Suspend(false) }, "suspended",
	},
	"no permission to act": {
		func(w *world) {
			for _, method := range []string{"POST", "PUT", "PATCH"} {
				w.must(w.hub.AddFault(hubsim.Fault{Kind: hubsim.FaultStatus, Status: 403, Method: method, Path: "/repos/**", Message: "Resource not accessible by integration"}))
			}
		},
		func(w *world) { w.hub.ClearFaults() }, "lacks a permission",
	},
}

// While GitHub does not let TfPilot in, every accepted click stays, the card says why, and
// afterwards the request continues by itself: nothing has to be pressed again.
func TestSignedOutDropsNothing(t *testing.T) {
	steps := []struct {
		what lifecycle.Action
		by   string
		upTo func(*world)
		done func(store.Doc) bool
	}{
		{lifecycle.ActionMerge, "omar", func(w *world) { w.open(reqA); w.approve(reqA) }, func(d store.Doc) bool { return d.Request.PR.Merged }},
		{lifecycle.ActionApply, "omar", func(w *world) { w.ready(reqA) }, func(d store.Doc) bool {
			a := d.Request.Runs.Apply.Current()
			return a != nil && a.Conclusion == "success"
		}},
		{lifecycle.ActionClose, "dana", func(w *world) { w.open(reqA) }, func(d store.Doc) bool { return d.Request.ClosedAt != nil }},
	}
	for name, way := range signedOut {
		for _, s := range steps {
			if name == "suspended at the dispatch" && s.what != lifecycle.ActionApply || testing.Short() && s.what != lifecycle.ActionApply {
				continue
			}
			t.Run(name+", "+string(s.what), func(t *testing.T) {
				t.Parallel()
				inWorld(t, setup{workers: 2}, func(w *world) {
					s.upTo(w)
					w.settled(reqA)
					way.strike(w)
					w.click(reqA, s.what, s.by)
					w.until(reqA, "told", func(d store.Doc) bool {
						p := d.Request.Problem
						return p != nil && p.Code == lifecycle.CodeSignIn && strings.Contains(p.Text, way.words)
					})
					from := w.gate.count()
					hub, _, names := w.spent(func() { w.pass(20 * time.Minute) })
					if hub > 150 { // a merge reads the pull request and its reviews each time
						w.t.Errorf("%d calls to GitHub in 20 minutes since %d:\n%s", hub, from, names)
					}
					if a := w.request(reqA).Runs.Apply.Current(); a != nil && a.Conclusion != "" {
						w.t.Errorf("the approved round is over: %+v", a)
					}
					way.mend(w)
					w.until(reqA, "done", s.done)
					w.until(reqA, "cleared", func(d store.Doc) bool { return d.Request.Problem == nil })
					w.dispatchedOnce()
					w.sound()
				})
			})
		}
	}
}

// An intent that is canceled during the outage leaves no word of it on the card.
func TestSignedOutThenCanceled(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.ready(reqA)
		w.settled(reqA)
		w.hub.Suspend(true)
		w.click(reqA, lifecycle.ActionApply, "omar")
		w.until(reqA, "told", func(d store.Doc) bool { p := d.Request.Problem; return p != nil && p.Code == lifecycle.CodeSignIn })
		w.must(w.change(reqA, "omar", lifecycle.CancelIntent()))
		w.until(reqA, "cleared", func(d store.Doc) bool { return d.Request.Problem == nil })
	})
}

// A request that is opened meanwhile is opened afterwards.
func TestSignedOutWhileOpening(t *testing.T) {
	inWorld(t, setup{}, func(w *world) {
		w.pass(5 * time.Second)
		w.hub.Suspend(true)
		w.ask(reqA, "dana")
		w.until(reqA, "told", func(d store.Doc) bool { p := d.Request.Problem; return p != nil && p.Code == lifecycle.CodeSignIn })
		w.pass(6 * time.Hour)
		w.hub.Suspend(false)
		from := time.Now()
		w.planned(reqA, lifecycle.PurposeOpen)
		if took := time.Since(from); took > 3*time.Minute {
			w.t.Errorf("%s until it was planned", took)
		}
	})
}

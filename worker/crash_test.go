package worker_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
)

var (
	schedules = flag.Int("schedules", 0, "random schedules of faults to try besides the crash matrix")
	seed      = flag.Uint64("seed", 1, "seed of the first random schedule")
	strike    = flag.String("strike", "", "only the faults of the crash matrix whose name contains this")
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400) // thousands of small harnesses
	os.Exit(m.Run())
}

// stages of the journey, each up to where nothing is due.
var stages = []func(*harness){
	func(w *harness) { w.open(reqA); w.settled(reqA) },
	func(w *harness) { w.approve(reqA); w.merge(reqA); w.settled(reqA) },
	func(w *harness) { w.apply(reqA) },
	func(w *harness) { w.destroy(reqA); w.archived(reqA) },
}

// planned faults come with how many stages to play: one more than the one in which
// they strike.
type trial struct {
	fault
	stages int
}

// recorded plays the journey undisturbed and gives the calls of each stage.
func recorded(t *testing.T) [][]string {
	t.Helper()
	var calls [][]string
	withHarness(t, setup{}, func(w *harness) {
		from := 0
		for _, play := range stages {
			play(w)
			calls = append(calls, w.gate.since(from))
			from = w.gate.count()
		}
		w.ended(reqA)
	})
	if t.Failed() {
		t.FailNow()
	}
	return calls
}

// writes reports whether a call can change something.
func isWrite(name string) bool {
	return !strings.Contains(name, " GET ") && !strings.Contains(name, " LIST ")
}

// matrix is every call of the journey with every way it can go wrong. A call that only
// reads has no effect to lose, so that dying before or after it is the same.
func matrix(calls [][]string) []trial {
	var all []trial
	seen := map[string]int{}
	for stage, names := range calls {
		for _, name := range names {
			seen[name]++
			modes := []string{crashBefore, errorBefore}
			if isWrite(name) {
				modes = []string{crashBefore, crashAfter, errorBefore, lostAnswer, late}
			}
			for _, mode := range modes {
				all = append(all, trial{fault{name, seen[name], mode}, min(stage+2, len(stages))})
			}
		}
	}
	return all
}

// TestEveryCallCanGoWrong plays the journey with one fault at one outside call, for
// every call and every kind of fault: the worker dies before or after it, it fails,
// its answer is lost, it takes effect long after its caller gave up.
func TestEveryCallCanGoWrong(t *testing.T) {
	trials := matrix(recorded(t))
	trials = slices.DeleteFunc(trials, func(f trial) bool { return !strings.Contains(f.String(), *strike) })
	if testing.Short() {
		trials = sample(trials, *seed)
	}
	t.Logf("%d faults", len(trials))
	const parts = 8
	for i := range parts {
		t.Run(fmt.Sprintf("part %d", i), func(t *testing.T) {
			t.Parallel()
			for n := i; n < len(trials); n += parts {
				f := trials[n]
				disturbed(t, f.String(), setup{plan: []fault{f.fault}}, f.stages)
			}
		})
	}
}

// sampleOf is how many faults stand for each one that a short run tries.
const sampleOf = 40

// sample is every fortieth trial; the seed chooses which.
func sample(trials []trial, from uint64) []trial {
	var some []trial
	for i, f := range trials {
		if uint64(i)%sampleOf == from%sampleOf {
			some = append(some, f)
		}
	}
	return some
}

func disturbed(t *testing.T, name string, s setup, upTo int) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		withHarness(t, s, func(w *harness) {
			for _, play := range stages[:upTo] {
				play(w)
			}
			w.dispatchedOnce()
			if upTo == len(stages) {
				w.ended(reqA)
				return
			}
			w.assertInvariants()
			w.assertLogComplete(reqA)
			w.released(reqA)
			r := w.request(reqA)
			for _, kind := range []lifecycle.Kind{lifecycle.KindPlan, lifecycle.KindApply} {
				if a := r.CurrentRun(kind); a != nil {
					w.concluded(kind, *a)
				}
			}
			if plans, applies := len(r.Runs.Plan.Attempts), len(r.Runs.Apply.Attempts); plans > 1 || applies > 1 {
				w.t.Errorf("%d plans, %d applies", plans, applies)
			}
		})
	})
}

// dispatchedOnce checks that every attempt was sent once. Only a call that takes effect long after
// its caller gave up makes a second run, which the claim stops. A paused worker continues before its
// dispatch is repeated.
func (w *harness) dispatchedOnce() {
	w.t.Helper()
	for _, f := range w.gate.plan {
		if f.Mode == late {
			return
		}
	}
	for cid, n := range w.github.Counts().Runs {
		if n != 1 {
			w.t.Errorf("%d runs of %s", n, cid)
		}
	}
}

// TestRandomSchedules strikes several calls at once among several workers, loses,
// repeats and reorders webhooks and empties Redis, as -seed says.
func TestRandomSchedules(t *testing.T) {
	n := *schedules
	if n == 0 {
		n = 6 // a taste of it in every run
	}
	calls := slices.Concat(recorded(t)...)
	for i := range n {
		no := *seed + uint64(i)
		r := rand.New(rand.NewPCG(no, 0))
		s := setup{plan: draw(r, calls), workers: 1 + r.IntN(3), disturb: disorder(r)}
		disturbed(t, fmt.Sprintf("seed %d", no), s, len(stages))
	}
}

// disorder draws what happens to webhooks and to Redis.
func disorder(r *rand.Rand) func(*harness) {
	kinds := []string{"", "", hubsim.HookDrop, hubsim.HookDuplicate, hubsim.HookCopy, hubsim.HookReorder, hubsim.HookFail}
	kind, flush := kinds[r.IntN(len(kinds))], r.IntN(3) == 0
	pause := time.Duration(5+r.IntN(90)) * time.Second
	return func(w *harness) {
		w.log.note("webhooks: %q, Redis is emptied: %v", kind, flush)
		if kind != "" {
			w.github.AddWebhookFault(hubsim.WebhookFault{Kind: kind})
		}
		for flush && !w.gate.over.Load() {
			time.Sleep(pause)
			w.redis.FlushAll()
		}
	}
}

func draw(r *rand.Rand, calls []string) []fault {
	modes := []string{crashBefore, crashAfter, errorBefore, lostAnswer, late}
	var plan []fault
	for range 1 + r.IntN(6) {
		at := r.IntN(len(calls))
		nth := 0
		for _, name := range calls[:at+1] {
			if name == calls[at] {
				nth++
			}
		}
		plan = append(plan, fault{calls[at], nth, modes[r.IntN(len(modes))]})
	}
	return plan
}

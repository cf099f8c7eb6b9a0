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
)

var (
	schedules = flag.Int("schedules", 0, "random schedules of faults to try besides the crash matrix")
	seed      = flag.Uint64("seed", 0, "seed of the first random schedule")
)

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400) // thousands of small worlds
	os.Exit(m.Run())
}

// recorded plays a story undisturbed and gives the calls that it made.
func recorded(t *testing.T, story func(*world)) []string {
	t.Helper()
	var names []string
	inWorld(t, setup{}, func(w *world) {
		story(w)
		names = w.gate.since(0)
	})
	if t.Failed() {
		t.FailNow()
	}
	return names
}

// writes says whether a call can change something.
func writes(name string) bool {
	return !strings.Contains(name, " GET ") && !strings.Contains(name, " LIST ")
}

// matrix is every call of a story with every way it can go wrong. A call that only
// reads has no effect to lose, so that dying before or after it is the same.
func matrix(calls []string) []fault {
	var all []fault
	seen := map[string]int{}
	for _, name := range calls {
		seen[name]++
		modes := []string{crashBefore, errorBefore}
		if writes(name) {
			modes = []string{crashBefore, crashAfter, errorBefore, lostAnswer, late}
		}
		if name == "s3 PUT logs" && seen[name] > 3 {
			continue // one event is written like another
		}
		for _, mode := range modes {
			all = append(all, fault{name, seen[name], mode})
		}
	}
	return all
}

// TestEveryCallCanGoWrong plays the whole journey with one fault at one outside
// call, for every call and every kind of fault: the worker dies before or after it,
// it fails, its answer is lost, it takes effect long after everybody gave it up.
func TestEveryCallCanGoWrong(t *testing.T) {
	faults := matrix(recorded(t, func(w *world) { w.journey(reqA) }))
	t.Logf("%d faults", len(faults))
	for part := range slices.Chunk(faults, max(1, (len(faults)+15)/16)) {
		t.Run(part[0].Name, func(t *testing.T) {
			t.Parallel()
			for _, f := range part {
				disturbed(t, f.String(), setup{plan: []fault{f}})
			}
		})
	}
}

func disturbed(t *testing.T, name string, s setup) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		inWorld(t, s, func(w *world) {
			w.journey(reqA)
			w.ended(reqA)
		})
	})
}

// TestRandomSchedules strikes several calls at once, drops webhooks and flushes
// Redis, as -seed says.
func TestRandomSchedules(t *testing.T) {
	if *schedules == 0 {
		return
	}
	calls := recorded(t, func(w *world) { w.journey(reqA) })
	for i := range *schedules {
		n := *seed + uint64(i)
		r := rand.New(rand.NewPCG(n, 0))
		disturbed(t, fmt.Sprintf("seed %d", n), setup{plan: draw(r, calls), workers: 1 + r.IntN(3)})
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

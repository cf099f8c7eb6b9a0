package worker_test

import (
	"testing"
	"time"

	hubsim "github.com/tfpilot/tfpilot/internal/sim/github"
)

func TestJourney(t *testing.T) {
	for _, workers := range []int{1, 3} {
		withHarness(t, setup{workers: workers}, func(w *harness) {
			began := time.Now()
			w.journey(reqA)
			w.ended(reqA)
			for cid, n := range w.github.Counts().Runs {
				if n != 1 {
					t.Errorf("%d runs of %s", n, cid)
				}
			}
			t.Logf("%d workers: %s, %d calls", workers, time.Since(began), w.gate.count())
		})
	}
}

// GitHub Enterprise Server up to 3.19 names no run in its answer and takes ten inputs.
func TestJourneyOnAnOldServer(t *testing.T) {
	withHarness(t, setup{github: func(c *hubsim.Config) { c.OldServer = true }}, func(w *harness) {
		w.journey(reqA)
		w.ended(reqA)
	})
}

package lifecycle

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func foreignRun(s *builder, id int64) ForeignRun {
	return ForeignRun{RunID: id, Actor: "mallory", Kind: KindPlan, URL: "https://github.test/run", At: s.now}
}

func mustEncode(t *testing.T, r Request) string {
	t.Helper()
	data, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func foreignEvents(s *builder) int {
	n := 0
	for _, e := range s.log {
		if e.Type == "foreign_run" {
			n++
		}
	}
	return n
}

// A foreign run is recorded once, at its request, and changes nothing else there.
func TestForeignRunIsRecordedOnce(t *testing.T) {
	s := applying(t)
	before, version, first := s.r, s.r.Version, foreignRun(s, 500)
	for range 3 {
		s.do(SawForeignRun(first))
	}
	if len(s.r.ForeignRuns) != 1 || s.r.ForeignRunCount != 1 || foreignEvents(s) != 1 || s.r.Version != version+1 {
		t.Errorf("%+v, %d counted, %d events, version %d after %d", s.r.ForeignRuns, s.r.ForeignRunCount, foreignEvents(s),
			s.r.Version, version)
	}
	after := s.r
	for _, r := range []*Request{&before, &after} {
		r.ForeignRuns, r.ForeignRunCount, r.Audit, r.Version, r.UpdatedAt = nil, 0, Audit{}, 0, time.Time{}
	}
	if was, is := mustEncode(t, before), mustEncode(t, after); was != is {
		t.Errorf("it changed the request:\n%s\n%s", was, is)
	}
	s.do(SawForeignRun(foreignRun(s, 90)))
	if s.r.ForeignRunCount != 1 {
		t.Error("the run of an attempt is recorded as foreign")
	}
}

// However many runs bear the name, and in whatever order they are reported, the document
// keeps five and is written a bounded number of times.
func TestForeignRunsAreBounded(t *testing.T) {
	s := applying(t)
	version := s.r.Version
	for round := range 3 {
		for i := range int64(100) {
			s.do(SawForeignRun(foreignRun(s, 1000+(i*37)%100+int64(round))))
		}
	}
	if len(s.r.ForeignRuns) != keptForeignRuns || s.r.ForeignRunCount != foreignEvents(s) ||
		foreignEvents(s) > MaxForeignRuns || s.r.Version > version+MaxForeignRuns {
		t.Errorf("%d kept, %d counted, %d events, %d writes", len(s.r.ForeignRuns), s.r.ForeignRunCount, foreignEvents(s),
			s.r.Version-version)
	}
	if !slices.IsSortedFunc(s.r.ForeignRuns, func(x, y ForeignRun) int { return int(x.RunID - y.RunID) }) {
		t.Errorf("order: %+v", s.r.ForeignRuns)
	}
}

// A run that the list gave up for newer ones is not recorded again.
func TestForeignRunThatWasGivenUp(t *testing.T) {
	s := applying(t)
	for id := int64(500); id < 508; id++ {
		s.do(SawForeignRun(foreignRun(s, id)))
	}
	version := s.r.Version
	for id := int64(500); id < 508; id++ {
		s.do(SawForeignRun(foreignRun(s, id)))
	}
	if s.r.Version != version || s.r.ForeignRuns[0].RunID != 503 {
		t.Errorf("written %d times, %+v", s.r.Version-version, s.r.ForeignRuns)
	}
}

// The card shows a foreign run until TfPilot dispatches one of its own.
func TestForeignRunIsShownUntilTheNextAttempt(t *testing.T) {
	s := applying(t)
	old := foreignRun(s, 400)
	old.At = s.now.Add(-time.Hour)
	s.do(SawForeignRun(old))
	if f := s.r.ForeignRun(); f != nil {
		t.Errorf("from before the attempt: %+v", f)
	}
	s.do(SawForeignRun(foreignRun(s, 500)))
	if f := s.r.ForeignRun(); f == nil || f.RunID != 500 {
		t.Errorf("got %+v", f)
	}
	later := s.now.Add(time.Minute)
	s.r.Runs.Apply.Attempts[0].DispatchedAt = &later
	if f := s.r.ForeignRun(); f != nil {
		t.Errorf("after the next attempt: %+v", f)
	}
}

// An attempt that was never dispatched ends no showing.
func TestForeignRunBesideAnAttemptWithoutATime(t *testing.T) {
	s := applying(t)
	s.do(SawForeignRun(foreignRun(s, 500)))
	s.r.Runs.Apply.Attempts[0].DispatchedAt = nil
	if f := s.r.ForeignRun(); f == nil {
		t.Error("the foreign run is not shown")
	}
}

// Only a cleanup has more correlation ids than attempts.
func TestStartedBy(t *testing.T) {
	plan := RunSet{Attempts: []Attempt{{CorrelationID: "plan-1"}}}
	cleanup := &Cleanup{Attempt: Attempt{CorrelationID: "cleanup-2"}, Earlier: []string{"cleanup-1"}}
	for name, c := range map[string]struct {
		cleanup *Cleanup
		kind    Kind
		cid     string
		want    bool
	}{
		"an attempt":                    {cleanup, KindPlan, "plan-1", true},
		"an unknown id":                 {cleanup, KindPlan, "plan-2", false},
		"the id of another kind":        {cleanup, KindApply, "plan-1", false},
		"the cleanup":                   {cleanup, KindCleanup, "cleanup-2", true},
		"an earlier cleanup":            {cleanup, KindCleanup, "cleanup-1", true},
		"an earlier cleanup, as a plan": {cleanup, KindPlan, "cleanup-1", false},
		"no cleanup":                    {nil, KindCleanup, "cleanup-1", false},
		"no cleanup, a plan":            {nil, KindPlan, "cleanup-1", false},
		"no id":                         {cleanup, KindCleanup, "", false},
	} {
		r := Request{Runs: Runs{Plan: plan}, Cleanup: c.cleanup}
		if got := r.StartedBy(c.kind, c.cid); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A cleanup that was started again keeps knowing the runs that it replaced as its own, up to a bound.
func TestReplacedCleanupsAreNotForeign(t *testing.T) {
	s := applying(t)
	const first = "cleanup-0"
	s.r.Cleanup = &Cleanup{Attempt: Attempt{CorrelationID: first, Conclusion: "failure"}}
	for i := range keptCleanups + 5 {
		if i == 1 && !s.r.StartedBy(KindCleanup, first) {
			t.Error("a replaced cleanup is foreign")
		}
		s.r.Cleanup.Conclusion = "failure"
		s.do(Started(KindCleanup, Attempt{CorrelationID: fmt.Sprintf("cleanup-%d", i+1)}))
	}
	if len(s.r.Cleanup.Earlier) != keptCleanups || s.r.StartedBy(KindCleanup, first) ||
		!s.r.StartedBy(KindCleanup, s.r.Cleanup.CorrelationID) || s.r.StartedBy(KindCleanup, "") {
		t.Errorf("%+v", s.r.Cleanup)
	}
}

package lifecycle

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A lock on the state is a fact from the first run that meets it until a later run gets past
// it or it is removed; whose runs met it is kept, up to a bound.
func TestStateLockIsAFact(t *testing.T) {
	later := t0.Add(time.Hour)
	lock := func(id string, at time.Time, requests ...string) *StateLock {
		return &StateLock{ID: id, SeenAt: at, Requests: requests}
	}
	var full []string
	for i := range maxLockRequests {
		full = append(full, fmt.Sprintf("r%d", i))
	}
	done := func(id string, done bool) *StateUnlock {
		return &StateUnlock{Lock: StateLock{ID: id}, By: "adam", Done: done}
	}
	saw := func(id, request string, at time.Time) func(EnvironmentState) EnvironmentState {
		return func(e EnvironmentState) EnvironmentState { return e.SawStateLock(StateLock{ID: id}, request, at) }
	}
	passed := func(at time.Time) func(EnvironmentState) EnvironmentState {
		return func(e EnvironmentState) EnvironmentState { return e.PassedStateLock(at) }
	}
	unlocked := func(id string) func(EnvironmentState) EnvironmentState {
		return func(e EnvironmentState) EnvironmentState { return e.Unlocked(id) }
	}
	unlocking := func(id string) func(EnvironmentState) EnvironmentState {
		return func(e EnvironmentState) EnvironmentState {
			e, _ = e.Unlocking(StateUnlock{Lock: StateLock{ID: id}, By: "omar", Done: true})
			return e
		}
	}
	for name, c := range map[string]struct {
		before EnvironmentState
		change func(EnvironmentState) EnvironmentState
		after  EnvironmentState
	}{
		"the first run": {EnvironmentState{}, saw("x", "a", t0), EnvironmentState{StateLock: lock("x", t0, "a")}},
		"another run": {EnvironmentState{StateLock: lock("x", t0, "a")}, saw("x", "b", later),
			EnvironmentState{StateLock: lock("x", later, "a", "b")}},
		"at the same time": {EnvironmentState{StateLock: lock("x", t0, "a")}, saw("x", "b", t0),
			EnvironmentState{StateLock: lock("x", t0, "a", "b")}},
		"the same request": {EnvironmentState{StateLock: lock("x", t0, "a")}, saw("x", "a", later),
			EnvironmentState{StateLock: lock("x", later, "a")}},
		"another lock": {EnvironmentState{StateLock: lock("x", t0, "a")}, saw("y", "b", later),
			EnvironmentState{StateLock: lock("y", later, "b")}},
		"told late": {EnvironmentState{StateLock: lock("x", later, "a")}, saw("y", "b", t0),
			EnvironmentState{StateLock: lock("x", later, "a")}},
		"one too many": {EnvironmentState{StateLock: lock("x", t0, full...)}, saw("x", "b", later),
			EnvironmentState{StateLock: lock("x", later, full...)}},
		"the last": {EnvironmentState{StateLock: lock("x", t0, full[1:]...)}, saw("x", "b", later),
			EnvironmentState{StateLock: lock("x", later, append(full[1:len(full):len(full)], "b")...)}},
		"a later run wrote": {EnvironmentState{StateLock: lock("x", t0, "a")}, passed(later), EnvironmentState{}},
		"a run from before": {EnvironmentState{StateLock: lock("x", later, "a")}, passed(t0),
			EnvironmentState{StateLock: lock("x", later, "a")}},
		"a run of the same time": {EnvironmentState{StateLock: lock("x", t0, "a")}, passed(t0),
			EnvironmentState{StateLock: lock("x", t0, "a")}},
		"no lock to pass": {EnvironmentState{}, passed(t0), EnvironmentState{}},
		"removed": {EnvironmentState{StateLock: lock("x", t0), Unlock: done("x", false)}, unlocked("x"),
			EnvironmentState{Unlock: done("x", true)}},
		"removed, another is there": {EnvironmentState{StateLock: lock("y", t0), Unlock: done("x", false)}, unlocked("x"),
			EnvironmentState{StateLock: lock("y", t0), Unlock: done("x", true)}},
		"none is there": {EnvironmentState{StateLock: lock("y", t0), Unlock: done("x", false)}, unlocked(""),
			EnvironmentState{Unlock: done("x", false)}},
		"another was removed": {EnvironmentState{Unlock: done("y", false)}, unlocked("x"),
			EnvironmentState{Unlock: done("y", false)}},
		"nothing to remove": {EnvironmentState{}, unlocked("x"), EnvironmentState{}},
		"decided before": {EnvironmentState{Unlock: done("x", false)}, unlocking("x"),
			EnvironmentState{Unlock: done("x", false)}},
		"decided for the next": {EnvironmentState{Unlock: done("x", false)}, unlocking("y"),
			EnvironmentState{Unlock: &StateUnlock{Lock: StateLock{ID: "y"}, By: "omar"}}},
		"decided again": {EnvironmentState{Unlock: done("x", true)}, unlocking("x"),
			EnvironmentState{Unlock: &StateUnlock{Lock: StateLock{ID: "x"}, By: "omar"}}},
		"decided beside a holder": {EnvironmentState{Holder: &LeaseEntry{}}, unlocking("x"),
			EnvironmentState{Holder: &LeaseEntry{}}},
	} {
		if got := c.change(c.before); !reflect.DeepEqual(got, c.after) {
			t.Errorf("%s: %+v %+v, want %+v %+v", name, got.StateLock, got.Unlock, c.after.StateLock, c.after.Unlock)
		}
	}
}

// What is said of a lock names it, and what it means when no run of TfPilot may hold it.
func TestWordsOfAStateLock(t *testing.T) {
	env := Environment{Key: "dev", Slug: "app"}
	l := StateLock{ID: "x", Who: "runner@gone", Since: t0}
	for text, c := range map[string]struct {
		l     StateLock
		alone bool
	}{
		"locked by runner@gone since 2026-03-01 12:00:00 UTC (lock x).": {l, false},
		"locked by an unknown holder (lock y).":                         {StateLock{ID: "y"}, true},
	} {
		got := StateLockText("core", env, c.l, c.alone)
		if !strings.Contains(got, text) || strings.Contains(got, "not held by a run of TfPilot") != c.alone ||
			!strings.Contains(got, "unlock core dev/app") {
			t.Errorf("%s", got)
		}
	}
	for code, told := range map[ReasonCode]bool{CodeStateLocked: true, "x": false} {
		r, err := StateUnlocked(l, "adam", "it is gone", t0)(Request{Problem: &Problem{Step: "apply", Code: code}})
		if err != nil || (r.Problem.Code == CodeStateUnlocked) != told || told &&
			(r.Problem.Step != "apply" || !strings.Contains(r.Problem.Text, "adam removed")) {
			t.Errorf("%s: %+v", code, r.Problem)
		}
	}
	if r, _ := StateUnlocked(l, "adam", "", t0)(Request{}); r.Problem != nil {
		t.Errorf("%+v", r.Problem)
	}
}

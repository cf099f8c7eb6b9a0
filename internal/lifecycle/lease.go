package lifecycle

import (
	"slices"
	"time"
)

// Enqueue gives the entry its position: holder if the lease is free, else the end of the queue.
// An entry with a position keeps it. Only the first entry in the queue becomes holder, and gets
// the next token.
func (e EnvironmentState) Enqueue(entry LeaseEntry, now time.Time) EnvironmentState {
	if entry.CorrelationID == "" || e.Position(entry.CorrelationID) >= 0 {
		return e
	}
	e.Queue = append(slices.Clone(e.Queue), entry)
	return e.promote(now)
}

// Release removes the entry, as holder or from the queue. A free lease passes to the next.
func (e EnvironmentState) Release(correlationID string, now time.Time) EnvironmentState {
	if e.Holder != nil && e.Holder.CorrelationID == correlationID {
		e.Holder = nil
	}
	e.Queue = slices.DeleteFunc(slices.Clone(e.Queue), func(q LeaseEntry) bool { return q.CorrelationID == correlationID })
	return e.promote(now)
}

func (e EnvironmentState) promote(now time.Time) EnvironmentState {
	if e.Holder == nil && len(e.Queue) > 0 {
		first := e.Queue[0]
		first.Since = now
		e.Holder, e.Queue = &first, e.Queue[1:]
		e.Token++
	}
	if len(e.Queue) == 0 {
		e.Queue = nil
	}
	return e
}

// Position is 0 for the holder, 1 for the first in the queue, and -1 for an entry that
// is not queued.
func (e EnvironmentState) Position(correlationID string) int {
	if correlationID == "" {
		return -1
	}
	if e.Holder != nil && e.Holder.CorrelationID == correlationID {
		return 0
	}
	for i, q := range e.Queue {
		if q.CorrelationID == correlationID {
			return i + 1
		}
	}
	return -1
}

// ConcernsLease reports whether the request may hold the lease of its environment or wait for it.
func (r Request) ConcernsLease() bool {
	if len(r.Leaving) > 0 || slices.ContainsFunc(r.Wanted, func(w Intent) bool { return w.CorrelationID != "" }) {
		return true
	}
	for _, kind := range RequestKinds {
		held := kind.Row().HoldsLease && r.attemptsOf(kind).first(func(a *Attempt) bool { return !a.Released }) != nil
		if held {
			return true
		}
	}
	return false
}

package worker

import (
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// sweeps is the state that the sweeps of this worker share.
type sweeps struct {
	mu         sync.Mutex
	began      time.Time        // when the last sweep began
	enqueued   map[string]int64 // what the last sweep enqueued → its version
	verified   time.Time        // when the index was last compared with the documents
	deliveries time.Time        // when failed deliveries were last requested
	leases     time.Time        // when the environments were last listed
}

// begin notes that a sweep is under way and returns the time of the previous one. For the first
// sweep it returns now, because that one reads everything anyway.
func (s *sweeps) begin() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.began
	if s.began = now(); last.IsZero() {
		last = s.began
	}
	return last
}

// overdue remembers what is due now and returns what was due, at the same version, the
// last time already.
func (s *sweeps) overdue(due []lifecycle.Request) []lifecycle.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	enqueued := map[string]int64{}
	var late []lifecycle.Request
	for _, r := range due {
		if version, ok := s.enqueued[r.ID]; ok && version == r.Version {
			late = append(late, r)
		}
		enqueued[r.ID] = r.Version
	}
	s.enqueued = enqueued
	return late
}

// verifyDue reports whether the index is to be compared with the documents now.
func (s *sweeps) verifyDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return elapsed(&s.verified, verifyEvery)
}

// deliveriesDue reports whether failed deliveries are to be requested now.
func (s *sweeps) deliveriesDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return elapsed(&s.deliveries, redeliverEvery)
}

// leasesDue reports whether the environments are to be listed now, though no live request has to
// do with a lease.
func (s *sweeps) leasesDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return elapsed(&s.leases, leasesEvery)
}

// elapsed reports whether at least every has passed since last, and then sets last to now.
func elapsed(last *time.Time, every time.Duration) bool {
	if now().Sub(*last) < every {
		return false
	}
	*last = now()
	return true
}

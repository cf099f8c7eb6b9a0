package slack

import (
	"net/http"
	"strconv"
	"time"
)

// FaultKind is a way in which a call goes wrong.
type FaultKind string

// The ways in which calls go wrong.
const (
	FaultUnavailable FaultKind = "5xx"  // status 503, nothing is done
	FaultRateLimited FaultKind = "429"  // with Retry-After, nothing is done
	FaultHang        FaultKind = "hang" // no answer until the client gives up
	FaultLost        FaultKind = "lost" // the work is done, the connection closes without an answer
	FaultError       FaultKind = "error"
)

const longestHang = 2 * time.Minute

// Fault makes calls of one method go wrong.
type Fault struct {
	Method     string        // empty or "*" means any
	Kind       FaultKind     // required
	Count      int           // how many calls; 0 means one
	RetryAfter time.Duration // of FaultRateLimited; 1 s if zero
	Code       string        // of FaultError; "internal_error" if empty
}

type faults struct {
	calls     []*Fault
	drop      int // events to lose
	duplicate int // events to deliver twice
}

// Inject makes the next calls of a method go wrong.
func (s *Server) Inject(f Fault) {
	f.Count = max(f.Count, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.calls = append(s.faults.calls, &f)
}

// DropEvents loses the next n events with all their retries.
func (s *Server) DropEvents(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.drop += n
}

// DuplicateEvents delivers each of the next n events twice.
func (s *Server) DuplicateEvents(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.duplicate += n
}

// ClearFaults makes everything go right again.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults{}
}

func (s *Server) takeFault(method string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults.calls {
		if f.Method != "" && f.Method != "*" && f.Method != method {
			continue
		}
		if f.Count--; f.Count == 0 {
			s.faults.calls = append(s.faults.calls[:i], s.faults.calls[i+1:]...)
		}
		return f
	}
	return nil
}

// failBefore plays the faults in which nothing is done, and says whether one was played.
func (s *Server) failBefore(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultUnavailable:
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
	case FaultRateLimited:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(f.RetryAfter.Seconds()))))
		writeJSON(w, http.StatusTooManyRequests, obj{"ok": false, "error": "ratelimited"})
	case FaultHang:
		s.hang(r)
		panic(http.ErrAbortHandler)
	case FaultError:
		writeJSON(w, http.StatusOK, obj{"ok": false, "error": or(f.Code, "internal_error")})
	default:
		return false
	}
	return true
}

func (s *Server) hang(r *http.Request) {
	timer := time.NewTimer(longestHang)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-s.ctx.Done():
	case <-timer.C:
	}
}

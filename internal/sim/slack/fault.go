package slack

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// FaultKind is the kind of failure.
type FaultKind string

// The kinds of failures.
const (
	FaultUnavailable FaultKind = "5xx"   // status 503; nothing is done
	FaultRateLimited FaultKind = "429"   // with Retry-After; nothing is done
	FaultHang        FaultKind = "hang"  // no answer until the client gives up
	FaultLost        FaultKind = "lost"  // the work is done, but the connection closes without an answer
	FaultError       FaultKind = "error" // one of Slack's own codes; nothing is done

	// For events instead of calls.
	FaultDropEvent      FaultKind = "drop_event"      // with all its retries
	FaultDuplicateEvent FaultKind = "duplicate_event" // delivered twice
)

const longestHang = 2 * time.Minute

// Fault makes calls of one method, or events, fail.
type Fault struct {
	Kind       FaultKind `json:"kind"`       // required
	Method     string    `json:"method"`     // empty or "*" means any
	Count      int       `json:"count"`      // how many; 0 means one
	RetryAfter int       `json:"retryAfter"` // of FaultRateLimited, in seconds; 0 means one
	Code       string    `json:"code"`       // of FaultError; "internal_error" if empty
}

type faults struct {
	calls     []*Fault
	drop      int // events to drop
	duplicate int // events to deliver twice
}

// Inject makes the next calls of a method, or the next events, fail.
func (s *Server) Inject(f Fault) error {
	f.Count = max(f.Count, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch f.Kind {
	case FaultDropEvent:
		s.faults.drop += f.Count
	case FaultDuplicateEvent:
		s.faults.duplicate += f.Count
	case FaultUnavailable, FaultRateLimited, FaultHang, FaultLost, FaultError:
		s.faults.calls = append(s.faults.calls, &f)
	default:
		return fmt.Errorf("unknown kind of fault %q", f.Kind)
	}
	return nil
}

// ClearFaults removes all faults.
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

// failBefore applies the faults without work, and reports whether it applied one.
func (s *Server) failBefore(w http.ResponseWriter, r *http.Request, f *Fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultUnavailable:
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
	case FaultRateLimited:
		w.Header().Set("Retry-After", strconv.Itoa(max(1, f.RetryAfter)))
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

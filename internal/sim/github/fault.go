package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Kinds of REST faults.
const (
	FaultStatus = "status" // answers Status without doing the work
	FaultLimit  = "limit"  // secondary rate limit, Status 403 or 429
	FaultHang   = "hang"   // does nothing until the caller gives up, or Delay ends
	FaultDelay  = "delay"  // waits Delay, then does the work
	FaultLost   = "lost"   // does the work, then closes the connection
)

var faultKinds = []string{FaultStatus, FaultLimit, FaultHang, FaultDelay, FaultLost}

// Fault makes matching REST calls fail.
type Fault struct {
	Kind   string `json:"kind"`
	Method string `json:"method,omitempty"` // empty: any
	Path   string `json:"path,omitempty"`   // each * is one segment, a last ** the rest; empty: any
	Status int    `json:"status,omitempty"` // 0: 502, or 403 for a limit

	Message string        `json:"message,omitempty"` // of a status; empty: the name of the status
	Delay   time.Duration `json:"delay,omitempty"`   // of a hang or delay; Retry-After of a limit
	Skip    int           `json:"skip,omitempty"`    // matching calls that still succeed first
	Count   int           `json:"count,omitempty"`   // calls that fail; 0: all until cleared
}

type activeFault struct {
	Fault
	seen atomic.Int64
}

// AddFault adds a fault; the first one that matches a call applies. It also accepts the kinds that all
// services share: "5xx" and "429".
func (s *Server) AddFault(f Fault) error {
	switch f.Kind {
	case "5xx":
		f.Kind = FaultStatus
	case "429":
		f.Kind, f.Status = FaultLimit, http.StatusTooManyRequests
	}
	if err := f.valid(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &activeFault{Fault: f})
	return nil
}

func (f Fault) valid() error {
	if !slices.Contains(faultKinds, f.Kind) {
		return fmt.Errorf("fault kind %q is not known", f.Kind)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d of a fault is no error", f.Status)
	}
	if _, err := path.Match(f.Path, ""); err != nil {
		return fmt.Errorf("path %q of a fault: %w", f.Path, err)
	}
	return nil
}

// ClearFaults removes all REST and webhook faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.hooks.faults = nil, nil
}

// faultFor finds the fault for this call, or returns one without effect.
func (s *Server) faultFor(r *http.Request) *activeFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.matches(r) {
			return f
		}
	}
	return nil
}

func (f *activeFault) matches(r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) || !matchPath(f.Path, r.URL.Path) {
		return false
	}
	n := int(f.seen.Add(1))
	return n > f.Skip && (f.Count == 0 || n <= f.Skip+f.Count)
}

func matchPath(pattern, p string) bool {
	if pattern == "" {
		return true
	}
	head, deep := strings.CutSuffix(pattern, "**")
	if deep {
		depth := strings.Count(head, "/")
		parts := strings.SplitAfterN(p, "/", depth+1)
		if len(parts) <= depth {
			return false
		}
		pattern, p = head, strings.Join(parts[:depth], "")
	}
	matched, err := path.Match(pattern, p)
	return err == nil && matched
}

// before runs before the work. If stop is true, it is the whole answer.
func (f *activeFault) before(ctx context.Context, r *http.Request) (rep reply, stop bool) {
	if f == nil {
		return reply{}, false
	}
	switch f.Kind {
	case FaultStatus:
		status := f.Status
		if status == 0 {
			status = http.StatusBadGateway
		}
		return (&apiError{status: status, message: cmp.Or(f.Message, http.StatusText(status))}).reply(), true
	case FaultLimit:
		status := f.Status
		if status == 0 {
			status = http.StatusForbidden
		}
		return asAPI(secondaryLimit(status, f.Delay)).reply(), true
	case FaultHang:
		sleep(ctx, r.Context(), f.Delay)
		panic(http.ErrAbortHandler)
	case FaultDelay:
		sleep(ctx, r.Context(), f.Delay)
	}
	return reply{}, false
}

func (f *activeFault) loses() bool { return f != nil && f.Kind == FaultLost }

// sleep returns when one of the contexts ends or after d, unless d is zero.
func sleep(a, b context.Context, d time.Duration) {
	var after <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		after = t.C
	}
	select {
	case <-a.Done():
	case <-b.Done():
	case <-after:
	}
}

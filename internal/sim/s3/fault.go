package s3

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultKind is the kind of failure.
type FaultKind string

const (
	FaultInternal    FaultKind = "internal"    // 500; nothing is done
	FaultUnavailable FaultKind = "unavailable" // 503 ServiceUnavailable; nothing is done
	FaultSlowDown    FaultKind = "slowdown"    // 503 SlowDown; nothing is done
	FaultConflict    FaultKind = "conflict"    // 409 ConditionalRequestConflict; nothing is done
	FaultDenied      FaultKind = "denied"      // 403; nothing is done
	FaultHang        FaultKind = "hang"        // no answer until the client gives up; nothing is done
	FaultDelay       FaultKind = "delay"       // done after Delay
	FaultLost        FaultKind = "lost"        // done, but the connection closes without an answer
)

var faultErrors = map[FaultKind]error{
	FaultInternal: errInternal, FaultUnavailable: errUnavailable, FaultSlowDown: errSlowDown,
	FaultConflict: errConflict, FaultDenied: errAccessDenied,
}

const maxFaults = 256

// Fault makes the calls fail that match every field that is set.
type Fault struct {
	Kind      FaultKind     `json:"kind"`
	Verb      string        `json:"verb,omitempty"` // "PutObject", …
	Bucket    string        `json:"bucket,omitempty"`
	KeyPrefix string        `json:"keyPrefix,omitempty"`
	Principal string        `json:"principal,omitempty"`
	Skip      int           `json:"skip,omitempty"`  // matching calls that pass first
	Count     int           `json:"count,omitempty"` // matching calls that fail; 0: until cleared
	Delay     time.Duration `json:"delay,omitempty"`
}

type faults struct {
	mu   sync.Mutex
	list []Fault
}

// shared maps the kinds that all services accept, besides "hang" and "lost".
var shared = map[FaultKind]FaultKind{"5xx": FaultInternal, "429": FaultSlowDown}

// Inject adds a fault. If several match a call, the first added one applies.
func (s *Server) Inject(f Fault) error {
	if kind, ok := shared[f.Kind]; ok {
		f.Kind = kind
	}
	_, known := faultErrors[f.Kind]
	if !known && f.Kind != FaultHang && f.Kind != FaultDelay && f.Kind != FaultLost {
		return fmt.Errorf("unknown fault kind %q", f.Kind)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if len(s.faults.list) >= maxFaults {
		return fmt.Errorf("more than %d faults", maxFaults)
	}
	s.faults.list = append(s.faults.list, f)
	return nil
}

// Faults lists the faults that are still active.
func (s *Server) Faults() []Fault {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return slices.Clone(s.faults.list)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

// apply applies the fault that matches the call, if any.
func (f *faults) apply(c *call) (FaultKind, error) {
	hit, ok := f.take(c)
	if !ok {
		return "", nil
	}
	ctx := c.req.Context()
	switch hit.Kind {
	case FaultHang:
		<-ctx.Done()
		return FaultLost, errUnavailable
	case FaultDelay:
		select {
		case <-time.After(hit.Delay):
			return hit.Kind, nil
		case <-ctx.Done():
			return FaultLost, errUnavailable
		}
	}
	return hit.Kind, faultErrors[hit.Kind]
}

func (f *faults) take(c *call) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		hit := &f.list[i]
		if !hit.matches(c) {
			continue
		}
		if hit.Skip > 0 {
			hit.Skip--
			continue
		}
		out := *hit
		if hit.Count == 1 {
			f.list = slices.Delete(f.list, i, i+1)
		} else if hit.Count > 1 {
			hit.Count--
		}
		return out, true
	}
	return Fault{}, false
}

func (f *Fault) matches(c *call) bool {
	return (f.Verb == "" || f.Verb == c.op.name) &&
		(f.Bucket == "" || f.Bucket == c.bucket) &&
		(f.Principal == "" || f.Principal == c.principal.Name) &&
		strings.HasPrefix(subject(c), f.KeyPrefix)
}

// subject returns the key of a call, or the prefix of a list.
func subject(c *call) string {
	if c.op.action == actListBucket {
		return c.req.URL.Query().Get("prefix")
	}
	return c.key
}

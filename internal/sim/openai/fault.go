package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// FaultKind is the kind of failure.
type FaultKind string

const (
	FaultHang      FaultKind = "hang"      // no answer until the client gives up
	FaultRate      FaultKind = "rate"      // 429, rate_limit_exceeded
	FaultQuota     FaultKind = "quota"     // 429, insufficient_quota
	FaultInternal  FaultKind = "internal"  // 500
	FaultLost      FaultKind = "lost"      // the connection closes without an answer
	FaultGarbage   FaultKind = "garbage"   // 200, but the body is not JSON
	FaultMalformed FaultKind = "malformed" // a valid envelope, but the content is cut off
	FaultRefusal   FaultKind = "refusal"   // a valid envelope, but prose instead of JSON
	FaultHostile   FaultKind = "hostile"   // JSON of the right shape, but values that the schema forbids
)

// Kinds lists all faults, for a menu.
var Kinds = []FaultKind{FaultHang, FaultRate, FaultQuota, FaultInternal, FaultLost, FaultGarbage, FaultMalformed,
	FaultRefusal, FaultHostile}

const maxFaults = 64

// Fault makes the next Count completions fail; 0: until cleared.
type Fault struct {
	Kind  FaultKind `json:"kind"`
	Count int       `json:"count,omitempty"`
}

// sharedKinds maps the kinds that all services accept, besides "hang" and "lost".
var sharedKinds = map[FaultKind]FaultKind{"5xx": FaultInternal, "429": FaultRate}

// Inject adds a fault. Faults apply in the order in which they were added.
func (s *Server) Inject(f Fault) error {
	if kind, ok := sharedKinds[f.Kind]; ok {
		f.Kind = kind
	}
	if !slices.Contains(Kinds, f.Kind) {
		return fmt.Errorf("unknown fault kind %q", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) >= maxFaults {
		return fmt.Errorf("more than %d faults", maxFaults)
	}
	s.faults = append(s.faults, f)
	return nil
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) take() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	switch {
	case f.Count == 1:
		s.faults = s.faults[1:]
	case f.Count > 1:
		s.faults[0].Count--
	}
	return f
}

// before applies the faults that replace the whole answer.
func (f Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case FaultHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case FaultLost:
		panic(http.ErrAbortHandler)
	case FaultRate:
		w.Header().Set("Retry-After", "20")
		writeError(w, refuse(http.StatusTooManyRequests, "requests", "rate_limit_exceeded", "",
			"Rate limit reached. Please try again in 20s."))
	case FaultQuota:
		writeError(w, refuse(http.StatusTooManyRequests, "insufficient_quota", "insufficient_quota", "",
			"You exceeded your current quota, please check your plan and billing details."))
	case FaultInternal:
		writeError(w, refuse(http.StatusInternalServerError, "server_error", "", "",
			"The server had an error while processing your request."))
	case FaultGarbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("<html>upstream connect error</html>"))
	default:
		return false
	}
	return true
}

// corrupt changes the content of the answer as the fault requires.
func (f Fault) corrupt(req *request, content string) string {
	switch f.Kind {
	case FaultMalformed:
		return content[:len(content)/2]
	case FaultRefusal:
		return "Sure! Here is the JSON that you requested."
	case FaultHostile:
		out, err := json.Marshal(hostile(req.schema))
		if err == nil {
			return string(out)
		}
	}
	return content
}

// hostileText contains what a form must survive: markup, template and shell syntax, control characters,
// very long text.
var hostileText = "<script>${file(\"/etc/passwd\")}`$(id)` <!channel> \"\n}\u0000\u202e" + strings.Repeat("A", 5000)

// hostile returns values of the right shape that the schema forbids.
func hostile(s schema) any {
	switch {
	case len(s.AnyOf) > 0:
		return hostile(s.AnyOf[0])
	case s.is("object"):
		out := map[string]any{"unasked": hostileText}
		for name, p := range s.Properties {
			out[name] = hostile(p)
		}
		return out
	case s.is("array"):
		items := make([]any, 500)
		for i := range items {
			items[i] = hostileText[:40]
		}
		return items
	case s.is("number"), s.is("integer"):
		return 1e300
	case s.is("boolean"):
		return "yes; rm -rf /"
	case len(s.Enum) == 1:
		return s.Enum[0] // chooses a valid form
	}
	return hostileText
}

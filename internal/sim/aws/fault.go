package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"
)

// Kinds of faults that all services accept.
const (
	FaultUnavailable = "5xx"
	FaultThrottled   = "429"
	FaultHang        = "hang" // no answer until the caller gives up; nothing is done
	FaultLost        = "lost" // done, but the connection closes without an answer
)

// Fault delays or refuses the calls that match every field that is set. With a Code it refuses, after
// Delay; without one it only delays. A Kind is a shorthand for both.
type Fault struct {
	Kind    string        `json:"kind,omitempty"`
	Op      Op            `json:"op,omitempty"`
	Type    string        `json:"type,omitempty"` // pattern of path.Match, "aws_s3_*"
	ID      string        `json:"id,omitempty"`   // pattern of path.Match on id or name
	Count   int           `json:"count,omitempty"`
	Delay   time.Duration `json:"delay,omitempty"`
	Code    string        `json:"code,omitempty"`    // "VcpuLimitExceeded"
	Message string        `json:"message,omitempty"` // empty: the message of AWS for a known code
	Status  int           `json:"status,omitempty"`  // 0: 400, or 403 for AccessDenied
}

// words holds the messages of AWS for common refusals.
var words = map[string]string{
	"AccessDenied": "User: arn:aws:sts::" + Account +
		":assumed-role/tfpilot-apply/run is not authorized to perform this action because no identity-based policy allows it",
	"BucketAlreadyExists":    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
	"VcpuLimitExceeded":      "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
	"TooManyBuckets":         "You have attempted to create more buckets than allowed",
	"ThrottlingException":    "Rate exceeded",
	"ServiceUnavailable":     "Service is unable to handle request.",
	"LimitExceeded":          "Cannot exceed quota for RolesPerAccount: 1000",
	"LimitExceededException": "Resource limit exceeded.",
}

// Inject adds a fault. Every matching fault delays; the first one that refuses decides.
func (s *Server) Inject(f Fault) error {
	for _, pattern := range []string{f.Type, f.ID} {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	switch f.Kind {
	case FaultUnavailable:
		f.Code, f.Status = "ServiceUnavailable", 503
	case FaultThrottled:
		f.Code, f.Status = "ThrottlingException", 429
	case FaultHang, FaultLost:
		f.Code = ""
	case "":
		if f.Code == "" && f.Delay <= 0 {
			return errors.New("a fault needs a kind, a code or a delay")
		}
	default:
		return fmt.Errorf("unknown fault kind %q", f.Kind)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d of a fault is not an error status", f.Status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) >= maxFaults {
		return fmt.Errorf("more than %d faults", maxFaults)
	}
	s.faults = append(s.faults, f)
	return nil
}

// Faults lists the faults that are still active.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// ClearFaults removes all faults, and ends the delays that are in progress.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	close(s.cleared)
	s.cleared = make(chan struct{})
}

// faultEffect is the effect of the faults on one call.
type faultEffect struct {
	delay      time.Duration
	cleared    <-chan struct{} // ends the delay
	refusal    *Error
	hang, lost bool
}

// applyFaults delays and refuses as the faults require. If silent is true, the caller gets no answer,
// whether the work is done or not.
func (s *Server) applyFaults(ctx context.Context, op Op, typ, id string) (silent bool, err error) {
	h := s.takeFaults(op, typ, id)
	if h.hang {
		<-ctx.Done()
		return true, &Error{503, "RequestTimeout", ctx.Err().Error()}
	}
	if h.delay > 0 {
		select {
		case <-time.After(h.delay):
		case <-h.cleared:
		case <-ctx.Done():
			return false, &Error{503, "RequestTimeout", ctx.Err().Error()}
		}
	}
	if h.refusal == nil {
		return h.lost, nil
	}
	return false, h.refusal
}

func (s *Server) takeFaults(op Op, typ, id string) faultEffect {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := faultEffect{cleared: s.cleared}
	kept := s.faults[:0]
	for _, f := range s.faults {
		if f.matches(op, typ, id) && (f.Code == "" || h.refusal == nil) {
			f.addTo(&h)
			if f.Count == 1 {
				continue
			}
			f.Count = max(0, f.Count-1)
		}
		kept = append(kept, f)
	}
	s.faults = kept
	return h
}

func (f Fault) addTo(h *faultEffect) {
	h.delay += f.Delay
	h.hang = h.hang || f.Kind == FaultHang
	h.lost = h.lost || f.Kind == FaultLost
	if f.Code != "" {
		h.refusal = f.refusal()
	}
}

func (f Fault) matches(op Op, typ, id string) bool {
	return (f.Op == "" || f.Op == op) && glob(f.Type, typ) && glob(f.ID, id)
}

func glob(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return pattern == "" || (err == nil && ok)
}

func (f Fault) refusal() *Error {
	status := f.Status
	if status == 0 {
		status = 400
		if f.Code == "AccessDenied" {
			status = 403
		}
	}
	return &Error{status, f.Code, cmp.Or(f.Message, words[f.Code], "The request was refused.")}
}

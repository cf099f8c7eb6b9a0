package github

import (
	"fmt"
	"slices"
	"time"
)

// Kinds of webhook faults.
const (
	HookDrop      = "drop"      // never sent, no trace in the delivery log
	HookFail      = "fail"      // not sent, logged as failed, can be redelivered
	HookDuplicate = "duplicate" // sent twice with the same GUID
	HookCopy      = "copy"      // sent twice with different GUIDs
	HookDelay     = "delay"     // sent after Delay
	HookReorder   = "reorder"   // sent after the delivery that follows it
)

var hookKinds = []string{HookDrop, HookFail, HookDuplicate, HookCopy, HookDelay, HookReorder}

// WebhookFault makes matching webhooks fail.
type WebhookFault struct {
	Kind   string        `json:"kind"`
	Event  string        `json:"event,omitempty"`  // empty: any
	Action string        `json:"action,omitempty"` // empty: any
	Delay  time.Duration `json:"delay,omitempty"`
	Skip   int           `json:"skip,omitempty"`  // webhooks that still succeed first
	Count  int           `json:"count,omitempty"` // webhooks that fail; 0: all until cleared

	seen int
}

// AddWebhookFault adds a fault; the first one that matches a webhook applies.
func (s *Server) AddWebhookFault(f WebhookFault) error {
	if !slices.Contains(hookKinds, f.Kind) {
		return fmt.Errorf("webhook fault kind %q is not known", f.Kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.faults = append(s.hooks.faults, &f)
	return nil
}

func (f *WebhookFault) matches(d *delivery) bool {
	if f.Event != "" && f.Event != d.Event || f.Action != "" && f.Action != d.Action {
		return false
	}
	f.seen++
	return f.seen > f.Skip && (f.Count == 0 || f.seen <= f.Skip+f.Count)
}

// route queues a new delivery, or applies its fault.
func (h *hooks) route(s *Server, d *delivery) {
	kind, delay := "", time.Duration(0)
	for _, f := range h.faults {
		if f.matches(d) {
			kind, delay = f.Kind, f.Delay
			break
		}
	}
	if h.closing {
		kind = HookFail
	}
	switch kind {
	case HookDrop:
		return
	case HookFail:
		d.Status = "failed to connect to host"
		s.record(d)
		return
	case HookDelay:
		h.later(s, d, delay, h.push)
		return
	case HookReorder:
		h.held = append(h.held, d)
		h.later(s, d, max(delay, reorderHold), h.release)
		return
	}
	h.push(s, d)
	if kind == HookDuplicate || kind == HookCopy {
		again := *d
		if kind == HookCopy {
			again.GUID = newGUID()
		}
		h.push(s, &again)
	}
	for _, waiting := range h.held {
		h.push(s, waiting)
	}
	h.held = nil
}

// release sends a delayed delivery after which no other one came.
func (h *hooks) release(s *Server, d *delivery) {
	for i, waiting := range h.held {
		if waiting == d {
			h.held = append(h.held[:i:i], h.held[i+1:]...)
			h.push(s, d)
			return
		}
	}
}

// later calls do for a delivery after a delay, or at once if the server is closing.
func (h *hooks) later(s *Server, d *delivery, delay time.Duration, do func(*Server, *delivery)) {
	h.pending.Go(func() {
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-h.flush:
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		do(s, d)
	})
}

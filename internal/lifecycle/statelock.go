package lifecycle

import (
	"fmt"
	"slices"
	"time"
)

// Terraform's own lock on a state is not the lease. A run that is killed leaves it behind, and
// every later apply or destroy of the environment stops at it. It is a fact of the environment
// from the first run that reports it until a run succeeds in locking the state or an admin
// removes the lock.

// StateLock is the holder of Terraform's lock on a state, as the lock describes it. The holder's
// machine chooses Who, so it proves nothing.
type StateLock struct {
	ID        string    `json:"id"`
	Who       string    `json:"who,omitempty"`
	Operation string    `json:"operation,omitempty"`
	Version   string    `json:"version,omitempty"` // of Terraform
	Since     time.Time `json:"since,omitzero"`
	SeenAt    time.Time `json:"seenAt,omitzero"`    // when the last run found it
	Requests  []string  `json:"requests,omitempty"` // whose runs found it
}

// StateUnlock records that an admin removed a lock. Done is false from the decision
// until the lock is known to be gone.
type StateUnlock struct {
	Lock   StateLock `json:"lock"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Done   bool      `json:"done"`
}

const maxLockRequests = 50

// String names the lock for people.
func (l StateLock) String() string {
	text := "by " + l.Who
	if l.Who == "" {
		text = "by an unknown holder"
	}
	if !l.Since.IsZero() {
		text += " since " + l.Since.UTC().Format(time.DateTime+" MST")
	}
	return text + " (lock " + l.ID + ")"
}

// SawStateLock records that a run of a request found the lock.
func (e EnvironmentState) SawStateLock(l StateLock, requestID string, at time.Time) EnvironmentState {
	l.SeenAt, l.Requests = at, []string{requestID}
	if old := e.StateLock; old != nil {
		if old.SeenAt.After(at) {
			return e
		}
		if old.ID == l.ID {
			l.Requests = slices.Clone(old.Requests)
			if !slices.Contains(l.Requests, requestID) && len(l.Requests) < maxLockRequests {
				l.Requests = append(l.Requests, requestID)
			}
		}
	}
	e.StateLock = &l
	return e
}

// PassedStateLock records that a run which began at began wrote the state: the lock that was
// reported before is gone.
func (e EnvironmentState) PassedStateLock(began time.Time) EnvironmentState {
	if e.StateLock != nil && e.StateLock.SeenAt.Before(began) {
		e.StateLock = nil
	}
	return e
}

// Unlocking records the decision to remove the lock. It refuses while an apply or destroy holds
// the lease, because that run may hold the lock.
func (e EnvironmentState) Unlocking(u StateUnlock) (EnvironmentState, *Refusal) {
	if h := e.Holder; h != nil {
		return e, refuse(CodeRunning, "The %s of %s (%s) holds the environment since %s, and may hold the lock.",
			h.Kind, h.RequestID, h.Title, h.Since.UTC().Format(time.DateTime+" MST"))
	}
	if e.Unlock != nil && e.Unlock.Lock.ID == u.Lock.ID && !e.Unlock.Done {
		return e, nil // decided before
	}
	u.Done = false
	e.Unlock = &u
	return e, nil
}

// Unlocked records that the lock of that id is gone.
func (e EnvironmentState) Unlocked(id string) EnvironmentState {
	if e.Unlock != nil && e.Unlock.Lock.ID == id {
		u := *e.Unlock
		u.Done = true
		e.Unlock = &u
	}
	if e.StateLock != nil && (e.StateLock.ID == id || id == "") {
		e.StateLock = nil
	}
	return e
}

// StateUnlocked records in a request whose run found the lock that an admin removed it.
func StateUnlocked(l StateLock, by, reason string, now time.Time) Patch {
	return func(r Request) (Request, error) {
		p := r.Problem
		if p == nil || p.Code != CodeStateLocked {
			return r, nil
		}
		text := fmt.Sprintf("%s removed the state lock that was held %s: %s\nRe-plan to continue.", by, l, reason)
		r.Problem = &Problem{Step: p.Step, Code: CodeStateUnlocked, Text: text, Since: now}
		return r, nil
	}
}

// StateLockText explains to people why a run stopped at the lock, and what to do. alone means
// that the run held the lease all the time, so no other run of TfPilot can be active in the
// environment.
func StateLockText(project string, env Environment, l StateLock, alone bool) string {
	text := fmt.Sprintf("Nothing was changed: the state of %s is locked %s.", env, l)
	if alone {
		text += " It is not held by a run of TfPilot, because this run had the environment's lease."
	}
	return text + fmt.Sprintf(" An admin must make sure that its holder has stopped, and then remove the lock: "+
		"tfpilot environments unlock %s %s. Then re-plan.", project, env)
}

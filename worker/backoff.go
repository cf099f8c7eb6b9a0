package worker

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// backoffs holds the waits of steps that did not change any facts.
type backoffs struct {
	mu    sync.Mutex
	steps map[stepKey]backoff
}

// backoff is the wait of one step.
type backoff struct {
	version int64 // of the document; another one ends the backoff
	until   time.Time
	times   int
}

const maxBackoff = 5 * time.Minute

type stepKey struct {
	request, correlationID string
	step                   lifecycle.StepName
}

func keyOf(r lifecycle.Request, s lifecycle.Step) stepKey {
	return stepKey{r.ID, s.CorrelationID, s.Name}
}

// add makes a step that did not change the facts wait: two seconds, then twice as long each
// time, or as long as GitHub asks.
func (b *backoffs) add(r lifecycle.Request, s lifecycle.Step, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.steps == nil {
		b.steps = map[stepKey]backoff{}
	}
	key := keyOf(r, s)
	n := b.steps[key]
	if n.version != r.Version {
		n = backoff{version: r.Version}
	}
	n.times++
	n.until = now().Add(min(time.Second<<min(n.times, 10), maxBackoff))
	var pause pauser
	if errors.As(err, &pause) {
		n.until = now().Add(pause.RetryAfter())
	}
	b.steps[key] = n
}

// readyAt returns when a step may be tried: when it is due and its backoff is over.
func (b *backoffs) readyAt(r lifecycle.Request, s lifecycle.Step) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, ok := b.steps[keyOf(r, s)]; ok && n.version == r.Version && n.until.After(s.After) {
		return n.until
	}
	return s.After
}

// drop forgets the backoffs of a request that is over.
func (b *backoffs) drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.steps, func(k stepKey, _ backoff) bool { return k.request == id })
}

// pauser is an error that knows when to try again: nothing happened, and the request is not the
// cause.
type pauser interface {
	error
	RetryAfter() time.Duration
}

func paused(err error) bool {
	var p pauser
	return errors.As(err, &p)
}

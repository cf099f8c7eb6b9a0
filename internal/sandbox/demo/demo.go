// Package demo plays the journey of a request as its users would: they type, click and read in the
// simulated workspace, open pull requests on GitHub with their own tokens, and clone the repository.
// It owns the story and what must be visible at each step. It uses only what the product shows: it
// finds controls by their labels and requests by their cards. It imports neither the product nor the
// simulators.
package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config says where to play the journey and under which faults.
type Config struct {
	Address string    // required; the page of a running sandbox
	Out     io.Writer // required; a line for each step

	FlushRedisEachStep bool                       // Redis loses everything before each step
	DropWebhooks       bool                       // the webhooks of GitHub are lost
	OnStep             func(chapter, name string) // called before each step; may end a process
}

// Failure is a step whose result was not seen.
type Failure struct {
	Chapter, Who, Step string
	Err                error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %s %s: %v", f.Chapter, f.Who, f.Step, f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }

// unseen is what a step waited for and what it saw instead.
type unseen struct{ want, got string }

func (u *unseen) Error() string {
	return "expected " + u.want + "\n  seen: " + strings.ReplaceAll(shorten(u.got, 1500), "\n", "\n        ")
}

func notSeen(want, got string) error { return &unseen{want, got} }

// step is one thing that a person does or sees.
type step struct {
	who  string
	what string
	do   func(ctx context.Context) error
}

// chapter is a part of the story. Its tracks are independent of each other and are played at the same
// time; the steps of a track follow each other.
type chapter struct {
	title  string
	tracks func() [][]step
}

// inOrder is a chapter of one track.
func inOrder(steps func() []step) func() [][]step {
	return func() [][]step { return [][]step{steps()} }
}

// journey is one run of the demo: its addresses and what it remembers between steps.
type journey struct {
	cfg    Config
	access access
	client *http.Client
	clock  *clock // nil: nothing is timed

	dana, ana, omar, adam, vic *person

	stamp    string          // makes the names of this run unique
	first    bool            // the data directory contains no earlier request
	before   counts          // at the start
	existing map[string]bool // messages that were in the channels at the start
	mu       sync.Mutex      // protects requests and Out
	requests []*request

	bucket, words, anas, adams, prod *request

	rerun string // the attempt that was run again on GitHub

	module   string        // adam's module, as it was reviewed
	reverted chan struct{} // closed when the module is as it was reviewed

	old message // adam's view of the bucket's card before he destroys it
}

// Run plays the journey. It returns nil only if every step was seen.
func Run(ctx context.Context, cfg Config) error {
	began := time.Now()
	j := &journey{cfg: cfg, client: &http.Client{Timeout: time.Minute}, stamp: strconv.FormatInt(began.Unix(), 36),
		reverted: make(chan struct{})}
	if err := j.connect(ctx); err != nil {
		return fmt.Errorf("reach the sandbox at %s: %w", cfg.Address, err)
	}
	restore, err := j.dropWebhooks(ctx)
	if err != nil {
		return fmt.Errorf("inject faults: %w", err)
	}
	defer restore()
	for n, c := range j.chapters() {
		title := fmt.Sprintf("%d. %s", n+1, c.title)
		j.say("\n" + title)
		if err := j.playAll(ctx, title, c.tracks()); err != nil {
			return err
		}
	}
	j.say(fmt.Sprintf("\nEvery step was seen, in %s.", time.Since(began).Round(time.Second)))
	return nil
}

func (j *journey) chapters() []chapter {
	return []chapter{
		{"Request", inOrder(j.requestSteps)},
		{"The pull request", inOrder(j.pullSteps)},
		{"The plan", inOrder(j.planSteps)},
		{"The approval", j.approvalTracks},
		{"Merge and apply", j.applyTracks},
		{"The queue", inOrder(j.queueSteps)},
		{"When something goes wrong, and destroy", j.endTracks},
		{"Records", inOrder(j.recordSteps)},
	}
}

// say prints a whole line, so that the lines of two tracks do not mix.
func (j *journey) say(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = fmt.Fprintln(j.cfg.Out, line)
}

// playAll plays tracks at the same time. The first failure ends all of them.
func (j *journey) playAll(ctx context.Context, title string, tracks [][]step) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(tracks))
	for _, steps := range tracks {
		go func() {
			for _, s := range steps {
				if err := j.play(ctx, title, s); err != nil {
					ended <- err
					return
				}
			}
			ended <- nil
		}()
	}
	var first error
	for range tracks {
		if err := <-ended; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}

// play runs one step and prints its result.
func (j *journey) play(ctx context.Context, title string, s step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.cfg.OnStep != nil {
		j.cfg.OnStep(title, s.who+" "+s.what)
	}
	line := fmt.Sprintf("  %-6s %s … ", s.who, s.what)
	if err := j.runInjection(ctx); err != nil {
		return fmt.Errorf("inject faults: %w", err)
	}
	began := time.Now()
	if err := s.do(ctx); err != nil {
		if ctx.Err() == nil { // else another track failed first
			j.say(line + "✗")
		}
		return &Failure{Chapter: title, Who: s.who, Step: s.what, Err: err}
	}
	if took := time.Since(began); took > time.Second {
		line += fmt.Sprintf("✓ %s", took.Round(100*time.Millisecond))
	} else {
		line += "✓"
	}
	j.say(line)
	return nil
}

// runInjection injects the configured faults.
func (j *journey) runInjection(ctx context.Context) error {
	if !j.cfg.FlushRedisEachStep {
		return nil
	}
	return j.fault(ctx, faults{FlushRedis: true})
}

// dropWebhooks drops every webhook until the returned function is called.
func (j *journey) dropWebhooks(ctx context.Context) (restore func(), err error) {
	if !j.cfg.DropWebhooks {
		return func() {}, nil
	}
	if err := j.fault(ctx, faults{Webhooks: j.droppedWebhooks()}); err != nil {
		return nil, err
	}
	return func() { _ = j.fault(context.WithoutCancel(ctx), faults{Clear: true}) }, nil
}

func (j *journey) droppedWebhooks() []webhookFault {
	if !j.cfg.DropWebhooks {
		return nil
	}
	return []webhookFault{{Kind: "drop"}}
}

// clearFaults removes the faults of the steps, but not the configured ones.
func (j *journey) clearFaults(ctx context.Context) error {
	return j.fault(ctx, faults{Clear: true, Webhooks: j.droppedWebhooks()})
}

// How long a result may take.
const (
	soon    = 30 * time.Second // an answer to a click
	later   = 4 * time.Minute  // the result of a run or a sweep
	between = 150 * time.Millisecond
)

// until repeats look until it returns true. The error contains what was seen last. An error of look
// ends the wait at once.
func until(ctx context.Context, limit time.Duration, want string,
	look func(context.Context) (bool, string, error)) error {
	wait, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	seen := "nothing"
	for {
		ok, now, err := look(wait)
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case wait.Err() != nil:
			return notSeen(fmt.Sprintf("%s within %s", want, limit), seen)
		case err != nil:
			return err
		}
		seen = now
		select {
		case <-wait.Done():
		case <-time.After(between):
		}
	}
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

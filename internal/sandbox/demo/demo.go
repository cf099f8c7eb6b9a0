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

type chapter struct {
	title string
	steps func() []step
}

// journey is one run of the demo: its addresses and what it remembers between steps.
type journey struct {
	cfg    Config
	access access
	client *http.Client

	dana, ana, omar, adam, vic *person

	stamp    string          // makes the names of this run unique
	first    bool            // the data directory contains no earlier request
	before   counts          // at the start
	existing map[string]bool // messages that were in the channels at the start
	requests []*request

	bucket, words, anas, adams, prod *request

	rerun string // the attempt that was run again on GitHub

	module string // adam's module, as it was reviewed

	old message // adam's view of the bucket's card before he destroys it
}

// Run plays the journey. It returns nil only if every step was seen.
func Run(ctx context.Context, cfg Config) error {
	began := time.Now()
	j := &journey{cfg: cfg, client: &http.Client{Timeout: time.Minute}, stamp: strconv.FormatInt(began.Unix(), 36)}
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
		for _, s := range c.steps() {
			if err := j.play(ctx, title, s); err != nil {
				return err
			}
		}
	}
	j.say(fmt.Sprintf("\nEvery step was seen, in %s.", time.Since(began).Round(time.Second)))
	return nil
}

func (j *journey) chapters() []chapter {
	return []chapter{
		{"Request", j.requestSteps},
		{"The pull request", j.pullSteps},
		{"The plan", j.planSteps},
		{"The approval", j.approvalSteps},
		{"Merge and apply", j.applySteps},
		{"When something goes wrong", j.failureSteps},
		{"Destroy", j.destroySteps},
		{"Records", j.recordSteps},
	}
}

func (j *journey) say(line string) { _, _ = fmt.Fprintln(j.cfg.Out, line) }

// play runs one step and prints its result.
func (j *journey) play(ctx context.Context, title string, s step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.cfg.OnStep != nil {
		j.cfg.OnStep(title, s.who+" "+s.what)
	}
	if err := j.runInjection(ctx); err != nil {
		return fmt.Errorf("inject faults: %w", err)
	}
	_, _ = fmt.Fprintf(j.cfg.Out, "  %-6s %s … ", s.who, s.what)
	began := time.Now()
	if err := s.do(ctx); err != nil {
		j.say("✗")
		return &Failure{Chapter: title, Who: s.who, Step: s.what, Err: err}
	}
	if took := time.Since(began); took > time.Second {
		j.say(fmt.Sprintf("✓ %s", took.Round(100*time.Millisecond)))
		return nil
	}
	j.say("✓")
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

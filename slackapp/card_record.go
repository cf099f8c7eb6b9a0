package slackapp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/store"
)

// The document records which messages a request has, and what each shows. Outcomes are kept and stored
// together; an intent to post is stored before its call.

// errMoved means that another process changed the message meanwhile.
var errMoved = errors.New("the message was taken by another process")

// record writes a message into the document, with the outcomes so far; nil removes it.
// The document must still hold the message that this process read, so that two processes
// which both believe that they hold the lease post once. An intent is recorded before its call.
func (p *poster) record(ctx context.Context, x slot, was string, m *lifecycle.Message) error {
	return p.store(ctx, setMessage(x, was, m))
}

// outcome keeps the outcome of a message until the next record or the end, which store it.
// Until then the intent to post stays in the document, so that a lost post is found, and an
// edit may be repeated.
func (p *poster) outcome(x slot, was string, m *lifecycle.Message) error {
	if p.doc.Archived {
		return nil
	}
	if len(p.outcomes) == 0 {
		p.stored = p.doc
	}
	patch, r := setMessage(x, was, m), p.doc.Request
	r.Slack.Messages = slices.Clone(r.Slack.Messages)
	r, err := patch(r)
	if err != nil {
		return queue.Later(time.Second)
	}
	p.doc.Request, p.outcomes = r, append(p.outcomes, patch)
	return nil
}

// outcomesTime bounds the last write, which also runs after the deadline of the other calls.
const outcomesTime = 5 * time.Second

func (p *poster) storeOutcomes(ctx context.Context) error {
	if len(p.outcomes) == 0 {
		return nil
	}
	return p.store(ctx)
}

// store writes changes after the outcomes so far, in one write.
func (p *poster) store(ctx context.Context, changes ...lifecycle.Patch) error {
	if p.doc.Archived {
		return nil
	}
	base := p.doc
	if len(p.outcomes) > 0 {
		base = p.stored
	}
	doc, err := p.Documents.Patch(
		ctx,
		base,
		lifecycle.System("worker"),
		lifecycle.All(slices.Concat(p.outcomes, changes)...),
	)
	switch {
	case errors.Is(err, store.ErrArchived):
		p.doc.Archived = true
		return nil
	case errors.Is(err, errMoved):
		return queue.Later(time.Second)
	case err != nil:
		return fmt.Errorf("record message: %w", err)
	}
	p.doc, p.outcomes = doc, nil
	return nil
}

// setMessage is the patch that stores a message in its slot.
func setMessage(x slot, was string, m *lifecycle.Message) lifecycle.Patch {
	return func(r lifecycle.Request) (lifecycle.Request, error) {
		i := slices.IndexFunc(r.Slack.Messages, x.is)
		now := ""
		if i >= 0 {
			now = r.Slack.Messages[i].State
		}
		switch {
		case now != was:
			return r, errMoved
		case m == nil && i >= 0:
			r.Slack.Messages = slices.Delete(r.Slack.Messages, i, i+1)
		case m == nil:
		case i >= 0:
			fresh := *m
			fresh.Extra = r.Slack.Messages[i].Extra
			r.Slack.Messages[i] = fresh
		default:
			r.Slack.Messages = append(r.Slack.Messages, *m)
		}
		return r, nil
	}
}

package slackapp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/internal/request"
	"github.com/tfpilot/tfpilot/internal/terraform"
	"github.com/tfpilot/tfpilot/internal/view"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// A plan that Review plan shows in more than one page is also in the card's thread, as one file. The file name
// identifies the plan: when the answer to an upload is lost, the poster searches the thread for that name.

// fileMark starts the state of a file that is in its thread, before Slack's id.
const fileMark = "file:"

// windowState is the state of a file that the thread does not need: one page of a window shows the whole plan.
const windowState = "window"

// planFile puts the file of the current plan into the card's thread, once.
func (p *poster) planFile(ctx context.Context, anchor lifecycle.Message) error {
	round := p.drawing.view.Round
	if round == nil || !round.Current || p.drawing.view.Over || p.doc.Archived {
		return nil
	}
	x := slot{
		role:    lifecycle.RoleFile,
		topic:   fmt.Sprintf("plan:%d", round.Attempt),
		channel: anchor.Channel,
		thread:  anchor.TS,
	}
	have, ok := p.find(x)
	switch {
	case ok && strings.HasPrefix(have.State, postingMark):
		return p.recoverFile(ctx, x, have)
	case ok:
		return nil // posted, not needed, or refused: a Sync tries again
	case !p.drawing.view.CanDecide:
		return nil // no decision is open
	default:
		return p.upload(ctx, x, "")
	}
}

// planFileName names the file of a plan; another plan has another name.
func planFileName(round view.Round) string {
	digest := strings.TrimPrefix(round.Digest, "sha256:")
	return fmt.Sprintf("plan-%d-%s.txt", round.Attempt, digest[:min(len(digest), 12)])
}

// upload records the intent, uploads and shares the file, and records the outcome. It records that a short plan
// needs no file, so that the next drawing does not read the plan again.
func (p *poster) upload(ctx context.Context, x slot, was string) error {
	summary, err := request.ReadPlan(ctx, p.Documents, p.drawing.r)
	if err != nil {
		p.Log.Error("read plan", keyRequest, p.drawing.r.ID, keyError, err)
		return nil // the card shows what to do
	}
	if len(planPages(view.OfPlan(summary))) == 1 {
		return p.outcome(x, was, &lifecycle.Message{Role: x.role, Topic: x.topic, State: windowState})
	}
	intent := lifecycle.Message{
		Role:    x.role,
		Topic:   x.topic,
		Channel: x.channel,
		Thread:  x.thread,
		State:   postingMark + newNonce(utcNow()),
	}
	if err := p.record(ctx, x, was, &intent); err != nil {
		return err
	}
	round := *p.drawing.view.Round
	content := fileText(p.drawing, summary)
	file, err := p.API.UploadFileContext(ctx, slack.UploadFileParameters{
		Content: content, FileSize: len(content), Filename: planFileName(round), Title: fmt.Sprintf("%s %d of %s",
			round.Name, round.Attempt, p.drawing.view.Name()),
		Channel: x.channel, ThreadTimestamp: x.thread,
	})
	if err == nil {
		return p.fileDone(x, intent, fileMark+file.ID)
	}
	if unknownOutcome(err) {
		return fmt.Errorf("upload plan: %w", err)
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return errors.Join(p.outcome(x, intent.State, nil), queue.Later(limited.RetryAfter))
	}
	logRefusal(p.Log, err, "upload plan", keyRequest, p.drawing.r.ID, keyChannel, x.channel)
	return p.fileDone(x, intent, refusedMark+errorCode(err))
}

func (p *poster) fileDone(x slot, intent lifecycle.Message, state string) error {
	done := intent
	done.State = state
	return p.outcome(x, intent.State, &done)
}

// recoverFile finds out whether an upload without an answer succeeded.
func (p *poster) recoverFile(ctx context.Context, x slot, have lifecycle.Message) error {
	nonce := strings.TrimPrefix(have.State, postingMark)
	messages, err := p.recent(ctx, have, nonceTime(nonce))
	if err != nil {
		return fmt.Errorf("look for the plan's file: %w", err)
	}
	for _, m := range messages {
		for _, f := range m.Files {
			if f.Name == planFileName(*p.drawing.view.Round) {
				return p.fileDone(x, have, fileMark+f.ID)
			}
		}
	}
	if wait := nonceTime(nonce).Add(lookFor).Sub(utcNow()); wait > 0 {
		return queue.Later(wait)
	}
	return p.upload(ctx, x, have.State)
}

// fileText is the text of the file: the request, then the plan.
func fileText(d drawing, summary *terraform.Summary) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"%s\nRequest %s, plan %d, digest %s\n",
		d.view.Name(),
		d.view.ID,
		d.view.Round.Attempt,
		d.view.Round.Digest,
	)
	fmt.Fprintf(&b, "Requested by %s: %s\n", d.view.RequestedBy.Login, blocks.OneLine(d.view.Reason, maxReason))
	for _, one := range d.view.Inputs {
		fmt.Fprintf(&b, "%s: %s\n", blocks.OneLine(one.Label, blocks.MaxOption),
			blocks.OneLine(inputText(one), blocks.MaxSection))
	}
	return b.String() + "\n" + view.OfPlan(summary).Text()
}

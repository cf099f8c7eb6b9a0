package slackapp

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/queue"
	"github.com/tfpilot/tfpilot/slackapp/blocks"
)

// blocksRefused reports whether Slack refused the blocks, but may accept the text.
func blocksRefused(err error) bool {
	return slices.Contains([]string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}, errorCode(err))
}

// goneCodes are the answers about a message that can no longer be edited.
var goneCodes = []string{"message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"}

// update edits a message. A message that is gone is posted again, once.
func (p *poster) update(ctx context.Context, x slot, have lifecycle.Message, m blocks.Message) error {
	if err := p.budget(ctx); err != nil {
		return err
	}
	_, _, _, err := p.API.UpdateMessageContext(ctx, have.Channel, have.TS, m.Options()...)
	if blocksRefused(err) {
		p.Log.Error("blocks refused", keyRequest, p.drawing.r.ID, keyRole, x.role, keyError, err)
		_, _, _, err = p.API.UpdateMessageContext(ctx, have.Channel, have.TS, blocks.Message{Text: m.Text}.Options()...)
	}
	switch code := errorCode(err); {
	case err == nil:
		shown := have
		shown.State = m.Fingerprint()
		return p.outcome(x, have.State, &shown)
	case slices.Contains(goneCodes, code):
		if p.doc.Archived {
			return nil
		}
		x.channel, x.thread = have.Channel, have.Thread
		return p.post(ctx, x, have.State, m)
	case code != "":
		logRefusal(p.Log, err, "update message", keyRequest, p.drawing.r.ID, keyChannel, have.Channel)
		return nil // the next change tries again
	default:
		return fmt.Errorf("update %s: %w", x.role, err)
	}
}

// budget waits a short time for the workspace's share of chat.update; for a longer wait
// the task returns to the queue.
func (p *poster) budget(ctx context.Context) error {
	for {
		wait, err := p.Notes.AllowEdit(ctx)
		if err != nil {
			return err
		}
		if wait <= 0 {
			return nil
		}
		if wait > maxBudgetWait {
			return queue.Later(wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

package slackapp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// The facts of one action change a card several times within seconds. What its messages show is
// remembered in Redis until the next post, or until the card is at rest, and is then stored in the
// document: one write for all these edits. What is remembered is only used for the state that the
// document records. When Redis loses it, the messages are edited once more.

// restTime is how long a card is unchanged before its edits are stored.
const restTime = 10 * time.Second

// edit is what a message shows since the document recorded what it shows.
type edit struct {
	Role  string `json:"r"`
	Topic string `json:"t,omitempty"`
	Was   string `json:"w"` // the state in the document
	Now   string `json:"n"`
}

// remembered are the edits that are not stored yet.
type remembered struct {
	At    time.Time `json:"at"` // of the last edit
	Edits []edit    `json:"e"`
}

func rememberedAs(id string) string { return "edits of the card of " + id }

// recall takes in what an earlier drawing remembered.
func (p *poster) recall(ctx context.Context) {
	var was remembered
	if json.Unmarshal([]byte(p.Shown.Recall(ctx, rememberedAs(p.doc.Request.ID))), &was) != nil {
		return
	}
	before := p.doc
	for _, e := range was.Edits {
		x := slot{role: e.Role, topic: e.Topic}
		have, ok := p.find(x)
		if !ok || have.TS == "" || have.State != e.Was {
			continue // stored, or of another state
		}
		have.State = e.Now
		if err := p.show(x, e.Was, have); err != nil {
			return
		}
		p.recalled = remembered{At: was.At, Edits: append(p.recalled.Edits, e)}
	}
	if !p.doc.Archived && len(p.outcomes) > 0 {
		p.stored = before
	}
}

// show makes the document in hand say what a message shows, to be stored later. An archived one is
// never stored.
func (p *poster) show(x slot, was string, m lifecycle.Message) error {
	patch, r := setMessage(x, was, &m), p.doc.Request
	r.Slack.Messages = slices.Clone(r.Slack.Messages)
	r, err := patch(r)
	if err != nil {
		return err
	}
	p.doc.Request = r
	if !p.doc.Archived {
		p.outcomes = append(p.outcomes, patch)
	}
	return nil
}

// unstored returns the outcomes if they are only edits.
func (p *poster) unstored() ([]edit, bool) {
	was, now := p.stored.Request.Slack.Messages, p.doc.Request.Slack.Messages
	if len(p.outcomes) == 0 || len(was) != len(now) {
		return nil, false
	}
	var edits []edit
	for i := range now {
		switch a, b := was[i], now[i]; {
		case a.Role != b.Role || a.Topic != b.Topic || a.TS != b.TS:
			return nil, false
		case a.State == b.State:
		case b.TS == "" || a.Refused() || b.Refused() || strings.HasPrefix(a.State, postingMark):
			return nil, false
		default:
			edits = append(edits, edit{b.Role, b.Topic, a.State, b.State})
		}
	}
	return edits, true
}

// remember keeps edits in Redis instead of the document, while the card is not at rest. wait is after which
// time the card must be drawn again to store them. The list of cards holds a card once, so that a change
// before then draws it earlier, and that drawing waits in turn.
func (p *poster) remember(ctx context.Context) (wait time.Duration, ok bool) {
	edits, ok := p.unstored()
	if !ok || p.Shown == nil {
		return 0, false
	}
	at := p.recalled.At
	if !slices.Equal(edits, p.recalled.Edits) {
		at = utcNow()
		data, err := json.Marshal(remembered{at, edits})
		if err != nil || !p.Shown.Remember(ctx, rememberedAs(p.doc.Request.ID), string(data)) {
			return 0, false
		}
	}
	wait = at.Add(restTime).Sub(utcNow())
	return wait, wait > 0
}

// settleEdits stores the outcomes, or leaves them for when the card is at rest.
func (p *poster) settleEdits(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outcomesTime)
	defer cancel()
	wait, ok := p.remember(ctx)
	if !ok {
		return p.storeOutcomes(ctx)
	}
	p.rest = wait
	return nil
}

package intake

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bounds of a stored conversation.
const (
	// ConversationLife is how long an untouched conversation counts.
	ConversationLife = 30 * 24 * time.Hour
	// maxTurns is how often the model is asked before a draft is created or discarded.
	maxTurns   = 30
	maxSeen    = 50
	maxWaiting = 10
	// currentSchema is the version of the stored form.
	currentSchema = 1
)

// Conversation is one person's exchange in one thread, as it is stored: what they wrote that was
// not read yet, and their drafts. It survives restarts, and a message that Slack delivers twice
// is added once.
type Conversation struct {
	Schema    int       `json:"schema"`
	Nonce     string    `json:"writeNonce"`
	UpdatedAt time.Time `json:"updatedAt"`
	Drafts    []Draft   `json:"drafts,omitempty"` // the first is the current one
	Waiting   []Message `json:"waiting,omitempty"`
	Seen      []string  `json:"seen,omitempty"` // time stamps of messages, the newest last
	Card      string    `json:"card,omitempty"` // time stamp of the message that shows the current draft
	Turns     int       `json:"turns,omitempty"`
}

// Message is what the person wrote.
type Message struct {
	TS   string `json:"ts"`
	Text string `json:"text"`
}

// ReadConversation decodes a stored conversation. A conversation that is too old becomes empty.
func ReadConversation(data []byte, now time.Time) (Conversation, error) {
	var c Conversation
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&c); err != nil {
		return Conversation{}, fmt.Errorf("read conversation: %w", err)
	}
	if c.Schema > currentSchema {
		return Conversation{}, fmt.Errorf("read conversation: schema %d is from a newer TfPilot", c.Schema)
	}
	if now.Sub(c.UpdatedAt) > ConversationLife {
		return Conversation{Seen: c.Seen}, nil
	}
	return c, nil
}

// Encode returns the conversation as it is stored, with a fresh nonce.
func (c Conversation) Encode(now time.Time) ([]byte, error) {
	c.Schema, c.UpdatedAt, c.Nonce = currentSchema, now.UTC(), rand.Text()
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode conversation: %w", err)
	}
	return data, nil
}

// Hear adds a message. It reports false if the message was added before.
func (c *Conversation) Hear(m Message) bool {
	if slices.Contains(c.Seen, m.TS) {
		return false
	}
	c.Seen = append(c.Seen, m.TS)
	c.Seen = c.Seen[max(0, len(c.Seen)-maxSeen):]
	if m.Text = strings.TrimSpace(m.Text); m.Text != "" {
		m.Text = cutRunes(m.Text, maxWords)
		c.Waiting = append(c.Waiting, m)
		c.Waiting = c.Waiting[max(0, len(c.Waiting)-maxWaiting):]
	}
	return true
}

// Words joins the messages that are not read yet.
func (c *Conversation) Words() string {
	parts := make([]string, 0, len(c.Waiting))
	for _, m := range c.Waiting {
		parts = append(parts, m.Text)
	}
	return cutRunes(strings.Join(parts, "\n"), maxWords)
}

// Spent reports whether the model was asked often enough about these drafts.
func (c *Conversation) Spent() bool { return c.Turns >= maxTurns }

// Current returns the current draft.
func (c *Conversation) Current() (Draft, bool) {
	if len(c.Drafts) == 0 {
		return Draft{}, false
	}
	return c.Drafts[0], true
}

// Remove takes out a draft that was created or discarded. It reports whether the draft was there.
func (c *Conversation) Remove(id string) bool {
	i := slices.IndexFunc(c.Drafts, func(d Draft) bool { return d.ID == id })
	if i < 0 {
		return false
	}
	c.Drafts = slices.Delete(c.Drafts, i, i+1)
	c.Turns = 0
	if i == 0 {
		c.Card = ""
	}
	return true
}

// Named gives each draft without an id one from newID: the id that its request will have.
func (c *Conversation) Named(newID func() string) {
	for i := range c.Drafts {
		if c.Drafts[i].ID == "" {
			c.Drafts[i].ID = newID()
		}
	}
}

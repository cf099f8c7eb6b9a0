package blocks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/slack-go/slack"
)

// Message is a message. Its text is a full sentence: screen readers read it, and
// notifications show it.
type Message struct {
	Text   string
	Blocks []slack.Block
}

// Fingerprint identifies what a message shows.
func (m Message) Fingerprint() string {
	data, err := json.Marshal(slack.Blocks{BlockSet: m.Blocks})
	if err != nil {
		data = nil // the blocks of this package always encode
	}
	sum := sha256.Sum256(append(data, m.Text...))
	return hex.EncodeToString(sum[:8])
}

// Options send the message.
func (m Message) Options() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionText(m.Text, false), slack.MsgOptionBlocks(m.Blocks...)}
}

// Ephemeral is an answer that only one person sees, without blocks.
func Ephemeral(text string) *slack.WebhookMessage {
	return &slack.WebhookMessage{ResponseType: slack.ResponseTypeEphemeral, Text: Cut(text, MaxMessageText)}
}

// Ephemeral is an answer that only one person sees.
func (m Message) Ephemeral() *slack.WebhookMessage {
	w := Ephemeral(m.Text)
	w.Blocks = &slack.Blocks{BlockSet: m.Blocks}
	return w
}

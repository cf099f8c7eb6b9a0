package lifecycle

import (
	"slices"
	"strings"
)

// MessageRefused begins the state of a message that Slack did not take, before Slack's code and a
// fingerprint of the text.
const MessageRefused = "refused:"

// Refused reports whether Slack did not take the message.
func (m Message) Refused() bool { return strings.HasPrefix(m.State, MessageRefused) }

// RetryMessages forgets what Slack refused, so that it is posted again.
func RetryMessages() Patch {
	return func(r Request) (Request, error) {
		r.Slack.Messages = slices.DeleteFunc(slices.Clone(r.Slack.Messages), Message.Refused)
		return r, nil
	}
}

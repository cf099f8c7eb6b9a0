package slackapp

import (
	"errors"
	"log/slog"

	"github.com/slack-go/slack"
)

// Keys of log lines.
const (
	keyError      = "error"
	keyConnection = "connection"
	keyEnvelope   = "envelope"
	keyKind       = "kind"
	keyRequest    = "request"
	keyCode       = "code"
	keyNeeded     = "needed"
	keyProvided   = "provided"
	keyPanic      = "panic"
	keyStack      = "stack"
	keyRole       = "role"
	keyChannel    = "channel"
)

// logRefusal logs what Slack refused, with the scope it wanted if that was it.
func logRefusal(log *slog.Logger, err error, what string, args ...any) {
	if e, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		args = append(args, keyCode, e.Err)
		if e.Needed != "" {
			args = append(args, keyNeeded, e.Needed, keyProvided, e.Provided)
		}
	}
	log.Error(what, append(args, keyError, err)...)
}

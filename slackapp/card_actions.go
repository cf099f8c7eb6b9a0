package slackapp

import "github.com/tfpilot/tfpilot/internal/lifecycle"

// A card in a channel has many readers, so it offers every action that the rules allow to
// anyone. A message with one reader, such as the requester's own card or the answer to show,
// offers only the actions of that person. A button gives no right: the click is checked again.

// offers reports whether an action is shown to the reader.
func (d drawing) offers(a lifecycle.Action) bool { return d.may == nil || d.may(a) }

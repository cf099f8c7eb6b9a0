// Package slackapp is TfPilot in Slack. It owns what comes in (the socket loop,
// commands, modals, buttons) and what goes out (the card, its thread, answers), and
// it is the only user of slack-go. It decides nothing: facts and status come from
// lifecycle, rights from rbac, the form from catalog. A click writes a wish into
// the document and rings the bell; the effect is the worker's.
package slackapp

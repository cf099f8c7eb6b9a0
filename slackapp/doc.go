// Package slackapp is TfPilot in Slack. It owns the input (the socket loop,
// commands, modals, buttons) and the output (the card, its thread, answers), and
// it is the only user of slack-go. It decides nothing: facts and status come from
// lifecycle, rights from rbac, the form from catalog. A click records an intent in
// the document and enqueues it; the worker carries it out.
package slackapp

// Package slackapp is TfPilot in Slack. It owns the input (the socket loop,
// commands, modals, buttons) and the output (the card, its thread, answers); with
// its package blocks, which builds Block Kit, it is the only user of slack-go. It
// decides nothing: facts and status come from lifecycle, rights and refusals from
// request, words from view, the form from catalog. A click records an intent in
// the document and enqueues it; the worker carries it out.
package slackapp

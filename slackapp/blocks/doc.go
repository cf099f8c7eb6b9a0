// Package blocks builds Block Kit: text, blocks, rich text, menus, modals and messages within
// Slack's limits. It knows nothing of requests.
//
// Text comes in three kinds, and each builder takes one of them. Literal text goes into plain_text
// or rich_text, where Slack finds no markup: everything that a person or a machine wrote belongs
// there. Mrkdwn holds only text of TfPilot itself, and what Escape, Link, Mention and Time return.
// Every builder cuts its text to the limit of its element, by runes, and writes invisible
// characters out, so that no text makes Slack refuse a message.
package blocks

// Package lifecycle is the core of TfPilot. It owns what a request is (facts
// only), how facts change (patches), what its status is (one function of the
// facts), what may be done next, which steps are due, and what the audit log
// records. It takes values and a time and returns values: no network, no
// disk, no context, no clock. Package rbac decides who may act, worker carries
// it out, and store keeps it.
package lifecycle

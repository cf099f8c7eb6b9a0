// Package lifecycle is the core of TfPilot. It owns what a request is (facts
// only), how facts change (patches), what its status is (one function of the
// facts), what may be done next, which steps are due, and what the audit log
// says about it. It takes values and a time and returns values: no network, no
// disk, no context, no clock. Who may do something is rbac's question, how it is
// done is the worker's, where it is kept is the store's.
package lifecycle

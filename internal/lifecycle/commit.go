package lifecycle

import (
	"bytes"
	"time"
)

// Patch is a pure change of facts. It may run again after a conflict, so it checks the request
// that it gets, never reverts a fact, and returns the request unchanged if there is nothing to
// do.
type Patch func(Request) (Request, error)

// Actor is the person or system behind a change.
type Actor struct {
	Login  string // GitHub login, or "tfpilot"
	Source string // slack, github, api, cli, webhook, sync, worker
}

// SourceGitHub is the source of what a person did on GitHub itself.
const SourceGitHub = "github"

// System is TfPilot itself.
func System(source string) Actor { return Actor{Login: "tfpilot", Source: source} }

// Commit applies a patch to a copy of before, recomputes dependent facts, appends the audit
// events and increments the version. changed is false if the patch changed nothing: then the
// caller writes nothing. The error is the patch's.
func Commit(before Request, p Patch, a Actor, now time.Time) (after Request, changed bool, err error) {
	old, err := Encode(before)
	if err != nil {
		return before, false, err
	}
	var copied Request
	if err := Decode(old, &copied); err != nil {
		return before, false, err
	}
	after, err = p(copied)
	if err != nil {
		return before, false, err
	}
	after.settle(now)
	after.Leaving = append(after.Leaving, leftQueue(before, after)...)
	fresh, err := Encode(after)
	if err != nil {
		return before, false, err
	}
	if bytes.Equal(old, fresh) {
		return before, false, nil
	}
	after.log(eventsBetween(before, after, a, now))
	after.Version++
	after.UpdatedAt = now
	return after, true, nil
}

// All combines patches into one that runs them in order.
func All(patches ...Patch) Patch {
	return func(r Request) (Request, error) {
		for _, p := range patches {
			var err error
			if r, err = p(r); err != nil {
				return r, err
			}
		}
		return r, nil
	}
}

// settle recomputes the facts that depend on others. It is the only writer of approval.approved:
// an approval counts only for its round, and a void one stays void.
func (r *Request) settle(now time.Time) {
	refusal := checkRound(*r)
	approved := false
	for i := range r.Approval.Approvers {
		a := &r.Approval.Approvers[i]
		if a.VoidedAt != nil {
			continue
		}
		switch {
		case refusal != nil:
			a.void(now, voidReasons[refusal.Code])
		case a.Purpose != r.Plan.Purpose || a.HeadSHA != r.Plan.SHA || a.Blob != r.Plan.Blob || a.PlanDigest != r.Plan.Digest:
			a.void(now, "a newer plan replaced the approved one")
		default:
			approved = true
		}
	}
	r.Approval.Approved = approved
}

func (a *Approver) void(now time.Time, reason string) {
	a.VoidedAt, a.VoidReason = &now, reason
}

var voidReasons = map[ReasonCode]string{
	CodePlanning:   "a new plan was started",
	CodeNoPlan:     "the plan is no longer available",
	CodeForeign:    "the branch was modified outside TfPilot",
	CodeMoved:      "the branch has a newer commit",
	CodeRetargeted: "the pull request targets another branch",
	CodeDismissed:  "the plan was dismissed",
}

// NewRequest holds the fields of a new request.
type NewRequest struct {
	ID            string // required: "req_" and 13 of [a-z0-9]
	Title         string // required
	Reason        string
	Requester     Person // required
	Project       string // required
	Environment   Environment
	Module        string // required
	CatalogDigest string
	Config        map[string]any
	Target        Target
}

// New makes the first version of a request, with its first audit event.
func New(n NewRequest, a Actor, now time.Time) Request {
	r := Request{
		Schema: Schema, ID: n.ID, Version: 1, CreatedAt: now, UpdatedAt: now, Title: n.Title, Reason: n.Reason,
		Requester: n.Requester, Authors: []string{n.Requester.Login}, Project: n.Project, Environment: n.Environment,
		Module: n.Module, CatalogDigest: n.CatalogDigest, Config: n.Config, Target: n.Target,
	}
	if n.Requester.GithubID != 0 {
		r.AuthorIDs = []int64{n.Requester.GithubID}
	}
	r.log(eventsBetween(Request{}, r, a, now))
	return r
}

package request

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tfpilot/tfpilot/internal/invisible"
	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/rbac"
	"github.com/tfpilot/tfpilot/internal/secretscan"
	"github.com/tfpilot/tfpilot/internal/store"
)

// Command is an action that a person takes on a request, of what they see.
type Command struct {
	ID     string // of the request
	Action lifecycle.Action
	Seen   Seen
	Answers
}

// Seen is what the person saw: it grants nothing and is compared with the facts.
type Seen struct {
	Purpose lifecycle.Purpose // of the plan; empty when it was not shown
	HeadSHA string
	Digest  string
	Intents string // that wait, from IntentsOf; empty when they were not shown
	Read    bool   // the window showed everything that is confirmed; of a plan, its last page was open
}

// SeenIn is the plan that a document holds, for a surface that shows no button and acts on what is stored.
func SeenIn(r lifecycle.Request) Seen {
	seen := Seen{Intents: IntentsOf(r)}
	if r.Plan != nil {
		seen.Purpose, seen.HeadSHA, seen.Digest = r.Plan.Purpose, r.Plan.SHA, r.Plan.Digest
	}
	return seen
}

// IntentsOf names the intents that wait, for an action that cancels them.
func IntentsOf(r lifecycle.Request) string {
	var names []string
	for _, w := range r.Wanted {
		names = append(names, string(w.What))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// Answers are what a person enters to confirm an action.
type Answers struct {
	Reason  string
	Confirm string // typed: the environment, or the digest of the plan
}

// MaxReason bounds a reason, in runes: it is shown on cards and in the pull request.
const MaxReason = 1000

// Act records an action: as an intent for a worker, or by the change itself when there is nothing to
// carry out. It returns the document as it then is.
func (s *Service) Act(ctx context.Context, c Caller, cmd Command) (store.Doc, error) {
	cmd.Reason, cmd.Confirm = strings.TrimSpace(cmd.Reason), strings.TrimSpace(cmd.Confirm)
	doc, row, refusal := s.judge(ctx, c, cmd, func(row lifecycle.ActionRow, r lifecycle.Request) *Refusal {
		if cmd.Action == lifecycle.ActionSync {
			return nil
		}
		env := s.environmentOf(r)
		return firstOf(
			func() *Refusal { return CheckAnswers(cmd.Action, cmd.Answers) },
			func() *Refusal { return stale(row, r, cmd.Seen) },
			func() *Refusal { return confirmed(row.ConfirmationIn(env.IsProtected()), row, r, env, cmd) },
		)
	})
	if refusal != nil {
		return doc, refusal
	}
	if cmd.Action == lifecycle.ActionSync {
		return s.syncRequest(ctx, c, doc)
	}
	typed := row.ConfirmationIn(s.environmentOf(doc.Request).IsProtected()) == lifecycle.ConfirmTyped
	intent := intentOf(c, row, cmd.Seen, cmd.Answers, typed)
	doc, err := s.Documents.Patch(ctx, doc, c.Actor(), s.ifAllowed(c, row, cmd, row.Patch(intent)))
	if err != nil {
		return doc, RefusalOf(err)
	}
	s.changed(ctx, doc)
	return doc, nil
}

// Check returns what Act would return before a person confirmed anything, and how the action
// is confirmed. It changes nothing.
func (s *Service) Check(ctx context.Context, c Caller, cmd Command) (lifecycle.Request, lifecycle.Confirmation, error) {
	doc, row, refusal := s.judge(ctx, c, cmd, func(row lifecycle.ActionRow, r lifecycle.Request) *Refusal {
		return stale(row, r, cmd.Seen)
	})
	if refusal != nil {
		return doc.Request, lifecycle.ConfirmNone, refusal
	}
	return doc.Request, row.ConfirmationIn(s.environmentOf(doc.Request).IsProtected()), nil
}

// judge refuses what the caller may not do, what cannot be done now, and what check refuses. A refusal
// is always about the stored document. A copy of it is enough to continue: it only opens a window, or the
// write proves that it was the stored one.
func (s *Service) judge(ctx context.Context, c Caller, cmd Command,
	check func(lifecycle.ActionRow, lifecycle.Request) *Refusal) (store.Doc, lifecycle.ActionRow, *Refusal) {
	row, known := cmd.Action.Row()
	if !known {
		return store.Doc{}, row, conflict(lifecycle.CodeUnknownAction, "This action is from another version of TfPilot, "+
			"and nothing was done. "+
			"The newest card of the request has current buttons.")
	}
	judged := func(doc store.Doc) *Refusal {
		return firstOf(
			func() *Refusal { return s.authorize(c, cmd.Action, doc) },
			func() *Refusal { return check(row, doc.Request) },
		)
	}
	if doc, ok := s.Documents.Cached(ctx, cmd.ID); ok && judged(doc) == nil {
		return doc, row, nil
	}
	doc, refusal := s.read(ctx, cmd.ID)
	if refusal == nil {
		refusal = judged(doc)
	}
	return doc, row, refusal
}

// authorize refuses what the caller may not do with this document, or what cannot be done now.
func (s *Service) authorize(c Caller, action lifecycle.Action, doc store.Doc) *Refusal {
	if refusal := s.allowOn(c, action, doc.Request); refusal != nil {
		return refusal
	}
	if doc.Archived {
		return archived()
	}
	if w := intentBy(doc.Request, action, c.Login); w != nil {
		return conflict(lifecycle.CodeAsked, "You already requested this. It is in progress. %s", lifecycle.FollowCard)
	}
	row, _ := action.Row()
	if refusal := row.Rule(doc.Request); refusal != nil {
		return conflict(refusal.Code, "%s", refusal.Text)
	}
	return nil
}

func (s *Service) allowOn(c Caller, action lifecycle.Action, r lifecycle.Request) *Refusal {
	return s.allow(c, rbac.VerbOf(action), rbac.ScopeOf(r, c.Subject(), s.environmentOf(r).Rules()))
}

// intentBy is the open intent of an action by a person: several people may approve at once.
func intentBy(r lifecycle.Request, action lifecycle.Action, login string) *lifecycle.Intent {
	for i := range r.Wanted {
		if w := &r.Wanted[i]; w.What == action && lifecycle.SameLogin(w.By, login) {
			return w
		}
	}
	return nil
}

// CheckAnswers finds what is wrong with what was entered, without a call to another system: nil, or faults at
// their fields.
func CheckAnswers(action lifecycle.Action, in Answers) *Refusal {
	row, _ := action.Row()
	reason := strings.TrimSpace(in.Reason)
	if row.NeedsReason() && reason == "" {
		const text = "Add a reason, so that the requester knows what to change."
		return &Refusal{
			Class: Invalid, Code: lifecycle.CodeInput, Text: text, Confirm: lifecycle.ConfirmReason,
			Faults: []Fault{{FieldReason, text}},
		}
	}
	return invalid(checkReason(reason)...)
}

// CheckReason refuses a reason that is too long, or holds a credential or an invisible character.
func CheckReason(reason string) *Refusal { return invalid(checkReason(reason)...) }

// checkReason bounds a reason, which is shown to many, and refuses a credential or an invisible
// character in it.
func checkReason(reason string) []Fault {
	if n := utf8.RuneCountInString(reason); n > MaxReason {
		return []Fault{faultf(FieldReason, "The reason has %d characters; the limit is %d.", n, MaxReason)}
	}
	if err := secretscan.CheckInput(reason, invisible.Lines); err != nil {
		return []Fault{faultf(FieldReason, "The reason %s.", err)}
	}
	return nil
}

// RefusalOf takes the error of a use case, or of a write, for a refusal; nil without an error.
func RefusalOf(err error) *Refusal {
	var refused *Refusal
	var refusal *lifecycle.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &refusal):
		return conflict(refusal.Code, "%s", refusal.Text)
	case errors.Is(err, store.ErrArchived):
		return archived()
	default:
		return unavailable(err)
	}
}

func firstOf(checks ...func() *Refusal) *Refusal {
	for _, check := range checks {
		if refusal := check(); refusal != nil {
			return refusal
		}
	}
	return nil
}

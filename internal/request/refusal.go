package request

import (
	"fmt"
	"strings"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
)

// Class is what a caller can do about a refusal. Surfaces turn it into an exit code or a status.
type Class int

// The classes.
const (
	Denied      Class = iota + 1 // the person may not; others may
	Missing                      // there is no such thing
	Conflict                     // the facts do not allow it now, or are not those that the person saw
	Invalid                      // something entered has to be corrected; Faults say what
	Unavailable                  // storage or queue cannot be reached
)

// Fields that a fault may name. The field of an input of the module is FieldInput and its name.
const (
	FieldReason      = "reason"
	FieldConfirm     = "confirm"
	FieldProject     = "project"
	FieldEnvironment = "environment"
	FieldModule      = "module"
	FieldInput       = "input."
	FieldTeam        = "team" // of Slack
	FieldUser        = "user" // of Slack
	FieldLogin       = "login"
	FieldGithubID    = "github-id"
	FieldFilter      = FieldInput + "filter"
	FieldAs          = "as" // whose rights count
)

// Refusal is why something was not done, in a full sentence for the person who tried it. The text is
// plain: a surface escapes it.
type Refusal struct {
	Class   Class
	Code    lifecycle.ReasonCode
	Text    string
	Faults  []Fault                // of an invalid input
	Confirm lifecycle.Confirmation // what was not confirmed as it has to be now
	cause   error
}

// Fault is what is wrong with one field.
type Fault struct {
	Field string
	Text  string
}

func (r *Refusal) Error() string { return r.Text }

// Unwrap is what went wrong outside, for logs.
func (r *Refusal) Unwrap() error { return r.cause }

// Input is the name of the module's input that a fault is about.
func (f Fault) Input() (name string, ok bool) { return strings.CutPrefix(f.Field, FieldInput) }

func denied(code lifecycle.ReasonCode, text string) *Refusal {
	return &Refusal{Class: Denied, Code: code, Text: text}
}

func conflict(code lifecycle.ReasonCode, format string, args ...any) *Refusal {
	return &Refusal{Class: Conflict, Code: code, Text: fmt.Sprintf(format, args...)}
}

// invalid is a refusal of what was entered; nil without faults.
func invalid(faults ...Fault) *Refusal {
	if len(faults) == 0 {
		return nil
	}
	texts := make([]string, 0, len(faults))
	for _, f := range faults {
		texts = append(texts, f.Text)
	}
	return &Refusal{Class: Invalid, Code: lifecycle.CodeInput, Text: strings.Join(texts, " "), Faults: faults}
}

// unconfirmed is a refusal because a confirmation is missing.
func unconfirmed(need lifecycle.Confirmation, format string, args ...any) *Refusal {
	text := fmt.Sprintf(format, args...)
	return &Refusal{
		Class: Invalid, Code: lifecycle.CodeUnconfirmed, Text: text, Confirm: need, Faults: []Fault{{FieldConfirm, text}},
	}
}

// Unreachable is the text for storage that does not answer.
const Unreachable = "TfPilot cannot reach its storage right now, so nothing was changed. " +
	"Try again in a minute."

// unavailable is a failure outside. Whether a write arrived may be unknown, so trying again has to be safe.
func unavailable(err error) *Refusal {
	return &Refusal{
		Class: Unavailable, Code: lifecycle.CodeUnavailable, cause: err,
		Text: Unreachable,
	}
}

func notFound(id string) *Refusal {
	return &Refusal{Class: Missing, Code: lifecycle.CodeNotFound, Text: fmt.Sprintf("Request %.40q not found.", id)}
}

func archived() *Refusal {
	return conflict(lifecycle.CodeArchived, "This request is archived and read-only.")
}

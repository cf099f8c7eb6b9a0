package lifecycle

import (
	"encoding/json"
	"time"
)

// Derived is what a document implies at a time; tfpilot derive prints it.
type Derived struct {
	Status  Status  `json:"status"`
	Actions []Offer `json:"actions"`
	Next    []Step  `json:"next"`
}

// Derive reads a document, or what `requests show --json` or `requests export` print, and derives the rest.
func Derive(data []byte, now time.Time) (Derived, error) {
	document, archived := unwrapped(data)
	var r Request
	if err := Decode(document, &r); err != nil {
		return Derived{}, err
	}
	if archived && r.ArchivedAt == nil {
		r.ArchivedAt = &r.UpdatedAt
	}
	d := Derived{DeriveLifecycleStatus(r, now), Actions(r, now), Next(r, EnvironmentState{}, now)}
	if d.Next == nil {
		d.Next = []Step{}
	}
	return d, nil
}

// unwrapped extracts the document from the output of `requests show --json` or `requests export`.
// Decoded as a document, that output would have no facts. The output also reports whether the
// request is archived: documents that were archived before 2026-11-30 do not.
func unwrapped(data []byte) (document []byte, archived bool) {
	var printed struct {
		Request  json.RawMessage `json:"request"`
		Archived bool            `json:"archived"`
	}
	if err := json.Unmarshal(data, &printed); err == nil && len(printed.Request) > 0 {
		return printed.Request, printed.Archived
	}
	return data, false
}

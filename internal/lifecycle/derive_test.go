package lifecycle

import (
	"slices"
	"testing"
	"time"
)

// TestNothingIsDueInTheArchive: an archived document reports it; one that was archived earlier only in what requests show prints.
func TestNothingIsDueInTheArchive(t *testing.T) {
	const facts = `"id":"req_abcdefghij012","mergedSha":"m","pr":{"number":1,"merged":true},"cleanup":{"mergedAt":"2026-03-01T12:00:00Z","conclusion":"success","status":"completed","resultRead":true},"runs":{"destroy":{"currentAttempt":1,"attempts":[{"attempt":1,"correlationId":"destroy-1","runId":5,"status":"completed","conclusion":"success","completedAt":"2026-03-01T11:00:00Z","released":true,"resultRead":true}]}}}`
	for name, row := range map[string]struct {
		in       string
		archived bool
	}{
		"document":          {`{` + facts, false},
		"archived document": {`{"archivedAt":"2026-03-01T12:00:10Z",` + facts, true},
		"shown":             {`{"archived":false,"request":{` + facts + `}`, false},
		"shown, archived":   {`{"archived":true,"request":{` + facts + `}`, true},
	} {
		got, err := Derive([]byte(row.in), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
		nothing := len(got.Actions) == 0 && len(got.Next) == 0
		due := slices.ContainsFunc(got.Actions, func(o Offer) bool { return o.Action == ActionSync }) && slices.ContainsFunc(got.Next, func(s Step) bool { return s.Name == StepArchive })
		if err != nil || got.Status != StatusDestroyed || nothing != row.archived || due == row.archived {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

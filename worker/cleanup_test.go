package worker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/tfpilot/tfpilot/internal/lifecycle"
	"github.com/tfpilot/tfpilot/internal/store"
)

// A document in the history is written no more, so what was not said before is never
// said.
func TestTheHistoryWaitsForTheLastWord(t *testing.T) {
	card := lifecycle.Message{Role: lifecycle.RoleCard, TS: "1.0"}
	reply := func(topic, ts string) lifecycle.Message {
		return lifecycle.Message{Role: lifecycle.RoleThread, Topic: topic, TS: ts}
	}
	for _, row := range []struct {
		name     string
		after    time.Duration
		messages []lifecycle.Message
		want     bool
	}{
		{"no card", 0, nil, true},
		{"a card that could not be posted", 0, []lifecycle.Message{{Role: lifecycle.RoleCard, State: "refused"}}, true},
		{"a card without its last reply", time.Minute, []lifecycle.Message{card, reply("applied:1", "1.1")}, false},
		{"a last reply that may not have arrived", time.Minute, []lifecycle.Message{card, reply("destroyed:1", "")}, false},
		{"a last reply", time.Minute, []lifecycle.Message{card, reply("destroyed:1", "1.2")}, true},
		{"Slack away for long", time.Hour, []lifecycle.Message{card}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := time.Now().UTC()
				r := lifecycle.Request{Cleanup: &lifecycle.Cleanup{MergedAt: &ended}}
				r.Slack.Messages = row.messages
				time.Sleep(row.after)
				if got := (&job{doc: store.Doc{Request: r}}).lastWordPosted(); got != row.want {
					t.Errorf("got %v, want %v", got, row.want)
				}
			})
		})
	}
}

package intake

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConversationSurvivesItsStorage(t *testing.T) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	c := Conversation{Card: "1.000001", Turns: 2, Drafts: []Draft{{
		ID: "req_1", Project: "core", Environment: "dev/app", Module: "s3-bucket", Words: "x",
		Inputs:  map[string]any{"expire_days": json.Number("30"), "tags": map[string]any{"a": "b"}, "force_destroy": true},
		Unclear: []Unclear{{Field: "name", Text: "why", Suggest: "x"}},
	}}}
	c.Hear(Message{"1.000002", "hello"})
	data, err := c.Encode(now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadConversation(data, now.Add(ConversationLife))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Drafts, got.Drafts); diff != "" || got.Drafts[0].Hash() != c.Drafts[0].Hash() {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Words() != "hello" || got.Card != c.Card || got.Turns != 2 {
		t.Errorf("%+v", got)
	}
	if again, err := c.Encode(now); err != nil || string(again) == string(data) {
		t.Error("two writes have the same bytes")
	}
	late, err := ReadConversation(data, now.Add(ConversationLife+time.Second))
	if err != nil || len(late.Drafts) > 0 || late.Hear(Message{"1.000002", "hello"}) {
		t.Errorf("%+v %v", late, err)
	}
	if _, err := ReadConversation([]byte(`{"schema":2}`), now); err == nil {
		t.Error("a newer schema was read")
	}
}

func TestMessagesAreTakenOnceAndBounded(t *testing.T) {
	var c Conversation
	if !c.Hear(Message{"1", " a bucket "}) || c.Hear(Message{"1", "a bucket"}) || c.Words() != "a bucket" {
		t.Errorf("%+v", c)
	}
	for i := range 200 {
		c.Hear(Message{fmt.Sprint(i + 2), strings.Repeat("x", 3*maxWords)})
	}
	if len(c.Seen) != maxSeen || len(c.Waiting) != maxWaiting || len([]rune(c.Words())) > maxWords {
		t.Errorf("%d seen, %d waiting", len(c.Seen), len(c.Waiting))
	}
	if c.Hear(Message{"201", "x"}) {
		t.Error("the newest message was taken twice")
	}
}

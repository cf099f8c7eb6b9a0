package demo

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const cardBlocks = `[
	{"type":"header","text":{"type":"plain_text","text":"S3 bucket x in core dev/app"}},
	{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
		{"type":"emoji","name":"mag"},{"type":"text","text":" "},{"type":"text","text":"Plan ready"},{"type":"text","text":" · It waits."}]}]},
	{"type":"rich_text","elements":[
		{"type":"rich_text_section","elements":[{"type":"user","user_id":"U1"},{"type":"link","url":"https://a/acme/infra/pull/7","text":"#7"}]},
		{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"two"}]}]},
		{"type":"rich_text_preformatted","elements":[{"type":"text","text":"Error: no"}]}]},
	{"type":"section","text":{"type":"mrkdwn","text":"row"},"fields":[{"type":"mrkdwn","text":"*Requested by*"}],
		"accessory":{"type":"button","action_id":"show","value":"r","text":{"type":"plain_text","text":"Show"}}},
	{"type":"actions","block_id":"do","elements":[
		{"type":"button","action_id":"do.approve","value":"v1","text":{"type":"plain_text","text":"Approve"}},
		{"type":"button","action_id":"do.reject","value":"v2","text":{"type":"plain_text","text":"Reject"}}]},
	{"type":"context","elements":[{"type":"mrkdwn","text":"<https://a/acme/infra/pull/8|Pull request #8>"},{"type":"mrkdwn","text":"req_0123456789abc"}]}
]`

func blocksOf(t *testing.T, text string) []block {
	t.Helper()
	var blocks []block
	if err := json.Unmarshal([]byte(text), &blocks); err != nil {
		t.Fatal(err)
	}
	return blocks
}

func TestReadReturnsVisibleText(t *testing.T) {
	m := message{Text: "not this", Blocks: blocksOf(t, cardBlocks)}
	want := strings.Join([]string{
		"S3 bucket x in core dev/app", ":mag: Plan ready · It waits.", "<@U1>#7", "• one", "• two", "Error: no",
		"row", "*Requested by*", "[Show]", "[Approve] [Reject]",
		"<https://a/acme/infra/pull/8|Pull request #8>  req_0123456789abc",
	}, "\n")
	if got := m.read(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := (message{Text: "only text"}).read(); got != "only text" {
		t.Errorf("got %q", got)
	}
}

func TestControlsAreFoundByTheirLabel(t *testing.T) {
	blocks := append(blocksOf(t, cardBlocks),
		blocksOf(
			t, `[{"type":"input","block_id":"b","label":{"text":"Bucket name"},"element":{"type":"plain_text_input","action_id":"field.name"}}]`)...)
	for _, row := range []struct{ label, field, value string }{
		{"Approve", "do.do.approve", "v1"}, {"Reject", "do.do.reject", "v2"}, {"Show", ".show", "r"},
		{"Bucket name", "b.field.name", ""},
	} {
		c, err := find(blocks, row.label)
		if err != nil || c.field() != row.field || c.value != row.value {
			t.Errorf("%s: got %+v, %v", row.label, c, err)
		}
	}
	if _, err := find(blocks, "Merge"); err == nil || !strings.Contains(err.Error(), "“Approve”, “Reject”") {
		t.Errorf("a missing control: got %v, want what is there instead", err)
	}
}

func TestFollowFindsThePullRequest(t *testing.T) {
	r := &request{}
	if err := r.follow(message{Blocks: blocksOf(t, cardBlocks)}); err != nil || r.repo != "acme/infra" ||
		r.pull != 7 && r.pull != 8 {
		t.Errorf("got %s #%d, %v", r.repo, r.pull, err)
	}
	var no *unseen
	if err := (&request{}).follow(message{Text: "nothing"}); !errors.As(err, &no) {
		t.Errorf("got %v, want what was not seen", err)
	}
}

func TestValueOfAField(t *testing.T) {
	v := view{Values: map[string]map[string]map[string]any{"b": {
		"text":   {"value": "45"},
		"choice": {"selected_option": map[string]any{"value": "core", "text": map[string]any{"text": "Core"}}},
	}}}
	for action, want := range map[string]string{"text": "45", "choice": "Core", "none": ""} {
		if got := v.value(control{block: "b", action: action}); got != want {
			t.Errorf("%s: got %q, want %q", action, got, want)
		}
	}
}

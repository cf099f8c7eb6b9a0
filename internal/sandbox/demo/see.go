package demo

import (
	"fmt"
	"strings"
)

// workspace is what one person sees in Slack.
type workspace struct {
	Sockets  int // number of connections of the app
	Channels []slackChannel
	Views    []view // the top one last
}

// topLevel returns the positions of the messages that the app posted outside threads.
func (w workspace) topLevel() map[string]bool {
	all := map[string]bool{}
	for _, c := range w.Channels {
		for _, m := range c.Messages {
			if m.Bot {
				all[c.ID+" "+m.TS] = true
			}
		}
	}
	return all
}

type slackChannel struct {
	ID, Name, Kind string
	Messages       []message
	Ephemerals     []message
}

type message struct {
	TS, Channel, Thread, Text string
	Bot, Deleted              bool
	Edits                     int
	Blocks                    []block
	Replies                   []message
	Files                     []struct{ Title string }
}

type view struct {
	ID     string
	Title  block
	Submit block
	Note   string
	Blocks []block
	Values map[string]map[string]map[string]any
	Errors map[string]string
}

type block = map[string]any

// read returns all text that a person reads in a message.
func (m message) read() string {
	text := m.Text
	if len(m.Blocks) > 0 {
		text = readAll(m.Blocks)
	}
	for _, f := range m.Files {
		text += "\n[" + f.Title + "]"
	}
	return strings.TrimSpace(text)
}

func (v view) read() string {
	return strings.TrimSpace(textOf(v.Title) + "\n" + readAll(v.Blocks))
}

func readAll(blocks []block) string {
	var lines []string
	for _, b := range blocks {
		if line := strings.TrimSpace(readBlock(b)); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func readBlock(b block) string {
	switch b["type"] {
	case "header", "section":
		parts := []string{textOf(b["text"])}
		for _, f := range list(b["fields"]) {
			parts = append(parts, textOf(f))
		}
		return strings.Join(append(parts, labelOf(b["accessory"])), "\n")
	case "context":
		return joined(b["elements"], "  ", textOf)
	case "actions":
		return joined(b["elements"], " ", labelOf)
	case "input":
		return textOf(b["label"]) + ": …"
	case "rich_text":
		return joined(b["elements"], "\n", readRich)
	}
	return ""
}

func readRich(v any) string {
	e := asBlock(v)
	switch e["type"] {
	case "text":
		return str(e["text"])
	case "link":
		return str(e["text"])
	case "emoji":
		return ":" + str(e["name"]) + ":"
	case "user":
		return "<@" + str(e["user_id"]) + ">"
	case "date":
		return str(e["fallback"])
	case "rich_text_list":
		return "• " + joined(e["elements"], "\n• ", readRich)
	}
	return joined(e["elements"], "", readRich)
}

func joined(v any, with string, read func(any) string) string {
	var parts []string
	for _, e := range list(v) {
		parts = append(parts, read(e))
	}
	return strings.Join(parts, with)
}

// labelOf returns the label of a control.
func labelOf(v any) string {
	if e := asBlock(v); e["type"] == "button" {
		return "[" + textOf(e["text"]) + "]"
	}
	return ""
}

// textOf returns the text of a text object.
func textOf(v any) string { return str(asBlock(v)["text"]) }

func asBlock(v any) block {
	b, _ := v.(map[string]any)
	return b
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// control is a button, menu or field under the label that a person sees.
type control struct {
	label, kind          string
	block, action, value string
}

// field is the name of the control's value in a submission.
func (c control) field() string { return c.block + "." + c.action }

func controls(blocks []block) []control {
	var all []control
	add := func(label string, b block, e block) {
		all = append(all, control{label: label, kind: str(e["type"]), block: str(b["block_id"]),
			action: str(e["action_id"]), value: str(e["value"])})
	}
	for _, b := range blocks {
		switch b["type"] {
		case "input":
			add(textOf(b["label"]), b, asBlock(b["element"]))
		case "actions":
			for _, e := range list(b["elements"]) {
				add(textOf(asBlock(e)["text"]), b, asBlock(e))
			}
		case "section":
			if e := asBlock(b["accessory"]); e != nil {
				add(textOf(e["text"]), b, e)
			}
		}
	}
	return all
}

// find returns the one control with this label. Some messages repeat one for each row.
func find(blocks []block, label string) (control, error) {
	var labels []string
	for _, c := range controls(blocks) {
		if c.label == label {
			return c, nil
		}
		labels = append(labels, c.label)
	}
	return control{}, notSeen(fmt.Sprintf("a control “%s”", label),
		"only “"+strings.Join(labels, "”, “")+"” in:\n"+readAll(blocks))
}

func has(blocks []block, label string) bool {
	_, err := find(blocks, label)
	return err == nil
}

// value returns the text of a field of the form.
func (v view) value(c control) string {
	state := v.Values[c.block][c.action]
	if o := asBlock(state["selected_option"]); o != nil {
		return textOf(o["text"])
	}
	return str(state["value"])
}

// containsAll reports whether a text contains all words.
func containsAll(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

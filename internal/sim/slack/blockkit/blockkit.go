// Package blockkit checks messages, views and menu answers against Slack's rules for Block Kit: where
// blocks and elements are allowed, the length of texts, the number of elements, and what must be
// unique.
//
// It owns the limits and nothing else: it renders nothing, changes nothing and knows no product. Where
// Slack's own pages differ, it uses the stricter rule, so that all of them accept what passes here.
package blockkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Limits that callers need outside a check.
const (
	MaxMessageBlocks   = 50
	MaxViewBlocks      = 100
	MaxViewBytes       = 250_000
	MaxPrivateMetadata = 3000
	MaxOptions         = 100
)

// Problem is one violation: the position as a JSON pointer, and the message in Slack's words.
type Problem struct {
	Pointer string
	Text    string
}

// String formats the problem as Slack does in its answers.
func (p Problem) String() string {
	return p.Text + " [json-pointer:" + p.Pointer + "]"
}

type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

// checker collects problems, and what must be unique or counted in a whole document.
type checker struct {
	on        surface
	problems  []Problem
	blockIDs  map[string]bool
	actionIDs map[string]bool // of the current block
	inputs    int
	focused   int
}

// check checks one decoded JSON value; at is its pointer.
type check func(c *checker, at string, v any)

func newChecker(on surface) *checker {
	return &checker{on: on, blockIDs: map[string]bool{}, actionIDs: map[string]bool{}}
}

func (c *checker) problem(at, format string, args ...any) {
	c.problems = append(c.problems, Problem{Pointer: at, Text: fmt.Sprintf(format, args...)})
}

// Message checks the blocks array of a message.
func Message(blocks []byte) []Problem {
	v, err := decode(blocks)
	if err != nil {
		return []Problem{{Pointer: "/blocks", Text: "must be valid json"}}
	}
	c := newChecker(onMessage)
	list(0, MaxMessageBlocks, block)(c, "/blocks", v)
	c.total("/blocks")
	return c.problems
}

// View checks a modal or a Home view.
func View(view []byte) []Problem {
	v, err := decode(view)
	if err != nil {
		return []Problem{{Pointer: "/view", Text: "must be valid json"}}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return []Problem{{Pointer: "/view", Text: "must provide an object"}}
	}
	c := newChecker(onModal)
	if m["type"] == string(onHome) {
		c.on = onHome
		homeView(c, "/view", m)
	} else {
		modalView(c, "/view", m)
		c.needsSubmit(m)
	}
	if len(view) > MaxViewBytes {
		c.problem("/view", "must be smaller than %d bytes", MaxViewBytes+1)
	}
	c.total("/view")
	return c.problems
}

// Options checks the answer to a block_suggestion.
func Options(answer []byte) []Problem {
	v, err := decode(answer)
	if err != nil {
		return []Problem{{Pointer: "", Text: "must be valid json"}}
	}
	c := newChecker(onModal)
	m, ok := v.(map[string]any)
	if !ok {
		return []Problem{{Pointer: "", Text: "must provide an object"}}
	}
	_, flat := m["options"]
	_, grouped := m["option_groups"]
	if flat == grouped {
		c.problem("", "must provide either options or option_groups")
		return c.problems
	}
	object(
		optional("options", list(0, MaxOptions, optionObject(plainText))),
		optional("option_groups", list(0, MaxOptions, optionGroup)),
	)(c, "", v)
	return c.problems
}

// total checks rules for the whole document.
func (c *checker) total(at string) {
	if c.focused > 1 {
		c.problem(at, "only one element may be focused on load")
	}
}

func (c *checker) needsSubmit(view map[string]any) {
	if c.inputs > 0 && view["submit"] == nil {
		c.problem("/view", "missing required field: submit: it is required when an input block is within the blocks array")
	}
}

func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return v, nil
}

func index(at string, i int) string { return at + "/" + strconv.Itoa(i) }

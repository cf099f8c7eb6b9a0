// Package blockkit checks messages, views and menu answers against the rules
// that Slack enforces on Block Kit: which blocks and elements may stand where,
// how long texts may be, how many of a thing there may be, what must be unique.
//
// It owns the limits and nothing else: it renders nothing, changes nothing and
// knows no product. Where Slack's own pages disagree, the stricter reading is
// taken, so that what passes here is accepted by every of them.
package blockkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// Limits that callers also need outside of a check.
const (
	MaxMessageBlocks   = 50
	MaxViewBlocks      = 100
	MaxViewBytes       = 250_000
	MaxPrivateMetadata = 3000
	MaxOptions         = 100
)

// Problem is one broken rule: where, as a JSON pointer, and what, in Slack's wording.
type Problem struct {
	Pointer string
	Text    string
}

// String gives the problem the way Slack lists it in its answers.
func (p Problem) String() string {
	return p.Text + " [json-pointer:" + p.Pointer + "]"
}

type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

// checker collects problems and what must be unique or counted across a whole document.
type checker struct {
	on        surface
	problems  []Problem
	blockIDs  map[string]bool
	actionIDs map[string]bool // of the block in hand
	inputs    int
	tables    int
	markdown  int
	focused   int
}

// check looks at one decoded JSON value; at is its pointer.
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

// total checks what only the whole document shows.
func (c *checker) total(at string) {
	if c.tables > 1 {
		c.problem(at, "only one table is allowed per message")
	}
	if c.markdown > maxMarkdown {
		c.problem(at, "markdown text must be less than %d characters in total", maxMarkdown+1)
	}
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

package blockkit

import "slices"

const (
	maxText      = 3000
	maxFieldText = 2000
	maxLabel     = 2000
	maxHeader    = 150
	maxViewLabel = 24
)

// blockKind is a type of block: its schema and the surfaces that allow it.
type blockKind struct {
	check check
	on    []surface
}

var (
	everywhere   = []surface{onMessage, onModal, onHome}
	inViews      = []surface{onModal, onHome}
	blockIDField = optional("block_id", anything) // its rules are in blockID
)

// blockKinds holds the blocks that TfPilot sends. Slack has more: add one with the code that sends it.
var blockKinds = map[string]blockKind{
	"section": {all(object(blockIDField, optional("text", either(maxText)),
		optional("fields", list(1, 10, either(maxFieldText))),
		optional("accessory", elementOf(inSection)), optional("expand", boolean)), hasContent), everywhere},
	"divider": {object(blockIDField), everywhere},
	"header": {object(blockIDField, required("text", plainText(maxHeader)),
		optional("level", numberBetween(1, 4))), everywhere},
	"context": {object(blockIDField, required("elements", list(1, 10, either(maxText)))), everywhere},
	"actions": {object(blockIDField, required("elements", list(1, 25, elementOf(inActions)))), everywhere},
	"input": {object(blockIDField, required("label", plainText(maxLabel)), required("element", elementOf(inInput)),
		optional("hint", plainText(maxLabel)), optional("optional", boolean), optional("dispatch_action", boolean)),
		inViews},
	"rich_text": {object(blockIDField, required("elements", list(1, maxText, richElement))), everywhere},
}

var (
	modalView = object(
		required("title", plainText(maxViewLabel)), required("blocks", list(0, MaxViewBlocks, block)),
		optional("submit", plainText(maxViewLabel)), optional("close", plainText(maxViewLabel)),
		optional("private_metadata", str(0, MaxPrivateMetadata)), optional("callback_id", str(0, maxID)),
		optional("external_id", str(0, maxID)), optional("clear_on_close", boolean),
		optional("notify_on_close", boolean), viewType)

	homeView = object(required("blocks", list(0, MaxViewBlocks, block)),
		optional("private_metadata", str(0, MaxPrivateMetadata)), optional("callback_id", str(0, maxID)),
		optional("external_id", str(0, maxID)), viewType)

	viewType = required("type", enum(string(onModal), string(onHome)))
)

// block checks one block of any kind.
func block(c *checker, at string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.problem(at, "must provide an object")
		return
	}
	name, _ := m["type"].(string)
	k, known := blockKinds[name]
	if !known || !slices.Contains(k.on, c.on) {
		c.problem(at+"/type", "unsupported type: %s", name)
		return
	}
	c.blockID(at, m)
	c.actionIDs = map[string]bool{}
	if name == "input" {
		c.inputs++
	}
	k.check(c, at, v)
}

func (c *checker) blockID(at string, m map[string]any) {
	if m["block_id"] == nil {
		return
	}
	str(0, maxID)(c, at+"/block_id", m["block_id"])
	id, _ := m["block_id"].(string)
	if id == "" {
		return
	}
	if c.blockIDs[id] {
		c.problem(at+"/block_id", "block_id %q already exists in this document", id)
	}
	c.blockIDs[id] = true
}

func hasContent(c *checker, at string, v any) {
	m, _ := v.(map[string]any)
	if m["text"] == nil && m["fields"] == nil {
		c.problem(at, "missing required field: text or fields")
	}
}

package blockkit

import (
	"slices"
	"unicode/utf8"
)

const (
	maxText        = 3000
	maxFieldText   = 2000
	maxLabel       = 2000
	maxHeader      = 150
	maxMarkdown    = 12_000
	maxTableText   = 10_000
	maxTableRows   = 100
	maxTableCols   = 20
	maxViewLabel   = 24
	maxPlanTasks   = 50
	maxTaskTitle   = 255
	maxDescription = 2000
)

// blockKind is a type of block: its schema and the surfaces that allow it.
type blockKind struct {
	check check
	on    []surface
}

var (
	everywhere   = []surface{onMessage, onModal, onHome}
	inViews      = []surface{onModal, onHome}
	inMessages   = []surface{onMessage}
	inModals     = []surface{onModal}
	blockIDField = optional("block_id", anything) // its rules are in blockID
)

var blockKinds map[string]blockKind

// init fills it, since containers contain blocks.
func init() {
	blockKinds = map[string]blockKind{
		"section": {all(object(blockIDField, optional("text", either(maxText)),
			optional("fields", list(1, 10, either(maxFieldText))),
			optional("accessory", elementOf(inSection)), optional("expand", boolean)), hasContent), everywhere},
		"divider": {object(blockIDField), everywhere},
		"header": {object(blockIDField, required("text", plainText(maxHeader)),
			optional("level", numberBetween(1, 4))), everywhere},
		"image": {all(object(blockIDField, optional("image_url", webLink), optional("slack_file", slackFile),
			required("alt_text", str(1, maxAltText)), optional("title", plainText(maxAltText))),
			oneSource("image_url", "slack_file")), everywhere},
		"context": {object(blockIDField, required("elements", list(1, 10, contextElement))), everywhere},
		"actions": {object(blockIDField, required("elements", list(1, 25, elementOf(inActions)))), everywhere},
		"context_actions": {object(blockIDField,
			required("elements", list(1, 5, elementOf(inContextActions)))), inMessages},
		"input": {object(blockIDField, required("label", plainText(maxLabel)), required("element", elementOf(inInput)),
			optional("hint", plainText(maxLabel)), optional("optional", boolean), optional("dispatch_action", boolean)),
			inViews},
		"rich_text": {object(blockIDField, required("elements", list(1, maxText, richElement))), everywhere},
		"markdown":  {object(blockIDField, required("text", markdownText)), inMessages},
		"table": {object(blockIDField, required("rows", tableRows),
			optional("column_settings", list(0, maxTableCols, anything))), inMessages},
		"plan": {object(blockIDField, required("title", str(1, maxTaskTitle)),
			optional("tasks", list(0, maxPlanTasks, task))), inMessages},
		"task_card": {task, inMessages},
		"alert": {object(blockIDField, required("text", either(maxText)),
			optional("level", enum("default", "info", "warning", "error", "success"))), inModals},
	}
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

	task = object(blockIDField, required("task_id", str(1, maxID)), required("title", str(1, maxTaskTitle)),
		optional("status", enum("pending", "in_progress", "complete", "error")),
		optional("details", richText), optional("output", richText), optional("hide_title", boolean),
		optional("sources", list(0, 100, object(required("url", webLink), required("text", str(1, maxDescription))))))
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
	switch name {
	case "table":
		c.tables++
	case "input":
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

func contextElement(c *checker, at string, v any) {
	m, _ := v.(map[string]any)
	if m["type"] == "image" {
		elements["image"](c, at, v)
		return
	}
	either(maxText)(c, at, v)
}

func markdownText(c *checker, at string, v any) {
	str(1, 1<<20)(c, at, v) // the limit applies to the whole message
	s, _ := v.(string)
	c.markdown += utf8.RuneCountInString(s)
}

func tableRows(c *checker, at string, v any) {
	total := 0
	list(1, maxTableRows, list(1, maxTableCols, cell(&total)))(c, at, v)
	if total > maxTableText {
		c.problem(at, "table text must be less than %d characters in total", maxTableText+1)
	}
}

// cell adds the characters of one table cell to total; null is an empty cell.
func cell(total *int) check {
	return func(c *checker, at string, v any) {
		m, ok := v.(map[string]any)
		switch {
		case v == nil:
		case !ok:
			c.problem(at, "must provide an object")
		case m["type"] == "raw_text":
			object(required("text", str(1, maxTableText)))(c, at, v)
			s, _ := m["text"].(string)
			*total += utf8.RuneCountInString(s)
		case m["type"] == "raw_number":
			object(required("value", anything), optional("text", str(1, maxTableText)))(c, at, v)
		case m["type"] == "rich_text":
			richText(c, at, v)
		default:
			c.problem(at+"/type", "unsupported type: %v", m["type"])
		}
	}
}
